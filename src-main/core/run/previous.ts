/** Rows of earlier generations of a run, taken over for images that have not changed since. */
import { existsSync } from "node:fs";
import path from "node:path";
import { probeImage } from "../../native/image.js";
import { openParquet } from "../../native/parquet.js";
import { copyFacts, factColumnNames, factsOf, holdsTimes, noFacts, type PhotoFacts } from "../embed/photo-facts.js";
import type { ManifestEntries } from "../manifest/index.js";
import { isAddress } from "../remote.js";
import type { FailedImage, PartBuffer } from "./part.js";
import { type Generation, listParts, partName, type RunStore } from "./store.js";

interface LoadedPart {
  readonly rowOf: Map<string, number>;
  readonly features: Float32Array;
  readonly facts: PhotoFacts;
  /** False for a part of a version that did not look when photos were taken. */
  readonly holdsTimes: boolean;
  readonly failures: Map<string, FailedImage>;
}

/** Old parts kept in memory: both sides are sorted, so the parts that are needed move forward together. */
const CACHED_PARTS = 4;
const NONE = -1;

/** Which old part holds each image of the new manifest, and the means to read it. */
export class PreviousRows {
  private readonly cache = new Map<string, LoadedPart>();

  private constructor(
    private readonly generations: readonly Generation[],
    private readonly generationOf: Int16Array,
    private readonly partOf: Int32Array,
  ) {}

  /**
   * Matches the images of `entries` with those of earlier generations: same path, size, time and ETag.
   *
   * @param rowsPerPart rows of the manifest that one old part covers
   */
  static async match(
    generations: readonly Generation[],
    entries: ManifestEntries,
    rowsPerPart: number,
  ): Promise<PreviousRows> {
    const generationOf = new Int16Array(entries.length).fill(NONE);
    const partOf = new Int32Array(entries.length).fill(NONE);
    const result = new PreviousRows(generations, generationOf, partOf);
    if (generations.length === 0) return result;
    const indexOf = new Map<string, number>();
    for (let index = 0; index < entries.length; index += 1) indexOf.set(entries.at(index).path, index);
    for (const [generation, { folder }] of generations.entries()) {
      const standing = new Set(listParts(path.join(folder, "features")));
      let oldIndex = 0;
      for (const manifestPart of listParts(path.join(folder, "manifest"))) {
        const rows = await readManifestPart(path.join(folder, "manifest", partName(manifestPart)));
        for (const [row, name] of rows.path.entries()) {
          const part = Math.floor(oldIndex / rowsPerPart);
          oldIndex += 1;
          const index = name === null ? undefined : indexOf.get(name);
          if (index === undefined || !standing.has(part)) continue;
          const { size, mtimeUs, etag } = entries.at(index);
          const same =
            rows.size[row] === BigInt(size) && rows.mtime[row] === BigInt(mtimeUs) && (rows.etag[row] ?? null) === etag;
          if (!same) continue;
          generationOf[index] = generation;
          partOf[index] = part;
        }
      }
    }
    return result;
  }

  /** Images of the new manifest that an earlier generation holds. */
  get matched(): number {
    return this.generationOf.reduce((sum, generation) => sum + (generation === NONE ? 0 : 1), 0);
  }

  /**
   * Fills the rows of `part` that an earlier generation holds. Where that generation does not say when its photos were
   * taken, their headers are read: the part is then as if it had been made anew. Photos that stand elsewhere are not
   * fetched for that, and their times stay unknown.
   */
  async fill(part: PartBuffer, entries: ManifestEntries): Promise<void> {
    const undated: (() => Promise<void>)[] = [];
    for (const row of part.pending()) {
      const index = part.start + row;
      const generation = this.generationOf[index] ?? NONE;
      if (generation === NONE) continue;
      const old = await this.load(generation, this.partOf[index] ?? 0);
      const { path: name, file } = entries.at(index);
      const oldRow = old.rowOf.get(name);
      if (oldRow !== undefined) {
        part.set(row, old, oldRow);
        if (!old.holdsTimes && !isAddress(file)) undated.push(() => dateFromHeader(part, row, file));
        continue;
      }
      const failure = old.failures.get(name);
      if (failure) part.fail(row, failure);
    }
    await Promise.all(undated.map((date) => date()));
  }

