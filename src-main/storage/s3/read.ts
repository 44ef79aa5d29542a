/** Reading: metadata, whole small objects, pages of a listing. */
import { createHash } from "node:crypto";
import { VergerError } from "../../core/errors.js";
import type { ObjectInfo, RequestOptions, TransferOptions } from "../types.js";
import { crc32 } from "./crc32.js";
import { nameOf } from "./errors.js";
import { Failure } from "./failure.js";
import { ascending, infoOf, md5OfEtag, type Page, readPage, wholeCrc32 } from "./objects.js";
import { type Requester, told } from "./requester.js";
import { FinalFailure } from "./retry.js";
import { encodeQuery } from "./signer.js";
import { type Headers, liesAt, type Receiver } from "./transport.js";

/** What a HEAD tells beyond the listing. */
export interface Description {
  readonly info: ObjectInfo;
  readonly headers: Headers;
}

/** @returns undefined when there is no such object. @throws VergerError `s3/*`, `cancelled` */
export async function describe(
  requester: Requester,
  key: string,
  options: RequestOptions = {},
): Promise<Description | undefined> {
  try {
    const { headers } = await requester.send({
      purpose: { verb: "look at", key, action: "s3:GetObject" },
      method: "HEAD",
      signal: options.signal,
      attempt: () => ({ headers: { "x-amz-checksum-mode": "ENABLED" } }),
    });
    return { info: infoOf(key, headers), headers };
  } catch (error) {
    // The answer to a HEAD has no body: a missing bucket looks like a missing key.
    if (error instanceof FinalFailure && error.failure.status === 404) {
      if (error.failure.serverCode === "NoSuchBucket") throw error.explained;
      return undefined;
    }
    throw error instanceof FinalFailure ? error.explained : error;
  }
}

/** The object is not, or no longer, the one that was asked for. */
export function changed(bucket: string, key: string): VergerError {
  return new VergerError(
    "s3/changed",
    `Expected ${nameOf(bucket, key)} to stay as it is while it is read, but it was replaced; try again when nobody writes to it.`,
    { details: { bucket, key } },
  );
}

/** The body of one answer in memory, checked by its CRC-32 or, where the server keeps none, by its MD5. */
class MemoryReceiver implements Receiver {
  bytes: Buffer = Buffer.alloc(0);
  headers: Headers = {};
  private at = 0;

  constructor(
    private readonly key: string,
    private readonly bucket: string,
    private readonly limit: number,
    private readonly ifMatch: string | undefined,
    private readonly onBytes: ((bytes: number) => void) | undefined,
  ) {}

  start({ headers }: { headers: Headers }): void {
    this.headers = headers;
    const length = headers["content-length"];
    if (length === undefined) throw new Failure("damaged", "the server did not say how long the object is");
    if (this.ifMatch !== undefined && infoOf(this.key, headers).etag !== this.ifMatch)
      throw changed(this.bucket, this.key);
    if (Number(length) > this.limit) throw tooLarge(this.bucket, this.key, Number(length), this.limit);
    this.bytes = Buffer.allocUnsafeSlow(Number(length));
  }

  space(): Buffer {
    return this.bytes.subarray(this.at);
  }

  chunk(chunk: Buffer): undefined {
    if (!liesAt(chunk, this.bytes, this.at)) chunk.copy(this.bytes, this.at);
    this.at += chunk.length;
    this.onBytes?.(chunk.length);
  }

  end(): undefined {
    const info = infoOf(this.key, this.headers);
    const crc = wholeCrc32(this.headers);
    const md5 = md5OfEtag(info.etag, this.headers);
    const right =
      crc !== undefined
        ? crc32(this.bytes) === crc
        : md5 === undefined || createHash("md5").update(this.bytes).digest("hex") === md5;
    if (!right) throw new Failure("damaged", "its bytes do not match their checksum");
  }

  failed(): void {
    if (this.at > 0) this.onBytes?.(-this.at);
  }
}

function tooLarge(bucket: string, key: string, size: number, limit: number): VergerError {
  return new VergerError(
    "s3/too-large",
    `Expected ${nameOf(bucket, key)} to have at most ${limit} bytes, but received one of ${size}; download it instead.`,
    { details: { bucket, key, size, limit } },
  );
}

