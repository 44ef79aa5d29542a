import { useEffect, useMemo, useState } from "react";
import type { Overview, ResponseOf } from "../../../src-main/api/channels.js";
import { client } from "../../api/client.js";
import { EMPTY_LINK, readLink, writeLink } from "../../app/link.js";
import { go, note, useRoute } from "../../app/router.js";
import { Photo } from "../../components/Photo.js";
import { Button, Choice, Empty } from "../../components/ui.js";
import { tellError } from "../../state/app.js";
import { openRun, reopen, useExplore } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";
import { componentsFor, cumulate } from "./cumulate.js";
import { Loadings } from "./Loadings.js";
import { VarianceChart } from "./VarianceChart.js";

export function VarianceView({ run }: { run: string }) {
  const { t, said } = useSpeech();
  const overview = useExplore((state) => (state.run === run ? state.overview : null));
  const problem = useExplore((state) => (state.run === run ? state.problem : null));
  const search = useRoute((route) => route.search);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a run is opened once; Explore reads its own link.
  useEffect(() => {
    void openRun(run, { ...EMPTY_LINK, components: readLink(search).components });
  }, [run]);
  if (problem) {
    return (
      <Empty title={t("error.loading")} text={said(problem)}>
        <Button onClick={() => void reopen()}>{t("action.retry")}</Button>
      </Empty>
    );
  }
  if (!overview)
    return (
      <div role="status" className="flex h-full items-center justify-center text-muted">
        {t("explore.loading")}
      </div>
    );
  if (!overview.pca || overview.pca.components === 0) {
    return <Empty title={t("variance.none.title")} text={t("variance.none.text")} />;
  }
  return <Variance overview={overview} pca={overview.pca} />;
}

function Variance({ overview, pca }: { overview: Overview; pca: NonNullable<Overview["pca"]> }) {
  const { t, percent } = useSpeech();
  const { run } = overview.card;
  const search = useRoute((route) => route.search);
  const ratios = pca.explainedVarianceRatio;
  const sums = useMemo(() => cumulate(ratios), [ratios]);
  const kept = sums.at(-1) ?? 0;
  const asked = pca.variance ?? Math.floor(kept * 100) / 100;
  const [target, setTarget] = useState(() => number(search.get("target"), 0.01, 1) ?? asked);
  const [component, setComponent] = useState(() => (number(search.get("component"), 1, pca.components) ?? 1) - 1);
  useEffect(() => {
    const params = new URLSearchParams();
    if (component > 0) params.set("component", String(component + 1));
    if (target !== asked) params.set("target", String(target));
    note({ view: "variance", run }, params);
  }, [component, target, asked, run]);
  const needed = componentsFor(sums, target);
  const share = percent(kept);
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto max-w-6xl px-6 py-5">
        <h1 className="text-lg font-semibold tracking-tight">{t("variance.title")}</h1>
        <p className="tabular text-muted">
          {pca.dimension === null
            ? t("variance.keptUnknown", { count: pca.components, share })
            : t("variance.kept", { count: pca.components, share, dimension: pca.dimension })}
        </p>
        <VarianceChart
          ratios={ratios}
          sums={sums}
          target={target}
          needed={needed}
          component={component}
          onTarget={setTarget}
          onComponent={setComponent}
        />
        <p role="status" className="tabular mb-8 min-h-5">
          {needed === undefined
            ? t("variance.beyond", { share: percent(target), count: pca.components })
            : t("variance.reach", { share: percent(target), count: needed })}
        </p>
        <Ends overview={overview} component={component} onComponent={setComponent} ratios={ratios} />
        {pca.dimension !== null && <Loadings overview={overview} component={component} onComponent={setComponent} />}
      </div>
    </div>
  );
}

function number(text: string | null, low: number, high: number): number | undefined {
  const value = text === null || text === "" ? Number.NaN : Number(text);
  return value >= low && value <= high ? value : undefined;
}

const END_PHOTOS = 12;

/** What a component tells apart, in photos. */
function Ends({
  overview,
  component,
  onComponent,
  ratios,
}: {
  overview: Overview;
  component: number;
  onComponent: (component: number) => void;
  ratios: Float64Array;
}) {
  const { t, percent } = useSpeech();
  const { run } = overview.card;
  const [ends, setEnds] = useState<{ component: number; of: ResponseOf<"run.ends"> }>();
  useEffect(() => {
    const giveUp = new AbortController();
    client.call("run.ends", { run, component, count: END_PHOTOS }, { signal: giveUp.signal }).then(
      (of) => setEnds({ component, of }),
      (error) => giveUp.signal.aborted || tellError(error),
    );
    return () => giveUp.abort();
  }, [run, component]);
  const map = () => {
    const other = component === 0 ? 1 : 0;
    go({ view: "explore", run }, writeLink({ ...EMPTY_LINK, components: [component, other] }));
  };
  return (
    <section aria-labelledby="ends">
      <div className="mb-1 flex flex-wrap items-center gap-3">
        <h2 id="ends" className="font-semibold">
          {t("variance.ends", { number: component + 1 })}
        </h2>
        <Choice
          label={t("variance.choose")}
          value={component}
          onChange={({ target }) => onComponent(Number(target.value))}
        >
          {Array.from(ratios, (ratio, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a component is its number.
            <option key={index} value={index}>
              {t("explore.componentShare", { number: index + 1, share: percent(ratio) })}
            </option>
          ))}
        </Choice>
        <Button onClick={map}>{t("variance.map")}</Button>
      </div>
      <p className="mb-4 text-muted">{t("variance.endsText")}</p>
      <div className="grid gap-8 lg:grid-cols-2">
        {(["low", "high"] as const).map((end) => (
          <EndPhotos
            key={end}
            overview={overview}
            title={t(`variance.${end}`)}
            rows={ends?.of[end]}
            scores={ends?.of[`${end}Scores`]}
            faint={ends?.component !== component}
          />
        ))}
      </div>
    </section>
  );
}

function EndPhotos({
  overview,
  title,
  rows,
  scores,
  faint,
}: {
  overview: Overview;
  title: string;
  rows: Uint32Array | undefined;
  scores: Float32Array | undefined;
  faint: boolean;
}) {
  const { t, fixed } = useSpeech();
  const ids = useExplore((state) => state.ids);
  const labels = useExplore((state) => state.labels);
  const { card } = overview;
  const open = (row: number) => go({ view: "explore", run: card.run }, writeLink({ ...EMPTY_LINK, row }));
  return (
    <div className={faint ? "opacity-50" : ""}>
      <h3 className="mb-2 text-2xs font-semibold tracking-wide text-muted uppercase">{title}</h3>
      <ul className="grid grid-cols-4 gap-2 sm:grid-cols-6">
        {[...(rows ?? [])].map((row, index) => {
          const label = labels[ids[row] ?? -1]?.name ?? t("labels.none");
          return (
            <li key={row} className="min-w-0">
              <button type="button" className="block w-full text-left" title={label} onClick={() => open(row)}>
                <Photo run={card} row={row} size={128} cover className="aspect-square w-full rounded-md" />
                <span className="block truncate pt-0.5 text-2xs">{label}</span>
                <span className="tabular block text-2xs text-muted">{fixed(scores?.[index] ?? 0, 1)}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
