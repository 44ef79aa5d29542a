/** The manifest: every image of a dataset, in one order, compact enough for millions. */

import { createHash } from "node:crypto";
import path from "node:path";
import { type Notice, notice } from "../notices.js";
import { isAddress } from "../remote.js";
import { compareCodePoints, type Pacer, sortedOrder } from "./order.js";

/** Why an image is known to be unreadable before anyone tries: it is set aside at stage `read`. */
export interface EntryProblem {
  readonly code: string;
  readonly message: string;
}

/** One image. */
export interface ManifestEntry {
  /** Relative to the manifest's root, `/` between folders, the characters exactly as on disk; unique. */
  readonly path: string;
  /** What to open: an absolute path, or the address of an object. */
  readonly file: string;
  /** In Unicode's NFC. */
  readonly label: string | null;
  /** Bytes; 0 when there is a problem. */
  readonly size: number;
  /** Time of the last change, whole microseconds since 1970; 0 when there is a problem or no such time. */
  readonly mtimeUs: number;
  /** Of an object in a store; null for a file. */
  readonly etag: string | null;
  readonly problem: EntryProblem | null;
}

/** What a scan found. */
export interface Manifest {
  /** The sources as absolute real paths or addresses, in the order given: the same on every scan of the same sources. */
  readonly sources: readonly string[];
  /**
   * The folder that `path` is relative to; of an address with a slash at its end; empty when the sources share none (two
   * buckets, a bucket and a disk, two Windows drives): then `path` is all of it.
   */
  readonly root: string;
  readonly entries: ManifestEntries;
  /** The distinct labels in code point order. */
  readonly labels: readonly string[];
  /** SHA-256 (hex) over path, label, size, time and etag of every entry in order. */
  readonly digest: string;
  /** What was skipped and why. */
  readonly notices: readonly Notice[];
}

interface Columns {
  readonly paths: readonly string[];
  readonly labelIds: Int32Array;
  readonly sizes: Float64Array;
  readonly mtimes: Float64Array;
  readonly etags: readonly (string | null)[] | null;
  readonly problems: ReadonlyMap<number, EntryProblem>;
}

/** The entries in manifest order, held by column (about 110 bytes an image); objects exist only while looked at. */
export class ManifestEntries implements Iterable<ManifestEntry> {
  readonly length: number;
  /** What makes a relative path absolute, where that takes no more than writing one behind the other. */
  private readonly prefix: string | undefined;

  constructor(
    private readonly root: string,
    private readonly labels: readonly string[],
    private readonly columns: Columns,
  ) {
    this.length = columns.paths.length;
    if (isAddress(root)) this.prefix = root;
    else if (path.sep === "/") this.prefix = root === "" || root.endsWith("/") ? root : `${root}/`;
  }

  /** The entry at `index`, in [0, length). Throws RangeError. */
  at(index: number): ManifestEntry {
    const { paths, labelIds, sizes, mtimes, etags, problems } = this.columns;
    const relative = paths[index];
    if (relative === undefined) throw new RangeError(`No manifest entry ${index} of ${this.length}`);
    return {
      path: relative,
      file: this.prefix === undefined ? this.windowsPath(relative) : this.prefix + relative,
      label: this.labels[labelIds[index] as number] ?? null,
      size: sizes[index] as number,
      mtimeUs: mtimes[index] as number,
      etag: etags?.[index] ?? null,
      problem: problems.get(index) ?? null,
    };
  }

  /** On Windows a plain path ends at 260 characters; the namespaced form does not. */
  private windowsPath(relative: string): string {
    if (this.root === "" && isAddress(relative)) return relative;
    return path.toNamespacedPath(path.join(this.root, relative));
  }

  *[Symbol.iterator](): IterableIterator<ManifestEntry> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }
}

/** What a source says about one image. */
export interface FoundImage {
  readonly label: string | null;
  /** True when the source itself names the label (a CSV), which wins over a rule. */
  readonly labelStated?: boolean;
  readonly size?: number;
  readonly mtimeUs?: number;
  readonly etag?: string | null;
  readonly problem?: EntryProblem;
}

