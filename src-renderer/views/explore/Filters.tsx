import { Slider } from "@base-ui/react/slider";
import { clsx } from "clsx";
import { Filter } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { COLUMNS, type Column } from "../../app/link.js";
import { Popover } from "../../components/Popover.js";
import { tellError } from "../../state/app.js";
import { column, filterBy, showAside, useExplore, type Values } from "../../state/explore.js";
import { countUnknown, extent, histogram, type Range } from "../../state/explore-logic.js";
import { useSpeech } from "../../state/settings.js";
import { isDate, readEnd, writeEnd } from "./range-ends.js";
import { isOneOuting, sayValue } from "./say-value.js";

const BINS = 48;
/** Places that a thumb of the slider can take. */
const STEPS = 240;

/** Filters by what the run holds of each photo; what is the same for all photos filters nothing and is not offered. */
export function Filters() {
  const { t } = useSpeech();
  const ranges = useExplore((state) => state.ranges);
  const aside = useExplore((state) => state.aside);
  const used = ranges.size > 0 || aside;
  return (
    <Popover
      label={t("filter.more")}
      trigger={<Filter size={15} aria-hidden />}
      triggerClass={clsx(
        "inline-flex size-8 shrink-0 items-center justify-center rounded-md border transition-colors data-[popup-open]:bg-sunken",
        used
          ? "border-accent bg-accent-soft text-accent"
          : "border-line-strong bg-surface text-muted hover:bg-sunken hover:text-ink",
      )}
      className="w-80"
    >
      <Columns />
    </Popover>
  );
}

function Columns() {
  const { t } = useSpeech();
  const offered = useExplore((state) => state.overview?.columns);
  const setAside = useExplore((state) => state.overview?.card.setAside ?? 0);
  const aside = useExplore((state) => state.aside);
  const columns = useExplore((state) => state.columns);
  const outliers = useExplore((state) => state.outliers);
  const wanted = COLUMNS.filter((name) => offered?.includes(name));
  // biome-ignore lint/correctness/useExhaustiveDependencies: fetched once for each opening; outliers anew after edits.
  useEffect(() => {
    Promise.all(wanted.map(column)).catch(tellError);
  }, [outliers]);
  const known = wanted.flatMap((name) => {
    const values = name === "outlier" ? outliers : columns.get(name);
    return values ? [[name, values] as const] : [];
  });
  const useful = known.flatMap(([name, values]) => {
    const whole = wholeOf(values);
    return whole && whole.low < whole.high ? [{ name, values, whole }] : [];
  });
  const same = known.length === wanted.length && useful.length === 0;
  return (
    <div className="flex flex-col gap-4">
      {useful.map(({ name, values, whole }) => (
        <RangeFilter key={name} name={name} values={values} whole={whole} />
      ))}
      {same && <p className="text-muted">{t("filter.same")}</p>}
      {setAside > 0 && (
        <label className="flex cursor-pointer items-start gap-2">
          <input
            type="checkbox"
            className="mt-1 accent-accent"
            checked={aside}
            onChange={({ target }) => showAside(target.checked)}
          />
          <span>
            {t("filter.aside", { count: setAside })}
            <span className="block text-2xs text-muted">{t("filter.asideText")}</span>
          </span>
        </label>
      )}
    </div>
  );
}

const wholes = new WeakMap<Values, Range | undefined>();

/** The extent of a column; columns do not change, and a million values take a while. */
function wholeOf(values: Values): Range | undefined {
  if (!wholes.has(values)) wholes.set(values, extent(values));
  return wholes.get(values);
}

