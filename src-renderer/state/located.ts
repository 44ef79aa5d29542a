/** The folder that a person has located the photos of a run in. */
import type { RunCard } from "../../src-main/api/channels.js";
import { client } from "../api/client.js";
import { tell, tellError } from "./app.js";
import { currentSpeech } from "./settings.js";

/** Forgets it: the photos are looked for where the run says. Tells so, and offers to take it back. */
export async function forgetLocated({ run, located }: Pick<RunCard, "run" | "located">): Promise<void> {
  const { t } = currentSpeech();
  try {
    const { root } = await client.call("runs.locate", { run, folder: null });
    const restore = () => void client.call("runs.locate", { run, folder: located }).catch(tellError);
    tell({
      kind: "done",
      text: root === null ? t("locate.forgottenUnknown") : t("locate.forgotten", { folder: root }),
      action: { label: t("action.undo"), run: restore },
    });
  } catch (error) {
    tellError(error);
  }
}
