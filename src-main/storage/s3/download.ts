/** An object into a file: in ranges when it is large, continued after a crash, checked as a whole. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { errorCode, throwIfCancelled, VergerError } from "../../core/errors.js";
import { inParallel } from "../parallel.js";
import { transferTemporaries } from "../temporary.js";
import type { ObjectInfo, TransferOptions } from "../types.js";
import { BlockFile, BlockWriter } from "./block-writer.js";
import { combineCrc32, crc32 } from "./crc32.js";
import { localFailure, nameOf } from "./errors.js";
import { Failure } from "./failure.js";
import { publish } from "./files.js";
import { Journal, type Ranges } from "./journal.js";
import { infoOf, md5OfEtag, wholeCrc32 } from "./objects.js";
import { changed, describe } from "./read.js";
import type { Requester } from "./requester.js";
import { FinalFailure } from "./retry.js";
import type { Answer, Headers, Receiver } from "./transport.js";

/** Ranges under way at first. */
const FIRST_RANGES = 2;
/**
 * Bytes per second of one connection above which more of them gain nothing: the processor is the limit then, not the
 * network (two at once over the loopback were half as fast again as six).
 */
const FAST_CONNECTION = 200 * 1024 * 1024;
/** Ranges asked for in one request over such a connection: each request costs a wait for its answer. */
const FAST_SPAN = 8;
/** Bytes read at once where a file is read again. */
const READ_BYTES = 1024 * 1024;

/** The object was replaced while it was read. */
class Replaced extends Error {}

/**
 * A stretch of an object on its way into a file. It outlives attempts: what has arrived stays, and the next attempt asks
 * for the rest.
 */
class Stretch implements Receiver {
  received = 0;
  /** Of the last piece, as far as it has come. */
  private crc = 0;
  headers: Headers = {};
  private md5 = createHash("md5");
  private useMd5 = false;
  private readonly whole: boolean;

  /**
   * @param begin where in the object it begins, bytes
   * @param writer writes to the same place of the file
   * @param onPiece told of every piece that has come; without it the stretch is the whole object in one piece, and its
   *   checksum is checked here
   */
  constructor(
    private readonly writer: BlockWriter,
    private readonly object: ObjectInfo,
    readonly begin: number,
    readonly length: number,
    private readonly onBytes: ((bytes: number) => void) | undefined,
    private readonly pieceBytes = Number.POSITIVE_INFINITY,
    private readonly onPiece?: (index: number, crc: number) => void,
  ) {
    this.whole = onPiece === undefined;
  }

  headersFor(): Record<string, string> {
    const headers: Record<string, string> = {};
    if (this.object.etag !== "") headers["if-match"] = `"${this.object.etag}"`;
    if (this.whole) headers["x-amz-checksum-mode"] = "ENABLED";
    if (!this.whole || this.received > 0) {
      headers.range = `bytes=${this.begin + this.received}-${this.begin + this.length - 1}`;
    }
    return headers;
  }

  start(answer: Answer): void {
    const info = infoOf(this.object.key, answer.headers);
    // A server may not know If-Match.
    if (this.object.etag !== "" && info.etag !== this.object.etag) throw new Replaced();
    if (this.received === 0) this.headers = answer.headers;
    const from = this.begin + this.received;
    const length = this.length - this.received;
    const ranged = !this.whole || this.received > 0;
    if (ranged && answer.status !== 206) {
      throw new VergerError(
        "s3/refused",
        `Expected the server to send bytes ${from} to ${from + length - 1} of "${this.object.key}", but it answered ${answer.status} with something else; use a server that supports the Range header.`,
      );
    }
    if (ranged && !(answer.headers["content-range"] ?? "").startsWith(`bytes ${from}-`)) {
      throw new Failure(
        "damaged",
        `the server sent ${answer.headers["content-range"] ?? "no range"} for bytes ${from}-`,
      );
    }
    const announced = answer.headers["content-length"];
    if (announced === undefined || Number(announced) !== length) {
      // Without an ETag the length is all that tells another object.
      if (this.whole && !ranged && announced !== undefined && this.object.etag === "") throw new Replaced();
      throw new Failure("damaged", `the server announced ${announced ?? "no number of"} bytes instead of ${length}`);
    }
    if (this.whole && !ranged) {
      this.useMd5 =
        wholeCrc32(answer.headers) === undefined && md5OfEtag(this.object.etag, answer.headers) !== undefined;
    }
  }

