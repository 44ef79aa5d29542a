/** Copies on the server side: no byte passes through this machine. */
import type { CreateMultipartUploadCommandInput } from "@aws-sdk/client-s3";
import { inParallel } from "../parallel.js";
import type { ObjectInfo, WriteOptions } from "../types.js";
import { combineCrc32, decodeCrc32, encodeCrc32 } from "./crc32.js";
import { nameOf } from "./errors.js";
import { unquote } from "./objects.js";
import { changed, describe } from "./read.js";
import type { Requester } from "./requester.js";
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
  const head = await requester.control(
    { verb: `read ${nameOf(from.bucket, from.object.key)} for`, key, action: "s3:GetObject" },
    signal,
    (client, how, sdk) =>
      client.send(
        new sdk.HeadObjectCommand({
          Bucket: from.bucket,
          Key: from.object.key,
          ChecksumMode: "ENABLED",
          ...(from.object.etag === "" ? {} : { IfMatch: `"${from.object.etag}"` }),
        }),
        how,
      ),
  );
  const source = head.ChecksumType === "COMPOSITE" ? undefined : decodeCrc32(head.ChecksumCRC32);
  const job = new PartsCopy(requester, from, key, options, {
    ContentType: options.contentType ?? head.ContentType,
    ContentEncoding: head.ContentEncoding,
    ContentLanguage: head.ContentLanguage,
    ContentDisposition: head.ContentDisposition,
    CacheControl: head.CacheControl,
    Metadata: head.Metadata,
  });
  // A CRC-32 is asked for where the source has one to compare with: a server may get that of a copied range wrong
  // (Versity 1.8 gives the source's), and whoever downloads the copy would be told that it is damaged.
  if (source === undefined || !(await job.run(source))) await job.run(undefined);
}

interface CopiedPart {
  readonly PartNumber: number;
  readonly ETag: string;
  readonly ChecksumCRC32?: string;
}

class PartsCopy {
  private readonly partBytes: number;

  constructor(
    private readonly requester: Requester,
    private readonly from: CopySource,
    private readonly key: string,
    private readonly options: WriteOptions,
    private readonly metadata: Partial<CreateMultipartUploadCommandInput>,
  ) {
    this.partBytes = choosePartBytes(from.object.size, requester.tuning.copyPartBytes);
  }

  /**
   * @param crc of the source; undefined copies without checksums
   * @returns false when the server's checksums are not those of the source; nothing is left of the attempt
   */
  async run(crc: number | undefined): Promise<boolean> {
    const uploadId = await this.create(crc !== undefined);
    if (uploadId === undefined) return false;
    try {
      const parts = await this.copyParts(uploadId);
      if (crc !== undefined && this.combined(parts) !== crc) {
        await this.abort(uploadId);
        return false;
      }
      await this.complete(uploadId, parts, crc);
      return true;
    } catch (error) {
      // Nothing of it is resumed: the next call copies anew, so nothing may stay behind, even after a cancel. What
      // stopped the copy is the news, not what stops the clearing up: --sweep finds the rest.
      await this.abort(uploadId).catch(() => {});
      throw error;
    }
  }

  private async create(checksums: boolean): Promise<string | undefined> {
    const { requester, key, from, options, metadata } = this;
    try {
      const { UploadId } = await requester.control(purposeOf(from, key), options.signal, (client, how, sdk) =>
        client.send(
          new sdk.CreateMultipartUploadCommand({
            ...metadata,
            Bucket: requester.bucket,
            Key: key,
            ...(checksums ? { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } : {}),
          }),
          how,
        ),
      );
      if (!UploadId) throw storedWrong(requester.bucket, key);
      return UploadId;
    } catch (error) {
      const unknown = error instanceof FinalFailure && [400, 501].includes(error.failure.status);
      if (checksums && unknown) return undefined;
      throw error;
    }
  }

  private async copyParts(uploadId: string): Promise<readonly CopiedPart[]> {
    const { requester, key, from, options, partBytes } = this;
    const { size } = from.object;
    const count = Math.ceil(size / partBytes);
    const parts = new Array<CopiedPart>(count);
    const indices = Array.from({ length: count }, (_, index) => index);
    await inParallel(indices, requester.tuning.partsInFlight, options.signal, async (index, abortSignal) => {
      const first = index * partBytes;
      const last = Math.min(size, first + partBytes) - 1;
      const { CopyPartResult } = await requester.control(purposeOf(from, key), abortSignal, (client, how, sdk) =>
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
    return parts;
  }

  /** @returns undefined where the server gave none for some part */
  private combined(parts: readonly CopiedPart[]): number | undefined {
    let whole = 0;
    let rest = this.from.object.size;
    for (const { ChecksumCRC32 } of parts) {
      const crc = decodeCrc32(ChecksumCRC32);
      if (crc === undefined) return undefined;
      whole = combineCrc32(whole, crc, Math.min(this.partBytes, rest));
      rest -= this.partBytes;
    }
    return whole;
  }

  private async complete(uploadId: string, parts: readonly CopiedPart[], crc: number | undefined): Promise<void> {
    const { requester, key, from, options } = this;
    await requester.control(purposeOf(from, key), options.signal, (client, how, sdk) =>
      client.send(
        new sdk.CompleteMultipartUploadCommand({
          Bucket: requester.bucket,
          Key: key,
          UploadId: uploadId,
          MultipartUpload: { Parts: [...parts] },
          ...(crc === undefined ? {} : { ChecksumType: "FULL_OBJECT", ChecksumCRC32: encodeCrc32(crc) }),
          ...(options.noOverwrite ? { IfNoneMatch: "*" } : {}),
        }),
        how,
      ),
    );
  }

  private abort(uploadId: string): Promise<void> {
    return abortUpload(this.requester, { key: this.key, uploadId });
  }
}
