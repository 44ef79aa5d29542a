/** A file into an object: in parts when it is large, continued after a crash, checked as a whole. */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { VergerError } from "../../core/errors.js";
import { inParallel } from "../parallel.js";
import type { ObjectInfo, OpenUpload, WriteOptions } from "../types.js";
import { combineCrc32, encodeCrc32 } from "./crc32.js";
import { localFailure } from "./errors.js";
import { type FileIdentity, identityOf, sameFile } from "./files.js";
import { openUploads } from "./manage.js";
import { unquote, wholeCrc32 } from "./objects.js";
import { BufferPool, fileChanged, Piece } from "./piece.js";
import { describe } from "./read.js";
import { type Requester, told } from "./requester.js";
import { FinalFailure } from "./retry.js";
import { encodeQuery } from "./signer.js";
import { readState, removeState, statePath, type UploadState, writeState } from "./state.js";
import { choosePartBytes, MAX_OBJECT_BYTES } from "./tuning.js";
import { confirm, refuseTaken, storedWrong, taken, wasTaken, writeOnce } from "./write.js";

/** A clock that has not been compared with the server's may be off by as much as S3 tolerates. */
const CLOCK_MARGIN_MS = 15 * 60_000;

/** What is known of a part that the server holds. */
interface Part {
  readonly etag: string;
  readonly crc: number;
}

/** A part as ListParts describes it. */
interface HeldPart {
  readonly size: number;
  readonly etag: string;
  readonly crc: string | undefined;
}

type UploadOptions = WriteOptions & { readonly stateFolder: string };

/**
 * The contract of `ObjectStore.upload`.
 *
 * @throws VergerError `s3/*`, `cancelled`
 */
export async function upload(
  requester: Requester,
  file: string,
  key: string,
  options: UploadOptions,
): Promise<ObjectInfo> {
  const absolute = path.resolve(file);
  const handle = await openToRead(absolute);
  try {
    const identity = await identityOf(handle);
    if (!identity.isFile) throw localFailure("read", absolute, Object.assign(new Error(), { code: "EISDIR" }));
    if (identity.size > MAX_OBJECT_BYTES) {
      throw new VergerError(
        "s3/too-large",
        `Expected a file of at most 5 TiB to upload, but ${absolute} has ${identity.size} bytes; split it.`,
        { details: { path: absolute, size: identity.size } },
      );
    }
    const job = new FileUpload(requester, handle, absolute, key, identity, options);
    return identity.size > requester.tuning.multipartAbove ? await job.inParts() : await job.inOne();
  } finally {
    await handle.close();
  }
}

async function openToRead(file: string): Promise<FileHandle> {
  try {
    return await open(file, "r");
  } catch (error) {
    throw localFailure("read", file, error);
  }
}

class FileUpload {
  constructor(
    private readonly requester: Requester,
    private readonly handle: FileHandle,
    private readonly file: string,
    private readonly key: string,
    private readonly identity: FileIdentity,
    private readonly options: UploadOptions,
  ) {}

  /** @throws VergerError `s3/file-changed`. Also by its path: a program that saves may have put a new file there. */
  private readonly unchanged = async (): Promise<void> => {
    if (!sameFile(this.identity, await identityOf(this.handle))) throw fileChanged(this.file);
  };

  private readonly buffers = new BufferPool();

  private piece(begin: number, length: number, onBytes: (bytes: number) => void, buffers: readonly Buffer[]): Piece {
    return new Piece(this.handle, this.file, begin, length, this.unchanged, onBytes, buffers);
  }

  async inOne(): Promise<ObjectInfo> {
    let sent = 0;
    const piece = this.piece(
      0,
      this.identity.size,
      (bytes) => {
        sent += bytes;
        this.options.onBytes?.(bytes);
      },
      this.buffers.take(this.identity.size),
    );
    const sums = await piece.sum({ md5: false, sha256: await this.requester.signsBodies() });
    await this.unchanged();
    return writeOnce(
      this.requester,
      {
        key: this.key,
        size: this.identity.size,
        crc: sums.crc,
        md5: async () => {
          const { md5 } = await piece.sum({ md5: true, sha256: false });
          return Buffer.from(md5 ?? "", "base64").toString("hex");
        },
        attempt: (headers) => ({
          headers,
          sha256: sums.sha256,
          body: piece,
          failed: () => {
            if (sent > 0) this.options.onBytes?.(-sent);
            sent = 0;
          },
        }),
      },
      this.options,
    );
  }

