/** The open run: its rows, what is shown of them, what is selected, and the edits of labels. */
import { create } from "zustand";
import { useShallow } from "zustand/react/shallow";
import type { Label, Overview, Problem, ResponseOf } from "../../src-main/api/channels.js";
import { client, isAbort, problemOf } from "../api/client.js";
import {
  type ColourBy,
  type Column,
  dateColumn,
  EMPTY_LINK,
  type ExploreLink,
  type Sort,
  writeLink,
} from "../app/link.js";
import { note } from "../app/router.js";
import { type Camera, HOME } from "../plots/camera.js";
import type { Tool } from "../plots/scatter-plot.js";
import { SHAPES, type Shape } from "../plots/shapes.js";
import { dismissAbout, returnListeners, runListeners, tell, tellError } from "./app.js";
import {
  byScore,
  byTime,
  combine,
  filterMask,
  normalise,
  type Range,
  rowsOf,
  type ShapeRule,
  shownRows,
} from "./explore-logic.js";
import { currentSpeech } from "./settings.js";

export type Values = Float32Array | Float64Array;

export interface Neighbours {
  readonly row: number;
  readonly rows: Uint32Array;
  readonly distances: Float32Array;
  readonly compared: number;
}

export interface ExploreState {
  readonly run: string | null;
  readonly overview: Overview | null;
  readonly problem: Problem | null;
  readonly components: readonly [number, number];
  /** Third component: shown by colour where `colour` is `depth`, else by size. */
  readonly third: number | null;
  /** Points for the plot and the values at their edges; null while they come or without a PCA. */
  readonly points: {
    readonly xy: Float32Array;
    /** Scores along the third component. */
    readonly depth: Float32Array | null;
    readonly ranges: readonly (readonly [number, number])[];
  } | null;
  readonly labels: readonly Label[];
  /** Label id of each row. */
  readonly ids: Uint32Array;
  readonly revision: number;
  readonly edits: Overview["edits"];
  readonly colour: ColourBy;
  /** Values of the column or score that colours the points. */
  readonly values: Values | null;
  readonly outliers: Values | null;
  /** Columns fetched so far; the outlier scores stand in `outliers`, since they change with the labels. */
  readonly columns: ReadonlyMap<StoredColumn, Values>;
  readonly shapes: ShapeRule;
  /** Own shapes by label name ("" for no label). */
  readonly ownShapes: ReadonlyMap<string, Shape>;
  readonly ranges: ReadonlyMap<Column, Range>;
  /** The photos that were set aside are listed in the gallery's place. */
  readonly aside: boolean;
  readonly isolated: ReadonlySet<number>;
  readonly hidden: ReadonlySet<number>;
  readonly own: ReadonlyMap<string, string>;
  readonly text: string;
  /** Rows that the search found; null without a search. */
  readonly found: Uint32Array | null;
  readonly filter: Uint8Array | null;
  readonly selection: Uint8Array | null;
  readonly selected: number;
  readonly sort: Sort;
  /** What the gallery lists, in its order. */
  readonly shown: Uint32Array;
  /** The row in the inspector. */
  readonly focus: number | null;
  readonly image: ResponseOf<"run.image"> | null;
  /** Null while they are looked for; without rows where there are none to be had. */
  readonly neighbours: Neighbours | null;
  readonly tool: Tool;
  readonly camera: Camera | null;
  /** The dialog that is open over the view. */
  readonly dialog: "relabel" | "export" | "locate" | null;
}

/** A column that the run itself holds. */
export type StoredColumn = Exclude<Column, "outlier">;

const NONE = new Uint32Array(0);

