import type { RequestOf } from "../../src-main/api/channels.js";
import { useSpeech } from "../state/settings.js";
import { Field, TextInput } from "./Field.js";

/** How a bucket is reached; what is left empty comes from the AWS environment and profile files. */
export interface S3Choice {
  readonly profile: string;
  readonly region: string;
  readonly endpoint: string;
}

export const NO_S3: S3Choice = { profile: "", region: "", endpoint: "" };

type S3Options = NonNullable<RequestOf<"transfers.openUploads">["s3"]>;

/** The fields that were filled in. */
export function s3Options(choice: S3Choice): S3Options {
  return Object.fromEntries(
    Object.entries(choice)
      .map(([name, text]) => [name, text.trim()])
      .filter(([, text]) => text !== ""),
  );
}

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
          <Field key={name} id={`s3-${name}`} label={t(`s3.${name}`)}>
            <TextInput
              id={`s3-${name}`}
              value={value[name]}
              onChange={(text) => onChange({ ...value, [name]: text })}
              placeholder={placeholder}
            />
          </Field>
        ))}
      </div>
    </fieldset>
  );
}