  async inParts(): Promise<ObjectInfo> {
    const { requester, key, options } = this;
    await refuseTaken(requester, key, options);
    const stateFile = statePath(options.stateFolder, requester.bucket, key, this.file);
    let { state, held } = await this.resume(stateFile);
    if (!state) {
      await this.save(stateFile, this.intent());
      state = await this.create();
      await this.save(stateFile, state);
    }
    const { uploadId, partBytes, integrity } = state;
    const count = Math.ceil(this.identity.size / partBytes);
    const parts = new Array<Part | undefined>(count);
    try {
      await inParallel(
        Array.from({ length: count }, (_, index) => index),
        requester.tuning.partsInFlight,
        options.signal,
        async (index, signal) => {
          parts[index] = await this.part(state, index, held.get(index + 1), signal);
        },
      );
      await this.unchanged();
    } catch (error) {
      if (error instanceof VergerError && error.code === "s3/file-changed") {
        await abortUpload(requester, { key, uploadId });
        await removeState(stateFile);
      } else if (error instanceof FinalFailure && error.failure.serverCode === "NoSuchUpload") {
        // Someone swept it, or the bucket's rules did: the next call begins anew.
        await removeState(stateFile);
      }
      throw error instanceof FinalFailure ? error.explained : error;
    }
    let crc = 0;
    let rest = this.identity.size;
    for (const part of parts) {
      if (!part) throw new Error("a part is missing");
      crc = combineCrc32(crc, part.crc, Math.min(partBytes, rest));
      rest -= partBytes;
    }
    const info = await this.complete(uploadId, integrity, parts as Part[], crc, stateFile);
    await removeState(stateFile);
    return info;
  }

  /** The upload that an earlier call has begun, with the parts that the server holds. */
  private async resume(stateFile: string): Promise<{
    state: UploadState | undefined;
    held: Map<number, HeldPart>;
  }> {
    const { requester, key } = this;
    const nothing = { state: undefined, held: new Map() };
    const state = await readState(stateFile);
    if (!state || state.bucket !== requester.bucket || state.key !== key || state.file !== this.file) return nothing;
    if (state.uploadId === "") {
      await this.abortSince(state.begunMs);
      await removeState(stateFile);
      return nothing;
    }
    if (!sameFile(state, this.identity)) {
      await abortUpload(requester, { key, uploadId: state.uploadId });
      await removeState(stateFile);
      return nothing;
    }
    try {
      const held = new Map<number, HeldPart>();
      let marker: string | undefined;
      do {
        const page = await requester.control(
          { verb: "continue the upload of", key, action: "s3:ListMultipartUploadParts" },
          this.options.signal,
          (client, how, sdk) =>
            client.send(
              new sdk.ListPartsCommand({
                Bucket: requester.bucket,
                Key: key,
                UploadId: state.uploadId,
                ...(marker === undefined ? {} : { PartNumberMarker: marker }),
              }),
              how,
            ),
        );
        for (const part of page.Parts ?? []) {
          if (part.PartNumber === undefined) continue;
          held.set(part.PartNumber, { size: part.Size ?? -1, etag: unquote(part.ETag), crc: part.ChecksumCRC32 });
        }
        const next = page.IsTruncated ? page.NextPartNumberMarker : undefined;
        marker = next === marker ? undefined : next;
      } while (marker !== undefined);
      return { state, held };
    } catch (error) {
      if (!(error instanceof FinalFailure)) throw error;
      if (error.failure.status === 404 && error.failure.serverCode !== "NoSuchBucket") {
        await removeState(stateFile);
        return nothing;
      }
      // Who may not list parts can still send them all again, under the same id.
      if (error.failure.status === 403) return { state, held: new Map() };
      throw error.explained;
    }
  }

  private async save(stateFile: string, state: UploadState): Promise<void> {
    await writeState(stateFile, state).catch((error: unknown) => {
      throw localFailure("write", stateFile, error);
    });
  }

