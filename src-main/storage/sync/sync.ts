import { existsSync, realpathSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import {
  type Amount,
  type SyncEvent,
  type SyncRequest,
  type SyncRequestInput,
  type SyncSummary,
  syncRequestSchema,
} from "../../api/contract.js";
import { counted } from "../../core/counted.js";
import { errorMessage, isCancelled, throwIfCancelled, VergerError } from "../../core/errors.js";
import { Pacer } from "../../core/manifest/order.js";
import { parseRequest } from "../../core/request.js";
import { forgetUpload, heldUploads, openS3, TUNING } from "../s3/index.js";
import type { ObjectStore } from "../types.js";
import { type Copy, compareSides, type Findings } from "./compare.js";
import { Cursor } from "./cursor.js";
import type { Entry } from "./entry.js";
import { compileFilter } from "./filter.js";
import { disorder, listObjects } from "./listing.js";
import { SyncProgress } from "./progress.js";
import { SpooledQueue } from "./queue.js";
import { type LocalSide, nameOf, openSides, type S3Side, type Side, type Sides } from "./sides.js";
import { SyncState, syncFolder } from "./state.js";
import { Tally } from "./tally.js";
import { TargetFolder } from "./target-folder.js";
import { type MakeFolder, type Route, transferAll } from "./transfer.js";
import { tuningFromEnvironment } from "./tuning.js";
import { walkFolder } from "./walk.js";

export interface SyncJobOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: SyncEvent) => void;
  /**
   * Asked once everything is compared and before anything is changed, when files would be deleted; without it the
   * request's `delete` is consent enough.
   */
  readonly confirmDelete?: ((deleted: Amount) => Promise<boolean>) | undefined;
  /** Of a request with `listActions`: no more than these go into the summary. */
  readonly mostActions?: number;
}

/** Temporary files of downloads that nobody has continued for this long are removed. */
const ABANDONED_MS = 24 * 3600 * 1000;
/** Keys of one request to delete. */
const DELETE_BATCH = 1000;

/**
 * Makes `to` hold what `from` does. Names are compared in one pass over both sides and what earlier syncs have learned;
 * transfers begin at once, or, where files may be deleted, when everything has been compared. What concerns one key
 * only is set aside and told in the summary.
 *
 * A sync that is stopped or killed is continued by the same request: files are whole under their final names or not
 * there, and parts of large ones are kept.
 *
 * @throws VergerError `request/invalid`, `sync/*`, `s3/*`, `cancelled`
 */
export async function syncJob(input: SyncRequestInput, options: SyncJobOptions): Promise<SyncSummary> {
  const request: SyncRequest = parseRequest(syncRequestSchema, input);
  const sides = openSides(request.from, request.to, request.dryRun);
  // Buckets of the same name on two servers are two sides.
  const server = request.s3.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL ?? "";
  const [from, to] = [nameOf(sides.from), nameOf(sides.to)];
  const state = await SyncState.open([from, to, server], [to, sides.to.kind === "s3" ? server : ""]);
  const sync = new Sync(request, sides, state, options);
  try {
    return await sync.run();
  } finally {
    await sync.close();
  }
}

class Sync {
  private readonly began = performance.now();
  private readonly tally: Tally;
  private readonly progress: SyncProgress;
  private readonly stores: ObjectStore[] = [];
  private readonly route: Route;
  private readonly small: SpooledQueue<Copy | MakeFolder>;
  private readonly large: SpooledQueue<Copy>;
  private readonly extra: SpooledQueue<{ readonly key: string; readonly size: number }>;
  private readonly toDelete = { files: 0, bytes: 0 };
  /** Temporary files of downloads in the target that were there before. */
  private readonly temporaries: string[] = [];

  constructor(
    private readonly request: SyncRequest,
    private readonly sides: Sides,
    private readonly state: SyncState,
    private readonly options: SyncJobOptions,
  ) {
    this.tally = new Tally(request.listActions ? (options.mostActions ?? Number.POSITIVE_INFINITY) : 0);
    this.progress = new SyncProgress(this.tally, options.onEvent);
    this.route = this.openRoute();
    this.small = new SpooledQueue(path.join(state.folder, "small.tmp"));
    this.large = new SpooledQueue(path.join(state.folder, "large.tmp"));
    this.extra = new SpooledQueue(path.join(state.folder, "extra.tmp"));
  }

  async run(): Promise<SyncSummary> {
    const { request, tally, progress } = this;
    if (request.delete) {
      // Nothing may be changed before it is known what is to be deleted, and that it is wanted.
      await progress.stage("compare", () => this.compare());
      await this.permitDeletion();
      await progress.stage("transfer", () => this.transfer());
      await progress.stage("delete", () => this.deleteExtra());
    } else {
      await this.compareAndTransfer();
    }
    if (!request.dryRun) await this.tidy();
    const seconds = (performance.now() - this.began) / 1000;
    const { copied, unchanged, deleted, skipped, conflicts, failed, problems, actions } = tally;
    return {
      from: nameOf(this.sides.from),
      to: nameOf(this.sides.to),
      dryRun: request.dryRun,
      ...{ copied, unchanged, deleted, skipped, conflicts, failed },
      seconds: Number(seconds.toFixed(3)),
      bytesPerSecond: Math.round(Math.max(0, tally.moved) / Math.max(seconds, 1e-3)),
      resumedBytes: tally.resumed,
      problems,
      ...(actions ? { actions } : {}),
    };
  }

