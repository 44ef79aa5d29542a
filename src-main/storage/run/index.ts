/** What a job needs to read from and write to S3, put together for one request. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { FeatureColumnNames } from "../../api/contract.js";
import { errorMessage, VergerError } from "../../core/errors.js";
import type { Inspection } from "../../core/inspect/index.js";
import { type Notice, notice } from "../../core/notices.js";
import type { JobOptions } from "../../core/run/index.js";
import { userFolder } from "../../core/user-folder.js";
import { userCacheFolder } from "../cache/folder.js";
import { PhotoCache } from "../cache/photo-cache.js";
import { folderPrefix, formatLocation, isS3Url, type S3Location } from "../location.js";
import type { Tuning } from "../s3/tuning.js";
import type { ObjectStore, S3Options } from "../types.js";
import { inspectRemote, type RemoteReport } from "./features.js";
import { S3Mirror } from "./mirror.js";
import { Scratch } from "./scratch.js";
import { S3Sources, type SourceCache, s3Location } from "./sources.js";
import { pruneStaging, Staging } from "./staging.js";

/** Bytes of the local cache where nobody says otherwise. */
export const DEFAULT_CACHE_BYTES = 2 * 2 ** 30;
/** The rest is for the local side of finished runs. */
const PHOTOS_SHARE = 0.75;

export interface JobStorageOptions {
  readonly s3: S3Options;
  /** Bytes that photos and finished runs may keep on this machine; 0: nothing is kept. */
  readonly cacheBytes: number;
  readonly onNotice: (notice: Notice) => void;
  /** Times and sizes of requests other than the usual ones; for tests. */
  readonly tuning?: Partial<Tuning> | undefined;
}

/** A job's way to S3. Nothing is reached, and no folder made, before the job asks for it. */
export interface JobStorage {
  /** To be given to `runJob` and `pcaJob`. */
  readonly job: Pick<JobOptions, "remote" | "mirror">;
  /**
   * A folder of this machine that holds the run's `errors/`, after the job.
   *
   * @param run its folder or address
   */
  errorsOf(run: string): Promise<string>;
  /** Frees connections and what was only needed meanwhile. */
  close(): Promise<void>;
}

/**
 * The storage of one job. Local sources and outputs stay what they are.
 *
 * @param out the run's folder or address
 * @throws VergerError `s3/url`, and of the connection `s3/*`
 */
export async function jobStorage(out: string, options: JobStorageOptions): Promise<JobStorage> {
  const stores = new Stores(options.s3, options.tuning);
  const runs = path.join(userFolder(), "runs");
  const scratch = new Scratch(path.join(userCacheFolder(), "scratch"));
  const cache = new LazyCache(options, stores.endpoint);
  const remote = new S3Sources(
    (bucket) => stores.of(bucket),
    () => cache.get(),
    () => scratch.make(),
    options.onNotice,
  );
  let mirror: S3Mirror | undefined;
  if (isS3Url(out)) {
    const { bucket, key } = runLocation(out);
    const place = formatLocation({ kind: "s3", bucket, key });
    const staging = Staging.of(runs, [stores.endpoint, bucket, key]);
    mirror = new S3Mirror(await stores.of(bucket), folderPrefix(key), place, staging);
  }
  return {
    job: { remote, ...(mirror ? { mirror } : {}) },
    async errorsOf(run) {
      if (!mirror || run !== mirror.address) return run;
      await mirror.fetch(["errors"], new AbortController().signal);
      return mirror.folder;
    },
    async close() {
      await cache.close();
      scratch.close();
      await stores.close();
      if (mirror) pruneStaging(runs, Math.floor(options.cacheBytes * (1 - PHOTOS_SHARE)));
    },
  };
}

/**
 * Reads the report of a run in S3: run.json, labels and images set aside are fetched, nothing else.
 *
 * @throws VergerError `run/not-a-run`, `run/newer`, `run/corrupt`, `s3/*`, `cancelled`
 */
