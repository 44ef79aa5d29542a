/** Writing objects in one request, and finding out whether the server has stored what was meant. */
import { createHash } from "node:crypto";
import { VergerError } from "../../core/errors.js";
import type { ObjectInfo, RequestOptions, WriteOptions } from "../types.js";
import { crc32, decodeCrc32, encodeCrc32 } from "./crc32.js";
import { nameOf } from "./errors.js";
import type { Failure } from "./failure.js";
import { md5OfEtag, unquote, wholeCrc32 } from "./objects.js";
import { describe } from "./read.js";
import type { Attempt, Requester } from "./requester.js";
import { FinalFailure } from "./retry.js";
import type { Headers } from "./transport.js";

export function taken(bucket: string, key: string): VergerError {
  return new VergerError(
    "s3/exists",
    `Expected no object ${nameOf(bucket, key)} yet, but there is one; choose another key, or allow to overwrite it.`,
    { details: { bucket, key } },
  );
}

/** True for the answers to a write whose If-None-Match did not hold. */
export function wasTaken(failure: Failure): boolean {
  return failure.status === 412 || failure.serverCode === "PreconditionFailed";
}

/**
 * Looks before a write that must not overwrite. If-None-Match is what makes it safe against others; this is for servers
 * that do not know it, and saves sending what would be refused.
 *
 * @throws VergerError `s3/exists`
 */
export async function refuseTaken(requester: Requester, key: string, options: WriteOptions): Promise<void> {
  if (!options.noOverwrite) return;
  try {
    if (await describe(requester, key, options)) throw taken(requester.bucket, key);
  } catch (error) {
    // Who may only write cannot look; the condition of the write itself decides then.
    if (!(error instanceof VergerError && error.code === "s3/access-denied")) throw error;
  }
}

export function writeHeaders(options: WriteOptions): Record<string, string> {
  return {
    ...(options.contentType === undefined ? {} : { "content-type": options.contentType }),
    ...(options.noOverwrite ? { "if-none-match": "*" } : {}),
  };
}

/** A write in one request: what is the same for bytes and files. */
export interface SingleWrite {
  readonly key: string;
  readonly size: number;
  readonly crc: number;
  /** Hexadecimal; asked for only where the server keeps no CRC-32. */
  md5(): Promise<string>;
  attempt(headers: Record<string, string>): Attempt | Promise<Attempt>;
}

/** @throws VergerError `s3/*`, `cancelled` */
export async function writeOnce(requester: Requester, write: SingleWrite, options: WriteOptions): Promise<ObjectInfo> {
  const { key, size, crc } = write;
  await refuseTaken(requester, key, options);
  const headers = { ...writeHeaders(options), "x-amz-checksum-crc32": encodeCrc32(crc) };
  let attempts = 0;
  try {
    const answer = await requester.send({
      purpose: { verb: "write", key, action: "s3:PutObject" },
      method: "PUT",
      bytes: size,
      signal: options.signal,
      attempt: (number) => {
        attempts = number;
        return write.attempt(headers);
      },
    });
    const etag = unquote(answer.headers.etag);
    await checkStored(requester, write, etag, answer.headers, options);
    // S3 does not say when it has stored the object; its clock now is within a second or two. A HEAD tells exactly.
    return { key, size, etag, modifiedMs: requester.serverSecond(answer.headers.date) };
  } catch (error) {
    if (!(error instanceof FinalFailure)) throw error;
    if (!wasTaken(error.failure)) throw error.explained;
    // The answer to an earlier attempt may have been lost: then it is our own object that stands in the way.
    const ours = attempts > 1 ? await standing(requester, write, options) : undefined;
    if (ours) return ours;
    throw taken(requester.bucket, key);
  }
}