/** @throws VergerError `s3/*`, `cancelled` */
export async function get(
  requester: Requester,
  key: string,
  options: TransferOptions & { readonly ifMatch?: string; readonly limitBytes?: number } = {},
): Promise<{ readonly bytes: Uint8Array; readonly info: ObjectInfo }> {
  const { bucket } = requester;
  const ifMatch = options.ifMatch === "" ? undefined : options.ifMatch;
  const headers = {
    "x-amz-checksum-mode": "ENABLED",
    ...(ifMatch === undefined ? {} : { "if-match": `"${ifMatch}"` }),
  };
  let receiver: MemoryReceiver | undefined;
  try {
    await requester.send({
      purpose: { verb: "read", key, action: "s3:GetObject" },
      method: "GET",
      signal: options.signal,
      attempt: () => {
        const fresh = new MemoryReceiver(
          key,
          bucket,
          options.limitBytes ?? Number.POSITIVE_INFINITY,
          ifMatch,
          options.onBytes,
        );
        receiver = fresh;
        return { headers, receiver: fresh, failed: () => fresh.failed() };
      },
    });
  } catch (error) {
    if (!(error instanceof FinalFailure)) throw error;
    throw error.failure.status === 412 ? changed(bucket, key) : error.explained;
  }
  if (!receiver) throw new Error("a request without an attempt");
  return { bytes: receiver.bytes, info: infoOf(key, receiver.headers) };
}

/** One page. @throws VergerError `s3/*`, FinalFailure */
async function page(
  requester: Requester,
  prefix: string,
  from: { token?: string | undefined; startAfter?: string | undefined },
  signal: AbortSignal | undefined,
): Promise<Page> {
  let result: Page = { objects: [], truncated: false, token: undefined };
  await requester.send({
    purpose: { verb: "list", key: prefix, action: "s3:ListBucket" },
    method: "GET",
    ofBucket: true,
    query: encodeQuery({
      "continuation-token": from.token,
      "encoding-type": "url",
      "list-type": "2",
      "max-keys": String(requester.tuning.pageKeys),
      prefix: prefix === "" ? undefined : prefix,
      "start-after": from.token === undefined ? from.startAfter : undefined,
    }),
    signal,
    attempt: () => {
      const chunks: Buffer[] = [];
      return {
        receiver: {
          chunk: (chunk) => {
            chunks.push(chunk);
            return undefined;
          },
          end: () => {
            result = readPage(Buffer.concat(chunks).toString());
            return undefined;
          },
        },
      };
    },
  });
  return result;
}

/**
 * Pages of a listing; the next one is fetched while the caller works on this one.
 *
 * @throws VergerError `s3/*`, `cancelled`
 */
export async function* list(
  requester: Requester,
  prefix: string,
  options: RequestOptions & { readonly startAfter?: string } = {},
): AsyncGenerator<readonly ObjectInfo[]> {
  // A caller that stops early must not leave a request behind.
  const stop = new AbortController();
  const abort = () => stop.abort();
  options.signal?.addEventListener("abort", abort, { once: true });
  if (options.signal?.aborted) stop.abort();
  let last = options.startAfter;
  const fetch = async (token: string | undefined): Promise<Page> => {
    try {
      return await page(requester, prefix, { token, startAfter: last }, stop.signal);
    } catch (error) {
      // A server may forget a token, or refuse one when the bucket has changed: go on behind the last key.
      const forgotten = error instanceof FinalFailure && error.failure.status === 400 && token !== undefined;
      if (!forgotten) throw error;
      return await page(requester, prefix, { startAfter: last }, stop.signal);
    }
  };
  let next: Promise<Page> | undefined;
  try {
    let current = await told(fetch(undefined));
    for (;;) {
      const objects = ascending(requester.bucket, prefix, last, current);
      last = objects.at(-1)?.key ?? last;
      next = current.truncated ? told(fetch(current.token)) : undefined;
      // Awaited below; until then a failure is nobody's.
      next?.catch(() => {});
      if (objects.length > 0) yield objects;
      if (!next) return;
      current = await next;
      next = undefined;
    }
  } finally {
    options.signal?.removeEventListener("abort", abort);
    if (next) stop.abort();
  }
}