  async close(): Promise<void> {
    for (const queue of [this.small, this.large, this.extra]) queue.close();
    await Promise.all(this.stores.map((store) => store.close()));
    this.state.close();
  }

  private openRoute(): Route {
    const { from, to } = this.sides;
    if (from.kind === "s3" && to.kind === "s3") {
      const stores = { from: this.open(from), store: this.open(to) };
      return { direction: "copy", ...stores, fromPrefix: from.prefix, prefix: to.prefix };
    }
    if (from.kind === "local" && to.kind === "s3") {
      return { direction: "upload", root: from.root, store: this.open(to), prefix: to.prefix };
    }
    const [source, target] = [from as S3Side, to as LocalSide];
    return {
      direction: "download",
      store: this.open(source),
      prefix: source.prefix,
      target: new TargetFolder(target.root),
    };
  }

  private open({ bucket }: S3Side): ObjectStore {
    const store = openS3(bucket, this.request.s3, tuningFromEnvironment());
    this.stores.push(store);
    return store;
  }

  /** One side's names, sorted. */
  private list(side: Side, signal: AbortSignal): Cursor<Entry> {
    const { direction } = this.route;
    if (side.kind === "s3") {
      const source = side === this.sides.from;
      const store = this.route.direction === "copy" && source ? this.route.from : this.route.store;
      const pages = listObjects(store, side.prefix, { folders: direction !== "copy", signal });
      return new Cursor(pages, disorder(nameOf(side)));
    }
    const pages = side.exists
      ? walkFolder(side.root, {
          followLinks: direction === "upload",
          signal,
          skip: realpathSync(syncFolder()),
          onTemporary: (file) => {
            if (direction === "download") this.temporaries.push(file);
          },
        })
      : nothing();
    return new Cursor(pages, disorder(side.root));
  }

  /** Compares both sides and fills the queues. */
  private async compare(signal: AbortSignal = this.options.signal): Promise<void> {
    const { request, sides, route, state, progress } = this;
    const source = this.list(sides.from, signal);
    const target = this.list(sides.to, signal);
    const known = state.known();
    const filter = compileFilter(request.rules);
    const pacer = new Pacer(signal, () => progress.compared());
    try {
      await compareSides(
        { source, target, known },
        {
          direction: route.direction,
          filter,
          overwrite: request.overwrite,
          names: request.names,
          targetPrefix: route.prefix,
        },
        this.findings(),
        pacer,
      );
      state.commit();
      progress.allPlanned();
    } finally {
      this.small.end();
      this.large.end();
      this.extra.end();
      await Promise.all([source, target, known].map((cursor) => cursor.close()));
    }
  }

  private findings(): Findings {
    const { tally, small, large, extra, state, toDelete, request } = this;
    // Above it the engine works in parts, which keep several connections busy each.
    const largeBytes = 2 * (request.s3.partBytes ?? TUNING.partBytes);
    return {
      copy: (copy) => {
        tally.compared += 1;
        tally.plan(copy.size);
        if (copy.target) tally.targetFiles += 1;
        if (copy.size > largeBytes) large.push(copy);
        else small.push(copy);
      },
      folder: (key) => {
        tally.plan(0);
        small.push({ action: "folder", key });
      },
      unchanged: (size) => {
        tally.compared += 1;
        tally.add("unchanged", size);
        tally.targetFiles += 1;
      },
      extra: (key, size) => {
        tally.targetFiles += 1;
        if (!request.delete) return;
        toDelete.files += 1;
        toDelete.bytes += size;
        extra.push({ key, size });
      },
      skipped: (key, size) => {
        tally.compared += 1;
        tally.targetFiles += 1;
        tally.add("skipped", size);
        tally.action("skip", key, size, "exists");
      },
      conflict: (key, size, problem) => tally.problem("conflicts", key, size, problem),
      unreadable: (key, problem) => tally.problem("failed", key, 0, problem),
      keep: (known) => state.keep(known),
    };
  }

