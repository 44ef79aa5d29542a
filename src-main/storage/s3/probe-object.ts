/** The one object that `doctor` writes, the requests it makes for that, and what takes it away again. */
import { randomBytes } from "node:crypto";
import { throwIfCancelled } from "../../core/errors.js";
import { crc32, encodeCrc32 } from "./crc32.js";
import type { Requester } from "./requester.js";
import { FinalFailure } from "./retry.js";
import { encodeQuery } from "./signer.js";
import type { Headers } from "./transport.js";

/** How long a write under way may still take after Ctrl-C. */
const GRACE_MS = 5_000;

export const CONTENT = Buffer.from("verger doctor tries what it may do here, and removes this object at once.\n");

/** An upload in parts that has begun. */
export interface Begun {
  readonly uploadId: string;
  /** Whether the server takes the CRC-32 of the whole object. */
  readonly whole: boolean;
}

export interface Parts {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Headers;
  readonly content?: Buffer;
  readonly signal?: AbortSignal | undefined;
}

/** An object of an unguessable name. Every method rejects as `Requester.send` does. */
export class ProbeObject {
  readonly key: string;
  private written = false;
  private readonly uploads = new Set<string>();
  /**
   * Ends writes some time after the rest: one whose connection is cut may still be carried out, and then after the
   * request that is to remove what it writes.
   */
  private readonly late: AbortSignal;

  /**
   * @param prefix empty, or with a slash at its end
   * @param signal ends every request but those that clean up; writes under way are given a few seconds
   */
  constructor(
    private readonly requester: Requester,
    prefix: string,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.key = `${prefix}.verger-doctor-${randomBytes(16).toString("hex")}`;
    const late = new AbortController();
    this.late = late.signal;
    signal?.addEventListener("abort", () => setTimeout(() => late.abort(), GRACE_MS).unref(), { once: true });
  }

  async put(content: Buffer, headers: Headers = {}): Promise<void> {
    throwIfCancelled(this.signal);
    this.written = true;
    await this.send("PUT", this.key, "write", "s3:PutObject", { headers, content, signal: this.late });
  }

  create(): Promise<Begun> {
    // Not to be interrupted: an upload whose id never arrived could not be aborted.
    return this.requester.control(
      { verb: "begin an upload to", key: this.key, action: "s3:PutObject" },
      undefined,
      async (client, _how, sdk) => {
        const input = { Bucket: this.requester.bucket, Key: this.key };
        const begin = async (checksums: object) => {
          const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand({ ...input, ...checksums }));
          if (UploadId === undefined) throw new Error("the server began an upload without an id");
          this.uploads.add(UploadId);
          return UploadId;
        };
        try {
          return { uploadId: await begin({ ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" }), whole: true };
        } catch (error) {
          const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
          if (status !== 400 && status !== 501) throw error;
          return { uploadId: await begin({}), whole: false };
        }
      },
    );
  }

  async part(uploadId: string): Promise<string> {
    const { headers } = await this.send("PUT", this.key, "write a part of", "s3:PutObject", {
      query: { partNumber: "1", uploadId },
      headers: { "x-amz-checksum-crc32": encodeCrc32(crc32(CONTENT)) },
      content: CONTENT,
      signal: this.late,
    });
    return headers.etag ?? "";
  }

  async abort(uploadId: string, signal: AbortSignal | undefined): Promise<void> {
    await this.send("DELETE", this.key, "abort an upload to", "s3:AbortMultipartUpload", {
      query: { uploadId },
      signal,
    });
    this.uploads.delete(uploadId);
  }

  async openUploads(signal: AbortSignal | undefined): Promise<void> {
    await this.send("GET", "", "list open uploads of", "s3:ListBucketMultipartUploads", {
      query: { uploads: "", prefix: this.key, "max-uploads": "1" },
      signal,
    });
  }

  async listParts(uploadId: string): Promise<number> {
    return this.requester.control(
      { verb: "list the parts of", key: this.key, action: "s3:ListMultipartUploadParts" },
      this.signal,
      async (client, how, sdk) => {
        const input = { Bucket: this.requester.bucket, Key: this.key, UploadId: uploadId };
        const { Parts } = await client.send(new sdk.ListPartsCommand(input), how);
        return Parts?.length ?? 0;
      },
    );
  }

  /** @param etag of its only part */
  async complete({ uploadId, whole }: Begun, etag: string): Promise<void> {
    const sum = encodeCrc32(crc32(CONTENT));
    throwIfCancelled(this.signal);
    this.written = true;
    await this.requester.control(
      { verb: "complete", key: this.key, action: "s3:PutObject" },
      this.late,
      (client, how, sdk) =>
        client.send(
          new sdk.CompleteMultipartUploadCommand({
            Bucket: this.requester.bucket,
            Key: this.key,
            UploadId: uploadId,
            MultipartUpload: { Parts: [{ PartNumber: 1, ETag: etag, ...(whole && { ChecksumCRC32: sum }) }] },
            ...(whole && { ChecksumCRC32: sum, ChecksumType: "FULL_OBJECT" }),
          }),
          how,
        ),
    );
    this.uploads.delete(uploadId);
  }

  async delete(signal = this.signal): Promise<void> {
    await this.send("DELETE", this.key, "delete", "s3:DeleteObject", { signal });
  }

  /** Removes whatever has been written: as much of it as can be. */
  async cleanUp(signal: AbortSignal): Promise<void> {
    // Uploads first: one that completes meanwhile becomes the object, which is deleted after.
    const aborted = await Promise.allSettled([...this.uploads].map((uploadId) => this.abort(uploadId, signal)));
    if (this.written) await this.delete(signal);
    for (const result of aborted) {
      if (result.status === "rejected" && !isGone(result.reason)) throw result.reason;
    }
  }

  async send(
    method: "GET" | "HEAD" | "PUT" | "DELETE",
    key: string,
    verb: string,
    action: string,
    parts: Parts = {},
  ): Promise<{ readonly headers: Headers; readonly body: Buffer }> {
    let chunks: Buffer[] = [];
    const { headers } = await this.requester.send({
      purpose: { verb, action, ...(key !== "" && { key }) },
      method,
      query: encodeQuery(parts.query ?? {}),
      signal: "signal" in parts ? parts.signal : this.signal,
      attempt: () => {
        chunks = [];
        return {
          headers: parts.headers ?? {},
          body: parts.content,
          receiver: {
            chunk: (chunk) => {
              chunks.push(chunk);
              return undefined;
            },
          },
        };
      },
    });
    return { headers, body: Buffer.concat(chunks) };
  }
}

/** An upload that was completed or aborted by a request whose answer never arrived. */
function isGone(error: unknown): boolean {
  return error instanceof FinalFailure && error.failure.status === 404;
}
