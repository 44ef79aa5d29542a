/** What the map and the gallery show: pure functions over typed arrays, one pass each, so that 100,000 rows take milliseconds. */
import {
  continuousPalette,
  fromHex,
  LABEL_COLOURS,
  labelPalette,
  labelShapes,
  type Rgb,
  SCALE_STEPS,
  type Theme,
} from "../plots/colour.js";
import { markOf, SHAPES, type Shape } from "../plots/shapes.js";

/** Points without a value of a column. */
const UNKNOWN: Rgb = [140, 143, 137];
/** Rows that a palette can tell apart: indices are 16 bits, and the last one is the unknown. */
export const MAX_PALETTE = 65_535;

/** Up to this many labels colours alone tell apart, and circles look calmer. */
export const MOST_CIRCLES = 12;
/** Labels with a colour and shape that no other has. */
export const DISTINCT_LABELS = LABEL_COLOURS * SHAPES.length;

/** How shapes are given to labels that have none of their own: by label where there are many, or circles only. */
export type ShapeRule = "auto" | "circle";

export interface LabelStyle {
  /** Only these are shown; empty: all. */
  readonly isolated: ReadonlySet<number>;
  readonly hidden: ReadonlySet<number>;
  /** Own colours by label name ("" for no label). */
  readonly own: ReadonlyMap<string, string>;
  /** Own shapes by label name ("" for no label). */
  readonly ownShapes: ReadonlyMap<string, Shape>;
  readonly shapes: ShapeRule;
}

/** True when a label is shown. */
export function isShown(label: number, { isolated, hidden }: Pick<LabelStyle, "isolated" | "hidden">): boolean {
  return !hidden.has(label) && (isolated.size === 0 || isolated.has(label));
}

/** The colour of a label: the person's own, grey for "no label", else by its place in the list. */
export function labelColour(label: number, name: string | null, own: ReadonlyMap<string, string>, theme: Theme): Rgb {
  const chosen = own.get(name ?? "");
  const rgb = chosen === undefined ? undefined : fromHex(chosen);
  if (rgb) return rgb;
  if (name === null) return UNKNOWN;
  const palette = labelPalette(theme);
  return palette[label % palette.length] ?? UNKNOWN;
}

/**
 * The shape of a label: the person's own, else one that goes with its colour. Labels beyond the colours take the colours
 * again, each time with another shape.
 *
 * @param total how many labels there are
 */
export function labelShape(
  label: number,
  name: string | null,
  total: number,
  { ownShapes, shapes }: Pick<LabelStyle, "ownShapes" | "shapes">,
): Shape {
  const own = ownShapes.get(name ?? "");
  if (own) return own;
  if (name === null || shapes === "circle" || total <= MOST_CIRCLES) return "circle";
  const byColour = labelShapes();
  const first = SHAPES.indexOf(byColour[label % byColour.length] ?? "circle");
  return SHAPES[(first + Math.floor(label / byColour.length)) % SHAPES.length] ?? "circle";
}

/** One palette entry a label; mark 0 for those that are not shown. */
export function labelColours(
  labels: readonly { readonly name: string | null }[],
  style: LabelStyle,
  theme: Theme,
): Uint8Array {
  const entries = new Uint8Array(4 * Math.min(labels.length, MAX_PALETTE));
  for (let label = 0; 4 * label < entries.length; label++) {
    const name = labels[label]?.name ?? null;
    const mark = isShown(label, style) ? markOf(labelShape(label, name, labels.length, style)) : 0;
    entries.set([...labelColour(label, name, style.own, theme), mark], 4 * label);
  }
  return entries;
}

/** Label ids as palette entries. */
export function labelIndex(ids: Uint32Array): Uint16Array {
  const index = new Uint16Array(ids.length);
  for (let row = 0; row < ids.length; row++) index[row] = (ids[row] as number) % MAX_PALETTE;
  return index;
}

export interface Scale {
  readonly index: Uint16Array;
  readonly palette: Uint8Array;
  /** Values at both ends of the scale: the 1st and 99th percentile, so that one odd value does not grey the rest. */
  readonly low: number;
  readonly high: number;
}

/** Values as steps of the continuous palette; NaN takes the grey entry behind it. */
export function valueScale(values: ArrayLike<number>, theme: Theme): Scale {
  const [low, high] = percentiles(values, 0.01, 0.99);
  const index = new Uint16Array(values.length);
  const perStep = high > low ? (SCALE_STEPS - 1) / (high - low) : 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as number;
    index[row] = Number.isNaN(value)
      ? SCALE_STEPS
      : Math.min(SCALE_STEPS - 1, Math.max(0, Math.round((value - low) * perStep)));
  }
  const palette = new Uint8Array(4 * (SCALE_STEPS + 1));
  const mark = markOf("circle");
  for (const [step, colour] of continuousPalette(theme).entries()) palette.set([...colour, mark], 4 * step);
  palette.set([...UNKNOWN, mark], 4 * SCALE_STEPS);
  return { index, palette, low, high };
}

/** Values as sizes of points, 0 to 255 between the 1st and the 99th percentile; unknown ones are the smallest. */
export function valueSizes(values: ArrayLike<number>): Uint8Array {
  const [low, high] = percentiles(values, 0.01, 0.99);
  const perStep = high > low ? 255 / (high - low) : 0;
  return Uint8Array.from(values, (value) =>
    Number.isNaN(value) ? 0 : Math.min(255, Math.max(0, Math.round((value - low) * perStep))),
  );
}

/** What a column's values must lie between, ends included. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Smallest and largest number among the values; undefined when there is none. */
export function extent(values: ArrayLike<number>): Range | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as number;
    // Comparisons with NaN are false.
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : undefined;
}