  /** Transfers begin with the first difference; what fails on one side stops the other. */
  private async compareAndTransfer(): Promise<void> {
    const { progress } = this;
    const stop = new AbortController();
    const signal = AbortSignal.any([this.options.signal, stop.signal]);
    const either = async (work: Promise<void>): Promise<void> => {
      try {
        await work;
      } catch (error) {
        stop.abort();
        throw error;
      }
    };
    const results = await Promise.allSettled([
      either(progress.stage("compare", () => this.compare(signal))),
      either(progress.stage("transfer", () => this.transfer(signal))),
    ]);
    throwIfCancelled(this.options.signal);
    const errors = results.filter((result) => result.status === "rejected").map((result) => result.reason as unknown);
    // The one that failed first has made the other one end with `cancelled`.
    const [error = undefined] = errors.filter(
      (reason) => !(reason instanceof VergerError && reason.code === "cancelled"),
    );
    if (error !== undefined) throw error;
    if (errors.length > 0) throw errors[0];
  }

  private transfer(signal: AbortSignal = this.options.signal): Promise<void> {
    const { small, large, route, state, tally, request, progress } = this;
    return transferAll(small, large, {
      ...{ route, state, tally, signal },
      overwrite: request.overwrite,
      dryRun: request.dryRun,
      concurrency: request.s3.concurrency ?? TUNING.concurrency,
      onProgress: () => progress.transferred(),
    });
  }

  private async permitDeletion(): Promise<void> {
    const { toDelete, tally, request, options } = this;
    if (toDelete.files === 0) return;
    if (!request.forceDelete && toDelete.files * 2 > tally.targetFiles) {
      throw new VergerError(
        "sync/too-many-deletions",
        `Expected --delete to remove at most half of what stands in ${nameOf(this.sides.to)}, but of its ${tally.targetFiles} files ${toDelete.files} would go, which are not in ${nameOf(this.sides.from)}; check both sides, then allow it with --force-delete.`,
        { details: { deletions: toDelete.files, files: tally.targetFiles } },
      );
    }
    if (request.dryRun || options.confirmDelete === undefined || (await options.confirmDelete(toDelete))) return;
    throw new VergerError(
      "sync/not-confirmed",
      `Expected a yes before deleting ${counted(toDelete.files, "file")} from ${nameOf(this.sides.to)}, but it was not given; nothing has been changed.`,
    );
  }

  private async deleteExtra(): Promise<void> {
    const { extra, tally, request, route, options, progress } = this;
    let batch: { readonly key: string; readonly size: number }[] = [];
    const flush = async (): Promise<void> => {
      throwIfCancelled(options.signal);
      if (!request.dryRun) await this.deleteBatch(batch);
      else for (const { size } of batch) tally.add("deleted", size);
      for (const { key, size } of batch) tally.action("delete", key, size, "extra");
      progress.deleted(this.toDelete.files);
      batch = [];
    };
    for (let item = await extra.take(); item !== undefined; item = await extra.take()) {
      batch.push(item);
      if (batch.length >= DELETE_BATCH) await flush();
    }
    await flush();
    if (route.direction === "download" && !request.dryRun) route.target.removeEmptied();
  }

  private async deleteBatch(batch: readonly { readonly key: string; readonly size: number }[]): Promise<void> {
    const { route, tally, options } = this;
    if (route.direction === "download") {
      for (const { key, size } of batch) {
        try {
          if (route.target.delete(key)) tally.add("deleted", size);
        } catch (error) {
          if (!(error instanceof VergerError)) throw error;
          tally.problem("failed", key, size, { code: error.code, message: errorMessage(error) });
        }
      }
      return;
    }
    const keys = batch.map(({ key }) => route.prefix + key);
    const refused = new Map((await route.store.delete(keys, options)).map((failure) => [failure.key, failure]));
    for (const { key, size } of batch) {
      const failure = refused.get(route.prefix + key);
      if (failure === undefined) {
        tally.add("deleted", size);
        continue;
      }
      tally.problem("failed", key, size, {
        code: "sync/not-deleted",
        message: `Expected to delete "${key}" from ${nameOf(this.sides.to)}, but the server refused (${failure.code || failure.message}); allow s3:DeleteObject on it for these credentials.`,
      });
    }
  }

  /** Removes what interrupted syncs have left and this one did not continue. */
  private async tidy(): Promise<void> {
    const { route, state } = this;
    if (route.direction === "upload") {
      const filter = compileFilter(this.request.rules);
      for (const upload of await heldUploads(state.uploads)) {
        // What takes part now and was not continued has gone, or failed for good; the rest waits for its own sync.
        if (!filter(upload.key.slice(route.prefix.length))) continue;
        try {
          await route.store.abortUpload(upload, { signal: this.options.signal });
          await forgetUpload(state.uploads, upload);
        } catch (error) {
          // Everything else is done: what the server did not abort now is tried again by the next sync.
          if (isCancelled(error)) throw error;
        }
      }
    }
    for (const file of this.temporaries) removeAbandoned(file);
  }
}

/** A temporary file that is old, or the journal of one that is gone. */
function removeAbandoned(file: string): void {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const orphan = file.endsWith(".json") && !existsSync(file.replace(/json$/, "part"));
  if (orphan || Date.now() - stat.mtimeMs > ABANDONED_MS) rmSync(file, { force: true });
}

async function* nothing(): AsyncGenerator<readonly Entry[]> {}
