/** Carries out what a comparison has found: many small transfers at once, few large ones beside them. */
import { setMaxListeners } from "node:events";
import { lstatSync } from "node:fs";
import path from "node:path";
import { cancelled, errorCode, errorMessage, VergerError } from "../../core/errors.js";
import type { ObjectInfo, ObjectStore, TransferOptions } from "../types.js";
import type { Copy } from "./compare.js";
import type { Version } from "./entry.js";
import { matchesEtag } from "./proof.js";
import type { SpooledQueue } from "./queue.js";
import type { SyncState } from "./state.js";
import type { Tally } from "./tally.js";
import type { TargetFolder } from "./target-folder.js";

/** A folder to be made, for an empty object with a slash at its end. */
export interface MakeFolder {
  readonly action: "folder";
  readonly key: string;
}

/** The two sides, as far as they take part in moving bytes. */
export type Route =
  | { readonly direction: "upload"; readonly root: string; readonly store: ObjectStore; readonly prefix: string }
  | {
      readonly direction: "download";
      readonly store: ObjectStore;
      readonly prefix: string;
      readonly target: TargetFolder;
    }
  | {
      readonly direction: "copy";
      readonly from: ObjectStore;
      readonly fromPrefix: string;
      readonly store: ObjectStore;
      readonly prefix: string;
    };

export interface TransferContext {
  readonly route: Route;
  readonly state: SyncState;
  readonly tally: Tally;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
  /** Transfers of small files under way at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Called after anything that shows in the progress. */
  readonly onProgress: () => void;
}

/** Large files under way at once, so that one that ends does not leave the link idle. */
const LARGE_AT_ONCE = 2;
/** Failures in a row, without a success, after which no other outcome is to be expected. */
const HOPELESS = 100;

/** What concerns one key only: it is set aside, and the rest goes on. */
const SET_ASIDE = new Set([
  "s3/access-denied",
  "s3/no-key",
  "s3/changed",
  "s3/file-changed",
  "s3/damaged",
  "s3/refused",
  "s3/too-large",
  "s3/not-readable",
  "s3/not-writable",
  "sync/unwritable",
  "sync/unreadable",
]);
const CONFLICTS = new Set(["sync/link", "sync/collision"]);
/** Of a file that cannot be written: nothing else can be either. */
const DISK_WIDE = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/**
 * Empties both queues.
 *
 * @throws VergerError `s3/*` for what concerns more than one key, `sync/state`, `cancelled`; everything under way has
 *   ended by then
 */
export async function transferAll(
  small: SpooledQueue<Copy | MakeFolder>,
  large: SpooledQueue<Copy>,
  context: TransferContext,
): Promise<void> {
  const stop = new AbortController();
  // Each transfer under way listens.
  setMaxListeners(0, stop.signal);
  const abort = (): void => stop.abort();
  context.signal.addEventListener("abort", abort, { once: true });
  if (context.signal.aborted) abort();
  const transfers = new Transfers({ ...context, signal: stop.signal });
  let failure: unknown;
  const work = async (queue: SpooledQueue<Copy | MakeFolder>): Promise<void> => {
    try {
      for (let item = await queue.take(); item !== undefined; item = await queue.take()) {
        if (stop.signal.aborted) throw cancelled();
        await transfers.run(item);
      }
    } catch (error) {
      failure ??= error;
      stop.abort();
    } finally {
      // Those who wait for items must see the end too.
      if (failure !== undefined) {
        small.end();
        large.end();
      }
    }
  };
  try {
    await Promise.all([
      ...Array.from({ length: context.concurrency }, () => work(small)),
      ...Array.from({ length: LARGE_AT_ONCE }, () => work(large as SpooledQueue<Copy | MakeFolder>)),
    ]);
  } finally {
    context.signal.removeEventListener("abort", abort);
  }
  if (context.signal.aborted) throw cancelled();
  if (failure !== undefined) throw failure;
}

class Transfers {
  private failuresInARow = 0;

  constructor(private readonly context: TransferContext) {}

  async run(item: Copy | MakeFolder): Promise<void> {
    const { tally } = this.context;
    const size = item.action === "folder" ? 0 : item.size;
    try {
      if (item.action === "folder") this.folder(item.key);
      else await this.copy(item);
      this.failuresInARow = 0;
    } catch (error) {
      this.setAside(item.key, size, error);
    }
    tally.settle(size);
    this.context.onProgress();
  }

