/**
 * What jobs need of places that are no folders of this machine. The core only names such places, by addresses like
 * `s3://bucket/prefix`; src-main/storage reaches them.
 */
import { VergerError } from "./errors.js";

/** One object of a listing. */
export interface RemoteObject {
  /** Behind the address of the folder that was listed, `/` between folders; never decoded. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** A photo as the manifest knows it. */
export interface RemoteImage {
  readonly address: string;
  readonly size: number;
  readonly etag: string | null;
}

/** Why one photo could not be read; the run goes on without it. */
export interface UnreadableImage {
  readonly code: string;
  readonly message: string;
}

/** Reads sources that stand elsewhere. */
export interface RemoteSources {
  /** True for an address that this reaches. */
  serves(address: string): boolean;
  /**
   * Pages of everything below a folder, in any order.
   *
   * @param folder an address that ends in a slash
   * @throws VergerError `s3/*`, `cancelled`
   */
  list(folder: string, signal?: AbortSignal): AsyncIterable<readonly RemoteObject[]>;
  /** The object at exactly this address; undefined when there is none. */
  head(address: string, signal?: AbortSignal): Promise<RemoteObject | undefined>;
  /** A whole small object: a list or a table. */
  read(address: string, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * A photo's bytes in a buffer of their own, which the caller may transfer to another thread, or why this one cannot
   * be read. Rejects only for what concerns every photo: no link, an outage, lost credentials.
   */
  image(image: RemoteImage, signal: AbortSignal): Promise<Uint8Array | UnreadableImage>;
  /**
   * Fetches the Parquet files that an address names, by the rules of `openFeatures`.
   *
   * @param onProgress bytes that are here, of all
   * @returns a file or folder of this machine to give to `openFetched`, kept until the job's storage is closed
   * @throws VergerError `features/not-found`, `features/empty`, `s3/*`, `storage/*`, `cancelled`
   */
  features(address: string, signal: AbortSignal, onProgress?: (done: number, total: number) => void): Promise<string>;
}

/** True for `scheme://...`: such a text never names a local file. */
export function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text);
}

/**
 * A run folder that stands elsewhere, built in a folder of this machine and mirrored file by file. `RunStore` calls
 * it; names are relative to the run folder, `/` between folders.
 */
export interface RunMirror {
  /** Where the run is built. */
  readonly folder: string;
  /** The run's address, for people. */
  readonly address: string;
  /**
   * Compares the local folder with what stands there, once this process holds the local folder's lock. Afterwards the
   * local run.json is the one to go on from, and `names` is known. Changes nothing there.
   *
   * @throws VergerError `run/not-empty` when objects are there that are no run's, `s3/*`
   */
  open(signal: AbortSignal): Promise<void>;
  /** The files that stand there. */
  readonly names: ReadonlySet<string>;
  /**
   * Claims the run for this process and makes the local folder complete.
   *
   * @param fresh what stands there is about to be discarded: fetch nothing
   * @throws VergerError `run/in-use` when another process, on any machine, writes to it; `s3/*`
   */
  begin(options: { readonly fresh: boolean; readonly signal: AbortSignal }): Promise<void>;
  /**
   * Uploads finished files in the background, one after another within a call; a file that is absent here is removed
   * there. Throws what made an earlier upload fail for good.
   */
  publish(...names: string[]): void;
  /** Uploads files and waits until the server has confirmed them, also while the job is being cancelled. */
  publishNow(...names: string[]): Promise<void>;
  /** Removes files or whole folders, in this order, and waits for it. */
  remove(...names: string[]): Promise<void>;
  /** Moves folders below another one, `from/x` to `to/from/x`. Safe to repeat when it was cut short. */
  moveAside(folders: readonly string[], to: string): Promise<void>;
  /** Bytes that wait to be uploaded. */
  readonly waitingBytes: number;
  /** Waits for all uploads, then makes both sides alike: what stands only there is removed. */
  settle(signal: AbortSignal): Promise<void>;
  /** Stops uploads under way, without waiting for what has not begun, and gives up the claim. Idempotent. */
  close(): Promise<void>;
}

/** @throws VergerError `source/unsupported` for an address where only a folder of this machine will do */
export function requireLocal(text: string, what: string): void {
  if (!isAddress(text)) return;
  throw new VergerError(
    "source/unsupported",
    `Expected a folder of this machine or s3://bucket/prefix for ${what}, but received "${text}"; choose one of them.`,
    { details: { path: text } },
  );
}
