import { FolderOpen, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { client } from "../../api/client.js";
import { go } from "../../app/router.js";
import { FolderDialog } from "../../components/FolderDialog.js";
import { Button, Empty } from "../../components/ui.js";
import { loadRuns, tellError, useApp } from "../../state/app.js";
import { useSpeech } from "../../state/settings.js";
import { RunCardItem } from "./RunCardItem.js";

export function RunsView() {
  const { t } = useSpeech();
  const runs = useApp((state) => state.runs);
  const [choosing, setChoosing] = useState(false);
  useEffect(() => {
    // Runs change on disk without an event: what the command line made meanwhile is seen on coming back.
    if (useApp.getState().link === "online") loadRuns().catch(tellError);
  }, []);
  const open = (path: string) => {
    setChoosing(false);
    client.call("runs.open", { path }).then(({ run }) => go({ view: "explore", run }), tellError);
  };
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto max-w-[110rem] px-6 py-5">
        <div className="mb-4 flex items-center gap-3">
          <h1 className="grow text-lg font-semibold tracking-tight">{t("runs.title")}</h1>
          <Button icon={FolderOpen} onClick={() => setChoosing(true)}>
            {t("runs.open")}
          </Button>
        </div>
        {runs?.length === 0 && (
          <div className="rounded-xl border border-dashed border-line-strong/60">
            <Empty title={t("runs.empty.title")} text={t("runs.empty.text")}>
              <Button kind="primary" icon={Plus} onClick={() => go({ view: "new" })}>
                {t("nav.new")}
              </Button>
            </Empty>
          </div>
        )}
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(17.5rem,1fr))] gap-x-5 gap-y-7">
          {runs?.map((card) => (
            <RunCardItem key={card.run} card={card} />
          ))}
        </ul>
      </div>
      <FolderDialog open={choosing} onClose={() => setChoosing(false)} onChoose={open} runs />
    </div>
  );
}