  private setAside(key: string, size: number, error: unknown): void {
    const { tally } = this.context;
    const code = errorCode(error);
    if (code === "s3/exists") {
      tally.add("skipped", size);
      return;
    }
    const problem = { code, message: errorMessage(error) };
    if (CONFLICTS.has(code)) {
      tally.problem("conflicts", key, size, problem);
      return;
    }
    const reason = error instanceof VergerError ? error.details.reason : undefined;
    if (!SET_ASIDE.has(code) || (typeof reason === "string" && DISK_WIDE.has(reason))) throw error;
    this.failuresInARow += 1;
    if (this.failuresInARow >= HOPELESS && tally.copied.files === 0) throw error;
    tally.problem("failed", key, size, problem);
  }

  private folder(key: string): void {
    const { route, tally, dryRun } = this.context;
    if (route.direction !== "download") return;
    if (!dryRun) route.target.makeFolder(key.slice(0, -1));
    tally.add("copied", 0);
    tally.action("folder", key, 0, "new");
  }

  private async copy(item: Copy): Promise<void> {
    const { tally, state, dryRun } = this.context;
    if (item.action === "verify" && (await this.equal(item))) {
      tally.add("unchanged", item.size);
      state.add({ key: item.key, size: item.size, source: item, target: item.target as Version });
      return;
    }
    tally.action("copy", item.key, item.size, item.target ? "changed" : "new");
    if (!dryRun) {
      const { source, target, size } = await this.move(item);
      state.add({ key: item.key, size, source, target });
    }
    tally.add("copied", item.size);
  }

  /** Whether the file on disk holds what the object's ETag stands for. */
  private async equal(item: Copy): Promise<boolean> {
    const { route, signal } = this.context;
    if (route.direction === "copy" || item.target === undefined) return false;
    const upload = route.direction === "upload";
    const file = upload ? path.join(route.root, item.key) : route.target.path(item.key);
    try {
      return await matchesEtag(path.toNamespacedPath(file), item.size, upload ? item.target.etag : item.etag, signal);
    } catch (error) {
      // What cannot be read to be compared cannot be sent either, and says so then; what is to be replaced need not be.
      if (errorCode(error).startsWith("E")) return false;
      throw error;
    }
  }

  /** @returns both versions, as the next listings will show them */
  private async move(item: Copy): Promise<{ source: Version; target: Version; size: number }> {
    const { route, tally, state, overwrite, signal, onProgress } = this.context;
    let counted = 0;
    let resumed = 0;
    const options: TransferOptions = {
      signal,
      onBytes: (bytes) => {
        counted += bytes;
        tally.underWay += bytes;
        tally.moved += bytes;
        onProgress();
      },
      onResumed: (bytes) => {
        resumed += bytes;
        tally.moved -= bytes;
      },
    };
    const { key } = item;
    const noOverwrite = !overwrite;
    try {
      switch (route.direction) {
        case "upload": {
          const file = path.join(route.root, key);
          const info = await route.store.upload(file, route.prefix + key, {
            ...options,
            noOverwrite,
            stateFolder: state.uploads,
          });
          tally.resumed += resumed;
          return { source: { etag: "", modifiedMs: item.modifiedMs }, target: written(info), size: info.size };
        }
        case "download": {
          const object = { key: route.prefix + key, size: item.size, etag: item.etag, modifiedMs: item.modifiedMs };
          const file = route.target.prepare(key, item.target !== undefined);
          const info = await route.store.download(object, file, options);
          const stat = lstatSync(path.toNamespacedPath(file));
          tally.resumed += resumed;
          const source = info.etag === item.etag ? item : written(info);
          return { source, target: { etag: "", modifiedMs: stat.mtimeMs }, size: info.size };
        }
        case "copy": {
          const object = { key: route.fromPrefix + key, size: item.size, etag: item.etag, modifiedMs: item.modifiedMs };
          const info = await route.store.copy({ bucket: route.from.bucket, object }, route.prefix + key, {
            ...options,
            noOverwrite,
          });
          return { source: item, target: written(info), size: item.size };
        }
      }
    } finally {
      // From here on the transfer counts as settled, whole or set aside.
      tally.underWay -= counted;
    }
  }
}

/** What is known of an object that was just written: its time is the server's, told by listings only. */
function written({ etag }: ObjectInfo): Version {
  return { etag, modifiedMs: 0 };
}
