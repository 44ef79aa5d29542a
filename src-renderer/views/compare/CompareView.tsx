import { ArrowLeftRight } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import type { Overview } from "../../../src-main/api/channels.js";
import { writePlace } from "../../app/link.js";
import { go, note, useRoute } from "../../app/router.js";
import { Button, Choice, Empty, ProblemNote } from "../../components/ui.js";
import { labelColours } from "../../state/explore-logic.js";
import { useSpeech, useTheme } from "../../state/settings.js";
import { AgreementPart } from "./AgreementPart.js";
import { ChosenPhoto, rowsOfBoth } from "./ChosenPhoto.js";
import { CompareMap } from "./CompareMap.js";
import { counterparts, joinedIndex, joinLabels, type SideName, sharedMask } from "./compare-logic.js";
import { DurationsTable, LabelChanges, SettingsTable } from "./Tables.js";
import { type Compared, useAgreement, useCompared, usePoints } from "./use-compared.js";
import { VarianceCurves } from "./VarianceCurves.js";

const SIDES = ["a", "b"] as const;

/** Two runs side by side: what they were made with, what they hold, and whether they see the photos alike. */
export function CompareView({ a, b }: { a: string; b: string }) {
  const { t } = useSpeech();
  const { value, problem } = useCompared(a, b);
  if (problem) {
    return (
      <Empty title={t("compare.failed")} text="">
        <ProblemNote {...problem} />
      </Empty>
    );
  }
  if (!value) return <Empty title={t("compare.loading")} text="" />;
  return <Comparing a={a} b={b} compared={value} />;
}

/** What the address says of the view. */
function readState(search: URLSearchParams) {
  const [x = 1, y = 2] = (search.get("axes") ?? "").split(",").map(Number);
  const valid = Number.isInteger(x) && Number.isInteger(y) && x >= 1 && y >= 1;
  const row = (name: string) => (/^\d{1,9}$/.test(search.get(name) ?? "") ? Number(search.get(name)) : -1);
  return {
    components: valid ? ([x - 1, y - 1] as const) : ([0, 1] as const),
    onlyShared: search.get("shared") === "1",
    focus: { a: row("photo-a"), b: row("photo-b") },
  };
}

