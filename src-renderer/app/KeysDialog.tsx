import { Dialog, Kbd } from "../components/ui.js";
import type { Key } from "../i18n/index.js";
import { useSpeech } from "../state/settings.js";

/** Keys that bear a word, which is not the same on every keyboard. */
const WORDS: Readonly<Record<string, Key>> = { Ctrl: "keys.ctrl", Enter: "keys.enter", Esc: "keys.escape" };
const IS_MAC = /^Mac/.test(navigator.platform);

const GROUPS: readonly (readonly [
  title: Key,
  keys: readonly (readonly [what: Key, keys: readonly string[] | Key])[],
])[] = [
  [
    "keys.map",
    [
      ["keys.pan", ["V"]],
      ["keys.lasso", ["L"]],
      ["keys.rectangle", ["R"]],
      ["keys.add", "keys.addGesture"],
      ["keys.subtract", "keys.subtractGesture"],
      ["keys.move", ["←", "↑", "↓", "→"]],
      ["keys.zoom", ["+", "−"]],
      ["keys.home", ["0"]],
    ],
  ],
  [
    "keys.photos",
    [
      ["keys.step", ["K", "J"]],
      ["keys.all", ["Ctrl", "A"]],
      ["keys.relabel", ["E"]],
      ["keys.export", ["X"]],
      ["keys.undo", ["Ctrl", "Z"]],
      ["keys.redo", ["Ctrl", "Y"]],
    ],
  ],
  [
    "labels.title",
    [
      ["keys.isolate", ["Enter"]],
      ["keys.hide", ["H"]],
      ["keys.mark", ["C"]],
    ],
  ],
  [
    "keys.anywhere",
    [
      ["keys.search", ["/"]],
      ["keys.clear", ["Esc"]],
      ["keys.help", ["?"]],
    ],
  ],
];

export function KeysDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useSpeech();
  const named = (key: string): string => {
    if (key === "Ctrl" && IS_MAC) return "⌘";
    const word = WORDS[key];
    return word === undefined ? key : t(word);
  };
  return (
    <Dialog open={open} onClose={onClose} title={t("keys.title")} wide>
      <div className="-mx-1 grid gap-x-10 gap-y-5 overflow-y-auto px-1 sm:grid-cols-2">
        {GROUPS.map(([title, keys]) => (
          <section key={title}>
            <h3 className="mb-1.5 text-2xs font-semibold tracking-wide text-muted uppercase">{t(title)}</h3>
            <dl className="divide-y divide-line">
              {keys.map(([what, how]) => (
                <div key={what} className="flex items-center justify-between gap-4 py-1.5">
                  <dt>{t(what)}</dt>
                  <dd className="flex shrink-0 gap-1 text-muted">
                    {typeof how === "string" ? t(how) : how.map((key) => <Kbd key={key}>{named(key)}</Kbd>)}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
