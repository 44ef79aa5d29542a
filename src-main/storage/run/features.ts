/** Feature files in S3, fetched for a PCA or for a look at them. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import picomatch from "picomatch";
import type { FeatureColumnNames } from "../../api/contract.js";
import { VergerError } from "../../core/errors.js";
import { type FeaturesReport, inspectFetched } from "../../core/features/inspect.js";
import { LABELS_FILE } from "../../core/labels/overlay.js";
import { type Notice, notice } from "../../core/notices.js";
import { folderPrefix, formatLocation } from "../location.js";
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
  /** Bytes that are here, of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}): Promise<string> {
  const { store, address, folder, signal } = options;
  const found = await find(options);
  const { objects, prefix } = found;
  const bytes = bytesOf(objects);
  const mebibytes = Math.ceil(bytes / 2 ** 20);
  options.onNotice(notice("features/fetching", { count: objects.length, mebibytes, from: address }));
  const files = objects.map((object) => ({ object, file: placeOf(folder, object.key.slice(prefix.length), address) }));
  for (const { file } of files) mkdirSync(path.dirname(file), { recursive: true });
  let done = 0;
  const onBytes = (more: number): void => {
    done += more;
    options.onProgress?.(done, bytes);
  };
  await inParallel(files, AT_ONCE, signal, ({ object, file }, stop) =>
    store.download(object, file, { signal: stop, onBytes }),
  );
  await fetchCorrections(store, found.prefix, folder, signal);
  return found.single ? (files[0]?.file ?? folder) : folder;
}

/** What a look at features in S3 found, and the copy that it was read from. */
export interface RemoteReport {
  readonly report: FeaturesReport;
  /** Name of a file in the look's folder: with it another look at the same object fetches nothing. */
  readonly copy: string;
}

/**
 * Looks at the Parquet files that an address names: by the listing, and by the first file that holds rows, which is
 * fetched whole since a footer alone does not tell the length of its vectors. How many rows the others hold is not known
 * before they are fetched.
 *
 * @param folder keeps what was fetched; a later look goes on from it
 * @param onProgress bytes of the file under way
 * @throws VergerError `features/not-found`, `features/empty`, `parquet/*`, `s3/*`, `cancelled`
 */
export async function inspectRemote(options: {
  readonly store: ObjectStore;
  readonly address: string;
  readonly key: string;
  readonly columns: FeatureColumnNames | undefined;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}): Promise<RemoteReport> {
  const { store, columns, folder, signal, onProgress } = options;
  const { objects } = await find(options);
  const all = { files: objects.length, bytes: bytesOf(objects) };
  for (let at = 0; ; at += 1) {
    const object = objects[at] as ObjectInfo;
    const copy = `${createHash("sha256").update(`${store.bucket}/${object.key} ${object.etag}`).digest("hex")}.parquet`;
    const file = path.join(folder, copy);
    if (!existsSync(file)) {
      let done = 0;
      const onBytes = (more: number): void => {
        done += more;
        onProgress(done, object.size);
      };
      await store.download(object, file, { signal, onBytes });
    }
    const address = formatLocation({ kind: "s3", bucket: store.bucket, key: object.key });
    const report = await inspectFetched({ copy: file, address }, columns);
    const more = at < objects.length - 1;
    // Spark writes parts without rows; one whose columns do not fit says as much as any other.
    if (report.rows === 0 && report.problem === null && more) continue;
    // The files before this one hold none.
    return { report: { ...report, ...all, rows: more ? null : report.rows }, copy };
  }
}

const bytesOf = (objects: readonly ObjectInfo[]): number => objects.reduce((sum, { size }) => sum + size, 0);

/** @throws VergerError `features/not-found`, `features/empty`, `s3/*`, `cancelled` */
async function find(options: {
  readonly store: ObjectStore;
  readonly address: string;
  readonly key: string;
  readonly signal: AbortSignal;
}): Promise<Selection> {
  const { store, address, key, signal } = options;
  const found = await select(store, key, signal);
  if (found === undefined) {
    throw new VergerError(
      "features/not-found",
      `Expected a Parquet file, a folder or a glob at ${address}, but there is nothing; check the address.`,
    );
  }
  if (found.objects.length === 0) {
    throw new VergerError(
      "features/empty",
      `Expected Parquet files (.parquet) in ${address}, but found none; choose the prefix that holds the features.`,
    );
  }
  return found;
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
