import { FolderX } from "lucide-react";
import { useState } from "react";
import type { Problem, ResponseOf } from "../../../src-main/api/channels.js";
import { client, problemOf } from "../../api/client.js";
import { PathField } from "../../components/PathField.js";
import { Button, Dialog, ProblemNote } from "../../components/ui.js";
import { tell } from "../../state/app.js";
import { reopen, showDialog, useExplore } from "../../state/explore.js";
import { forgetLocated } from "../../state/located.js";
import { useSpeech } from "../../state/settings.js";
import { parentOf } from "./paths.js";

/** Asks where the photos of the run are now. */
export function LocateDialog() {
  const { t } = useSpeech();
  const open = useExplore((state) => state.dialog === "locate");
  const root = useExplore((state) => state.overview?.root ?? null);
  return (
    <Dialog
      open={open}
      onClose={() => showDialog(null)}
      title={t("locate.title")}
      text={root === null ? t("locate.textUnknown") : t("locate.text", { folder: root })}
      wide
    >
      {open && <Locate root={root} />}
    </Dialog>
  );
}

type Looked = ResponseOf<"runs.locate"> & { readonly folder: string };

function Locate({ root }: { root: string | null }) {
  const { t, n } = useSpeech();
  const run = useExplore((state) => state.run);
  const card = useExplore((state) => state.overview?.card);
  const [folder, setFolder] = useState("");
  const [looked, setLooked] = useState<Looked>();
  const [looking, setLooking] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const ask = async (save: boolean, where: string) => {
    if (run === null) return;
    setLooking(true);
    setProblem(undefined);
    try {
      const answer = await client.call("runs.locate", { run, folder: where, save });
      if (save && answer.saved) {
        showDialog(null);
        tell({ kind: "done", text: t("locate.done", { folder: answer.root ?? where }) });
        await reopen();
      } else setLooked({ ...answer, folder: where });
    } catch (error) {
      setLooked(undefined);
      setProblem(problemOf(error));
    } finally {
      setLooking(false);
    }
  };
  const current = looked?.folder === folder ? looked : undefined;
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (!looking && folder.trim() !== "") void ask((current?.found ?? 0) > 0, folder.trim());
      }}
    >
      <PathField
        id="locate-folder"
        label={t("locate.folder")}
        value={folder}
        {...(root === null ? {} : { start: parentOf(root) })}
        onChange={(next) => {
          setFolder(next);
          setProblem(undefined);
        }}
      />
      <div role="status" className="min-h-10">
        {!looking && !current && card?.located != null && (
          <p className="text-muted [overflow-wrap:anywhere]">{t("locate.before", { folder: card.located })}</p>
        )}
        {looking && <p className="text-muted">{t("locate.looking")}</p>}
        {!looking && current && (
          <p className={current.found > 0 ? "" : "text-danger"}>
            {current.found === 0
              ? t("locate.none", { count: current.total })
              : t("locate.found", { count: current.total, found: n(current.found) })}
            {current.found > 0 && current.root !== null && (
              <span className="block text-muted [overflow-wrap:anywhere]">{current.root}</span>
            )}
          </p>
        )}
        {problem && <ProblemNote {...problem} />}
      </div>
      <div className="flex flex-wrap justify-end gap-2">
        {card?.located != null && (
          <Button
            kind="ghost"
            icon={FolderX}
            className="mr-auto"
            onClick={() => {
              showDialog(null);
              void forgetLocated(card);
            }}
          >
            {t("locate.forget")}
          </Button>
        )}
        <Button onClick={() => showDialog(null)}>{t("action.cancel")}</Button>
        <Button kind="primary" type="submit" disabled={looking || folder.trim() === ""}>
          {t(current && current.found > 0 ? "locate.use" : "locate.look")}
        </Button>
      </div>
    </form>
  );
}
