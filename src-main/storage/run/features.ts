/** Feature files in S3, fetched for a PCA. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import picomatch from "picomatch";
import { VergerError } from "../../core/errors.js";
import { LABELS_FILE } from "../../core/labels/overlay.js";
import { type Notice, notice } from "../../core/notices.js";
import { folderPrefix } from "../location.js";
import { inParallel } from "../parallel.js";
import type { ObjectInfo, ObjectStore } from "../types.js";

const PARQUET = /\.(parquet|parq|pq)$/i;
/** Files fetched at the same time. */
const AT_ONCE = 8;

/**
 * Fetches the Parquet files that an address names, by the rules for folders of `findFeatureFiles`: an object of this
 * name; a run's `features/`; what ends in .parquet, .parq or .pq below a prefix; or what a glob selects.
 *
 * @param address for sentences
 * @param folder empty; what is fetched keeps its place below the prefix, so that `label=...` folders still say so
 * @returns the file or folder to read
 * @throws VergerError `features/not-found`, `features/empty`, `s3/*`, `cancelled`
 */
export async function fetchFeatures(options: {
  readonly store: ObjectStore;
  readonly address: string;
  readonly key: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onNotice: (notice: Notice) => void;
}): Promise<string> {
  const { store, address, key, folder, signal } = options;
  const found = await select(store, key, signal);
  if (found === undefined) {
    throw new VergerError(
      "features/not-found",
      `Expected a Parquet file, a folder or a glob at ${address}, but there is nothing; check the address.`,
    );
  }
  const { objects, prefix } = found;
  if (objects.length === 0) {
    throw new VergerError(
      "features/empty",
      `Expected Parquet files (.parquet) in ${address}, but found none; choose the prefix that holds the features.`,
    );
  }
  const bytes = objects.reduce((sum, { size }) => sum + size, 0);
  const mebibytes = Math.ceil(bytes / 2 ** 20);
  options.onNotice(notice("features/fetching", { count: objects.length, mebibytes, from: address }));
  const files = objects.map((object) => ({ object, file: placeOf(folder, object.key.slice(prefix.length), address) }));
  for (const { file } of files) mkdirSync(path.dirname(file), { recursive: true });
  await inParallel(files, AT_ONCE, signal, ({ object, file }, stop) => store.download(object, file, { signal: stop }));
  await fetchCorrections(store, found.prefix, folder, signal);
  return found.single ? (files[0]?.file ?? folder) : folder;
}

/** The labels that people corrected in the run that the features are of, put beside them. */
async function fetchCorrections(
  store: ObjectStore,
  prefix: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  if (!/(^|\/)features\/$/.test(prefix)) return;
  const found = await exactly(store, prefix.replace(/features\/$/, LABELS_FILE), signal);
  const object = found?.objects[0];
  if (object) await store.download(object, path.join(folder, LABELS_FILE), { signal });
}

interface Selection {
  readonly objects: readonly ObjectInfo[];
  /** What the names of the files do not repeat. */
  readonly prefix: string;
  readonly single: boolean;
}

async function select(store: ObjectStore, key: string, signal: AbortSignal): Promise<Selection | undefined> {
  // A file's name first, then a folder's; the other way round a folder costs no request more.
  if (PARQUET.test(key)) {
    const single = await exactly(store, key, signal);
    if (single) return single;
  }
  const inside = folderPrefix(key);
  let seen = false;
  let below: ObjectInfo[] = [];
  for await (const page of store.list(inside, { signal })) {
    for (const object of page) {
      seen = true;
      if (isPart(object.key.slice(inside.length))) below.push(object);
    }
  }
  if (seen) {
    const run = `${inside}features/`;
    if (!below.some((object) => object.key.startsWith(run))) return { objects: below, prefix: inside, single: false };
    below = below.filter((object) => object.key.startsWith(run));
    return { objects: below, prefix: run, single: false };
  }
  const single = PARQUET.test(key) ? undefined : await exactly(store, key, signal);
  if (single) return single;
  const { base, glob, isGlob } = picomatch.scan(key);
  if (!isGlob) return undefined;
  const matches = picomatch(glob);
  const root = folderPrefix(base);
  const objects: ObjectInfo[] = [];
  for await (const page of store.list(root, { signal })) {
    for (const object of page) {
      const name = object.key.slice(root.length);
      if (isPart(name) && selects(matches, name)) objects.push(object);
    }
  }
  return { objects, prefix: root, single: false };
}

/** The object of exactly this key, asked by listing: a HEAD may be refused where nothing is. */
async function exactly(store: ObjectStore, key: string, signal: AbortSignal): Promise<Selection | undefined> {
  for await (const page of store.list(key, { signal })) {
    const first = page[0];
    if (!first) continue;
    if (first.key !== key) return undefined;
    return { objects: [first], prefix: key.slice(0, key.lastIndexOf("/") + 1), single: true };
  }
  return undefined;
}

/** Skips what Spark skips: names that start with `_` or `.`, and what lies below them. */
function isPart(name: string): boolean {
  return PARQUET.test(name) && name.split("/").every((segment) => !/^[_.]/.test(segment));
}

/** A pattern selects a file by its own name or by that of a folder around it. */
function selects(matches: (name: string) => boolean, name: string): boolean {
  for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1)) {
    if (matches(name.slice(0, end))) return true;
  }
  return false;
}

/** Where a file is put. A key may say `..`: nothing is written outside of the folder. */
function placeOf(folder: string, name: string, address: string): string {
  const file = path.resolve(folder, name);
  if (file.startsWith(folder + path.sep) && !name.split("/").includes("..")) return file;
  throw new VergerError(
    "features/not-found",
    `Expected file names below ${address}, but received "${name}", which leads out of it; choose a prefix without such keys.`,
  );
}
