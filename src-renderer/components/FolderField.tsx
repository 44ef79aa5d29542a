import { FolderOpen } from "lucide-react";
import { useId, useState } from "react";
import { useSpeech } from "../state/settings.js";
import { FolderDialog } from "./FolderDialog.js";
import { Button } from "./ui.js";

/** A folder, typed or chosen. */
export function FolderField({
  label,
  value,
  onChange,
  start,
}: {
  label: string;
  value: string;
  onChange: (folder: string) => void;
  /** Where choosing begins when nothing is typed yet. */
  start?: string;
}) {
  const { t } = useSpeech();
  const id = useId();
  const [choosing, setChoosing] = useState(false);
  return (
    <div>
      <label htmlFor={id} className="mb-1 block font-medium">
        {label}
      </label>
      <div className="flex gap-2">
        <input
          id={id}
          className="field min-w-0 grow"
          value={value}
          onChange={(event) => onChange(event.target.value)}
          spellCheck={false}
        />
        <Button icon={FolderOpen} onClick={() => setChoosing(true)}>
          {t("action.choose")}
        </Button>
      </div>
      <FolderDialog
        open={choosing}
        onClose={() => setChoosing(false)}
        {...(value || start ? { start: value || (start as string) } : {})}
        onChoose={(folder) => {
          setChoosing(false);
          onChange(folder);
        }}
      />
    </div>
  );
}