  private async load(generation: number, part: number): Promise<LoadedPart> {
    const key = `${generation}/${part}`;
    const cached = this.cache.get(key);
    if (cached) return cached;
    const folder = this.generations[generation]?.folder ?? "";
    const loaded = await loadPart(
      path.join(folder, "features", partName(part)),
      path.join(folder, "errors", partName(part)),
    );
    this.cache.set(key, loaded);
    for (const oldest of this.cache.keys()) {
      if (this.cache.size <= CACHED_PARTS) break;
      this.cache.delete(oldest);
    }
    return loaded;
  }
}

/** True when features stand that were written by a version without times of capture. */
export async function standsUndated(store: RunStore): Promise<boolean> {
  for (const part of store.parts("features")) {
    const parquet = await openParquet(store.part("features", part));
    await parquet.close();
    if (!holdsTimes(parquet.columns)) return true;
  }
  return false;
}

async function readManifestPart(
  file: string,
): Promise<{ path: (string | null)[]; size: BigInt64Array; mtime: BigInt64Array; etag: (string | null)[] }> {
  const parquet = await openParquet(file);
  try {
    const names: (string | null)[] = [];
    const etag: (string | null)[] = [];
    const size = new BigInt64Array(parquet.rows);
    const mtime = new BigInt64Array(parquet.rows);
    for (let group = 0; group < parquet.rowGroups.length; group += 1) {
      const columns = await parquet.readRowGroup(group, ["path", "size", "mtime", "etag"]);
      const at = names.length;
      size.set(columns.size as BigInt64Array, at);
      mtime.set(columns.mtime as BigInt64Array, at);
      for (const value of columns.path as (string | null)[]) names.push(value);
      for (const value of columns.etag as (string | null)[]) etag.push(value);
    }
    return { path: names, size, mtime, etag };
  } finally {
    await parquet.close();
  }
}

/** A photo that cannot be read any more keeps an unknown time: its features were made while it could. */
async function dateFromHeader(part: PartBuffer, row: number, file: string): Promise<void> {
  const header = await probeImage(file);
  if (header.ok) part.date(row, header);
}

async function loadPart(featuresFile: string, errorsFile: string): Promise<LoadedPart> {
  const rowOf = new Map<string, number>();
  const failures = new Map<string, FailedImage>();
  const parquet = await openParquet(featuresFile);
  const blocks: Float32Array[] = [];
  const facts = noFacts(parquet.rows);
  try {
    let at = 0;
    const names = ["path", ...factColumnNames(parquet.columns), "features"];
    for (let group = 0; group < parquet.rowGroups.length; group += 1) {
      const columns = await parquet.readRowGroup(group, names);
      const groupFacts = factsOf(columns);
      for (const [row, name] of (columns.path as (string | null)[]).entries()) {
        if (name !== null) rowOf.set(name, at + row);
        copyFacts(groupFacts, row, facts, at + row);
      }
      blocks.push(columns.features as Float32Array);
      at += groupFacts.widths.length;
    }
  } finally {
    await parquet.close();
  }
  if (existsSync(errorsFile)) {
    for (const { path: name, ...failure } of await readErrorsPart(errorsFile)) failures.set(name, failure);
  }
  return { rowOf, features: concatenate(blocks), facts, holdsTimes: holdsTimes(parquet.columns), failures };
}

function concatenate(blocks: readonly Float32Array[]): Float32Array {
  if (blocks.length === 1 && blocks[0]) return blocks[0];
  const all = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}

/** One row of `errors/`. */
export interface SetAsideImage extends FailedImage {
  readonly path: string;
}

/** Reads one errors part: the images set aside, in manifest order. */
export async function readErrorsPart(file: string): Promise<SetAsideImage[]> {
  const parquet = await openParquet(file);
  try {
    const images: SetAsideImage[] = [];
    for (let group = 0; group < parquet.rowGroups.length; group += 1) {
      const columns = await parquet.readRowGroup(group, ["path", "stage", "code", "message"]);
      const text = (name: string): (string | null)[] => columns[name] as (string | null)[];
      for (const [row, name] of text("path").entries()) {
        images.push({
          path: name ?? "",
          stage: text("stage")[row] ?? "",
          code: text("code")[row] ?? "",
          message: text("message")[row] ?? "",
        });
      }
    }
    return images;
  } finally {
    await parquet.close();
  }
}
