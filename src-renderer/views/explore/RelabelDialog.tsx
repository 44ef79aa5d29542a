import { Autocomplete } from "@base-ui/react/autocomplete";
import { useMemo, useState } from "react";
import { Button, Dialog } from "../../components/ui.js";
import { relabel, rowsToLabel, showDialog, useExplore } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";

/** Asks for the label of the selection, or of the photo in the inspector. */
export function RelabelDialog() {
  const { t } = useSpeech();
  const open = useExplore((state) => state.dialog === "relabel");
  const selection = useExplore((state) => state.selection);
  const focus = useExplore((state) => state.focus);
  const count = useMemo(() => (open ? rowsToLabel({ selection, focus }).length : 0), [open, selection, focus]);
  return (
    <Dialog
      open={open}
      onClose={() => showDialog(null)}
      title={t("relabel.title", { count: Math.max(1, count) })}
      text={t("relabel.text")}
    >
      {open && <Form />}
    </Dialog>
  );
}

function Form() {
  const { t, compare } = useSpeech();
  const labels = useExplore((state) => state.labels);
  const [text, setText] = useState("");
  const names = useMemo(
    () => labels.flatMap(({ name }) => (name === null ? [] : name)).sort(compare),
    [labels, compare],
  );
  const typed = text.trim();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (typed) void relabel(typed);
      }}
    >
      {/* The list stands in the dialog: a popup over a dialog hides the buttons from screen readers. */}
      <Autocomplete.Root items={names} value={text} onValueChange={setText} inline open>
        <Autocomplete.Input
          data-first-focus
          aria-label={t("inspector.label")}
          placeholder={t("relabel.placeholder")}
          className="field w-full"
          spellCheck={false}
        />
        <div className="mt-2 h-52 overflow-y-auto rounded-md border border-line p-1">
          <Autocomplete.Empty className="text-muted [&:not(:empty)]:px-2.5 [&:not(:empty)]:py-1.5">
            {typed && t("relabel.new", { label: typed })}
          </Autocomplete.Empty>
          <Autocomplete.List aria-label={t("relabel.choices")}>
            {(name: string) => (
              <Autocomplete.Item
                key={name}
                value={name}
                className="flex min-h-7 cursor-default items-center rounded px-2 break-words outline-none data-[highlighted]:bg-sunken"
              >
                {name}
              </Autocomplete.Item>
            )}
          </Autocomplete.List>
        </div>
      </Autocomplete.Root>
      <div className="mt-4 flex items-center gap-2">
        <Button kind="ghost" className="-ml-3 text-muted" onClick={() => void relabel(null)}>
          {t("relabel.remove")}
        </Button>
        <div className="grow" />
        <Button onClick={() => showDialog(null)}>{t("action.cancel")}</Button>
        <Button kind="primary" type="submit" disabled={!typed}>
          {t("relabel.apply")}
        </Button>
      </div>
    </form>
  );
}
