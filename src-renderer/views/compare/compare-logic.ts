/** Two runs in one picture: which row is which, and one colour a label on both sides. */
import type { Label } from "../../../src-main/api/channels.js";
import { MAX_PALETTE } from "../../state/explore-logic.js";

export type SideName = "a" | "b";

/** The other run. */
export const OTHER: Readonly<Record<SideName, SideName>> = { a: "b", b: "a" };

/** For each row of one run the row of the same image in the other; -1 where that has none. */
export function counterparts(rows: number, here: Uint32Array, there: Uint32Array): Int32Array {
  const other = new Int32Array(rows).fill(-1);
  for (let i = 0; i < here.length; i++) other[here[i] as number] = there[i] as number;
  return other;
}

/** 1 for each row that the other run holds as well. */
export function sharedMask(counterpart: Int32Array): Uint8Array {
  return Uint8Array.from(counterpart, (row) => (row >= 0 ? 1 : 0));
}

/** The labels of two runs as one list, and for each run the place there of each of its label ids. */
export function joinLabels(
  a: readonly Label[],
  b: readonly Label[],
): { readonly labels: readonly { readonly name: string | null }[]; readonly a: Uint32Array; readonly b: Uint32Array } {
  const places = new Map<string | null, number>();
  const placeOf = ({ name }: Label) => {
    const place = places.get(name) ?? places.size;
    places.set(name, place);
    return place;
  };
  const ofA = Uint32Array.from(a, placeOf);
  const ofB = Uint32Array.from(b, placeOf);
  return { labels: [...places.keys()].map((name) => ({ name })), a: ofA, b: ofB };
}

/** Palette entry of each row, from its label id and the place of that label in the joined list. */
export function joinedIndex(ids: Uint32Array, places: Uint32Array): Uint16Array {
  const index = new Uint16Array(ids.length);
  for (let row = 0; row < ids.length; row++) index[row] = (places[ids[row] as number] ?? 0) % MAX_PALETTE;
  return index;
}

/** Rows that stand in both lists. */
export function common(a: Iterable<number>, b: Iterable<number>): Set<number> {
  const ofB = new Set(b);
  return new Set([...a].filter((row) => ofB.has(row)));
}
