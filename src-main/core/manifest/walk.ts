/** Walks a folder for images, following links, without ever holding the event loop for long. */

import { isUtf8 } from "node:buffer";
import { type Dir, type Dirent, opendirSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import path from "node:path";
import { errorCode } from "../errors.js";
import type { LabelRule } from "./label.js";
import { contains, type ManifestBuilder } from "./manifest.js";
import { compareCodePoints, type Pacer } from "./order.js";
import { OtherFiles, Tally } from "./tally.js";

/** The extensions that Verger reads in a folder, lower case. */
export const IMAGE_EXTENSIONS: readonly string[] = [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"];

/** Of files that name images, one a line. */
export const LIST_EXTENSIONS: readonly string[] = [".txt", ".lst", ".list"];

const EXTENSIONS = new Set(IMAGE_EXTENSIONS);
/** Directory entries fetched by one system call's worth of work; bounds the time of one slice in huge flat folders. */
const DIRECTORY_BATCH = 1024;
/** Windows names may hold half a character, which no UTF-8 can. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Restricts a walk: only what a glob matches. */
export interface Filter {
  /** Tests a path relative to the walk's root; a folder that matches is taken whole. */
  readonly match: (relative: string) => boolean;
  /** Levels below the root that can match: 1 for `*.jpg`. */
  readonly depth: number;
  /** True when the pattern itself asks for names that start with a dot. */
  readonly hidden: boolean;
}

interface Folder {
  /** Below the walk's root, `/` between folders; "" is the root. */
  readonly relative: string;
  /** Its own name: the label of what lies in it. */
  readonly name: string;
  readonly real: string;
  readonly depth: number;
  /** Every image inside counts: no filter, or the filter matched this folder or one above. */
  readonly whole: boolean;
}

/** True when a name's extension is one that Verger reads. */
export function hasImageExtension(name: string): boolean {
  const dot = name.lastIndexOf(".");
  return dot >= 0 && EXTENSIONS.has(name.slice(dot).toLowerCase());
}

/** Whole microseconds: fine enough to see every change, exact in a double until the year 2255. */
export function microseconds(stat: Stats): number {
  return Math.round(stat.mtimeMs * 1000);
}

/**
 * One walk below one root. Each real folder is read once, so that links can neither loop nor multiply: folders that are
 * really there come first, then linked ones in code point order of their path.
 */
export class FolderWalk {
  readonly others = new OtherFiles();

  private readonly visited = new Set<string>();
  private readonly pending: Folder[] = [];
  private links: Folder[] = [];
  private readonly hidden = new Tally();
  private readonly runs = new Tally();
  private readonly repeated = new Tally();
  private readonly unreadable = new Tally();
  private readonly undecodable = new Tally();

  /** @param root absolute real folder */
  constructor(
    private readonly root: string,
    private readonly builder: ManifestBuilder,
    private readonly label: LabelRule,
    private readonly pacer: Pacer,
    private readonly filter?: Filter,
  ) {}

  /** Folders below the root that could not be listed. */
  get unreadableCount(): number {
    return this.unreadable.count;
  }

  /**
   * Adds every image to the builder, and a notice for each kind of thing that was skipped.
   *
   * @throws the system's error when the root itself cannot be read; VergerError `cancelled`
   */
  async run(): Promise<void> {
    this.pending.push({
      relative: "",
      name: path.basename(this.root),
      real: this.root,
      depth: 0,
      whole: this.filter === undefined,
    });
    for (;;) {
      for (let folder = this.pending.pop(); folder !== undefined; folder = this.pending.pop()) {
        await this.visit(folder);
      }
      if (this.links.length === 0) break;
      this.links.sort((a, b) => compareCodePoints(b.relative, a.relative));
      this.pending.push(this.links.pop() as Folder);
    }
    this.report();
  }

  private async visit(folder: Folder): Promise<void> {
    const key = (folder.whole ? "+" : "-") + folder.real;
    // A link to a folder around the root would bring in everything beside the source, and the source again.
    if (this.visited.has(key) || (folder.relative !== "" && contains(folder.real, this.root))) {
      this.repeated.add(folder.relative);
      return;
    }
    this.visited.add(key);
    const listing = await this.list(folder);
    if (listing === undefined) return;
    if (folder.relative !== "" && listing.some((item) => item.name === "run.json") && isRunFolder(folder.real)) {
      this.runs.add(folder.relative);
      return;
    }
    for (const item of listing) {
      this.consider(folder, item);
      if (this.pacer.due()) await this.pacer.pause();
    }
  }

  private async list(folder: Folder): Promise<Dirent[] | undefined> {
    const listing: Dirent[] = [];
    let directory: Dir | undefined;
    let lossy = false;
    try {
      directory = opendirSync(path.toNamespacedPath(folder.real), { bufferSize: DIRECTORY_BATCH });
      for (let item = directory.readSync(); item !== null; item = directory.readSync()) {
        if (item.name.includes("\ufffd") || LONE_SURROGATE.test(item.name)) lossy = true;
        else listing.push(item);
        if (this.pacer.due()) await this.pacer.pause();
      }
      if (lossy) listing.push(...this.undecoded(folder));
    } catch (error) {
      if (errorCode(error) === "cancelled" || folder.relative === "") throw error;
      this.unreadable.add(`${folder.relative}: ${errorCode(error)}`);
      return undefined;
    } finally {
      directory?.closeSync();
    }
    return listing;
  }

  /**
   * Reads a folder again by bytes because some name came back with U+FFFD: returns the items whose names really hold
   * that character, and records the others, which no string can open.
   */
  private undecoded(folder: Folder): Dirent[] {
    const genuine: Dirent[] = [];
    // readdir's Dirent with buffer names has the same methods; only `name` differs.
    const directory = opendirSync(path.toNamespacedPath(folder.real), { encoding: "buffer" as BufferEncoding });
    try {
      for (let item = directory.readSync(); item !== null; item = directory.readSync()) {
        const bytes = item.name as unknown as Buffer;
        const name = bytes.toString("utf8");
        if (isUtf8(bytes) && !LONE_SURROGATE.test(name)) {
          if (name.includes("\ufffd")) genuine.push(Object.assign(item, { name }));
          continue;
        }
        const shown = join(folder.relative, escapeBytes(bytes));
        if (hasImageExtension(name) && !item.isDirectory() && this.accepts(folder, shown)) {
          this.builder.add(shown, {
            label: this.label(folder.name, escapeBytes(bytes)),
            problem: {
              code: "source/name-encoding",
              message: `Expected a file name in UTF-8, but received "${shown}" with bytes that are not; rename the file.`,
            },
          });
        } else {
          this.undecodable.add(shown);
        }
      }
    } finally {
      directory.closeSync();
    }
    return genuine;
  }

  private consider(folder: Folder, item: Dirent): void {
    const { name } = item;
    if (name.startsWith(".") && (folder.whole || !this.filter?.hidden)) {
      // What an image could hide behind is worth a word; .DS_Store is not.
      if (item.isDirectory() || hasImageExtension(name)) this.hidden.add(join(folder.relative, name));
      return;
    }
    const relative = join(folder.relative, name);
    const real = folder.real.endsWith(path.sep) ? folder.real + name : folder.real + path.sep + name;
    if (item.isDirectory()) this.enter(this.pending, folder, relative, real);
    else if (item.isSymbolicLink()) this.follow(folder, relative, real);
    else if (item.isFile() && hasImageExtension(name)) this.addFile(folder, relative, real);
    else this.countOther(folder, relative);
  }

  private enter(queue: Folder[], parent: Folder, relative: string, real: string): void {
    const whole = parent.whole || this.filter === undefined || this.filter.match(relative);
    const depth = parent.depth + 1;
    if (whole || (this.filter !== undefined && depth < this.filter.depth)) {
      queue.push({ relative, name: path.posix.basename(relative), real, depth, whole });
    }
  }

  private follow(folder: Folder, relative: string, link: string): void {
    try {
      const stat = statSync(path.toNamespacedPath(link));
      if (stat.isDirectory()) {
        this.enter(this.links, folder, relative, realpathSync(link));
      } else if (stat.isFile() && hasImageExtension(relative)) {
        this.addFile(folder, relative, link, stat);
      } else {
        this.countOther(folder, relative);
      }
    } catch (error) {
      if (!hasImageExtension(relative)) {
        this.countOther(folder, relative);
      } else if (this.accepts(folder, relative)) {
        this.builder.add(relative, {
          label: this.label(folder.name, path.posix.basename(relative)),
          problem: {
            code: "source/broken-link",
            message: `Expected an image behind the link "${relative}", but it leads nowhere (${errorCode(error)}).`,
          },
        });
      }
    }
  }

  private addFile(folder: Folder, relative: string, real: string, known?: Stats): void {
    if (!this.accepts(folder, relative)) return;
    const label = this.label(folder.name, relative.slice(relative.lastIndexOf("/") + 1));
    try {
      const stat = known ?? statSync(path.toNamespacedPath(real), { throwIfNoEntry: false });
      // Gone since the folder was listed: no longer part of the source.
      if (stat === undefined) return;
      this.builder.add(relative, { label, size: stat.size, mtimeUs: microseconds(stat) });
    } catch (error) {
      this.builder.add(relative, {
        label,
        problem: {
          code: "source/not-readable",
          message: `Expected to read the image "${relative}", but the system refused (${errorCode(error)}).`,
        },
      });
    }
  }

  private accepts(folder: Folder, relative: string): boolean {
    return folder.whole || this.filter === undefined || this.filter.match(relative);
  }

  private countOther(folder: Folder, relative: string): void {
    if (this.accepts(folder, relative)) this.others.add(relative);
  }

  private report(): void {
    const { builder } = this;
    this.others.report(builder);
    this.hidden.report(builder, "scan/hidden");
    this.runs.report(builder, "scan/runs");
    this.repeated.report(builder, "scan/repeated-folders");
    this.unreadable.report(builder, "scan/unreadable-folders");
    this.undecodable.report(builder, "scan/name-encoding");
  }
}

function join(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** True for a folder that a Verger run wrote: its run.json is an object with a `schemaVersion`. */
function isRunFolder(folder: string): boolean {
  try {
    const run: unknown = JSON.parse(readFileSync(path.join(folder, "run.json"), "utf8"));
    return typeof run === "object" && run !== null && "schemaVersion" in run;
  } catch {
    return false;
  }
}

/** Shows bytes as text, those outside UTF-8 as `\xE9`. */
export function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; ) {
    let length = 1;
    while (length < 4 && !isUtf8(bytes.subarray(start, start + length))) length++;
    const character = bytes.subarray(start, start + length);
    if (isUtf8(character)) {
      text += Buffer.from(character).toString("utf8");
      start += length;
    } else {
      text += `\\x${(bytes[start] as number).toString(16).toUpperCase().padStart(2, "0")}`;
      start++;
    }
  }
  return text;
}
