/** From what people name (folders, globs, lists, tables, files) to a manifest. */

import { existsSync, realpathSync, type Stats, statSync } from "node:fs";
import path from "node:path";
import picomatch from "picomatch";
import { counted } from "../counted.js";
import { errorCode, VergerError } from "../errors.js";
import { isAddress, type RemoteSources } from "../remote.js";
import { type LabelFrom, type LabelRule, labelRule } from "./label.js";
import { fetchedList, type ListedImage, localList, notReadable, readCsv, readList } from "./listed.js";
import { commonFolder, type FoundImage, type Manifest, ManifestBuilder, withSlashes } from "./manifest.js";
import { Pacer } from "./order.js";
import { classifyRemote, headAll, type RemoteSource, RemoteWalk, resolveListed } from "./remote-scan.js";
import type { OtherFiles } from "./tally.js";
import { type Filter, FolderWalk, hasImageExtension, IMAGE_EXTENSIONS, LIST_EXTENSIONS, microseconds } from "./walk.js";

export interface ScanOptions {
  /** Default `parent`. A label that a CSV states wins. */
  readonly labelFrom?: LabelFrom | string;
  readonly signal?: AbortSignal | undefined;
  /** Reads sources that are addresses; without it they are refused. */
  readonly remote?: RemoteSources | undefined;
  /** Images found so far; called some times a second at most eighty. */
  readonly onProgress?: (count: number) => void;
}

