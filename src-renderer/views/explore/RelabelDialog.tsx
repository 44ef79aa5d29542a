import { Autocomplete } from "@base-ui/react/autocomplete";
import { useMemo, useState } from "react";
import { Button, Dialog } from "../../components/ui.js";
import { relabel, rowsToLabel, setRelabelling, useExplore } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";

/** Asks for the label of the selection, or of the photo in the inspector. */
export function RelabelDialog() {
  const { t } = useSpeech();
  const open = useExplore((state) => state.relabelling);
  const selection = useExplore((state) => state.selection);
  const focus = useExplore((state) => state.focus);
  const count = useMemo(() => (open ? rowsToLabel({ selection, focus }).length : 0), [open, selection, focus]);
  return (
    <Dialog
      open={open}
      onClose={() => setRelabelling(false)}
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
      <Autocomplete.Root items={names} value={text} onValueChange={setText} openOnInputClick>
        <Autocomplete.Input
          autoFocus
          aria-label={t("inspector.label")}
          placeholder={t("relabel.placeholder")}
          className="field w-full"
          spellCheck={false}
        />
        <Autocomplete.Portal>
          <Autocomplete.Positioner sideOffset={4} className="z-[60]">
            <Autocomplete.Popup className="max-h-60 w-(--anchor-width) overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-xl empty:hidden">
              <Autocomplete.Empty className="text-muted [&:not(:empty)]:px-2.5 [&:not(:empty)]:py-1.5">
                {typed && t("relabel.new", { label: typed })}
              </Autocomplete.Empty>
              <Autocomplete.List aria-label={t("relabel.choices")}>
                {(name: string) => (
                  <Autocomplete.Item
                    key={name}
                    value={name}
                    className="flex min-h-8 cursor-default items-center rounded-md px-2.5 outline-none data-[highlighted]:bg-sunken"
                  >
                    {name}
                  </Autocomplete.Item>
                )}
              </Autocomplete.List>
            </Autocomplete.Popup>
          </Autocomplete.Positioner>
        </Autocomplete.Portal>
      </Autocomplete.Root>
      <div className="mt-4 flex items-center gap-2">
        <Button kind="ghost" className="-ml-3 text-muted" onClick={() => void relabel(null)}>
          {t("relabel.remove")}
        </Button>
        <div className="grow" />
        <Button onClick={() => setRelabelling(false)}>{t("action.cancel")}</Button>
        <Button kind="primary" type="submit" disabled={!typed}>
          {t("relabel.apply")}
        </Button>
      </div>
    </form>
  );
}