  /** The upload as it is before the server has given it an id. */
  private intent(): UploadState {
    const { requester, key, file, identity } = this;
    const { size, modifiedNs, inode } = identity;
    return {
      bucket: requester.bucket,
      key,
      file,
      size,
      modifiedNs,
      inode,
      partBytes: choosePartBytes(size, requester.tuning.partBytes),
      uploadId: "",
      begunMs: requester.serverSecond(),
      integrity: "md5",
    };
  }

  /** Aborts the uploads of this very key that began when a call ended before it learnt the id of its own. */
  private async abortSince(begunMs: number): Promise<void> {
    const { requester, key, options } = this;
    let open: readonly OpenUpload[];
    try {
      open = await openUploads(requester, key, options);
    } catch (error) {
      // Who may not list uploads cannot look; whoever may, sweeps.
      if (error instanceof VergerError && error.code === "s3/access-denied") return;
      throw error;
    }
    for (const upload of open) {
      if (upload.key === key && upload.initiatedMs >= begunMs - CLOCK_MARGIN_MS) await abortUpload(requester, upload);
    }
  }

  /** Begins an upload with the best check that the server knows. */
  private async create(): Promise<UploadState> {
    const { requester, key, options } = this;
    const begin = (checksums: boolean) =>
      requester.control({ verb: "write", key, action: "s3:PutObject" }, options.signal, (client, how, sdk) =>
        client.send(
          new sdk.CreateMultipartUploadCommand({
            Bucket: requester.bucket,
            Key: key,
            ...(options.contentType === undefined ? {} : { ContentType: options.contentType }),
            ...(checksums ? { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } : {}),
          }),
          how,
        ),
      );
    let created: Awaited<ReturnType<typeof begin>>;
    try {
      created = await begin(true);
    } catch (error) {
      const unknown = error instanceof FinalFailure && [400, 501].includes(error.failure.status);
      if (!unknown) throw error instanceof FinalFailure ? error.explained : error;
      created = await told(begin(false));
    }
    if (!created.UploadId) throw storedWrong(requester.bucket, key);
    return {
      ...this.intent(),
      uploadId: created.UploadId,
      // A server that does not repeat what it was asked for does not do it either.
      integrity:
        created.ChecksumAlgorithm !== "CRC32" ? "md5" : created.ChecksumType === "FULL_OBJECT" ? "full" : "parts",
    };
  }

  private async part(
    state: UploadState,
    index: number,
    held: HeldPart | undefined,
    signal: AbortSignal,
  ): Promise<Part> {
    const length = Math.min(state.partBytes, this.identity.size - index * state.partBytes);
    const buffers = this.buffers.take(length);
    try {
      return await this.sendPart(state, index, held, buffers, signal);
    } finally {
      this.buffers.give(buffers);
    }
  }

  private async sendPart(
    state: UploadState,
    index: number,
    held: HeldPart | undefined,
    buffers: readonly Buffer[],
    signal: AbortSignal,
  ): Promise<Part> {
    const { requester, key, options } = this;
    const begin = index * state.partBytes;
    const length = Math.min(state.partBytes, this.identity.size - begin);
    let sent = 0;
    const piece = this.piece(
      begin,
      length,
      (bytes) => {
        sent += bytes;
        options.onBytes?.(bytes);
      },
      buffers,
    );
    const byMd5 = state.integrity === "md5" || (held !== undefined && held.crc === undefined);
    const sums = await piece.sum({ md5: byMd5, sha256: await requester.signsBodies() });
    const crc = encodeCrc32(sums.crc);
    if (held && held.size === length) {
      const md5 = Buffer.from(sums.md5 ?? "", "base64").toString("hex");
      const same = held.crc !== undefined ? held.crc === crc : held.etag === md5;
      if (same) {
        options.onBytes?.(length);
        options.onResumed?.(length);
        return { etag: held.etag, crc: sums.crc };
      }
    }
    const answer = await requester.send({
      purpose: { verb: "write", key, action: "s3:PutObject" },
      method: "PUT",
      query: encodeQuery({ partNumber: String(index + 1), uploadId: state.uploadId }),
      bytes: length,
      signal,
      attempt: () => ({
        headers:
          sums.md5 === undefined || state.integrity !== "md5"
            ? { "x-amz-checksum-crc32": crc }
            : { "content-md5": sums.md5 },
        sha256: sums.sha256,
        body: piece,
        failed: () => {
          if (sent > 0) options.onBytes?.(-sent);
          sent = 0;
        },
      }),
    });
    const stored = answer.headers["x-amz-checksum-crc32"];
    if (stored !== undefined && stored !== crc) throw storedWrong(requester.bucket, key);
    return { etag: unquote(answer.headers.etag), crc: sums.crc };
  }

