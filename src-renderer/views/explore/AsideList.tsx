import { useEffect, useState } from "react";
import type { ResponseOf } from "../../../src-main/api/channels.js";
import { client, isAbort } from "../../api/client.js";
import { SetAsideTable } from "../../components/SetAsideTable.js";
import { Button } from "../../components/ui.js";
import { tellError } from "../../state/app.js";
import { showAside, useExplore } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";

const PAGE = 500;

type Answer = ResponseOf<"run.setAside">;

/** In the gallery's place: the photos that the run could not use, and why; the search in paths holds here too. */
export function AsideList() {
  const { t, n } = useSpeech();
  const run = useExplore((state) => state.run);
  const text = useExplore((state) => state.text);
  const version = useExplore((state) => state.overview?.card.version);
  const [answer, setAnswer] = useState<Answer>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a run that has changed may have set others aside.
  useEffect(() => {
    if (run === null) return;
    const giveUp = new AbortController();
    everyPage(run, giveUp.signal).then(setAnswer, (error) => isAbort(error) || tellError(error));
    return () => giveUp.abort();
  }, [run, version]);
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const items =
    answer?.items.filter(({ path }) => words.every((word) => path.toLocaleLowerCase().includes(word))) ?? [];
  return (
    <section aria-label={t("aside.title")} className="flex h-full flex-col bg-ground">
      <div className="flex h-11 shrink-0 items-center gap-2 pr-2 pl-3">
        <h2 aria-live="polite" className="tabular font-semibold">
          {words.length > 0
            ? t("aside.found", { count: items.length, total: n(answer?.total ?? 0) })
            : t("jobs.setAside.title", { count: answer?.total ?? 0 })}
        </h2>
        <div className="grow" />
        <Button className="!h-7" onClick={() => showAside(false)}>
          {t("aside.back")}
        </Button>
      </div>
      {answer && answer.reasons.length > 1 && (
        <p className="tabular px-3 pb-2 text-muted">
          {answer.reasons.map(({ code, images }) => `${code} ${n(images)}`).join(" · ")}
        </p>
      )}
      <div className="mx-3 mb-2 min-h-0 grow overflow-y-auto rounded-md border border-line bg-surface" tabIndex={0}>
        <SetAsideTable items={items} />
        {answer && answer.total > answer.items.length && (
          <p className="px-3 py-2 text-muted">{t("jobs.setAside.more", { count: answer.items.length })}</p>
        )}
      </div>
    </section>
  );
}

/** More than can be read: a source whose photos are nearly all broken would fill the page's memory. */
const MOST = 5_000;

async function everyPage(run: string, signal: AbortSignal): Promise<Answer> {
  const first = await client.call("run.setAside", { run, offset: 0, limit: PAGE }, { signal });
  const items = [...first.items];
  while (items.length < Math.min(first.total, MOST)) {
    const { items: more } = await client.call("run.setAside", { run, offset: items.length, limit: PAGE }, { signal });
    if (more.length === 0) break;
    items.push(...more);
  }
  return { ...first, items };
}