const initial: ExploreState = {
  run: null,
  overview: null,
  problem: null,
  components: [0, 1],
  third: null,
  points: null,
  labels: [],
  ids: NONE,
  revision: 0,
  edits: { rows: 0, canUndo: false, canRedo: false },
  colour: "label",
  values: null,
  outliers: null,
  columns: new Map(),
  shapes: "auto",
  ownShapes: new Map(),
  ranges: new Map(),
  aside: false,
  isolated: new Set(),
  hidden: new Set(),
  own: new Map(),
  text: "",
  found: null,
  filter: null,
  selection: null,
  selected: 0,
  sort: "run",
  shown: NONE,
  focus: null,
  image: null,
  neighbours: null,
  tool: "pan",
  camera: null,
  dialog: null,
};

export const useExplore = create<ExploreState>(() => initial);
const get = useExplore.getState;

/** Some parts of the state: a view that names them is not drawn again when others change, as the camera does all the time. */
export function useExploreOf<K extends keyof ExploreState>(...keys: readonly K[]): Pick<ExploreState, K> {
  return useExplore(
    useShallow((state) => Object.fromEntries(keys.map((key) => [key, state[key]])) as Pick<ExploreState, K>),
  );
}

const set = useExplore.setState;

/** What notes about changes of labels are about. */
const LABELS = "labels";

/** Neighbours that the inspector shows. */
export const NEIGHBOURS = 12;

/** Calls for the run before are given up when another is opened. */
let opening = new AbortController();
let focusing = new AbortController();
let searching = new AbortController();

/**
 * Opens a run as a link says; opening the one that is open keeps what is loaded.
 */
export async function openRun(run: string, link: ExploreLink = EMPTY_LINK): Promise<void> {
  if (get().run === run && get().overview) return;
  leave();
  const { signal } = opening;
  const own = { own: ownOf<string>("colours", run), ownShapes: ownShapes(run) };
  set({ ...initial, run, components: link.components, third: link.third, ...own, tool: get().tool });
  try {
    const overview = await client.call("run.overview", { run }, { signal });
    signal.throwIfAborted();
    set({ overview, labels: overview.labels, revision: overview.revision, edits: overview.edits });
    const kept = overview.pca?.components ?? 0;
    const within = (component: number, otherwise: number) =>
      component < kept ? component : Math.min(otherwise, Math.max(0, kept - 1));
    set({
      components: [within(link.components[0], 0), within(link.components[1], 1)],
      third: link.third !== null && link.third < kept ? link.third : null,
    });
    await (kept > 0 ? loadPoints() : loadLabels());
    signal.throwIfAborted();
    applyLink(link);
  } catch (error) {
    if (!isAbort(error) && get().run === run) set({ problem: problemOf(error) });
  }
}

function applyLink(link: ExploreLink): void {
  const { labels, overview, third } = get();
  const idOf = (name: string | null) => labels.findIndex((label) => label.name === name);
  const ids = (names: readonly (string | null)[]) => new Set(names.map(idOf).filter((id) => id >= 0));
  const rows = overview?.rows ?? 0;
  const selection = link.selection
    ? combine(
        null,
        link.selection.filter((row) => row < rows),
        "replace",
        rows,
      )
    : null;
  set({
    isolated: ids(link.isolated),
    hidden: ids(link.hidden),
    camera: link.camera,
    shapes: link.shapes,
    aside: link.aside && (overview?.card.setAside ?? 0) > 0,
    selection,
    selected: selection ? rowsOf(selection).length : 0,
  });
  derive();
  if (link.row !== null && link.row < rows) focusRow(link.row);
  const has = (column: Column) => overview?.columns.includes(column) === true;
  if (link.colour === "depth" ? third !== null : link.colour !== "label" && has(link.colour))
    void colourBy(link.colour);
  for (const [column, range] of link.ranges) if (has(column)) void filterBy(column, range);
  if (link.sort !== "run") void sortBy(link.sort);
  if (link.text) void searchFor(link.text);
}

/** Closes the run in this window; the server keeps it for the others. */
export function closeRun(): void {
  leave();
  set(initial, true);
}