/** How many values are not known. */
export function countUnknown(values: ArrayLike<number>): number {
  let count = 0;
  for (let row = 0; row < values.length; row++) if (Number.isNaN(values[row])) count++;
  return count;
}

/** How many values fall into each of `bins` equal steps of a range. */
export function histogram(values: ArrayLike<number>, { low, high }: Range, bins: number): Uint32Array {
  const counts = new Uint32Array(bins);
  const perBin = high > low ? bins / (high - low) : 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as number;
    if (!(value >= low && value <= high)) continue;
    const bin = Math.min(bins - 1, Math.floor((value - low) * perBin));
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
}

/** Two quantiles of the numbers among these values; exact up to 20,000 values, of an even sample of that size above. */
export function percentiles(values: ArrayLike<number>, first: number, second: number): [number, number] {
  const step = Math.max(1, values.length / 20_000);
  const sample: number[] = [];
  for (let at = 0; at < values.length; at += step) {
    const value = values[Math.floor(at)] as number;
    if (Number.isFinite(value)) sample.push(value);
  }
  if (sample.length === 0) return [0, 0];
  const sorted = Float64Array.from(sample).sort();
  const pick = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
  return [pick(first), pick(second)];
}

/**
 * Points for the plot: both axes brought to [-1, 1] by their ranges.
 *
 * @param ranges smallest and largest value; an axis without extent lies in the middle
 */
export function normalise(
  x: Float32Array,
  y: Float32Array,
  ranges: readonly (readonly [number, number])[],
): Float32Array {
  const [rangeX = [0, 0], rangeY = rangeX] = ranges;
  const xy = new Float32Array(2 * x.length);
  const put = (values: Float32Array, [low, high]: readonly [number, number], offset: number) => {
    const factor = high > low ? 2 / (high - low) : 0;
    const middle = (low + high) / 2;
    for (let row = 0; row < values.length; row++) xy[2 * row + offset] = ((values[row] as number) - middle) * factor;
  };
  put(x, rangeX, 0);
  put(y, rangeY, 1);
  return xy;
}

/**
 * 1 for each row whose label is shown, that the search found and whose columns lie in the ranges; null when nothing is
 * filtered. An unknown value lies in no range.
 */
export function filterMask(
  ids: Uint32Array,
  style: Pick<LabelStyle, "isolated" | "hidden">,
  found: Uint32Array | null,
  ranges: readonly (Range & { readonly values: ArrayLike<number> })[] = [],
): Uint8Array | null {
  const byLabel = style.isolated.size > 0 || style.hidden.size > 0;
  if (!byLabel && found === null && ranges.length === 0) return null;
  const mask = new Uint8Array(ids.length);
  if (found === null) mask.fill(1);
  else for (const row of found) mask[row] = 1;
  for (const { values, low, high } of ranges) {
    for (let row = 0; row < ids.length; row++) {
      const value = values[row] as number;
      if (!(value >= low && value <= high)) mask[row] = 0;
    }
  }
  if (!byLabel) return mask;
  const known = new Map<number, boolean>();
  for (let row = 0; row < ids.length; row++) {
    if (mask[row] === 0) continue;
    const label = ids[row] as number;
    let shown = known.get(label);
    if (shown === undefined) {
      shown = isShown(label, style);
      known.set(label, shown);
    }
    if (!shown) mask[row] = 0;
  }
  return mask;
}

/** Rows of the gallery in the run's order: what passes the filter, and of that the selection if there is one. */
export function shownRows(rows: number, filter: Uint8Array | null, selection: Uint8Array | null): Uint32Array {
  const shown = new Uint32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if ((filter === null || filter[row] === 1) && (selection === null || selection[row] === 1)) shown[count++] = row;
  }
  return shown.slice(0, count);
}

/** Rows with the largest score first; equal scores and unknown ones in the run's order, unknown ones last. */
export function byScore(rows: Uint32Array, scores: ArrayLike<number>): Uint32Array {
  const value = (row: number) => {
    const score = scores[row] as number;
    return Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score;
  };
  return rows.slice().sort((a, b) => value(b) - value(a) || a - b);
}

/** Rows with the earliest time first; equal times and unknown ones in the run's order, unknown ones last. */
export function byTime(rows: Uint32Array, times: ArrayLike<number>): Uint32Array {
  const value = (row: number) => {
    const time = times[row] as number;
    return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
  };
  return rows.slice().sort((a, b) => (value(a) === value(b) ? a - b : value(a) - value(b)));
}

/**
 * A selection after rows were drawn around.
 *
 * @returns null when nothing is left
 */
export function combine(
  before: Uint8Array | null,
  rows: Uint32Array,
  how: "replace" | "add" | "subtract",
  total: number,
): Uint8Array | null {
  const mask = how === "replace" || before === null ? new Uint8Array(total) : before.slice();
  if (how !== "subtract") for (const row of rows) mask[row] = 1;
  else for (const row of rows) mask[row] = 0;
  return mask.includes(1) ? mask : null;
}

/** Rows of a mask, ascending. */
export function rowsOf(mask: Uint8Array): Uint32Array {
  return shownRows(mask.length, null, mask);
}

/** The share of values below this one. */
export function rankOf(values: ArrayLike<number>, value: number): number {
  let below = 0;
  let known = 0;
  for (let row = 0; row < values.length; row++) {
    const other = values[row] as number;
    if (Number.isNaN(other)) continue;
    known++;
    if (other < value) below++;
  }
  return known === 0 ? 0 : below / known;
}
