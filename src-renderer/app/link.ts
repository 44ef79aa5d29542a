/** Deep links: what is seen, in the part of the address behind `#`. */
import type { Camera } from "../plots/camera.js";
import type { Range, ShapeRule } from "../state/explore-logic.js";

/** What a row may be filtered by, as far as its run holds it. */
export type Column = "outlier" | "width" | "height" | "size" | "captured" | "modified";
/** `depth`: the third component. */
export type ColourBy = "label" | "depth" | Column;
/** `date`: by `dateColumn`. */
export type Sort = "run" | "date" | "outlier" | "similar";

/** The state of Explore that a link carries. Labels go by name: ids change when labels are edited. */
export interface ExploreLink {
  readonly components: readonly [number, number];
  /** Third component: shown by colour where `colour` is `depth`, else by size. */
  readonly third: number | null;
  readonly colour: ColourBy;
  readonly shapes: ShapeRule;
  readonly sort: Sort;
  readonly isolated: readonly (string | null)[];
  readonly hidden: readonly (string | null)[];
  readonly text: string;
  readonly ranges: ReadonlyMap<Column, Range>;
  /** The photos that were set aside are listed instead of those on the map. */
  readonly aside: boolean;
  readonly row: number | null;
  readonly selection: Uint32Array | null;
  readonly camera: Camera | null;
}

export const EMPTY_LINK: ExploreLink = {
  components: [0, 1],
  third: null,
  colour: "label",
  shapes: "auto",
  sort: "run",
  isolated: [],
  hidden: [],
  text: "",
  ranges: new Map(),
  aside: false,
  row: null,
  selection: null,
  camera: null,
};

/** Longer lists of rows are left out of the address: browsers and chat programs cut long links. */
export const LONGEST_SELECTION = 4_000;

export const COLUMNS: readonly Column[] = ["captured", "modified", "size", "width", "height", "outlier"];
const COLOURS: readonly ColourBy[] = ["label", "depth", ...COLUMNS];
const SORTS: readonly Sort[] = ["run", "date", "outlier", "similar"];

/** The date that stands for a run's photos: when they were taken, else that of their files, else none. */
export function dateColumn(offered: readonly Column[]): "captured" | "modified" | undefined {
  return (["captured", "modified"] as const).find((name) => offered.includes(name));
}

/** Parameters of a link; what is as at the start is left out. */
export function writeLink(link: ExploreLink): URLSearchParams {
  const search = new URLSearchParams();
  const [x, y] = link.components;
  if (x !== 0 || y !== 1) search.set("axes", `${x + 1},${y + 1}`);
  if (link.third !== null) search.set("third", String(link.third + 1));
  if (link.colour !== "label") search.set("colour", link.colour);
  if (link.shapes !== "auto") search.set("shapes", link.shapes);
  if (link.sort !== "run") search.set("sort", link.sort);
  for (const name of link.isolated) search.append("only", name === null ? "-" : `=${name}`);
  for (const name of link.hidden) search.append("hide", name === null ? "-" : `=${name}`);
  if (link.text) search.set("q", link.text);
  for (const [column, { low, high }] of link.ranges) {
    search.set(column, [low, high].map((end) => (Number.isFinite(end) ? String(end) : "")).join(".."));
  }
  if (link.aside) search.set("aside", "1");
  if (link.row !== null) search.set("photo", String(link.row));
  if (link.selection) {
    const packed = packRows(link.selection);
    if (packed.length <= LONGEST_SELECTION) search.set("rows", packed);
  }
  if (link.camera) {
    const { x: atX, y: atY, zoom } = link.camera;
    search.set("view", [atX, atY, zoom].map((value) => Number(value.toPrecision(5))).join(","));
  }
  return search;
}