/** Gives up what was asked of the run before: an answer that comes late must not be taken for one about the next. */
function leave(): void {
  for (const calls of [opening, focusing, searching]) calls.abort();
  opening = new AbortController();
  // "Undo" would be offered for labels that are not on the screen any more.
  dismissAbout(LABELS);
}

async function loadPoints(): Promise<void> {
  const { run, components, third } = get();
  if (run === null) return;
  const wanted = [...components, ...(third === null ? [] : [third])];
  const asked = [...new Set(wanted)];
  const { signal } = opening;
  const answer = await client.call("run.coordinates", { run, components: asked }, { signal });
  signal.throwIfAborted();
  // Another choice was made meanwhile: its points are on their way.
  if (get().components !== components || get().third !== third) return;
  const [x, y, depth] = wanted.map((component) => asked.indexOf(component));
  const axis = (at: number | undefined) => answer.axes[at ?? 0] ?? new Float32Array(0);
  const range = (at: number | undefined) => answer.ranges[at ?? 0] ?? ([0, 0] as const);
  const ranges = [range(x), range(y)];
  const { revision } = get();
  // Label ids mean something only beside the names of the same revision.
  if (answer.revision === revision) set({ ids: answer.labels });
  else await loadLabels();
  if (signal.aborted || get().components !== components || get().third !== third) return;
  set({
    points: {
      xy: normalise(axis(x), axis(y), ranges),
      depth: depth === undefined ? null : axis(depth),
      ranges,
    },
  });
  if (get().colour === "depth") set({ values: get().points?.depth ?? null });
  derive();
}

async function loadLabels(): Promise<void> {
  const { run } = get();
  if (run !== null) takeLabels(run, await client.call("run.labels", { run }, { signal: opening.signal }));
}

/** Filter, then gallery: what follows from labels, search, selection and order. */
function derive(): void {
  const { ids, isolated, hidden, found, selection, overview, ranges } = get();
  // A range whose column is still on its way filters when it has come.
  const known = [...ranges].flatMap(([column, range]) => {
    const values = valuesOf(column);
    return values ? [{ ...range, values }] : [];
  });
  const filter = filterMask(ids, { isolated, hidden }, found, known);
  const shown = ordered(shownRows(overview?.rows ?? ids.length, filter, selection));
  set({ filter, shown });
}

function ordered(rows: Uint32Array): Uint32Array {
  const { sort, outliers, neighbours, overview, columns } = get();
  if (sort === "outlier" && outliers) return byScore(rows, outliers);
  const date = sort === "date" && dateColumn(overview?.columns ?? []);
  const times = date ? columns.get(date) : undefined;
  if (times) return byTime(rows, times);
  if (sort === "similar" && neighbours) {
    const among = new Set(rows);
    const first = [neighbours.row, ...neighbours.rows].filter((row) => among.has(row));
    const taken = new Set(first);
    return Uint32Array.from([...first, ...rows.filter((row) => !taken.has(row))]);
  }
  return rows;
}

/** Shows two other components. */
export async function showComponents(components: readonly [number, number]): Promise<void> {
  set({ components, camera: null });
  await loadPoints().catch(report);
}

/** Shows a third component, at first by colour; null takes it away. */
export async function showThird(third: number | null): Promise<void> {
  const { third: before, colour } = get();
  set({ third });
  if (third === null) {
    if (colour === "depth") await colourBy("label");
  } else if (before === null) {
    colourChoice += 1;
    set({ colour: "depth", values: null });
  }
  await loadPoints().catch(report);
}

/** Colours by label, by the third component, by a column or by the outlier score, fetched when first asked for. */
export async function colourBy(colour: ColourBy): Promise<void> {
  const { run, points } = get();
  if (run === null) return;
  const choice = ++colourChoice;
  try {
    const values = colour === "label" ? null : colour === "depth" ? (points?.depth ?? null) : await column(colour);
    if (get().run === run && choice === colourChoice) set({ colour, values });
  } catch (error) {
    report(error);
  }
}

