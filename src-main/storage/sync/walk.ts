/** Everything below a folder, in the order in which S3 lists keys. */
import { isUtf8 } from "node:buffer";
import { type Dir, lstatSync, opendirSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import path from "node:path";
import { errorCode } from "../../core/errors.js";
import { contains } from "../../core/manifest/manifest.js";
import { Pacer, sortedOrder } from "../../core/manifest/order.js";
import { escapeBytes } from "../../core/manifest/walk.js";
import { isTransferTemporary } from "../temporary.js";
import type { Entry, Problem } from "./entry.js";
import { linkInTarget } from "./problems.js";

export interface WalkOptions {
  /**
   * Of a source, links are followed, as readers of the folder do. Of a target, they are problems: what is written or
   * deleted through a link may stand anywhere.
   */
  readonly followLinks: boolean;
  readonly signal?: AbortSignal | undefined;
  /** A folder that is left out: that of the state of syncs, which changes meanwhile. Absolute and real. */
  readonly skip?: string | undefined;
  /** Called with the path of each temporary file of an interrupted download. */
  readonly onTemporary?: ((file: string) => void) | undefined;
}

/** Entries of a page; also the directory entries fetched at a time. */
const PAGE = 1000;
/** Windows names may hold half a character, which no UTF-8 can. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A folder whose names are being gone through. */
interface Level {
  /** Key of the folder, with a slash at its end; "" for the root. */
  readonly key: string;
  readonly folder: string;
  /** For finding loops; undefined where no link led here. */
  readonly real: string | undefined;
  /** Sorted; folders and links to folders with a slash at their end. */
  readonly names: readonly string[];
  /** Of those, what stands for names that are no text. */
  readonly undecodable: ReadonlySet<string>;
  readonly order: Uint32Array;
  next: number;
}

/**
 * Walks a folder in ascending UTF-8 byte order of the keys: a folder takes part in the order as its name with a slash,
 * so that `a.jpg` stands before what `a/` holds. Memory is the names of the folders on the way to the present one: some
 * 60 bytes a name. Temporary files of downloads are left out.
 *
 * What cannot be read is an entry with a `problem`: its key exists, whatever it holds.
 *
 * @param root absolute
 * @throws the system's error when the root cannot be read; VergerError `cancelled`
 */
export async function* walkFolder(root: string, options: WalkOptions): AsyncGenerator<readonly Entry[]> {
  const walk = new Walk(root, options);
  yield* walk.pages();
}

class Walk {
  private readonly pacer: Pacer;
  private page: Entry[] = [];

  constructor(
    private readonly root: string,
    private readonly options: WalkOptions,
  ) {
    this.pacer = new Pacer(options.signal);
  }

  async *pages(): AsyncGenerator<readonly Entry[]> {
    const levels = [await this.open("", this.root, realpathSync(this.root))];
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names[level.order[level.next] as number];
      if (name === undefined) {
        levels.pop();
        continue;
      }
      level.next += 1;
      const below = await this.visit(levels, level, name);
      if (below) levels.push(below);
      if (this.page.length >= PAGE) {
        yield this.page;
        this.page = [];
      }
      if (this.pacer.due()) await this.pacer.pause();
    }
    if (this.page.length > 0) yield this.page;
  }

  /** Adds an entry; returns the level of a folder that is to be gone through next. */
  private async visit(levels: readonly Level[], level: Level, name: string): Promise<Level | undefined> {
    const key = level.key + name;
    if (level.undecodable.has(name)) {
      this.add(key, "problem", 0, 0, notUtf8(key));
      return undefined;
    }
    if (!name.endsWith("/")) {
      this.addFile(key, path.join(level.folder, name));
      return undefined;
    }
    const folder = path.join(level.folder, name.slice(0, -1));
    if (folder === this.options.skip) return undefined;
    let real: string | undefined;
    try {
      if (this.options.followLinks && lstatSync(path.toNamespacedPath(folder)).isSymbolicLink()) {
        real = realpathSync(folder);
        if (levels.some((_, index) => contains(real as string, realFolder(levels, index)))) {
          this.add(key, "problem", 0, 0, loop(key));
          return undefined;
        }
      }
      const below = await this.open(key, folder, real);
      this.add(key, "folder", 0, 0, undefined);
      return below;
    } catch (error) {
      const code = errorCode(error);
      // Gone since its parent was listed.
      if (code === "ENOENT") return undefined;
      if (!code.startsWith("E")) throw error;
      this.add(key, "problem", 0, 0, unreadable(key, code));
      return undefined;
    }
  }

  private async open(key: string, folder: string, real: string | undefined): Promise<Level> {
    const { names, undecodable } = await this.names(folder);
    return { key, folder, real, names, undecodable, order: await sortedOrder(names, this.pacer), next: 0 };
  }

  /** The names in a folder, those of folders with a slash at their end. */
  private async names(folder: string): Promise<Pick<Level, "names" | "undecodable">> {
    const names: string[] = [];
    const undecodable = new Set<string>();
    let lossy = false;
    const directory: Dir = opendirSync(path.toNamespacedPath(folder), { bufferSize: PAGE });
    try {
      for (let item = directory.readSync(); item !== null; item = directory.readSync()) {
        const { name } = item;
        if (name.includes("\ufffd") || LONE_SURROGATE.test(name)) lossy = true;
        else if (item.isDirectory()) names.push(`${name}/`);
        else if (item.isSymbolicLink() && this.leadsToFolder(path.join(folder, name))) names.push(`${name}/`);
        else if (isTransferTemporary(name)) this.options.onTemporary?.(path.join(folder, name));
        else names.push(name);
        if (this.pacer.due()) await this.pacer.pause();
      }
    } finally {
      directory.closeSync();
    }
    if (lossy) readBytes(folder, names, undecodable);
    return { names, undecodable };
  }

  private leadsToFolder(link: string): boolean {
    if (!this.options.followLinks) return false;
    try {
      return statSync(path.toNamespacedPath(link)).isDirectory();
    } catch {
      return false;
    }
  }

  private addFile(key: string, file: string): void {
    try {
      const system = path.toNamespacedPath(file);
      let stat: Stats | undefined = lstatSync(system, { throwIfNoEntry: false });
      if (stat?.isSymbolicLink()) {
        if (!this.options.followLinks) {
          this.add(key, "problem", 0, 0, linkInTarget(key));
          return;
        }
        stat = statSync(system);
      }
      // Gone since its folder was listed: no longer part of the side.
      if (stat === undefined) return;
      if (stat.isFile()) this.add(key, "file", stat.size, stat.mtimeMs, undefined);
      else this.add(key, "problem", 0, 0, special(key));
    } catch (error) {
      this.add(key, "problem", 0, 0, unreadable(key, errorCode(error)));
    }
  }

  private add(key: string, kind: Entry["kind"], size: number, modifiedMs: number, problem: Problem | undefined): void {
    this.page.push({ key, kind, size, etag: "", modifiedMs, problem });
  }
}