function Comparing({ a, b, compared }: { a: string; b: string; compared: Compared }) {
  const { t } = useSpeech();
  const theme = useTheme();
  const { comparison } = compared;
  const [first] = useState(() => readState(useRoute.getState().search));
  const [components, setComponents] = useState<readonly [number, number]>(first.components);
  const [onlyShared, setOnlyShared] = useState(first.onlyShared);
  const [focus, setFocus] = useState<Readonly<Record<SideName, number>>>(first.focus);
  const [hovered, setHovered] = useState<{ side: SideName; row: number }>();
  const agreement = useAgreement(a, b, compared);
  const points = { a: usePoints(compared.a, components), b: usePoints(compared.b, components) };

  const counterpart = useMemo(
    () => ({
      a: counterparts(compared.a.rows, comparison.shared.a, comparison.shared.b),
      b: counterparts(compared.b.rows, comparison.shared.b, comparison.shared.a),
    }),
    [compared, comparison],
  );
  const joined = useMemo(() => joinLabels(compared.a.labels, compared.b.labels), [compared]);
  const palette = useMemo(
    () =>
      labelColours(
        joined.labels,
        { isolated: new Set(), hidden: new Set(), own: new Map(), ownShapes: new Map(), shapes: "auto" },
        theme,
      ),
    [joined, theme],
  );
  const idsA = points.a?.ids;
  const idsB = points.b?.ids;
  const index = useMemo(
    () => ({
      a: idsA && joinedIndex(idsA, joined.a),
      b: idsB && joinedIndex(idsB, joined.b),
    }),
    [idsA, idsB, joined],
  );
  const masks = useMemo(
    () => (onlyShared ? { a: sharedMask(counterpart.a), b: sharedMask(counterpart.b) } : { a: null, b: null }),
    [onlyShared, counterpart],
  );
  useEffect(() => {
    const search = new URLSearchParams();
    if (components[0] !== 0 || components[1] !== 1) search.set("axes", components.map((at) => at + 1).join(","));
    if (onlyShared) search.set("shared", "1");
    for (const side of SIDES) if (focus[side] >= 0) search.set(`photo-${side}`, String(focus[side]));
    note({ view: "compare", a, b }, search);
  }, [a, b, components, onlyShared, focus]);

  const choose = (side: SideName, row: number) => setFocus(rowsOfBoth(side, row, counterpart));
  const unchoose = () => setFocus({ a: -1, b: -1 });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector('[role="dialog"][data-open]')) {
        setFocus({ a: -1, b: -1 });
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const pointed = (side: SideName): number | null => {
    if (!hovered || hovered.side === side) return -1;
    const row = counterpart[hovered.side][hovered.row] ?? -1;
    return row < 0 ? null : row;
  };
  const inRange = (side: SideName) => focus[side] < compared[side].rows;
  const chosen = (focus.a >= 0 || focus.b >= 0) && inRange("a") && inRange("b");
  const kept = Math.max(compared.a.pca?.components ?? 0, compared.b.pca?.components ?? 0);
  return (
    <div className="relative h-full overflow-y-auto">
      <div className="mx-auto max-w-[100rem] px-6 py-5">
        <div className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-2">
          <h1 className="flex min-w-0 grow flex-wrap items-baseline gap-x-2 text-lg font-semibold tracking-tight">
            <RunLink overview={compared.a} className="text-accent" />
            <span className="font-normal text-muted">{t("compare.and")}</span>
            <RunLink overview={compared.b} className="text-second" />
          </h1>
          <Button icon={ArrowLeftRight} onClick={() => go({ view: "compare", a: b, b: a })}>
            {t("compare.swap")}
          </Button>
        </div>
        <Overlap compared={compared} />
        <div className="mt-5 mb-2 flex flex-wrap items-center gap-x-4 gap-y-2">
          <h2 className="grow font-semibold">{t("compare.maps")}</h2>
          {comparison.onlyA + comparison.onlyB > 0 && (
            <label className="flex items-center gap-2">
              <input
                type="checkbox"
                className="accent-accent"
                checked={onlyShared}
                onChange={() => setOnlyShared(!onlyShared)}
              />
              {t("compare.onlyShared")}
            </label>
          )}
          {kept > 1 && (
            <div className="flex items-center gap-2">
              {([0, 1] as const).map((axis) => (
                <Choice
                  key={axis}
                  label={t(axis === 0 ? "explore.axis.x" : "explore.axis.y")}
                  before={axis === 0 ? "→" : "↑"}
                  className="ml-3 w-36"
                  value={components[axis]}
                  onChange={({ target }) => {
                    const next = Number(target.value);
                    setComponents(axis === 0 ? [next, components[1]] : [components[0], next]);
                  }}
                >
                  {Array.from({ length: Math.min(kept, 200) }, (_, component) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a component is its number.
                    <option key={component} value={component}>
                      {t("explore.component", { number: component + 1 })}
                    </option>
                  ))}
                </Choice>
              ))}
            </div>
          )}
        </div>
        <div className="grid gap-4 md:grid-cols-2">
          {SIDES.map((side) => (
            <section
              key={side}
              aria-label={t("compare.mapOf", { name: compared[side].card.name })}
              className="overflow-hidden rounded-xl border border-line bg-surface"
            >
              <p className="flex items-baseline gap-3 border-b border-line px-3 py-2">
                <span className={`truncate font-medium ${side === "a" ? "text-accent" : "text-second"}`}>
                  {compared[side].card.name}
                </span>
                <span className="tabular truncate text-muted">{t("runs.photos", { count: compared[side].rows })}</span>
              </p>
              <div className="relative h-[clamp(15rem,44vh,34rem)]">
                {compared[side].pca ? (
                  <CompareMap
                    overview={compared[side]}
                    points={points[side]}
                    index={index[side]}
                    palette={palette}
                    mask={masks[side]}
                    components={components}
                    hovered={hovered?.side === side ? hovered.row : -1}
                    pointed={pointed(side)}
                    focus={chosen ? focus[side] : -1}
                    onHover={(row) => setHovered(row < 0 ? undefined : { side, row })}
                    onFocus={(row) => choose(side, row)}
                  />
                ) : (
                  <Empty title={t("explore.noPca.title")} text={t("compare.noPca")} />
                )}
              </div>
            </section>
          ))}
        </div>
        <div className="mt-4">
          {chosen ? (
            <ChosenPhoto
              overviews={compared}
              counterpart={counterpart}
              rows={focus}
              onFocus={choose}
              onClose={unchoose}
            />
          ) : (
            <p className="text-muted">{t("compare.hint")}</p>
          )}
        </div>
        <div className="mt-7 grid gap-x-10 gap-y-8 lg:grid-cols-2">
          <Part title={t("compare.agreement")}>
            <AgreementPart
              agreement={agreement.value}
              problem={agreement.problem}
              overview={compared.a}
              onFocus={(row) => choose("a", row)}
            />
          </Part>
          <Part title={t("compare.variance")}>
            <VarianceCurves overviews={compared} />
          </Part>
          <Part title={t("compare.settings")}>
            <SettingsTable settings={comparison.settings} overviews={compared} />
          </Part>
          <div className="space-y-8">
            <Part title={t("compare.durations")}>
              <DurationsTable overviews={compared} />
            </Part>
            <Part title={t("compare.labels")}>
              <LabelChanges comparison={comparison} overviews={compared} />
            </Part>
          </div>
        </div>
      </div>
    </div>
  );
}

