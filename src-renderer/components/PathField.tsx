import { FolderSearch } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useSpeech } from "../state/settings.js";
import { Field, TextInput } from "./Field.js";
import { FolderDialog } from "./FolderDialog.js";
import { isBucket } from "./s3-choice.js";
import { Button } from "./ui.js";

/** A path that is typed, or chosen by walking through folders. */
export function PathField({
  id,
  label,
  help,
  wrong = false,
  value,
  onChange,
  placeholder,
  choosing: opened,
  onChoosing,
  features,
  start = "",
}: {
  id: string;
  label: string;
  help?: ReactNode;
  /** The help says why what was filled in will not do. */
  wrong?: boolean;
  value: string;
  onChange: (path: string) => void;
  placeholder?: string;
  /** For those who open the dialog themselves, too. */
  choosing?: boolean;
  onChoosing?: (open: boolean) => void;
  /** Parquet files may be chosen. */
  features?: boolean;
  /** Where choosing begins when nothing is typed yet. */
  start?: string;
}) {
  const { t } = useSpeech();
  const [own, setOwn] = useState(false);
  const choosing = opened ?? own;
  const setChoosing = onChoosing ?? setOwn;
  return (
    <Field id={id} label={label} help={help} wrong={wrong}>
      <div className="flex gap-2">
        <TextInput
          id={id}
          value={value}
          onChange={onChange}
          described={help !== undefined}
          wrong={wrong}
          {...(placeholder === undefined ? {} : { placeholder })}
        />
        <Button icon={FolderSearch} onClick={() => setChoosing(true)} aria-label={`${t("action.choose")} ${label}`}>
          {t("action.choose")}
        </Button>
      </div>
      <FolderDialog
        open={choosing}
        onClose={() => setChoosing(false)}
        onChoose={(path) => {
          setChoosing(false);
          onChange(path);
        }}
        {...(features ? { features } : {})}
        start={isBucket(value) ? "" : value.trim() || start}
      />
    </Field>
  );
}
