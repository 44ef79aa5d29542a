/** Sources in an object store: the same rules as for folders, over flat keys. */
import { setMaxListeners } from "node:events";
import path from "node:path";
import picomatch from "picomatch";
import { VergerError } from "../errors.js";
import { isAddress, type RemoteObject, type RemoteSources } from "../remote.js";
import type { LabelRule } from "./label.js";
import type { ManifestBuilder } from "./manifest.js";
import type { Pacer } from "./order.js";
import { OtherFiles, Tally } from "./tally.js";
import { type Filter, hasImageExtension, LIST_EXTENSIONS } from "./walk.js";

/** `folder` ends in a slash. */
export type RemoteSource =
  | { readonly kind: "remote-folder"; readonly given: string; readonly folder: string }
  | { readonly kind: "remote-glob"; readonly given: string; readonly folder: string; readonly pattern: string }
  | { readonly kind: "remote-list" | "remote-csv"; readonly given: string; readonly address: string }
  | {
      readonly kind: "remote-image";
      readonly given: string;
      readonly address: string;
      readonly folder: string;
      readonly object: RemoteObject;
    };

/** Requests for single objects under way at once. */
const HEADS_AT_ONCE = 32;

/** Where the host of an address ends: the position of the slash behind it, or its length. */
function hostEnd(address: string): number {
  const end = address.indexOf("/", address.indexOf("://") + 3);
  return end < 0 ? address.length : end;
}

/**
 * Tells what an address names. An object of exactly this name wins over a folder, and a name that exists as written is
 * never a pattern.
 *
 * @throws VergerError `s3/*`, `cancelled`
 */
export async function classifyRemote(
  given: string,
  remote: RemoteSources,
  signal: AbortSignal | undefined,
): Promise<RemoteSource> {
  const scheme = given.slice(0, given.indexOf("://"));
  const address = scheme.toLowerCase() + given.slice(scheme.length);
  if (hostEnd(address) >= address.length - 1) {
    return { kind: "remote-folder", given, folder: `${address.slice(0, hostEnd(address))}/` };
  }
  const glob = await splitGlob(address, remote, signal);
  if (glob) return { kind: "remote-glob", given, ...glob };
  if (address.endsWith("/")) return { kind: "remote-folder", given, folder: address };
  const extension = path.posix.extname(address).toLowerCase();
  const image = hasImageExtension(address);
  if (image || extension === ".csv" || LIST_EXTENSIONS.includes(extension)) {
    const object = await remote.head(address, signal);
    if (object && image) {
      return { kind: "remote-image", given, address, folder: address.slice(0, address.lastIndexOf("/") + 1), object };
    }
    if (object) return { kind: extension === ".csv" ? "remote-csv" : "remote-list", given, address };
  }
  return { kind: "remote-folder", given, folder: `${address}/` };
}

