/** A stream of unknown length into an object: lib-storage cuts it into parts, our client sends them. */
import { Readable } from "node:stream";
import { cancelled, isCancelled } from "../../core/errors.js";
import type { ObjectInfo, WriteOptions } from "../types.js";
import { crc32 } from "./crc32.js";
import { unquote } from "./objects.js";
import type { Requester } from "./requester.js";
import { explained, FinalFailure } from "./retry.js";
import { abortUpload } from "./upload.js";
import { confirm, refuseTaken, taken, wasTaken } from "./write.js";

/** Parts in memory at once, beside the one that is being filled. */
const QUEUE = 2;

/**
 * The contract of `ObjectStore.uploadStream`. What the stream has given is kept in memory until its part is stored, so
 * parts are sent again after a failure; the stream itself is read once.
 *
 * @throws VergerError `s3/*`, `cancelled`, or what the stream throws
 */
export async function uploadStream(
  requester: Requester,
  body: AsyncIterable<Uint8Array>,
  key: string,
  options: WriteOptions = {},
): Promise<ObjectInfo> {
  await refuseTaken(requester, key, options);
  const { signal } = options;
  const { Upload } = await import("@aws-sdk/lib-storage");
  const client = await requester.retryingClient({ verb: "write", key, action: "s3:PutObject" }, signal);
  let size = 0;
  let crc = 0;
  let broken: { error: unknown } | undefined;
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) {
        size += chunk.length;
        crc = crc32(chunk, crc);
        yield chunk;
      }
    } catch (error) {
      broken = { error };
      throw error;
    }
  }
  const upload = new Upload({
    client,
    queueSize: QUEUE,
    partSize: requester.tuning.partBytes,
    // Cleared up below: its own way shares the signal, which ends that request as well.
    leavePartsOnError: true,
    params: {
      Bucket: requester.bucket,
      Key: key,
      Body: Readable.from(counted(), { objectMode: false }),
      ChecksumAlgorithm: "CRC32",
      ChecksumType: "FULL_OBJECT",
      ...(options.contentType === undefined ? {} : { ContentType: options.contentType }),
      ...(options.noOverwrite ? { IfNoneMatch: "*" } : {}),
    },
  });
  let reported = 0;
  let etag = "";
  upload.on("httpUploadProgress", ({ loaded }) => {
    options.onBytes?.((loaded ?? reported) - reported);
    reported = loaded ?? reported;
  });
  const abort = () => void upload.abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    if (signal?.aborted) throw cancelled();
    const done = await upload.done();
    etag = unquote(done.ETag);
  } catch (error) {
    if (reported > 0) options.onBytes?.(-reported);
    // What stopped the upload is the news, not what stops the clearing up: --sweep finds the rest.
    if (upload.uploadId) await abortUpload(requester, { key, uploadId: upload.uploadId }).catch(() => {});
    if (signal?.aborted) throw cancelled();
    // Ended from outside, the stream is destroyed as well: that is no failure of its own.
    if (isCancelled(error)) throw cancelled();
    if (broken) throw broken.error;
    if (error instanceof FinalFailure && wasTaken(error.failure)) throw taken(requester.bucket, key);
    throw explained(error);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  return confirm(requester, { key, size, crc }, { etag }, options);
}