/** Count the choices: where values come slowly, the last choice holds, not the last answer. */
let colourChoice = 0;
let sortChoice = 0;

/** Gives labels shapes of their own, or circles to all. */
export function setShapes(shapes: ShapeRule): void {
  set({ shapes });
}

/** The values of a column as far as they were fetched. */
export function valuesOf(name: Column): Values | null {
  return name === "outlier" ? get().outliers : (get().columns.get(name) ?? null);
}

/** One value per row, fetched when first asked for. @throws what the call throws */
export async function column(name: Column): Promise<Values> {
  if (name === "outlier") return outlierScores();
  const { run, columns } = get();
  const known = columns.get(name);
  if (known || run === null) return known ?? new Float64Array(0);
  const answer = await client.call("run.columns", { run, names: [name] }, { signal: opening.signal });
  const values = answer.columns[name] ?? new Float64Array(0);
  set({ columns: new Map([...get().columns, [name, values]]) });
  return values;
}

/** Shows only rows whose column lies in a range; null takes the filter away. */
export async function filterBy(name: Column, range: Range | null): Promise<void> {
  const ranges = new Map(get().ranges);
  if (range) ranges.set(name, range);
  else ranges.delete(name);
  set({ ranges });
  try {
    if (range) await column(name);
    derive();
  } catch (error) {
    report(error);
  }
}

/** Lists the photos that were set aside, or goes back to those on the map. */
export function showAside(aside: boolean): void {
  set({ aside });
}

/** Takes every filter away: labels, text, columns, set aside. */
export function clearFilters(): void {
  set({ isolated: new Set(), hidden: new Set(), ranges: new Map(), aside: false });
  void searchFor("");
}

async function outlierScores(): Promise<Values> {
  const { run, outliers } = get();
  if (outliers || run === null) return outliers ?? new Float32Array(0);
  const { scores, revision } = await client.call("run.outliers", { run }, { signal: opening.signal });
  // Of labels that are no longer those shown: a later answer is kept, and this one is as good until it comes.
  if (revision >= get().revision) set({ outliers: scores });
  return scores;
}

export async function sortBy(sort: Sort): Promise<void> {
  const { run } = get();
  const choice = ++sortChoice;
  try {
    const date = sort === "date" ? dateColumn(get().overview?.columns ?? []) : undefined;
    // A link may have come from a run that knows a date.
    if (sort === "date" && !date) return;
    if (date) await column(date);
    if (sort === "outlier") await outlierScores();
    if (sort === "similar") await manyNeighbours();
    if (get().run !== run || choice !== sortChoice) return;
    set({ sort });
    derive();
  } catch (error) {
    report(error);
  }
}

/** Neighbours for the gallery: as many as the server gives. */
async function manyNeighbours(): Promise<void> {
  const { run, focus, overview } = get();
  const rows = overview?.rows ?? 0;
  if (run === null || focus === null || rows < 2) return;
  const answer = await client.call("run.neighbours", { run, row: focus, k: Math.min(1000, rows - 1) });
  if (get().run === run && get().focus === focus) set({ neighbours: { row: focus, ...answer } });
}

/** Rows whose path or label holds all words. */
export async function searchFor(text: string): Promise<void> {
  const { run } = get();
  set({ text });
  searching.abort();
  searching = new AbortController();
  if (run === null) return;
  try {
    const found = text.trim() === "" ? null : (await client.call("run.search", { run, text }, searching)).rows;
    if (get().text !== text) return;
    set({ found });
    derive();
  } catch (error) {
    report(error);
  }
}

/** Shows only these labels; isolating what is isolated alone shows all again. */
export function isolate(label: number, add: boolean): void {
  const { isolated, hidden } = get();
  const next = new Set(add ? isolated : []);
  if (isolated.has(label) && (add || isolated.size === 1)) next.delete(label);
  else next.add(label);
  set({ isolated: next, hidden: new Set([...hidden].filter((id) => id !== label)) });
  derive();
}