/** Splits at the first segment that is a pattern and does not exist as written; undefined when there is none. */
async function splitGlob(
  address: string,
  remote: RemoteSources,
  signal: AbortSignal | undefined,
): Promise<{ folder: string; pattern: string } | undefined> {
  const start = hostEnd(address) + 1;
  const segments = address.slice(start).split("/");
  let literal = address.slice(0, start);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    const isPattern = picomatch.scan(segment).isGlob || /[{(]/.test(segment);
    if (isPattern && !(await exists(literal + segment, last, remote, signal))) {
      return { folder: literal.replace(/\\(.)/g, "$1"), pattern: segments.slice(index).join("/") };
    }
    literal += last ? segment : `${segment}/`;
  }
  return undefined;
}

async function exists(
  address: string,
  perhapsObject: boolean,
  remote: RemoteSources,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for await (const page of remote.list(`${address}/`, signal)) if (page.length > 0) return true;
  return perhapsObject && (await remote.head(address, signal)) !== undefined;
}

/** What holds for everything in one folder. */
interface FolderState {
  readonly name: string;
  /** Below a name that starts with a dot. */
  readonly hidden: boolean;
  /** Every image inside counts: no filter, or the filter matched this folder or one above. */
  readonly whole: boolean;
}

/** One listing below one folder. Memory is one page and what the builder keeps. */
export class RemoteWalk {
  readonly others = new OtherFiles();
  readonly unreadableCount = 0;
  /** Objects seen, of any kind. */
  objects = 0;
  private readonly hidden = new Tally();
  private readonly rootState: FolderState;
  /** Listings come folder by folder: the last one's state serves most keys. */
  private last: { folder: string; state: FolderState };

  /** @param folder an address that ends in a slash */
  constructor(
    private readonly folder: string,
    private readonly builder: ManifestBuilder,
    private readonly label: LabelRule,
    private readonly pacer: Pacer,
    private readonly filter?: Filter,
  ) {
    const inside = folder.slice(hostEnd(folder) + 1, -1);
    this.rootState = { name: inside.slice(inside.lastIndexOf("/") + 1), hidden: false, whole: filter === undefined };
    this.last = { folder: "", state: this.rootState };
  }

  /** @throws VergerError `s3/*`, `cancelled` */
  async run(remote: RemoteSources, signal: AbortSignal | undefined): Promise<void> {
    for await (const page of remote.list(this.folder, signal)) {
      for (const object of page) {
        this.consider(object);
        if (this.pacer.due()) await this.pacer.pause();
      }
    }
    this.others.report(this.builder);
    this.hidden.report(this.builder, "scan/hidden");
  }

  private consider(object: RemoteObject): void {
    this.objects += 1;
    const { name } = object;
    // What consoles and tools put in place of an empty folder.
    if (name === "" || name.endsWith("/")) return;
    const slash = name.lastIndexOf("/");
    const folder = name.slice(0, slash + 1);
    const state = this.stateOf(folder);
    if (state.hidden) return;
    const own = name.slice(slash + 1);
    if (this.isHidden(own, state.whole)) {
      if (hasImageExtension(own)) this.hidden.add(name);
      return;
    }
    if (!(state.whole || this.filter?.match(name))) return;
    if (!hasImageExtension(own)) {
      this.others.add(name);
      return;
    }
    this.builder.add(detached(name), {
      label: this.label(state.name, own),
      size: object.size,
      mtimeUs: object.modifiedMs * 1000,
      etag: detached(object.etag),
    });
  }

  /** @param folder below the root, with a slash at its end; "" is the root */
  private stateOf(folder: string): FolderState {
    if (folder === this.last.folder) return this.last.state;
    let state = this.rootState;
    for (let start = 0; start < folder.length && !state.hidden; ) {
      const end = folder.indexOf("/", start);
      const name = folder.slice(start, end);
      const hidden = this.isHidden(name, state.whole);
      if (hidden) this.hidden.addOnce(folder.slice(0, end));
      state = {
        name: detached(name),
        hidden,
        whole: state.whole || this.filter === undefined || this.filter.match(folder.slice(0, end)),
      };
      start = end + 1;
    }
    this.last = { folder, state };
    return state;
  }

  private isHidden(name: string, whole: boolean): boolean {
    return name.startsWith(".") && (whole || this.filter?.hidden !== true);
  }
}

/** A copy: a slice would keep the whole page alive that it was cut from. */
function detached(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

/**
 * The address of what a list in a store names by a relative path; undefined when the list is a file of this machine.
 *
 * @throws VergerError `source/list` for an absolute path, which means nothing in a bucket
 */
export function resolveListed(list: string, written: string): string | undefined {
  if (!isAddress(list)) return undefined;
  if (written.startsWith("/") || /^[a-z]:[\\/]/i.test(written)) {
    throw new VergerError(
      "source/list",
      `Expected paths relative to "${list}" or s3:// addresses in it, but found "${written}"; write the path as it is seen ` +
        "from the list.",
      { details: { path: list } },
    );
  }
  const start = hostEnd(list) + 1;
  const folder = list.slice(start, list.lastIndexOf("/") + 1);
  // Keys are taken as they are; only dots that mean folders are resolved.
  const dots = /(^|\/)\.{1,2}(\/|$)/.test(written);
  return list.slice(0, start) + (dots ? path.posix.join(folder, written) : folder + written);
}

/** Asks for single objects, many at once, and yields them in the order given. */
export async function* headAll<T extends { readonly address: string }>(
  images: readonly T[],
  remote: RemoteSources,
  known: ReadonlyMap<string, Omit<RemoteObject, "name">>,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ image: T; found: Omit<RemoteObject, "name"> | undefined }> {
  // Every request under way listens; Node would call eleven of them a leak.
  if (signal) setMaxListeners(0, signal);
  const pending: Promise<Omit<RemoteObject, "name"> | undefined>[] = [];
  let asked = 0;
  for (const image of images) {
    for (; asked < images.length && pending.length < HEADS_AT_ONCE; asked += 1) {
      const address = (images[asked] as T).address;
      const answer = Promise.resolve(known.get(address) ?? remote.head(address, signal));
      // Awaited in its turn; until then a rejection is not an unhandled one.
      answer.catch(() => {});
      pending.push(answer);
    }
    yield { image, found: await pending.shift() };
  }
}