function RunLink({ overview, className }: { overview: Overview; className: string }) {
  const { card } = overview;
  return (
    <a
      href={writePlace({ view: "explore", run: card.run })}
      title={card.path}
      className={`max-w-[40ch] truncate rounded hover:underline ${className}`}
    >
      {card.name}
    </a>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="min-w-0">
      <h2 className="mb-2 font-semibold">{title}</h2>
      {children}
    </section>
  );
}

/** How many photos stand in both runs and in one only, as a bar and in words. */
function Overlap({ compared }: { compared: Compared }) {
  const { t } = useSpeech();
  const { onlyA, onlyB, shared, relabelled } = compared.comparison;
  const both = shared.a.length;
  const parts = [
    {
      key: "onlyA",
      images: onlyA,
      className: "bg-accent",
      text: t("compare.only", { count: onlyA, name: compared.a.card.name }),
    },
    { key: "both", images: both, className: "bg-line-strong", text: t("compare.both", { count: both }) },
    {
      key: "onlyB",
      images: onlyB,
      className: "bg-second",
      text: t("compare.only", { count: onlyB, name: compared.b.card.name }),
    },
  ];
  const shown = parts.filter(({ images }) => images > 0);
  return (
    <div>
      <div className="flex h-2.5 gap-0.5 overflow-hidden rounded-full bg-line" aria-hidden="true">
        {shown.map(({ key, images, className }) => (
          <div key={key} className={`min-w-1 ${className}`} style={{ flexGrow: images, flexBasis: 0 }} />
        ))}
      </div>
      <ul className="tabular mt-2 flex flex-wrap gap-x-6 gap-y-1">
        {parts.map(({ key, images, className, text }) => (
          <li key={key} className={images === 0 ? "text-muted" : "flex items-center gap-2"}>
            {images > 0 && <span className={`size-2.5 shrink-0 rounded-full ${className}`} aria-hidden="true" />}
            {text}
          </li>
        ))}
        {both > 0 && (
          <li className={relabelled === 0 ? "text-muted" : ""}>{t("compare.relabelled", { count: relabelled })}</li>
        )}
      </ul>
      {both === 0 && <p className="mt-2 text-warning">{t("compare.nothingShared")}</p>}
    </div>
  );
}
