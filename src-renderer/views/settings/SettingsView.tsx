import { clsx } from "clsx";
import { LANGUAGES } from "../../i18n/index.js";
import { tellError } from "../../state/app.js";
import { changeSettings, useSettings, useSpeech } from "../../state/settings.js";

export function SettingsView() {
  const { t, bytes } = useSpeech();
  const { settings, info } = useSettings();
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto max-w-2xl px-6 py-5">
        <h1 className="mb-5 text-lg font-semibold tracking-tight">{t("settings.title")}</h1>
        <Segments
          title={t("settings.theme")}
          value={settings.theme}
          options={(["system", "light", "dark"] as const).map((value) => [value, t(`settings.theme.${value}`)])}
          onChange={(theme) => changeSettings({ theme }).catch(tellError)}
        />
        <Segments
          title={t("settings.language")}
          value={settings.language}
          options={[
            ["system", t("settings.language.system")],
            ["en", LANGUAGES.en.name],
            ["fr", LANGUAGES.fr.name],
          ]}
          onChange={(language) => changeSettings({ language }).catch(tellError)}
        />
        {info && (
          <section className="mt-8 border-t border-line pt-5">
            <h2 className="mb-3 font-semibold">{t("settings.about")}</h2>
            <dl className="grid grid-cols-[9rem_1fr] gap-y-2">
              <dt className="text-muted">{t("settings.version")}</dt>
              <dd className="tabular">Verger {info.version}</dd>
              <dt className="text-muted">{t("settings.machine")}</dt>
              <dd>
                {t("settings.machineText", {
                  platform: info.platform,
                  count: info.processors,
                  memory: bytes(info.memoryBytes),
                })}
              </dd>
              <dt className="text-muted">{t("settings.models")}</dt>
              <dd>
                <ul>
                  {info.models
                    .filter(({ usable }) => usable)
                    .map(({ name, description }) => (
                      <li key={name} className="mb-1">
                        <span className="font-medium">{name}</span>
                        <span className="block text-muted">{description}</span>
                      </li>
                    ))}
                </ul>
              </dd>
            </dl>
          </section>
        )}
      </div>
    </div>
  );
}

function Segments<T extends string>({
  title,
  value,
  options,
  onChange,
}: {
  title: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}) {
  return (
    <fieldset className="mb-5">
      <legend className="mb-1.5 font-medium">{title}</legend>
      <div className="inline-flex rounded-lg border border-line bg-sunken p-0.5">
        {options.map(([option, name]) => (
          <label
            key={option}
            className={clsx(
              "inline-flex h-7 cursor-pointer items-center rounded-md px-3 font-medium has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
              option === value ? "bg-raised text-ink shadow-sm ring-1 ring-line" : "text-muted hover:text-ink",
            )}
          >
            <input
              type="radio"
              name={title}
              className="sr-only"
              checked={option === value}
              onChange={() => onChange(option)}
            />
            {name}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