/** Collects images from any number of sources and puts them in order. */
export class ManifestBuilder {
  private readonly roots: string[] = [];
  private readonly sources: string[] = [];
  private readonly notices: Notice[] = [];
  private readonly labelIds = new Map<string, number>();
  private readonly paths: string[] = [];
  private readonly rootIds: number[] = [];
  private readonly labels: number[] = [];
  private readonly sizes: number[] = [];
  private readonly mtimes: number[] = [];
  private readonly etags: (string | null)[] = [];
  private anyEtag = false;
  private readonly stated = new Set<number>();
  private readonly problems = new Map<number, EntryProblem>();

  /** Images found so far. */
  get count(): number {
    return this.paths.length;
  }

  /**
   * Starts a source; the images added next are relative to `root`.
   *
   * @param description the source for people and for comparing runs: absolute and real
   * @param root absolute real folder, or an address that ends in a slash
   */
  beginSource(description: string, root: string): void {
    this.sources.push(description);
    this.roots.push(root);
  }

  /** The images added next belong to the same source but are relative to another root. */
  changeRoot(root: string): void {
    this.roots.push(root);
  }

  /** What the images added now are relative to. */
  get root(): string {
    return this.roots.at(-1) ?? "";
  }

  notice(notice: Notice): void {
    this.notices.push(notice);
  }

  /** @param relative path below the current source's root, `/` between folders */
  add(relative: string, image: FoundImage): void {
    const index = this.paths.length;
    this.paths.push(relative);
    this.rootIds.push(this.roots.length - 1);
    // Folders named on a Mac and on other systems write one é in two ways; paths keep theirs, labels are words.
    this.labels.push(image.label === null ? -1 : this.labelId(image.label.normalize("NFC")));
    this.sizes.push(image.size ?? 0);
    this.mtimes.push(image.mtimeUs ?? 0);
    this.etags.push(image.etag || null);
    this.anyEtag ||= Boolean(image.etag);
    if (image.labelStated) this.stated.add(index);
    if (image.problem) this.problems.set(index, image.problem);
  }

  /**
   * Orders what was added by the UTF-8 bytes of its path and keeps each image once: of several mentions the first that
   * states a label, else the first.
   *
   * @throws VergerError `cancelled`
   */
  async finish(pacer: Pacer): Promise<Manifest> {
    const root = commonFolder(this.roots);
    await this.rebase(root, pacer);
    const order = await this.deduplicate(await sortedOrder(this.paths, pacer), pacer);

    const labels = [...this.labelIds.keys()].sort(compareCodePoints);
    const newIds = new Map(labels.map((label, id) => [label, id]));
    const renumbered = new Int32Array(labels.length);
    for (const [label, id] of this.labelIds) renumbered[id] = newIds.get(label) as number;

    const count = order.length;
    const used = new Uint8Array(labels.length);
    const paths = new Array<string>(count);
    const labelIds = new Int32Array(count);
    const sizes = new Float64Array(count);
    const mtimes = new Float64Array(count);
    const etags = this.anyEtag ? new Array<string | null>(count) : null;
    const problems = new Map<number, EntryProblem>();
    const hash = createHash("sha256");
    let lines = "";
    for (let index = 0; index < count; index++) {
      const from = order[index] as number;
      const label = this.labels[from] as number;
      const etag = this.etags[from] as string | null;
      const problem = this.problems.get(from);
      paths[index] = this.paths[from] as string;
      labelIds[index] = label < 0 ? -1 : (renumbered[label] as number);
      sizes[index] = this.sizes[from] as number;
      mtimes[index] = this.mtimes[from] as number;
      if (etags) etags[index] = etag;
      if (problem) problems.set(index, problem);
      const labelId = labelIds[index] as number;
      if (labelId >= 0) used[labelId] = 1;
      // JSON keeps fields apart whatever characters they hold, and one array a line is easy to reproduce elsewhere.
      lines += `${JSON.stringify([paths[index], labels[labelId] ?? null, sizes[index], mtimes[index], etag])}\n`;
      if (lines.length > 65536) {
        hash.update(lines);
        lines = "";
        if (pacer.due()) await pacer.pause();
      }
    }
    const digest = hash.update(lines).digest("hex");

    return {
      sources: this.sources,
      root,
      entries: new ManifestEntries(root, labels, { paths, labelIds, sizes, mtimes, etags, problems }),
      // A label that only a dropped duplicate had is no label of the dataset.
      labels: labels.filter((_, id) => used[id] === 1),
      digest,
      notices: this.notices,
    };
  }