/** The stored object, when it is what we meant to write. */
async function standing(
  requester: Requester,
  write: SingleWrite,
  options: RequestOptions,
): Promise<ObjectInfo | undefined> {
  const found = await describe(requester, write.key, options);
  if (!found || found.info.size !== write.size) return undefined;
  const crc = wholeCrc32(found.headers);
  if (crc !== undefined) return crc === write.crc ? found.info : undefined;
  return found.info.etag === (await write.md5()) ? found.info : undefined;
}

async function checkStored(
  requester: Requester,
  write: SingleWrite,
  etag: string,
  headers: Headers,
  options: RequestOptions,
): Promise<void> {
  const crc = wholeCrc32(headers);
  let right: boolean;
  if (crc !== undefined) right = crc === write.crc;
  else if (md5OfEtag(etag, headers) !== undefined) right = etag === (await write.md5());
  else right = (await describe(requester, write.key, options))?.info.size === write.size;
  if (!right) throw storedWrong(requester.bucket, write.key);
}

export function storedWrong(bucket: string, key: string): VergerError {
  return new VergerError(
    "s3/damaged",
    `Expected ${nameOf(bucket, key)} to be stored as it was sent, but the server reports another length or checksum; send it again, and look at what stands between here and the server.`,
    { details: { bucket, key } },
  );
}

/** @throws VergerError `s3/*`, `cancelled` */
export async function put(
  requester: Requester,
  key: string,
  bytes: Uint8Array,
  options: WriteOptions = {},
): Promise<ObjectInfo> {
  const sha256 = (await requester.signsBodies()) ? createHash("sha256").update(bytes).digest("hex") : undefined;
  let sent = 0;
  const info = await writeOnce(
    requester,
    {
      key,
      size: bytes.length,
      crc: crc32(bytes),
      md5: async () => createHash("md5").update(bytes).digest("hex"),
      attempt: (headers) => ({
        headers,
        sha256,
        body: slices(bytes, (count) => {
          sent += count;
          options.onBytes?.(count);
        }),
        failed: () => {
          if (sent > 0) options.onBytes?.(-sent);
          sent = 0;
        },
      }),
    },
    options,
  );
  return info;
}

/** Above this, bytes in memory are sent in pieces, so that the watchdog sees them leave. */
const SLICE_BYTES = 256 * 1024;

function slices(bytes: Uint8Array, onBytes: (bytes: number) => void) {
  return {
    length: bytes.length,
    async *open(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
        const slice = bytes.subarray(at, at + SLICE_BYTES);
        onBytes(slice.length);
        yield slice;
      }
    },
  };
}

/** What a server has answered to a write, as far as it says so. */
export interface WriteAnswer {
  readonly etag: string;
  /** CRC-32 of the whole, base64. */
  readonly crc32?: string | undefined;
}

/**
 * The object that has just been written, after a look at what the server holds: its length, and its CRC-32 where it
 * keeps one. Who may write and not read cannot look: then the answer to the write must do, and its parts were checked
 * one by one when they arrived.
 *
 * @param crc undefined where it is not known
 * @throws VergerError `s3/damaged` when something else is stored
 */
export async function confirm(
  requester: Requester,
  written: { readonly key: string; readonly size: number; readonly crc: number | undefined },
  answer: WriteAnswer,
  options: RequestOptions,
): Promise<ObjectInfo> {
  const { key, size, crc } = written;
  const said = decodeCrc32(answer.crc32);
  if (crc !== undefined && said !== undefined && said !== crc) throw storedWrong(requester.bucket, key);
  let found: { info: ObjectInfo; headers: Headers } | undefined;
  try {
    found = await describe(requester, key, options);
  } catch (error) {
    if (!(error instanceof VergerError && error.code === "s3/access-denied")) throw error;
    return { key, size, etag: answer.etag, modifiedMs: requester.serverSecond() };
  }
  const stored = found && wholeCrc32(found.headers);
  const right = found?.info.size === size && (crc === undefined || stored === undefined || stored === crc);
  if (!found || !right) throw storedWrong(requester.bucket, key);
  return found.info;
}
