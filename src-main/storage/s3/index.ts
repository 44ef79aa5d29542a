/** The object store over S3. The only part of Verger that knows the AWS SDK. */
import type { ObjectInfo, ObjectStore, RequestOptions, S3Options, TransferOptions, WriteOptions } from "../types.js";
import { copy } from "./copy.js";
import { download } from "./download.js";
import { deleteObjects, openUploads } from "./manage.js";
import { describe, get, list } from "./read.js";
import { Requester, told } from "./requester.js";
import { uploadStream } from "./stream.js";
import { TUNING, type Tuning } from "./tuning.js";
import { abortUpload, upload } from "./upload.js";
import { put } from "./write.js";

export { forgetUpload, heldUploads } from "./state.js";
export { TUNING, type Tuning } from "./tuning.js";

/**
 * A bucket. Nothing is loaded or sent before the first call.
 *
 * @param tuning times and sizes other than the usual ones; for tests
 */
export function openS3(bucket: string, options: S3Options = {}, tuning: Partial<Tuning> = {}): S3Store {
  return new S3Store(new Requester(bucket, options, { ...TUNING, ...tuning }));
}

export class S3Store implements ObjectStore {
  readonly bucket: string;

  constructor(private readonly requester: Requester) {
    this.bucket = requester.bucket;
  }

  list(prefix: string, options?: RequestOptions & { readonly startAfter?: string }) {
    return list(this.requester, prefix, options);
  }

  async head(key: string, options?: RequestOptions): Promise<ObjectInfo | undefined> {
    return (await describe(this.requester, key, options))?.info;
  }

  get(key: string, options?: TransferOptions & { readonly ifMatch?: string; readonly limitBytes?: number }) {
    return get(this.requester, key, options);
  }

  download(object: ObjectInfo, file: string, options?: TransferOptions): Promise<ObjectInfo> {
    return download(this.requester, object, file, options);
  }

  put(key: string, bytes: Uint8Array, options?: WriteOptions): Promise<ObjectInfo> {
    return put(this.requester, key, bytes, options);
  }

  upload(file: string, key: string, options: WriteOptions & { readonly stateFolder: string }): Promise<ObjectInfo> {
    return told(upload(this.requester, file, key, options));
  }

  uploadStream(body: AsyncIterable<Uint8Array>, key: string, options?: WriteOptions): Promise<ObjectInfo> {
    return uploadStream(this.requester, body, key, options);
  }

  copy(
    from: { readonly bucket: string; readonly object: ObjectInfo },
    key: string,
    options?: WriteOptions,
  ): Promise<ObjectInfo> {
    return copy(this.requester, from, key, options);
  }

  delete(keys: readonly string[], options?: RequestOptions) {
    return deleteObjects(this.requester, keys, options);
  }

  openUploads(prefix: string, options?: RequestOptions) {
    return openUploads(this.requester, prefix, options);
  }

  abortUpload(upload: { readonly key: string; readonly uploadId: string }, options?: RequestOptions): Promise<void> {
    return abortUpload(this.requester, upload, options?.signal);
  }

  now(): number {
    return this.requester.now();
  }

  close(): Promise<void> {
    return this.requester.close();
  }
}