/** The state a link stands for; what cannot be read is as at the start. */
export function readLink(search: URLSearchParams): ExploreLink {
  const [x = 1, y = 2] = numbers(search.get("axes"), 2) ?? [];
  const [atX = 0, atY = 0, zoom = 0] = numbers(search.get("view"), 3) ?? [];
  const third = search.get("third") ?? "";
  const row = search.get("photo");
  const packed = search.get("rows");
  const names = (key: string) => search.getAll(key).map((name) => (name === "-" ? null : name.replace(/^=/, "")));
  return {
    components: x >= 1 && y >= 1 && Number.isInteger(x) && Number.isInteger(y) ? [x - 1, y - 1] : [0, 1],
    third: /^[1-9]\d{0,5}$/.test(third) ? Number(third) - 1 : null,
    colour: COLOURS.find((name) => name === search.get("colour")) ?? "label",
    shapes: search.get("shapes") === "circle" ? "circle" : "auto",
    sort: SORTS.find((name) => name === search.get("sort")) ?? "run",
    isolated: names("only"),
    hidden: names("hide"),
    text: search.get("q") ?? "",
    ranges: new Map(COLUMNS.flatMap((column) => rangeOf(column, search.get(column)))),
    aside: search.get("aside") === "1",
    row: row !== null && /^\d{1,9}$/.test(row) ? Number(row) : null,
    selection: packed === null ? null : (unpackRows(packed) ?? null),
    camera: zoom > 0 ? { x: atX, y: atY, zoom } : null,
  };
}

/** `10..20`, `10..` or `..20`. */
function rangeOf(column: Column, text: string | null): [Column, Range][] {
  const [low = "", high = ""] = text?.split("..") ?? [];
  if (low === "" && high === "") return [];
  const range = {
    low: low === "" ? Number.NEGATIVE_INFINITY : Number(low),
    high: high === "" ? Number.POSITIVE_INFINITY : Number(high),
  };
  // Not a number compares with nothing.
  return range.low <= range.high ? [[column, range]] : [];
}

function numbers(text: string | null, length: number): number[] | undefined {
  const values = text?.split(",").map(Number) ?? [];
  return values.length === length && values.every(Number.isFinite) ? values : undefined;
}

/** Ascending rows as gaps and lengths of runs in base 36: `3-4.a` is rows 3 to 7 and 17. */
export function packRows(rows: Uint32Array): string {
  const parts: string[] = [];
  let next = 0;
  for (let at = 0; at < rows.length; ) {
    const first = rows[at] as number;
    let length = 1;
    while (rows[at + length] === first + length) length++;
    parts.push((first - next).toString(36) + (length > 1 ? `-${(length - 1).toString(36)}` : ""));
    next = first + length;
    at += length;
    // Not longer than what will be thrown away.
    if (parts.length > LONGEST_SELECTION) break;
  }
  return parts.join(".");
}

/** The rows of `packRows`; undefined when the text is no such list, or one of more than ten million rows. */
export function unpackRows(text: string): Uint32Array | undefined {
  const rows: number[] = [];
  let next = 0;
  for (const part of text.split(".")) {
    const [, gap, more] = /^([0-9a-z]{1,6})(?:-([0-9a-z]{1,5}))?$/.exec(part) ?? [];
    if (gap === undefined) return undefined;
    const first = next + Number.parseInt(gap, 36);
    const length = 1 + (more === undefined ? 0 : Number.parseInt(more, 36));
    if (rows.length + length > 10_000_000) return undefined;
    for (let i = 0; i < length; i++) rows.push(first + i);
    next = first + length;
  }
  return Uint32Array.from(rows);
}

/** Views that need no run. */
const VIEWS = ["runs", "jobs", "transfers", "new", "settings", "about"] as const;
const RUN_ID = /^[0-9a-f]{16}$/;

/** Where the window is. */
export type Place =
  | { readonly view: (typeof VIEWS)[number] | "unknown" }
  | { readonly view: "compare"; readonly a: string; readonly b: string }
  | { readonly view: "explore" | "variance"; readonly run: string };

/** The place of an address' part behind `#`, and its parameters. */
export function readPlace(hash: string): { place: Place; search: URLSearchParams } {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?");
  const search = new URLSearchParams(query);
  const [first = "", second, third] = path.split("/");
  if (first === "") return { place: { view: "runs" }, search };
  if (first === "run" && second && RUN_ID.test(second) && (third === "explore" || third === "variance")) {
    return { place: { view: third, run: second }, search };
  }
  if (first === "compare" && second && third && RUN_ID.test(second) && RUN_ID.test(third)) {
    return { place: { view: "compare", a: second, b: third }, search };
  }
  const view = VIEWS.find((name) => name === first);
  if (second === undefined && view) return { place: { view }, search };
  return { place: { view: "unknown" }, search };
}

/** The address' part behind and with `#`. */
export function writePlace(place: Place, search: URLSearchParams = new URLSearchParams()): string {
  const path =
    "run" in place ? `run/${place.run}/${place.view}` : "a" in place ? `compare/${place.a}/${place.b}` : place.view;
  const query = search.toString();
  return `#/${path}${query ? `?${query}` : ""}`;
}