  space(): Buffer {
    return this.writer.space();
  }

  chunk(chunk: Buffer): Promise<void> | undefined {
    if (this.useMd5) this.md5.update(chunk);
    const rest = this.writer.add(chunk);
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + this.pieceBytes - (this.received % this.pieceBytes));
      at += piece.length;
      this.crc = crc32(piece, this.crc);
      this.received += piece.length;
      if (this.onPiece && (this.received % this.pieceBytes === 0 || this.received === this.length)) {
        this.onPiece(Math.ceil(this.received / this.pieceBytes) - 1, this.crc);
        this.crc = 0;
      }
    }
    this.onBytes?.(chunk.length);
    return rest;
  }

  async end(): Promise<void> {
    if (this.received !== this.length) {
      throw new Failure("damaged", `${this.received} of ${this.length} bytes arrived`);
    }
    if (this.whole) this.check();
    await this.settle();
  }

  /** Everything that arrived is in the file. */
  settle(): Promise<void> {
    return this.writer.settle();
  }

  private check(): void {
    const crc = wholeCrc32(this.headers);
    const md5 = md5OfEtag(this.object.etag, this.headers);
    const right = crc !== undefined ? this.crc === crc : !this.useMd5 || this.md5.digest("hex") === md5;
    if (right) return;
    this.restart();
    throw new Failure("damaged", "its bytes do not match their checksum");
  }

  /** Takes everything back. */
  restart(): void {
    if (this.received > 0) this.onBytes?.(-this.received);
    this.received = 0;
    this.crc = 0;
    this.md5 = createHash("md5");
    this.writer.moveTo(this.begin);
  }
}

/**
 * The contract of `ObjectStore.download`.
 *
 * @throws VergerError `s3/*`, `cancelled`
 */
export async function download(
  requester: Requester,
  object: ObjectInfo,
  file: string,
  options: TransferOptions = {},
): Promise<ObjectInfo> {
  let wanted = object;
  for (let round = 1; ; round += 1) {
    let moved = 0;
    const onBytes = (bytes: number) => {
      moved += bytes;
      options.onBytes?.(bytes);
    };
    try {
      const large = wanted.size > requester.tuning.rangesAbove;
      return await (large ? inRanges : inOne)(requester, wanted, file, { ...options, onBytes });
    } catch (error) {
      const replaced = error instanceof Replaced || (error instanceof FinalFailure && error.failure.status === 412);
      if (!replaced) throw error instanceof FinalFailure ? error.explained : error;
      if (moved !== 0) options.onBytes?.(-moved);
      if (round === 2) throw changed(requester.bucket, object.key);
      const now = await describe(requester, object.key, options);
      if (!now) throw gone(requester, object.key);
      wanted = now.info;
    }
  }
}

function gone(requester: Requester, key: string): VergerError {
  return new VergerError(
    "s3/no-key",
    `Expected to read ${nameOf(requester.bucket, key)}, but it was deleted meanwhile; list again.`,
    { details: { bucket: requester.bucket, key } },
  );
}

async function openFor(file: string, flags: string): Promise<FileHandle> {
  try {
    return await open(file, flags);
  } catch (error) {
    throw localFailure("write", file, error);
  }
}

async function fetchStretch(requester: Requester, stretch: Stretch, key: string, signal: AbortSignal | undefined) {
  await requester.send({
    purpose: { verb: "read", key, action: "s3:GetObject" },
    method: "GET",
    bytes: stretch.length,
    signal,
    attempt: async () => {
      // What the attempt before has left half way.
      await stretch.settle();
      if (stretch.received === stretch.length) stretch.restart();
      return { headers: stretch.headersFor(), receiver: stretch };
    },
  });
}

