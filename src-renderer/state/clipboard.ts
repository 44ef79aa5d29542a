/** Copies what people may want elsewhere, and says so. */
import { tell } from "./app.js";
import { currentSpeech } from "./settings.js";

/** Copies a text; where the browser forbids it (a page without encryption from elsewhere), shows it to be copied by hand. */
export async function copyText(text: string): Promise<void> {
  const { t } = currentSpeech();
  try {
    // Undefined on pages that came over the network without encryption.
    await (navigator.clipboard as Clipboard | undefined)?.writeText(text);
    if (!navigator.clipboard) throw new Error("no clipboard");
    tell({ kind: "done", text: t("copy.done") });
  } catch {
    tell({ kind: "error", text: t("copy.failed", { text: text.length > 300 ? `${text.slice(0, 300)}…` : text }) });
  }
}
