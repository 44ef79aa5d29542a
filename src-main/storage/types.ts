/** What Verger needs of an object store; src-main/storage/s3 provides it, everything else depends on this alone. */

/** One object as a listing or a HEAD describes it. */
export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Without the quotes around it. */
  readonly etag: string;
  /** LastModified, milliseconds since 1970; whole seconds as S3 gives them. */
  readonly modifiedMs: number;
}

/** An upload in parts that has been begun and neither completed nor aborted. */
export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedMs: number;
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface TransferOptions extends RequestOptions {
  /**
   * Called with the bytes moved since the last call; negative when a retry takes back what has to be sent or received
   * again, so that the sum is always what stands.
   */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Of the bytes that `onBytes` counts: those that an earlier, interrupted call had moved. May be called several times. */
  readonly onResumed?: ((bytes: number) => void) | undefined;
}

export interface WriteOptions extends TransferOptions {
  /** Fails with `s3/exists` when the key is taken (`If-None-Match: *`). */
  readonly noOverwrite?: boolean | undefined;
  readonly contentType?: string | undefined;
}

/**
 * The objects of one bucket. Every call retries what may pass (docs/s3.md), verifies lengths and checksums, and ends in
 * its result or in a VergerError `s3/*` or `cancelled`: never in a hang.
 */
export interface ObjectStore {
  readonly bucket: string;

  /** Pages of a listing in ascending UTF-8 byte order of the key, as the server gives them; memory is one page. */
  list(
    prefix: string,
    options?: RequestOptions & { readonly startAfter?: string },
  ): AsyncIterable<readonly ObjectInfo[]>;

  /** @returns undefined when there is no such object */
  head(key: string, options?: RequestOptions): Promise<ObjectInfo | undefined>;

  /**
   * A whole small object in memory.
   *
   * @param limitBytes larger objects reject with `s3/too-large` before their body is read
   */
  get(
    key: string,
    options?: TransferOptions & { readonly ifMatch?: string; readonly limitBytes?: number },
  ): Promise<{ readonly bytes: Uint8Array; readonly info: ObjectInfo }>;

  /**
   * An object into a file: written beside it, verified, fsynced, renamed. Large ones in ranges with If-Match, resumed
   * from what an earlier attempt, even of a killed process, has verified. One that is replaced meanwhile is begun anew
   * once, then rejects with `s3/changed`.
   *
   * @param file final name; its folder must exist
   */
  download(object: ObjectInfo, file: string, options?: TransferOptions): Promise<ObjectInfo>;

  /** A small object from memory. */
  put(key: string, bytes: Uint8Array, options?: WriteOptions): Promise<ObjectInfo>;

  /**
   * A file into an object; large ones in parts. The upload id is kept in `stateFolder`, so that a later call for the
   * same unchanged file continues from the parts the server holds, even after a crash. A file that changes meanwhile
   * rejects with `s3/file-changed`, and nothing appears under the key.
   */
  upload(file: string, key: string, options: WriteOptions & { readonly stateFolder: string }): Promise<ObjectInfo>;

  /** A stream of unknown length into an object. */
  uploadStream(body: AsyncIterable<Uint8Array>, key: string, options?: WriteOptions): Promise<ObjectInfo>;

  /** Copies on the server side, from any bucket the same credentials reach; in parts where a single copy cannot. */
  copy(
    from: { readonly bucket: string; readonly object: ObjectInfo },
    key: string,
    options?: WriteOptions,
  ): Promise<ObjectInfo>;

  /** Deletes in batches. @returns the keys that could not be deleted, with the reason */
  delete(
    keys: readonly string[],
    options?: RequestOptions,
  ): Promise<readonly { readonly key: string; readonly code: string; readonly message: string }[]>;

  /** Uploads in parts that stand open under a prefix. */
  openUploads(prefix: string, options?: RequestOptions): Promise<readonly OpenUpload[]>;

  abortUpload(upload: Pick<OpenUpload, "key" | "uploadId">, options?: RequestOptions): Promise<void>;

  /**
   * The server's time, as its last answer told it, to be compared with `modifiedMs`: milliseconds since 1970, right to
   * two seconds. This machine's, which may be wrong by more than a lease lasts, before the first answer.
   */
  now(): number;

  /** Frees connections and timers. Calls under way reject with `cancelled`. */
  close(): Promise<void>;
}

/** How the servers are reached; all of it also from the environment and the profile files, as the AWS SDK reads them. */
export interface S3Options {
  readonly profile?: string | undefined;
  readonly region?: string | undefined;
  /** Of an S3-compatible server. */
  readonly endpoint?: string | undefined;
  /** Bucket in the path, not in the host name. Default: true with an endpoint, else false. */
  readonly pathStyle?: boolean | undefined;
  /**
   * Bytes of a part of an upload and of a range of a download; files up to twice as long go in one piece. At least
   * 5 MiB for Amazon S3. Default: 8 MiB, more where 10,000 parts would not suffice.
   */
  readonly partBytes?: number | undefined;
  /** Requests under way at once. */
  readonly concurrency?: number | undefined;
  /** Bytes per second, of all transfers of the process together; undefined: no limit. */
  readonly maxBandwidth?: number | undefined;
}