/** A small object: one GET. */
async function inOne(
  requester: Requester,
  object: ObjectInfo,
  file: string,
  options: TransferOptions,
): Promise<ObjectInfo> {
  const { part: temporary } = transferTemporaries(file, requester.bucket, object.key);
  const handle = await openFor(temporary, "w");
  let published = false;
  try {
    const writer = new BlockWriter(new BlockFile(handle, temporary, object.size), 0);
    const stretch = new Stretch(writer, object, 0, object.size, options.onBytes);
    await fetchStretch(requester, stretch, object.key, options.signal);
    await handle.truncate(object.size);
    await publish(handle, temporary, file).catch((error: unknown) => {
      throw localFailure("write", file, error);
    });
    published = true;
    return infoOf(object.key, stretch.headers, object.size);
  } finally {
    if (!published) {
      await handle.close().catch(() => {});
      await rm(temporary, { force: true });
    }
  }
}

/** A large object: ranges by position, those of earlier attempts kept. */
async function inRanges(
  requester: Requester,
  listed: ObjectInfo,
  file: string,
  options: TransferOptions,
): Promise<ObjectInfo> {
  const described = await describe(requester, listed.key, options);
  if (!described) throw gone(requester, listed.key);
  const { info: object, headers } = described;
  if (object.size <= requester.tuning.rangesAbove) return inOne(requester, object, file, options);

  const { rangeBytes, partsInFlight } = requester.tuning;
  const { part: temporary, journal: journalFile } = transferTemporaries(file, requester.bucket, object.key);
  const journal = new Journal(journalFile);
  const header = { etag: object.etag, size: object.size, rangeBytes };
  const kept = await journal.read(header);
  const count = Math.ceil(object.size / rangeBytes);
  // A crash between the last two steps below.
  if (kept?.size === count && (await exists(file)) && !(await exists(temporary))) {
    const standing = await stillValid(file, kept, header, options);
    if (standing.size === count && (await matches(file, standing, object, headers, rangeBytes))) {
      await rm(journal.file, { force: true });
      options.onBytes?.(object.size);
      options.onResumed?.(object.size);
      return object;
    }
  }

  for (let round = 1; ; round += 1) {
    const ranges: Ranges = kept && round === 1 ? await stillValid(temporary, kept, header, options) : new Map();
    const handle = await openFor(temporary, ranges.size > 0 ? "r+" : "w+");
    let open = true;
    try {
      await handle.truncate(object.size);
      await journal.begin(header, ranges);
      let moved = 0;
      const onBytes = (bytes: number) => {
        moved += bytes;
        options.onBytes?.(bytes);
      };
      const resumed = [...ranges.keys()].reduce((sum, number) => sum + lengthOf(number, header), 0);
      if (resumed > 0) {
        onBytes(resumed);
        options.onResumed?.(resumed);
      }
      const missing = Array.from({ length: count }, (_, number) => number).filter((number) => !ranges.has(number));
      const blocks = new BlockFile(handle, temporary, object.size);
      let width = Math.min(FIRST_RANGES, partsInFlight);
      let most = 1;
      const spans = consecutive(missing, () => most);
      await inParallel(
        spans,
        () => width,
        options.signal,
        async ({ first, count }, signal) => {
          const began = performance.now();
          const begin = first * rangeBytes;
          const length = Math.min(count * rangeBytes, object.size - begin);
          const writer = new BlockWriter(blocks, begin);
          const onPiece = (index: number, crc: number) => {
            ranges.set(first + index, crc);
            // Should a crash come before the bytes are in the file, reading them again will tell.
            journal.add(first + index, crc);
          };
          const stretch = new Stretch(writer, object, begin, length, onBytes, rangeBytes, onPiece);
          try {
            await fetchStretch(requester, stretch, object.key, signal);
          } catch (error) {
            await stretch.settle().catch(() => {});
            throw error;
          } finally {
            await journal.settle();
          }
          const fast = length / ((performance.now() - began) / 1000) >= FAST_CONNECTION;
          most = fast ? FAST_SPAN : 1;
          if (!fast) width = partsInFlight;
        },
      );
      if (await matches(temporary, ranges, object, headers, rangeBytes)) {
        await publish(handle, temporary, file);
        open = false;
        await rm(journal.file, { force: true });
        return object;
      }
      onBytes(-moved);
      await rm(journal.file, { force: true });
      await rm(temporary, { force: true });
      if (round === 2) {
        throw new VergerError(
          "s3/damaged",
          `Expected ${nameOf(requester.bucket, object.key)} whole, but its bytes did not match their checksum, twice; try again later, and look at what stands between here and the server.`,
          { details: { bucket: requester.bucket, key: object.key } },
        );
      }
    } catch (error) {
      if (error instanceof Replaced || (error instanceof FinalFailure && error.failure.status === 412)) {
        await rm(journal.file, { force: true });
        await rm(temporary, { force: true });
      }
      if (error instanceof Error && errorCode(error).startsWith("E") && !(error instanceof FinalFailure)) {
        throw localFailure("write", temporary, error);
      }
      throw error;
    } finally {
      if (open) await handle.close().catch(() => {});
    }
  }
}

