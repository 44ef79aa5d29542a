/** Copies on the server side: no byte passes through this machine. */
import type { ObjectInfo, WriteOptions } from "../types.js";
import { nameOf } from "./errors.js";
import { unquote } from "./objects.js";
import { inParallel } from "./parallel.js";
import { changed, describe } from "./read.js";
import { type Requester, told } from "./requester.js";
import { FinalFailure } from "./retry.js";
import { encodeKey } from "./signer.js";
import { choosePartBytes } from "./tuning.js";
import { abortUpload } from "./upload.js";
import { confirm, refuseTaken, storedWrong, taken, wasTaken } from "./write.js";

export interface CopySource {
  readonly bucket: string;
  readonly object: ObjectInfo;
}

/**
 * The contract of `ObjectStore.copy`: the source must still be the object that is named (its ETag), else `s3/changed`.
 *
 * @throws VergerError `s3/*`, `cancelled`
 */
export async function copy(
  requester: Requester,
  from: CopySource,
  key: string,
  options: WriteOptions = {},
): Promise<ObjectInfo> {
  await refuseTaken(requester, key, options);
  try {
    if (from.object.size > requester.tuning.copyPartsAbove) await inParts(requester, from, key, options);
    else await inOne(requester, from, key, options);
  } catch (error) {
    if (!(error instanceof FinalFailure)) throw error;
    // 412 speaks of the source when If-None-Match was not asked for; else a look tells which condition failed.
    if (wasTaken(error.failure)) {
      if (options.noOverwrite) await refuseTaken(requester, key, options);
      throw changed(from.bucket, from.object.key);
    }
    throw error.explained;
  }
  const { size } = from.object;
  const info = await confirm(requester, { key, size, crc: undefined }, { etag: "" }, options);
  options.onBytes?.(info.size);
  return info;
}

function sourceOf({ bucket, object }: CopySource): { CopySource: string; CopySourceIfMatch?: string } {
  return {
    CopySource: `${bucket}/${encodeKey(object.key)}`,
    ...(object.etag === "" ? {} : { CopySourceIfMatch: `"${object.etag}"` }),
  };
}

function purposeOf(from: CopySource, key: string) {
  return {
    verb: `copy ${nameOf(from.bucket, from.object.key)} to`,
    key,
    action: `s3:PutObject (and s3:GetObject on ${nameOf(from.bucket, from.object.key)})`,
  };
}

async function inOne(requester: Requester, from: CopySource, key: string, options: WriteOptions): Promise<void> {
  let attempts = 0;
  try {
    await requester.control(purposeOf(from, key), options.signal, (client, how, sdk) => {
      attempts += 1;
      return client.send(
        new sdk.CopyObjectCommand({
          Bucket: requester.bucket,
          Key: key,
          ...sourceOf(from),
          ...(options.contentType === undefined
            ? {}
            : { ContentType: options.contentType, MetadataDirective: "REPLACE" }),
          ...(options.noOverwrite ? { IfNoneMatch: "*" } : {}),
        }),
        how,
      );
    });
  } catch (error) {
    // An answer that was lost: what stands in the way is our own copy, made by an earlier attempt.
    const ambiguous = error instanceof FinalFailure && attempts > 1 && options.noOverwrite && wasTaken(error.failure);
    if (!ambiguous) throw error;
    const found = await describe(requester, key, options);
    const ours = found?.info.etag === from.object.etag && found.info.size === from.object.size;
    if (!ours) throw taken(requester.bucket, key);
  }
}

/** Above 5 GiB S3 copies in parts only; far below it that is faster. What a copy would keep is carried over by hand. */
async function inParts(requester: Requester, from: CopySource, key: string, options: WriteOptions): Promise<void> {
  const { signal } = options;
  const purpose = purposeOf(from, key);
  const { size } = from.object;
  const head = await requester.control(
    { verb: `read ${nameOf(from.bucket, from.object.key)} for`, key, action: "s3:GetObject" },
    signal,
    (client, how, sdk) =>
      client.send(
        new sdk.HeadObjectCommand({
          Bucket: from.bucket,
          Key: from.object.key,
          ...(from.object.etag === "" ? {} : { IfMatch: `"${from.object.etag}"` }),
        }),
        how,
      ),
  );
  const begin = (checksums: boolean) =>
    requester.control(purpose, signal, (client, how, sdk) =>
      client.send(
        new sdk.CreateMultipartUploadCommand({
          Bucket: requester.bucket,
          Key: key,
          ContentType: options.contentType ?? head.ContentType,
          ContentEncoding: head.ContentEncoding,
          ContentLanguage: head.ContentLanguage,
          ContentDisposition: head.ContentDisposition,
          CacheControl: head.CacheControl,
          Metadata: head.Metadata,
          ...(checksums ? { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } : {}),
        }),
        how,
      ),
    );
  let created: Awaited<ReturnType<typeof begin>>;
  try {
    created = await begin(true);
  } catch (error) {
    if (!(error instanceof FinalFailure && [400, 501].includes(error.failure.status))) throw error;
    created = await begin(false);
  }
  const uploadId = created.UploadId;
  if (!uploadId) throw storedWrong(requester.bucket, key);
  try {
    const partBytes = choosePartBytes(size, requester.tuning.copyPartBytes);
    const count = Math.ceil(size / partBytes);
    const parts = new Array<{ PartNumber: number; ETag: string; ChecksumCRC32?: string }>(count);
    const indices = Array.from({ length: count }, (_, index) => index);
    await inParallel(indices, requester.tuning.partsInFlight, signal, async (index, abortSignal) => {
      const first = index * partBytes;
      const last = Math.min(size, first + partBytes) - 1;
      const { CopyPartResult } = await requester.control(purpose, abortSignal, (client, how, sdk) =>
        client.send(
          new sdk.UploadPartCopyCommand({
            Bucket: requester.bucket,
            Key: key,
            UploadId: uploadId,
            PartNumber: index + 1,
            CopySourceRange: `bytes=${first}-${last}`,
            ...sourceOf(from),
          }),
          how,
        ),
      );
      const crc = CopyPartResult?.ChecksumCRC32;
      parts[index] = {
        PartNumber: index + 1,
        ETag: `"${unquote(CopyPartResult?.ETag)}"`,
        ...(crc === undefined ? {} : { ChecksumCRC32: crc }),
      };
    });
    await requester.control(purpose, signal, (client, how, sdk) =>
      client.send(
        new sdk.CompleteMultipartUploadCommand({
          Bucket: requester.bucket,
          Key: key,
          UploadId: uploadId,
          MultipartUpload: { Parts: parts },
          ...(created.ChecksumType === "FULL_OBJECT" ? { ChecksumType: "FULL_OBJECT" } : {}),
          ...(options.noOverwrite ? { IfNoneMatch: "*" } : {}),
        }),
        how,
      ),
    );
  } catch (error) {
    // Nothing of it is resumed: the next call copies anew, so nothing may stay behind. Even after a cancel.
    await told(abortUpload(requester, { key, uploadId })).catch(() => {});
    throw error;
  }
}