function RangeFilter({ name, values, whole }: { name: Column; values: Values; whole: Range }) {
  const speech = useSpeech();
  const { t } = speech;
  const range = useExplore((state) => state.ranges.get(name));
  const within = (value: number) => Math.min(whole.high, Math.max(whole.low, value));
  const low = within(range?.low ?? whole.low);
  const high = within(range?.high ?? whole.high);
  const [drawn, setDrawn] = useState<readonly [number, number]>();
  const [from, to] = drawn ?? [low, high];
  const counts = useMemo(() => histogram(values, whole, BINS), [values, whole]);
  const most = Math.max(1, ...counts);
  const title = t(`explore.colour.${name}`);
  const span = whole.high - whole.low;
  const toTheMinute = isDate(name) && isOneOuting(span);
  const say = (value: number) => sayValue(speech, name, value, span);
  const step = name === "outlier" ? (whole.high - whole.low) / STEPS : Math.max(1, (whole.high - whole.low) / STEPS);
  /** An end at the edge is open: what a run gains later passes too. */
  const commit = (nextLow: number, nextHigh: number) => {
    setDrawn(undefined);
    const next = {
      low: nextLow <= whole.low ? Number.NEGATIVE_INFINITY : nextLow,
      high: nextHigh >= whole.high ? Number.POSITIVE_INFINITY : nextHigh,
    };
    const open = next.low === Number.NEGATIVE_INFINITY && next.high === Number.POSITIVE_INFINITY;
    void filterBy(name, open ? null : next);
  };
  const share = (value: number) => (value - whole.low) / (whole.high - whole.low);
  return (
    <section aria-label={title}>
      <h3 className="flex items-baseline justify-between gap-2">
        <span className="shrink-0 font-semibold">{title}</span>
        <span className="tabular text-right text-2xs text-muted">{`${say(from)} – ${say(to)}`}</span>
      </h3>
      <svg viewBox={`0 0 ${BINS} 24`} preserveAspectRatio="none" aria-hidden="true" className="mt-1.5 h-9 w-full">
        {Array.from(counts, (count, bin) => {
          const middle = (bin + 0.5) / BINS;
          const inside = middle >= share(from) - 0.5 / BINS && middle <= share(to) + 0.5 / BINS;
          // The root shows small counts beside large ones.
          const height = count === 0 ? 0 : Math.max(1, 24 * Math.sqrt(count / most));
          return (
            <rect
              // biome-ignore lint/suspicious/noArrayIndexKey: a bin is its place.
              key={bin}
              x={bin + 0.08}
              width={0.84}
              y={24 - height}
              height={height}
              fill={inside ? "var(--accent)" : "var(--line-strong)"}
              opacity={inside ? 0.8 : 0.35}
            />
          );
        })}
      </svg>
      <Slider.Root
        value={[from, to]}
        min={whole.low}
        max={whole.high}
        step={step}
        largeStep={10 * step}
        onValueChange={(next) => setDrawn(next as unknown as readonly [number, number])}
        onValueCommitted={(next) => commit(...(next as unknown as readonly [number, number]))}
      >
        <Slider.Control className="flex h-4 w-full touch-none items-center select-none">
          <Slider.Track className="h-1 w-full rounded-full bg-line">
            <Slider.Indicator className="rounded-full bg-accent" />
            {(["from", "to"] as const).map((end, index) => (
              <Slider.Thumb
                key={end}
                index={index}
                aria-label={`${title}, ${t(`filter.${end}`)}`}
                getAriaValueText={(_, value) => say(value)}
                className="size-3.5 rounded-full border-2 border-accent bg-surface outline-offset-2 has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-accent"
              />
            ))}
          </Slider.Track>
        </Slider.Control>
      </Slider.Root>
      <div className={clsx("mt-1 grid gap-2", toTheMinute ? "grid-cols-1" : "grid-cols-2")}>
        <End
          {...{ name, toTheMinute }}
          end="from"
          value={from}
          open={from <= whole.low}
          onValue={(value) => commit(value, high)}
        />
        <End
          {...{ name, toTheMinute }}
          end="to"
          value={to}
          open={to >= whole.high}
          onValue={(value) => commit(low, value)}
        />
      </div>
      <DateNote name={name} values={values} />
    </section>
  );
}

/** What a date stands for, where it is not that of every photo's capture. */
function DateNote({ name, values }: { name: Column; values: Values }) {
  const { t } = useSpeech();
  const dated = useExplore((state) => state.overview?.columns.includes("captured") === true);
  const undated = useMemo(() => (name === "captured" ? countUnknown(values) : 0), [name, values]);
  const note =
    undated > 0
      ? t("filter.undated", { count: undated })
      : name === "modified"
        ? t(dated ? "filter.fileDate" : "filter.onlyFileDate")
        : null;
  return note && <p className="mt-1 text-2xs text-muted">{note}</p>;
}

/** One end of a range to be typed; empty means open. */
function End({
  name,
  toTheMinute,
  end,
  value,
  open,
  onValue,
}: {
  name: Column;
  toTheMinute: boolean;
  end: "from" | "to";
  value: number;
  open: boolean;
  onValue: (value: number) => void;
}) {
  const { t } = useSpeech();
  const written = open ? "" : writeEnd(name, value, toTheMinute);
  const [typed, setTyped] = useState(written);
  useEffect(() => setTyped(written), [written]);
  const give = () => {
    if (typed === written) return;
    const unbounded = end === "from" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const next = typed === "" ? unbounded : readEnd(name, typed, end);
    if (next === undefined) setTyped(written);
    else onValue(next);
  };
  return (
    <label className="flex min-w-0 items-center gap-1.5 text-2xs text-muted">
      <span className={clsx(toTheMinute && "min-w-7")}>{t(`filter.${end}`)}</span>
      <input
        type={isDate(name) ? (toTheMinute ? "datetime-local" : "date") : "number"}
        step="any"
        className="field tabular h-7 w-full min-w-0 px-1.5 text-ink"
        value={typed}
        placeholder="…"
        onChange={(event) => setTyped(event.target.value)}
        onBlur={give}
        onKeyDown={(event) => event.key === "Enter" && give()}
      />
      {name === "size" && t("filter.kilobytes")}
      {(name === "width" || name === "height") && "px"}
    </label>
  );
}
