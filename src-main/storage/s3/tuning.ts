/** Every number of the transfer engine: passed along, never global, so that tests run in milliseconds. */

export interface Tuning {
  /** Attempts of one request, the first included. */
  readonly attempts: number;
  /** Back-off before attempt n + 1 is a random time up to min(cap, base * 2^n), milliseconds. */
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** The longest Retry-After that is honoured; a server that asks for more is taken as unavailable. */
  readonly retryAfterCapMs: number;
  /** Without a byte in either direction for this long, an attempt is given up. */
  readonly stallMs: number;
  /** The same while the server works on a call that moves no data: completing, copying. */
  readonly workMs: number;
  /** One attempt may take this long, and longer by its bytes / `slowestRate`. */
  readonly attemptMs: number;
  /** All attempts of a request together, longer by its bytes / `slowestRate`. */
  readonly overallMs: number;
  /** Bytes per second below which a connection counts as broken. */
  readonly slowestRate: number;
  /** Requests under way at once where the options do not say. */
  readonly concurrency: number;
  /** Parts or ranges of one transfer under way at once: what a crash can cost. */
  readonly partsInFlight: number;
  /** Smallest part of a multipart upload, bytes; grows with the file. S3 refuses less than 5 MiB. */
  readonly partBytes: number;
  /** Files above this are uploaded in parts. */
  readonly multipartAbove: number;
  /** Length of a range of a download. */
  readonly rangeBytes: number;
  /** Objects above this are downloaded in ranges. */
  readonly rangesAbove: number;
  /** Objects above this are copied in parts; S3 refuses a single copy above 5 GiB. */
  readonly copyPartsAbove: number;
  readonly copyPartBytes: number;
  /** Keys per page of a listing; S3 gives at most 1,000. */
  readonly pageKeys: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const TUNING: Tuning = {
  attempts: 8,
  backoffBaseMs: 100,
  backoffCapMs: 20_000,
  retryAfterCapMs: 60_000,
  stallMs: 30_000,
  workMs: 300_000,
  attemptMs: 120_000,
  overallMs: 600_000,
  slowestRate: 4 * KIB,
  concurrency: 32,
  partsInFlight: 6,
  partBytes: 8 * MIB,
  multipartAbove: 16 * MIB,
  rangeBytes: 8 * MIB,
  rangesAbove: 16 * MIB,
  copyPartsAbove: GIB,
  copyPartBytes: 256 * MIB,
  pageKeys: 1000,
};

/** S3's own limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MAX_PARTS = 10_000;
export const MAX_OBJECT_BYTES = 5 * 1024 * GIB;

/**
 * The part size for a file: the preferred one, or the smallest whole MiB with which 10,000 parts suffice.
 *
 * @param size bytes, up to 5 TiB
 */
export function choosePartBytes(size: number, preferred: number): number {
  if (Math.ceil(size / preferred) <= MAX_PARTS) return preferred;
  return Math.ceil(size / MAX_PARTS / MIB) * MIB;
}

/** The sizes that go with a part size of the user's. @param partBytes at least 1 */
export function withPartBytes(tuning: Tuning, partBytes: number): Tuning {
  return { ...tuning, partBytes, rangeBytes: partBytes, multipartAbove: 2 * partBytes, rangesAbove: 2 * partBytes };
}