/** Reads a folder again by bytes: names that hold U+FFFD themselves, and those that the decoding put it into. */
function readBytes(folder: string, names: string[], undecodable: Set<string>): void {
  for (const item of readdirSync(path.toNamespacedPath(folder), { encoding: "buffer", withFileTypes: true })) {
    const bytes = item.name as unknown as Buffer;
    const name = bytes.toString("utf8");
    if (isUtf8(bytes) && !LONE_SURROGATE.test(name)) {
      if (name.includes("\ufffd")) names.push(item.isDirectory() ? `${name}/` : name);
      continue;
    }
    const shown = escapeBytes(bytes);
    undecodable.add(shown);
    if (!names.includes(shown)) names.push(shown);
  }
}

/** Where a folder on the way really stands: below the nearest link, or the root, above it. */
function realFolder(levels: readonly Level[], index: number): string {
  const level = levels[index] as Level;
  for (let above = index; above >= 0; above -= 1) {
    const { real, key } = levels[above] as Level;
    if (real !== undefined) return path.join(real, level.key.slice(key.length));
  }
  throw new Error("the root of a walk has its real path");
}

function loop(key: string): Problem {
  return {
    code: "sync/loop",
    message: `Expected folders below "${key}" to end, but it is a link to a folder that it stands in; remove the link, or leave it out with --exclude.`,
  };
}

function special(key: string): Problem {
  return {
    code: "sync/special",
    message: `Expected a file at "${key}", but it is a device, pipe or socket; leave it out with --exclude.`,
  };
}

function notUtf8(key: string): Problem {
  return {
    code: "sync/name-encoding",
    message: `Expected a file name in UTF-8, but received "${key}" with bytes that are not; rename the file.`,
  };
}

function unreadable(key: string, code: string): Problem {
  return {
    code: "sync/unreadable",
    message: `Expected to read "${key}", but the system refused (${code}); change its permissions, or leave it out with --exclude.`,
  };
}