  private labelId(label: string): number {
    let id = this.labelIds.get(label);
    if (id === undefined) {
      id = this.labelIds.size;
      this.labelIds.set(label, id);
    }
    return id;
  }

  /** Makes every path relative to `root` instead of to its own source. */
  private async rebase(root: string, pacer: Pacer): Promise<void> {
    const prefixes = this.roots.map((folder) => {
      if (isAddress(folder)) return folder.slice(root.length);
      return withSlashes(root ? path.relative(root, folder) : folder);
    });
    if (prefixes.every((prefix) => prefix === "")) return;
    for (let index = 0; index < this.paths.length; index++) {
      const prefix = prefixes[this.rootIds[index] as number] as string;
      if (prefix)
        this.paths[index] = prefix.endsWith("/") ? prefix + this.paths[index] : `${prefix}/${this.paths[index]}`;
      if ((index & 255) === 0 && pacer.due()) await pacer.pause();
    }
  }

  private async deduplicate(order: Uint32Array, pacer: Pacer): Promise<Uint32Array> {
    let kept = 0;
    let conflicts = 0;
    let example = "";
    for (let position = 0; position < order.length; position++) {
      const index = order[position] as number;
      const last = kept > 0 ? (order[kept - 1] as number) : -1;
      if (last >= 0 && this.paths[last] === this.paths[index]) {
        if (this.stated.has(index)) {
          if (!this.stated.has(last)) {
            order[kept - 1] = index;
          } else if (this.labels[last] !== this.labels[index]) {
            conflicts++;
            example ||= this.paths[index] as string;
          }
        }
      } else {
        order[kept++] = index;
      }
      if ((position & 1023) === 0 && pacer.due()) await pacer.pause();
    }
    const dropped = order.length - kept;
    if (dropped > 0) this.notice(notice("scan/duplicates", { count: dropped }));
    if (conflicts > 0) this.notice(notice("scan/label-conflicts", { count: conflicts, example }));
    return order.subarray(0, kept);
  }
}

/** The deepest folder that holds all of these absolute folders or addresses, or "" when there is none. */
export function commonFolder(folders: readonly string[]): string {
  const [first, ...rest] = folders;
  if (first === undefined) return "";
  let common = first;
  for (const folder of rest) {
    while (common !== "" && !contains(common, folder)) common = parentFolder(common);
  }
  return common;
}

/** The folder around an absolute folder or address; "" around the outermost. */
function parentFolder(folder: string): string {
  if (!isAddress(folder)) {
    const parent = path.dirname(folder);
    return parent === folder ? "" : parent;
  }
  const end = folder.lastIndexOf("/", folder.length - 2) + 1;
  // Nothing holds two buckets.
  return end > folder.indexOf("://") + 3 ? folder.slice(0, end) : "";
}

/** True when `folder` is `outer` or lies below it; both absolute and normalised, or addresses that end in a slash. */
export function contains(outer: string, folder: string): boolean {
  const separator = isAddress(outer) ? "/" : path.sep;
  return folder === outer || folder.startsWith(outer.endsWith(separator) ? outer : outer + separator);
}

/** A system path with `/` between its folders; on POSIX a backslash is part of a name and stays. */
export function withSlashes(systemPath: string): string {
  return path.sep === "/" ? systemPath : systemPath.replaceAll(path.sep, "/");
}
