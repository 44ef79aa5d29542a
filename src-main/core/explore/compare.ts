/** What two runs have in common: images, labels. */
import path from "node:path";
import { isAddress } from "../remote.js";
import type { SharedRows } from "./agreement.js";

/** What a run says of its images. */
export interface RunImages {
  readonly rows: number;
  /** What the paths are relative to; null where the run does not say. */
  readonly root: string | null;
  pathOf(row: number): string;
  labelOf(row: number): string | null;
}

export interface SharedImages extends SharedRows {
  /** `path`: the same path below the sources; `file`: the same file, named from different folders. */
  readonly by: "path" | "file";
}

/** A label in one run and what the other says of the same images; null for no label. */
export interface LabelChange {
  readonly a: string | null;
  readonly b: string | null;
  readonly images: number;
}

/**
 * Finds the images that both runs hold: those of the same path below their sources or, where that finds more, those
 * that are the same file (a run over a folder and one over a folder inside it; features that Spark wrote with whole
 * paths). Where a path stands twice in a run, the first row counts.
 */
export function sharedImages(a: RunImages, b: RunImages): SharedImages {
  const byPath = match(a, b, (_, name) => name);
  if (byPath.a.length === Math.min(a.rows, b.rows)) return { ...byPath, by: "path" };
  const byFile = match(a, b, fileOf);
  return byFile.a.length > byPath.a.length ? { ...byFile, by: "file" } : { ...byPath, by: "path" };
}

/** Labels that differ between both runs on the same image, the most frequent change first. */
export function labelChanges(a: RunImages, b: RunImages, shared: SharedRows): LabelChange[] {
  const changes = new Map<string, { a: string | null; b: string | null; images: number }>();
  for (const [index, row] of shared.a.entries()) {
    const before = a.labelOf(row);
    const after = b.labelOf(shared.b[index] as number);
    if (before === after) continue;
    const key = JSON.stringify([before, after]);
    const change = changes.get(key) ?? { a: before, b: after, images: 0 };
    change.images += 1;
    changes.set(key, change);
  }
  return [...changes.values()].sort((x, y) => y.images - x.images);
}

function match(a: RunImages, b: RunImages, keyOf: (root: string | null, name: string) => string): SharedRows {
  const rowOfKey = new Map<string, number>();
  for (let row = b.rows - 1; row >= 0; row -= 1) rowOfKey.set(keyOf(b.root, b.pathOf(row)), row);
  const rowsA: number[] = [];
  const rowsB: number[] = [];
  for (let row = 0; row < a.rows; row += 1) {
    const key = keyOf(a.root, a.pathOf(row));
    const other = rowOfKey.get(key);
    if (other === undefined) continue;
    rowOfKey.delete(key);
    rowsA.push(row);
    rowsB.push(other);
  }
  return { a: Uint32Array.from(rowsA), b: Uint32Array.from(rowsB) };
}

/** A path as the file it means; Spark writes `file:` before those of this machine. */
function fileOf(root: string | null, name: string): string {
  const plain = name.replace(/^file:(?:\/\/)?(?=\/)/, "");
  return isAddress(plain) || root === null ? plain : path.resolve(root, plain);
}