export function toggleHidden(label: number): void {
  const hidden = new Set(get().hidden);
  if (!hidden.delete(label)) hidden.add(label);
  set({ hidden });
  derive();
}

export function showAllLabels(): void {
  showLabels({ isolated: [], hidden: [] });
}

/** Replaces the labels that are isolated, those that are hidden, or both. */
export function showLabels(labels: { isolated?: readonly number[]; hidden?: readonly number[] }): void {
  const { isolated, hidden } = get();
  set({ isolated: new Set(labels.isolated ?? isolated), hidden: new Set(labels.hidden ?? hidden) });
  derive();
}

/** Selects rows; the inspector stays on its photo. */
export function select(rows: Uint32Array, how: "replace" | "add" | "subtract"): void {
  const { selection, overview, ids } = get();
  const next = combine(selection, rows, how, overview?.rows ?? ids.length);
  set({ selection: next, selected: next ? rowsOf(next).length : 0 });
  derive();
}

export function selectShown(): void {
  select(get().shown, "replace");
}

/** Esc: first the selection, then the photo. */
export function clearOne(): void {
  if (get().selection) {
    set({ selection: null, selected: 0 });
    derive();
  } else if (get().focus !== null) focusRow(null);
}

/** Puts a row into the inspector and fetches what is said there. */
export function focusRow(row: number | null): void {
  if (row === get().focus) return;
  focusing.abort();
  focusing = new AbortController();
  set({
    focus: row,
    image: null,
    neighbours: null,
    ...(row === null && get().sort === "similar" ? { sort: "run" } : {}),
  });
  if (row !== null) void inspect(row, focusing.signal);
}

const noneOf = (row: number): Neighbours => ({
  row,
  rows: new Uint32Array(),
  distances: new Float32Array(),
  compared: 0,
});

async function inspect(row: number, signal: AbortSignal): Promise<void> {
  const { run, overview, sort } = get();
  if (run === null) return;
  const k = Math.min(sort === "similar" ? 1000 : NEIGHBOURS, (overview?.rows ?? 1) - 1);
  const photo = client.call("run.image", { run, row }, { signal }).then((image) => {
    if (!signal.aborted) set({ image });
  });
  const near =
    k < 1
      ? undefined
      : client.call("run.neighbours", { run, row, k }, { signal }).then(
          (answer) => {
            if (signal.aborted) return;
            set({ neighbours: { row, ...answer } });
            if (get().sort === "similar") derive();
          },
          (error) => {
            if (!signal.aborted) set({ neighbours: noneOf(row) });
            throw error;
          },
        );
  const scores = overview?.pca ? outlierScores() : undefined;
  // One that fails must not take the others along: a photo that was moved still has neighbours.
  for (const { status, ...result } of await Promise.allSettled([photo, near, scores])) {
    if (status === "rejected" && !signal.aborted) report((result as { reason: unknown }).reason);
  }
}

/** The photo before or behind the chosen one, in the gallery's order. */
export function step(by: number): void {
  const { shown, focus } = get();
  if (shown.length === 0) return;
  const at = focus === null ? -1 : shown.indexOf(focus);
  const next = at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + by));
  focusRow(shown[next] ?? null);
}

export function setTool(tool: Tool): void {
  set({ tool });
}

export function setCamera(camera: Camera): void {
  set({ camera });
}

/** Opens a dialog over the view, or with null closes it. Changing labels needs photos to change them of. */
export function showDialog(dialog: ExploreState["dialog"]): void {
  const { selection, focus, shown } = get();
  if (dialog === "relabel" && selection === null && focus === null) return;
  if (dialog === "export" && shown.length === 0) return;
  set({ dialog });
}

/** What a change of label is about: the selection, else the photo in the inspector. */
export function rowsToLabel({ selection, focus }: Pick<ExploreState, "selection" | "focus">): Uint32Array {
  return selection ? rowsOf(selection) : focus === null ? NONE : Uint32Array.of(focus);
}

