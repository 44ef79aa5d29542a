import { clsx } from "clsx";
import { writePlace } from "../../app/link.js";
import { LANGUAGES } from "../../i18n/index.js";
import { tellError } from "../../state/app.js";
import { changeSettings, useSettings, useSpeech } from "../../state/settings.js";

export function SettingsView() {
  const { t } = useSpeech();
  const settings = useSettings((state) => state.settings);
  return (
    <div className="relative h-full overflow-y-auto">
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
        <p className="mt-8 border-t border-line pt-5">
          <a href={writePlace({ view: "about" })} className="rounded font-medium text-accent hover:underline">
            {t("settings.about")}
          </a>
          <span className="block text-muted">{t("settings.aboutText")}</span>
        </p>
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