/** What all sources of a scan go through. */
interface Scan {
  readonly builder: ManifestBuilder;
  readonly rule: LabelRule;
  readonly pacer: Pacer;
  readonly remote: RemoteSources | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What a walk saw beside images. */
interface Seen {
  readonly others: OtherFiles;
  readonly unreadableCount: number;
}

type Source =
  | RemoteSource
  | {
      readonly kind: "folder" | "image" | "list" | "csv";
      readonly given: string;
      readonly real: string;
      readonly stat: Stats;
    }
  | { readonly kind: "glob"; readonly given: string; readonly real: string; readonly pattern: string };

/**
 * Finds the images of some sources, in any mixture:
 *
 * - a folder, with everything below it that has an image extension. Links are followed, each real folder is read once;
 *   names that start with a dot and run folders are skipped; the label is the parent folder's name;
 * - a glob (`**` for any depth); a folder that matches counts whole. A name that exists as written is never a pattern;
 * - a list (.txt, .lst, .list) or table (.csv) of paths relative to its own folder. What it names stays in the
 *   manifest whatever its extension, and with a `problem` when it is missing;
 * - single images;
 * - the same in an object store, as `scheme://host/key`, where `remote` serves it. What a list of either kind names may be
 *   such an address too.
 *
 * Paths are relative to the source, or to the deepest folder around all of them; sorted by their UTF-8 bytes.
 *
 * @throws VergerError `source/missing`, `source/empty`, `source/not-readable`, `source/unsupported`, `source/list`,
 *   `source/csv`, `manifest/label-from`, `cancelled`; of remote ones also `s3/*`
 */
export async function scanSources(sources: readonly string[], options: ScanOptions = {}): Promise<Manifest> {
  const rule = labelRule(options.labelFrom ?? "parent");
  if (sources.length === 0) {
    throw new VergerError("source/missing", "Expected a folder, glob, list, CSV or image to read, but none was given.");
  }
  const builder = new ManifestBuilder();
  const { onProgress, remote, signal } = options;
  const pacer = new Pacer(signal, () => onProgress?.(builder.count));
  await pacer.pause();
  const scan: Scan = { builder, rule, pacer, remote, signal };
  // All are looked at before any is read: a typing slip in the last must not cost the scan of the first.
  const classified: Source[] = [];
  for (const given of sources) {
    classified.push(remote?.serves(given) ? await classifyRemote(given, remote, signal) : classify(given));
  }
  for (const source of classified) {
    const before = builder.count;
    const seen = await scanOne(source, scan);
    if (builder.count === before) throw emptySource(source, seen);
  }
  const manifest = await builder.finish(pacer);
  onProgress?.(manifest.entries.length);
  return manifest;
}

function classify(given: string): Source {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(given);
  if (scheme) {
    throw new VergerError(
      "source/unsupported",
      `Expected a folder, glob, list, CSV or image of this machine or in S3, but received the ${scheme[1]} address "${given}"; ` +
        "sync it to a folder first.",
    );
  }
  const absolute = path.resolve(given);
  let stat: Stats;
  try {
    stat = statSync(path.toNamespacedPath(absolute));
  } catch (error) {
    const code = errorCode(error);
    if (code === "EACCES" || code === "EPERM") throw notReadable(error, "source", given);
    const glob = splitGlob(absolute);
    if (glob) return { kind: "glob", given, ...glob };
    throw new VergerError(
      "source/missing",
      `Expected a folder, glob, list, CSV or image at "${given}", but nothing is there; check the spelling` +
        (given === absolute ? "." : ` (it stands for "${absolute}").`),
      { cause: error, details: { path: given } },
    );
  }
  const extension = path.extname(absolute).toLowerCase();
  if (stat.isDirectory()) return { kind: "folder", given, real: realpathSync(absolute), stat };
  // A link to an image keeps its own name: the name may carry the label.
  const real = path.join(realpathSync(path.dirname(absolute)), path.basename(absolute));
  if (stat.isFile()) {
    if (hasImageExtension(absolute)) return { kind: "image", given, real, stat };
    if (extension === ".csv") return { kind: "csv", given, real, stat };
    if (LIST_EXTENSIONS.includes(extension)) return { kind: "list", given, real, stat };
  }
  throw new VergerError("source/unsupported", unsupportedText(given), { details: { path: given } });
}

/**
 * Splits a glob at its first segment that is a pattern and does not exist as written: `/photos [2024]/*.jpg` where
 * `/photos [2024]` is a folder searches that folder.
 *
 * @returns undefined when it is no glob, or its fixed part is no folder
 */
function splitGlob(absolute: string): { real: string; pattern: string } | undefined {
  const { root } = path.parse(absolute);
  const segments = withSlashes(absolute.slice(root.length)).split("/");
  let folder = root;
  let taken = 0;
  for (const segment of segments) {
    const literal = picomatch.scan(segment).isGlob ? segment : segment.replace(/\\(.)/g, "$1");
    const next = path.join(folder, literal);
    if (!existsSync(next)) break;
    folder = next;
    taken++;
  }
  const pattern = segments.slice(taken).join("/");
  if (!picomatch.scan(pattern).isGlob || !statSync(folder).isDirectory()) return undefined;
  return { real: realpathSync(folder), pattern };
}

async function scanOne(source: Source, scan: Scan): Promise<Seen | undefined> {
  const { builder, rule, pacer, remote, signal } = scan;
  const serves = (address: string): boolean => remote?.serves(address) === true;
  switch (source.kind) {
    case "image": {
      builder.beginSource(source.real, path.dirname(source.real));
      const found = { label: labelOf(source.real, rule), size: source.stat.size, mtimeUs: microseconds(source.stat) };
      builder.add(path.basename(source.real), found);
      return undefined;
    }
    case "list": {
      const list = localList(source.real, serves);
      await addListed(source.real, await attempt(() => readList(list), "list", source.given), scan);
      return undefined;
    }
    case "csv": {
      const list = localList(source.real, serves);
      await addListed(source.real, await attempt(() => readCsv(list, pacer), "table", source.given), scan);
      return undefined;
    }
    case "folder":
      builder.beginSource(source.real, source.real);
      return walk(new FolderWalk(source.real, builder, rule, pacer), source.given);
    case "glob":
      builder.beginSource(withSlashes(path.join(source.real, source.pattern)), source.real);
      return walk(new FolderWalk(source.real, builder, rule, pacer, globFilter(source.pattern)), source.given);
    case "remote-image": {
      const { address, folder, object } = source;
      builder.beginSource(address, folder);
      await addRemote([{ address, written: source.given }], scan, new Map([[address, object]]));
      return undefined;
    }
    case "remote-list":
    case "remote-csv": {
      const store = remote as RemoteSources;
      const list = fetchedList(source.address, await store.read(source.address, signal), serves);
      const images = source.kind === "remote-list" ? readList(list) : await readCsv(list, pacer);
      await addListed(source.address, images, scan);
      return undefined;
    }
    case "remote-folder":
    case "remote-glob": {
      const { folder } = source;
      const pattern = source.kind === "remote-glob" ? source.pattern : undefined;
      builder.beginSource(pattern === undefined ? folder.replace(/\/$/, "") : folder + pattern, folder);
      const filter = pattern === undefined ? undefined : globFilter(pattern);
      const walker = new RemoteWalk(folder, builder, rule, pacer, filter);
      await walker.run(remote as RemoteSources, signal);
      if (walker.objects === 0) await refuseMissing(source.given, folder, remote as RemoteSources, signal);
      return walker;
    }
  }
}

function globFilter(pattern: string): Filter {
  return {
    match: picomatch(pattern),
    // Braces and groups may hold slashes; without them each slash is one level.
    depth: /\*\*|[{(]/.test(pattern) ? Number.POSITIVE_INFINITY : pattern.split("/").length,
    hidden: /(^|[/{,(|])\./.test(pattern),
  };
}

async function walk(walker: FolderWalk, given: string): Promise<FolderWalk> {
  await attempt(() => walker.run(), "folder", given);
  return walker;
}

/** Nothing stands below an address: it may be an object of a kind that Verger does not read. */
async function refuseMissing(
  given: string,
  folder: string,
  remote: RemoteSources,
  signal: AbortSignal | undefined,
): Promise<never> {
  const details = { path: given };
  if (!given.endsWith("/") && folder === `${given}/` && (await remote.head(given, signal))) {
    throw new VergerError("source/unsupported", unsupportedText(given), { details });
  }
  throw new VergerError(
    "source/missing",
    `Expected a folder, glob, list, CSV or image at "${given}", but no object's key begins so; check the spelling.`,
    { details },
  );
}

function unsupportedText(given: string): string {
  return (
    `Expected a folder, an image (${IMAGE_EXTENSIONS.join(", ")}), a list (${LIST_EXTENSIONS.join(", ")}) or a table (.csv), ` +
    `but received "${given}".`
  );
}

async function attempt<T>(action: () => T | Promise<T>, what: string, given: string): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw notReadable(error, what, given);
  }
}

/** @param file absolute path or address of the list */
async function addListed(file: string, images: readonly ListedImage[], scan: Scan): Promise<void> {
  const { builder, pacer } = scan;
  const elsewhere: { readonly address: string; readonly written: string; readonly label?: string | null }[] = [];
  const here: ListedImage[] = [];
  for (const image of images) {
    const address = isAddress(image.written) ? image.written : resolveListed(file, image.written);
    if (address === undefined) here.push(image);
    else elsewhere.push({ ...image, address });
    if (pacer.due()) await pacer.pause();
  }
  const folders = new Set(elsewhere.map(({ address }) => address.slice(0, address.lastIndexOf("/") + 1)));
  if (here.length > 0 || elsewhere.length === 0) await addLocal(file, here, scan);
  else
    builder.beginSource(
      file,
      isAddress(file) ? commonFolder([folderOf(file), ...folders]) : commonFolder([...folders]),
    );
  if (elsewhere.length === 0) return;
  if (here.length > 0) builder.changeRoot(commonFolder([...folders]));
  await addRemote(elsewhere, scan, new Map());
}

const folderOf = (address: string): string => address.slice(0, address.lastIndexOf("/") + 1);

/** Adds images by address; `root` of the builder is around them, or empty. */
async function addRemote(
  images: readonly { readonly address: string; readonly written: string; readonly label?: string | null }[],
  { builder, rule, pacer, remote, signal }: Scan,
  known: ReadonlyMap<string, { size: number; etag: string; modifiedMs: number }>,
): Promise<void> {
  const store = remote as RemoteSources;
  const skip = builder.root.length;
  for await (const { image, found } of headAll(images, store, known, signal)) {
    const { address, written, label } = image;
    const folder = folderOf(address).slice(0, -1);
    const name = address.slice(folder.length + 1);
    const parent = isAddress(`${folder}/x`) && folder.indexOf("/", folder.indexOf("://") + 3) < 0 ? "" : folder;
    builder.add(address.slice(skip), {
      ...(found
        ? { size: found.size, etag: found.etag, mtimeUs: found.modifiedMs * 1000 }
        : {
            problem: {
              code: "source/missing",
              message: `Expected an image at "${written}", which a list names, but nothing is there.`,
            },
          }),
      ...(label === undefined
        ? { label: rule(parent.slice(parent.lastIndexOf("/") + 1), name) }
        : { label, labelStated: true }),
    });
    if (pacer.due()) await pacer.pause();
  }
}

async function addLocal(file: string, images: readonly ListedImage[], scan: Scan): Promise<void> {
  const { builder, rule, pacer } = scan;
  const folder = path.dirname(file);
  const realFolders = new Map<string, string>();
  for (const { written } of images) {
    const parent = path.dirname(path.resolve(folder, written));
    if (!realFolders.has(parent)) realFolders.set(parent, realOr(parent));
    if (pacer.due()) await pacer.pause();
  }
  const root = commonFolder([folder, ...new Set(realFolders.values())]);
  builder.beginSource(file, root);
  const skip = root === "" || root.endsWith(path.sep) ? root.length : root.length + 1;
  for (const { written, label } of images) {
    const stated = path.resolve(folder, written);
    // The folder is resolved, so that one image is not taken for two; the label comes from the name as stated.
    const real = path.join(realFolders.get(path.dirname(stated)) as string, path.basename(stated));
    builder.add(withSlashes(real.slice(skip)), {
      ...inspectListed(real, written, file),
      ...(label === undefined ? { label: labelOf(stated, rule) } : { label, labelStated: true }),
    });
    if (pacer.due()) await pacer.pause();
  }
}

function labelOf(file: string, rule: LabelRule): string | null {
  return rule(path.basename(path.dirname(file)), path.basename(file));
}

function realOr(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

function inspectListed(real: string, written: string, list: string): Omit<FoundImage, "label"> {
  const expected = `Expected an image at "${written}", which "${list}" names, but`;
  try {
    const stat = statSync(path.toNamespacedPath(real), { throwIfNoEntry: false });
    if (stat === undefined) return { problem: { code: "source/missing", message: `${expected} nothing is there.` } };
    // Opening a pipe would wait for ever.
    if (!stat.isFile()) {
      const what = stat.isDirectory() ? "it is a folder" : "it is no ordinary file";
      return { problem: { code: "source/not-a-file", message: `${expected} ${what}.` } };
    }
    return { size: stat.size, mtimeUs: microseconds(stat) };
  } catch (error) {
    const code = errorCode(error);
    return code === "ENOTDIR"
      ? { problem: { code: "source/missing", message: `${expected} nothing is there.` } }
      : { problem: { code: "source/not-readable", message: `${expected} the system refused (${code}).` } };
  }
}

function emptySource(source: Source, walked: Seen | undefined): VergerError {
  const { given } = source;
  const details = { path: given };
  if (walked === undefined) {
    return new VergerError("source/empty", `Expected paths of images in "${given}", but it names none.`, { details });
  }
  const where = source.kind.endsWith("glob") ? `that match "${given}"` : `in the folder "${given}"`;
  const others = walked.others.count;
  const found =
    others > 0 ? `found only ${counted(others, "other file")} (${walked.others.extensions()})` : "found none";
  const unread = walked.unreadableCount;
  const hint = unread > 0 ? `; ${counted(unread, "folder")} could not be read` : "";
  return new VergerError(
    "source/empty",
    `Expected images (${IMAGE_EXTENSIONS.join(", ")}) ${where}, but ${found}${hint}; choose a source that holds photos.`,
    { details: { ...details, otherFiles: others } },
  );
}
