import { Columns2, FileInput, FolderOpen, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import type { RunCard } from "../../../src-main/api/channels.js";
import { client } from "../../api/client.js";
import { go } from "../../app/router.js";
import { FolderDialog } from "../../components/FolderDialog.js";
import { namesBucket } from "../../components/s3-choice.js";
import { Button, Choice, Empty } from "../../components/ui.js";
import { loadRuns, tellError, useApp } from "../../state/app.js";
import { useSpeech } from "../../state/settings.js";
import { bringing } from "../transfers/transfer-logic.js";
import { ImportDialog } from "./ImportDialog.js";
import { RunCardItem } from "./RunCardItem.js";
import { listRuns, MANY_RUNS, type RunSort, SORTS } from "./runs-list.js";

export function RunsView() {
  const { t, compare } = useSpeech();
  const runs = useApp((state) => state.runs);
  const [dialog, setDialog] = useState<"open" | "import">();
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState<RunSort>("opened");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  useEffect(() => {
    // Runs change on disk without an event: what the command line made meanwhile is seen on coming back.
    if (useApp.getState().link === "online") loadRuns().catch(tellError);
  }, []);
  const open = (path: string) => {
    setDialog(undefined);
    // A run in a bucket is explored here once it is here.
    if (namesBucket(path)) {
      go({ view: "transfers" }, bringing(path.trim()));
      return;
    }
    client.call("runs.open", { path }).then(({ run }) => go({ view: "explore", run }), tellError);
  };
  const many = (runs?.length ?? 0) > MANY_RUNS;
  const shown = runs && listRuns(runs, many ? search : "", many ? sort : "opened", compare);
  const picked = chosen.flatMap((id) => runs?.find(({ run }) => run === id) ?? []);
  const choose = (run: string, on: boolean) =>
    // A third one takes the place of the second: two are compared.
    setChosen((before) => [...before.filter((id) => id !== run).slice(0, on ? 1 : 2), ...(on ? [run] : [])]);
  return (
    <div className="relative h-full overflow-y-auto">
      <div className="mx-auto max-w-[110rem] px-6 py-5">
        <div className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-2">
          <h1 className="grow text-lg font-semibold tracking-tight">{t("runs.title")}</h1>
          {many && (
            <>
              <input
                id="search"
                type="search"
                className="field w-56"
                aria-label={t("runs.search")}
                placeholder={t("runs.search")}
                value={search}
                onChange={({ target }) => setSearch(target.value)}
              />
              <Choice
                label={t("runs.sort")}
                className="w-44"
                value={sort}
                onChange={({ target }) => setSort(target.value as RunSort)}
              >
                {SORTS.map((name) => (
                  <option key={name} value={name}>
                    {t(`runs.sort.${name}`)}
                  </option>
                ))}
              </Choice>
            </>
          )}
          <Button icon={FileInput} onClick={() => setDialog("import")}>
            {t("import.open")}
          </Button>
          <Button icon={FolderOpen} onClick={() => setDialog("open")}>
            {t("runs.open")}
          </Button>
        </div>
        {picked.length > 0 && <Chosen picked={picked} onClear={() => setChosen([])} />}
        {runs?.length === 0 && (
          <div className="rounded-xl border border-dashed border-line-strong/60">
            <Empty title={t("runs.empty.title")} text={t("runs.empty.text")}>
              <Button kind="primary" icon={Plus} onClick={() => go({ view: "new" })}>
                {t("nav.new")}
              </Button>
            </Empty>
          </div>
        )}
        {shown?.length === 0 && runs?.length !== 0 && <Empty title={t("runs.noMatch")} text={t("runs.noMatchText")} />}
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(17.5rem,1fr))] gap-x-5 gap-y-7">
          {shown?.map((card) => (
            <RunCardItem
              key={card.run}
              card={card}
              chosen={chosen.includes(card.run)}
              choosing={picked.length > 0}
              onChoose={(on) => choose(card.run, on)}
            />
          ))}
        </ul>
      </div>
      <FolderDialog open={dialog === "open"} onClose={() => setDialog(undefined)} onChoose={open} runs />
      <ImportDialog open={dialog === "import"} onClose={() => setDialog(undefined)} />
    </div>
  );
}

/** The runs that were chosen to be compared, and the way there. */
function Chosen({ picked, onClear }: { picked: readonly RunCard[]; onClear: () => void }) {
  const { t } = useSpeech();
  const [a, b] = picked;
  return (
    <div
      role="status"
      className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-2 rounded-lg border border-line bg-surface py-1.5 pr-1.5 pl-3"
    >
      <p className="min-w-0 grow truncate">
        {a && b ? t("runs.compare.two", { a: a.name, b: b.name }) : t("runs.compare.one", { name: a?.name ?? "" })}
      </p>
      <Button kind="ghost" onClick={onClear}>
        {t("action.cancel")}
      </Button>
      <Button
        kind="primary"
        icon={Columns2}
        disabled={!a || !b}
        onClick={() => a && b && go({ view: "compare", a: a.run, b: b.run })}
      >
        {t("runs.compare")}
      </Button>
    </div>
  );
}