/** Changes of labels go one after the other: an undo that follows at once undoes this one. */
let editing: Promise<void> = Promise.resolve();

function inTurn(change: () => Promise<void>): Promise<void> {
  editing = editing.then(change);
  return editing;
}

/** Gives the selection (or the photo) a label. */
export async function relabel(label: string | null): Promise<void> {
  const { run, overview } = get();
  const rows = rowsToLabel(get());
  if (run === null || !overview || rows.length === 0) return;
  const { version } = overview.card;
  set({ dialog: null });
  await inTurn(async () => {
    try {
      const answer = await client.call("labels.edit", { run, version, rows, label });
      takeLabels(run, answer);
      const { t } = currentSpeech();
      const { length: count } = rows;
      const text = label === null ? t("relabel.removed", { count }) : t("relabel.done", { count, label });
      // Not where another run has been opened, or another window has changed labels since: "undo" would take back that.
      const isLast = get().run === run && get().revision === answer.revision;
      const action = { label: t("action.undo"), run: () => void undo() };
      tell({ kind: "done", about: LABELS, text, ...(isLast ? { action } : {}) });
    } catch (error) {
      report(error);
      if (get().run === run && problemOf(error).code === "run/changed") void renew();
    }
  });
}

export async function undo(): Promise<void> {
  await inTurn(() => changeBack("labels.undo", get().edits.canUndo));
}

export async function redo(): Promise<void> {
  await inTurn(() => changeBack("labels.redo", get().edits.canRedo));
}

async function changeBack(channel: "labels.undo" | "labels.redo", possible: boolean): Promise<void> {
  const { run } = get();
  if (run === null || !possible) return;
  try {
    takeLabels(run, await client.call(channel, { run }));
    const text = currentSpeech().t(channel === "labels.undo" ? "relabel.undone" : "relabel.redone");
    tell({ kind: "done", about: LABELS, text });
  } catch (error) {
    report(error);
  }
}

/**
 * Labels after a change, here or in another window: filters go on by name, since ids may have moved. Answers may come in
 * another order than they were given, or when another run is open: those are dropped.
 */
function takeLabels(of: string, answer: ResponseOf<"run.labels">): void {
  const { labels: before, isolated, hidden, run, focus, overview, revision, text } = get();
  if (of !== run || answer.revision < revision) return;
  // A label that no photo has any more filters nothing: isolating it would leave an empty window.
  const idOf = new Map(answer.labels.flatMap((label, id) => (label.rows > 0 ? [[label.name, id] as const] : [])));
  const moved = (ids: ReadonlySet<number>) =>
    new Set([...ids].flatMap((id) => idOf.get(before[id]?.name ?? null) ?? []));
  set({
    labels: answer.labels,
    ids: answer.ids,
    revision: answer.revision,
    edits: answer.edits,
    isolated: moved(isolated),
    hidden: moved(hidden),
    // Scores are distances to the centre of the label.
    outliers: null,
    ...(overview ? { overview: { ...overview, labels: answer.labels } } : {}),
  });
  derive();
  const { colour, sort, ranges } = get();
  if (colour === "outlier") void colourBy(colour);
  const outlierRange = ranges.get("outlier");
  if (outlierRange) void filterBy("outlier", outlierRange);
  if (sort === "outlier") void sortBy(sort);
  // The search also looks into labels.
  if (text.trim() !== "") void searchFor(text);
  if (focus !== null) {
    void client.call("run.image", { run, row: focus }).then((image) => {
      if (get().run === run && get().focus === focus) set({ image });
    }, report);
  }
}

/** An own colour for a label, kept on this computer; undefined takes it away. */
export function setOwnColour(name: string | null, colour: string | undefined): void {
  const own = withOwn(get().own, name, colour);
  set({ own });
  keepOwn("colours", own);
}