/** Runs of numbers that follow each other. @param most numbers of the next run, asked whenever one is taken */
function* consecutive(
  numbers: readonly number[],
  most: () => number,
): Generator<{ readonly first: number; readonly count: number }> {
  for (let at = 0; at < numbers.length; ) {
    const first = numbers[at] as number;
    const limit = most();
    let count = 1;
    while (count < limit && numbers[at + count] === first + count) count += 1;
    at += count;
    yield { first, count };
  }
}

function lengthOf(number: number, { size, rangeBytes }: { size: number; rangeBytes: number }): number {
  return Math.min(rangeBytes, size - number * rangeBytes);
}

async function exists(file: string): Promise<boolean> {
  try {
    await (await open(file, "r")).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * The ranges whose bytes are on the disk as the journal says: after a power cut it may hold lines whose data was never
 * written.
 */
async function stillValid(
  file: string,
  ranges: Ranges,
  header: { size: number; rangeBytes: number },
  options: TransferOptions,
): Promise<Ranges> {
  const valid: Ranges = new Map();
  let handle: FileHandle;
  try {
    handle = await open(file, "r");
  } catch {
    return valid;
  }
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (const [number, crc] of ranges) {
      throwIfCancelled(options.signal);
      let actual = 0;
      const read = await scan(handle, buffer, number * header.rangeBytes, lengthOf(number, header), (chunk) => {
        actual = crc32(chunk, actual);
      });
      if (read && actual === crc) valid.set(number, crc);
    }
  } finally {
    await handle.close();
  }
  return valid;
}

/** @returns false when the file ends before */
async function scan(
  handle: FileHandle,
  buffer: Buffer,
  begin: number,
  length: number,
  take: (chunk: Buffer) => void,
): Promise<boolean> {
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - at), begin + at);
    if (bytesRead === 0) return false;
    take(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return true;
}

/** The whole against the server's CRC-32 or, where it keeps none, against the MD5 that the ETag is. */
async function matches(
  file: string,
  ranges: Ranges,
  object: ObjectInfo,
  headers: Headers,
  rangeBytes: number,
): Promise<boolean> {
  const expected = wholeCrc32(headers);
  if (expected !== undefined) {
    let crc = 0;
    for (let number = 0; number * rangeBytes < object.size; number += 1) {
      const range = ranges.get(number);
      if (range === undefined) return false;
      crc = combineCrc32(crc, range, lengthOf(number, { size: object.size, rangeBytes }));
    }
    return crc === expected;
  }
  const md5 = md5OfEtag(object.etag, headers);
  if (md5 === undefined) return true;
  const handle = await open(file, "r");
  try {
    const hash = createHash("md5");
    const whole = await scan(handle, Buffer.allocUnsafe(READ_BYTES), 0, object.size, (chunk) => hash.update(chunk));
    return whole && hash.digest("hex") === md5;
  } finally {
    await handle.close();
  }
}
