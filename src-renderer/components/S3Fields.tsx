import { useSpeech } from "../state/settings.js";
import { TextField } from "./Field.js";
import type { S3Choice } from "./s3-choice.js";

/** Profile, region and endpoint; never a secret. */
export function S3Fields({ value, onChange }: { value: S3Choice; onChange: (value: S3Choice) => void }) {
  const { t } = useSpeech();
  const fields = [
    ["profile", "default"],
    ["region", "eu-west-3"],
    ["endpoint", "https://s3.example.org"],
  ] as const;
  return (
    <fieldset>
      <legend className="font-medium">{t("s3.title")}</legend>
      <p className="mt-0.5 mb-2 text-muted">{t("s3.credentials")}</p>
      <div className="grid gap-3 sm:grid-cols-3">
        {fields.map(([name, placeholder]) => (
          <TextField
            key={name}
            id={`s3-${name}`}
            label={t(`s3.${name}`)}
            value={value[name]}
            onChange={(text) => onChange({ ...value, [name]: text })}
            placeholder={placeholder}
          />
        ))}
      </div>
    </fieldset>
  );
}