/** An own shape for a label, kept on this computer; undefined takes it away. */
export function setOwnShape(name: string | null, shape: Shape | undefined): void {
  const ownShapes = withOwn(get().ownShapes, name, shape);
  set({ ownShapes });
  keepOwn("shapes", ownShapes);
}

function withOwn<T>(before: ReadonlyMap<string, T>, name: string | null, value: T | undefined): Map<string, T> {
  const next = new Map(before);
  if (value === undefined) next.delete(name ?? "");
  else next.set(name ?? "", value);
  return next;
}

function keepOwn(what: "colours" | "shapes", own: ReadonlyMap<string, string>): void {
  try {
    localStorage.setItem(`verger.${what}.${get().run}`, JSON.stringify([...own]));
  } catch {
    // Storage may be forbidden or full: the choice holds as long as the window.
  }
}

function ownOf<T extends string>(what: "colours" | "shapes", run: string): Map<string, T> {
  try {
    const entries: unknown = JSON.parse(localStorage.getItem(`verger.${what}.${run}`) ?? "[]");
    return new Map(Array.isArray(entries) ? (entries as [string, T][]) : []);
  } catch {
    return new Map();
  }
}

function ownShapes(run: string): Map<string, Shape> {
  return new Map([...ownOf<Shape>("shapes", run)].filter(([, shape]) => SHAPES.includes(shape)));
}

function report(error: unknown): void {
  if (!isAbort(error)) tellError(error);
}

/** Loads a run anew whose content has changed. Where rows have come or gone, the numbers of those chosen mean other photos. */
async function renew(): Promise<void> {
  const { run, overview: before } = get();
  await reopen();
  const { run: open, overview } = get();
  if (open !== run || !before || !overview || overview.rows === before.rows) return;
  focusRow(null);
  set({ selection: null, selected: 0 });
  derive();
}

/** The link of what is seen now. */
export function linkOf(state: ExploreState): ExploreLink {
  const nameOf = (id: number) => state.labels[id]?.name ?? null;
  return {
    components: state.components,
    third: state.third,
    colour: state.colour,
    shapes: state.shapes,
    sort: state.sort,
    isolated: [...state.isolated].map(nameOf),
    hidden: [...state.hidden].map(nameOf),
    text: state.text,
    ranges: state.ranges,
    aside: state.aside,
    row: state.focus,
    selection: state.selection ? rowsOf(state.selection) : null,
    camera: isHome(state.camera) ? null : state.camera,
  };
}

function isHome(camera: Camera | null): boolean {
  return camera === null || (camera.zoom === HOME.zoom && camera.x === HOME.x && camera.y === HOME.y);
}

/** Keeps the address up to date with what is seen, at most four times a second. @returns a function that ends it */
export function followInAddress(run: string): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = () => {
    timer = undefined;
    const state = get();
    if (state.run === run && state.overview) note({ view: "explore", run }, writeLink(linkOf(state)));
  };
  const soon = () => {
    timer ??= setTimeout(write, 250);
  };
  // A run that was open already may be shown under an address that does not say how.
  soon();
  const end = useExplore.subscribe(soon);
  return () => {
    end();
    clearTimeout(timer);
  };
}

runListeners.add((event) => {
  const { run, revision } = get();
  if (event.run !== run) return;
  if (event.what === "labels") {
    if (event.revision <= revision) return;
    // What "undo" would take back now is the change of another window.
    dismissAbout(LABELS);
    void loadLabels().catch(report);
  } else void renew();
});
returnListeners.add(() => {
  if (get().run !== null) void reopen();
});

/** Shows what an address says that was entered, or gone back to, while its run is on the screen. */
export async function followLink(link: ExploreLink): Promise<void> {
  if (writeLink(link).toString() !== writeLink(linkOf(get())).toString()) await reopen(link);
}

/** Loads the open run anew, by default with what was looked at. */
export async function reopen(link: ExploreLink = linkOf(get())): Promise<void> {
  const { run } = get();
  if (run === null) return;
  set({ run: null });
  await openRun(run, link);
}