export async function inspectS3Run(
  address: string,
  options: { readonly limit: number; readonly s3: S3Options; readonly signal: AbortSignal },
): Promise<Inspection> {
  const { inspectRun } = await import("../../core/inspect/index.js");
  const { fetchReport } = await import("./report.js");
  const { bucket, key } = runLocation(address);
  const shown = formatLocation({ kind: "s3", bucket, key });
  const stores = new Stores(options.s3);
  const scratch = new Scratch(path.join(userCacheFolder(), "scratch"));
  try {
    const folder = scratch.make();
    const found = await fetchReport(await stores.of(bucket), folderPrefix(key), folder, options.signal);
    if (!found) {
      throw new VergerError(
        "run/not-a-run",
        `Expected a run, but ${shown} holds no run.json; give the prefix that --out named.`,
        { details: { run: shown } },
      );
    }
    return await inspectRun(folder, { limit: options.limit, address: shown });
  } finally {
    scratch.close();
    await stores.close();
  }
}

/**
 * Looks at features in S3 before a PCA is made of them: see `inspectRemote`.
 *
 * @param folder keeps what was fetched for the next look
 * @throws VergerError `features/not-found`, `features/empty`, `parquet/*`, `s3/*`, `cancelled`
 */
export async function inspectS3Features(
  address: string,
  options: {
    readonly columns: FeatureColumnNames | undefined;
    readonly s3: S3Options;
    readonly folder: string;
    readonly signal: AbortSignal;
    readonly onProgress: (done: number, total: number) => void;
  },
): Promise<RemoteReport> {
  const { bucket, key } = s3Location(address);
  const stores = new Stores(options.s3);
  try {
    return await inspectRemote({ ...options, store: await stores.of(bucket), address, key });
  } finally {
    await stores.close();
  }
}

/** `s3://bucket/run` and `s3://bucket/run/` are one run. */
function runLocation(address: string): S3Location {
  const location = s3Location(address);
  return { ...location, key: location.key.replace(/\/+$/, "") };
}

/** One store for each bucket that a job touches. */
class Stores {
  private readonly open = new Map<string, Promise<ObjectStore>>();
  /** What tells servers apart; empty for Amazon's. */
  readonly endpoint: string;

  constructor(
    private readonly options: S3Options,
    private readonly tuning?: Partial<Tuning>,
  ) {
    const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
    this.endpoint = options.endpoint ?? AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL ?? "";
  }

  of(bucket: string): Promise<ObjectStore> {
    let store = this.open.get(bucket);
    if (!store) {
      // The AWS SDK is loaded only by those who reach S3.
      store = import("../s3/index.js").then(({ openS3 }) => openS3(bucket, this.options, this.tuning));
      this.open.set(bucket, store);
    }
    return store;
  }

  async close(): Promise<void> {
    for (const store of this.open.values()) await store.then((one) => one.close()).catch(() => {});
  }
}

/** The cache of photos, opened with the first photo. */
class LazyCache {
  private opened: SourceCache | undefined;
  private tried = false;

  constructor(
    private readonly options: JobStorageOptions,
    private readonly endpoint: string,
  ) {}

  get(): SourceCache | undefined {
    if (this.tried) return this.opened;
    this.tried = true;
    const limit = Math.floor(this.options.cacheBytes * PHOTOS_SHARE);
    if (limit === 0) return undefined;
    const folder = path.join(userCacheFolder(), "photos");
    try {
      mkdirSync(path.dirname(folder), { recursive: true });
      this.opened = { photos: PhotoCache.open(folder, limit), endpoint: this.endpoint };
    } catch (error) {
      this.options.onNotice(notice("cache/unavailable", { reason: errorMessage(error) }));
    }
    return this.opened;
  }

  async close(): Promise<void> {
    await this.opened?.photos.close();
  }
}