  private async complete(
    uploadId: string,
    integrity: UploadState["integrity"],
    parts: readonly Part[],
    crc: number,
    stateFile: string,
  ): Promise<ObjectInfo> {
    const { requester, key, options, identity } = this;
    const whole = encodeCrc32(crc);
    const etag = etagOfParts(parts);
    let attempts = 0;
    try {
      const done = await requester.control(
        { verb: "write", key, action: "s3:PutObject" },
        options.signal,
        (client, how, sdk) => {
          attempts += 1;
          return client.send(
            new sdk.CompleteMultipartUploadCommand({
              Bucket: requester.bucket,
              Key: key,
              UploadId: uploadId,
              MultipartUpload: {
                Parts: parts.map((part, index) => ({
                  PartNumber: index + 1,
                  ETag: `"${part.etag}"`,
                  ...(integrity === "md5" ? {} : { ChecksumCRC32: encodeCrc32(part.crc) }),
                })),
              },
              ...(integrity === "full"
                ? { ChecksumCRC32: whole, ChecksumType: "FULL_OBJECT", MpuObjectSize: identity.size }
                : {}),
              ...(options.noOverwrite ? { IfNoneMatch: "*" } : {}),
            }),
            how,
          );
        },
      );
      const full = done.ChecksumType === "COMPOSITE" ? undefined : done.ChecksumCRC32;
      const answer = { etag: unquote(done.ETag) || etag, crc32: full };
      return await confirm(requester, { key, size: identity.size, crc }, answer, options);
    } catch (error) {
      if (!(error instanceof FinalFailure)) throw error;
      const { failure } = error;
      // The answer to an earlier attempt may have been lost: then the object stands, and the upload is gone.
      if (attempts > 1 && (failure.serverCode === "NoSuchUpload" || wasTaken(failure))) {
        const found = await describe(requester, key, options);
        const ours =
          found && found.info.size === identity.size && (wholeCrc32(found.headers) === crc || found.info.etag === etag);
        if (ours) return found.info;
      }
      if (wasTaken(failure)) {
        await abortUpload(requester, { key, uploadId });
        await removeState(stateFile);
        throw taken(requester.bucket, key);
      }
      if (failure.serverCode === "NoSuchUpload") await removeState(stateFile);
      throw error.explained;
    }
  }
}

/** The ETag of an object of parts: MD5 of their MD5s, and their number. */
export function etagOfParts(parts: readonly { readonly etag: string }[]): string {
  const hash = createHash("md5");
  for (const { etag } of parts) hash.update(Buffer.from(etag, "hex"));
  return `${hash.digest("hex")}-${parts.length}`;
}

/**
 * Ends an upload in parts for good; none is no failure.
 *
 * @throws VergerError `s3/*`, `cancelled`
 */
export async function abortUpload(
  requester: Requester,
  { key, uploadId }: { key: string; uploadId: string },
  signal?: AbortSignal,
): Promise<void> {
  try {
    await requester.control(
      { verb: "clear up an upload of", key, action: "s3:AbortMultipartUpload" },
      signal,
      (client, how, sdk) =>
        client.send(
          new sdk.AbortMultipartUploadCommand({ Bucket: requester.bucket, Key: key, UploadId: uploadId }),
          how,
        ),
    );
  } catch (error) {
    if (error instanceof FinalFailure && error.failure.status === 404) {
      if (error.failure.serverCode === "NoSuchBucket") throw error.explained;
      return;
    }
    throw error instanceof FinalFailure ? error.explained : error;
  }
}
