/** What S3 says about an object, in a listing or in headers. */

import { VergerError } from "../../core/errors.js";
import { compareCodePoints } from "../../core/manifest/order.js";
import type { ObjectInfo } from "../types.js";
import { decodeCrc32 } from "./crc32.js";
import { nameOf } from "./errors.js";
import { Failure } from "./failure.js";
import type { Headers } from "./transport.js";
import { readXml } from "./xml.js";

/** Without the quotes, which some servers leave out. */
export function unquote(etag: string | undefined): string {
  return etag === undefined ? "" : etag.replace(/^"|"$/g, "");
}

/** Whole seconds: what a HEAD can tell. */
function wholeSeconds(milliseconds: number): number {
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000) * 1000;
}

/** @param size where the answer's length is not the object's, as of a range */
export function infoOf(key: string, headers: Headers, size = Number(headers["content-length"] ?? 0)): ObjectInfo {
  return {
    key,
    size,
    etag: unquote(headers.etag),
    modifiedMs: wholeSeconds(Date.parse(headers["last-modified"] ?? "")),
  };
}

/** The CRC-32 of the whole object, where the server keeps one. A checksum of part checksums does not count. */
export function wholeCrc32(headers: Headers): number | undefined {
  const type = headers["x-amz-checksum-type"];
  // Of an object of parts it may be either, and older servers do not say which.
  if (type !== "FULL_OBJECT" && (type !== undefined || unquote(headers.etag).includes("-"))) return undefined;
  return decodeCrc32(headers["x-amz-checksum-crc32"]);
}

/** The MD5 that an ETag is, unless it is that of parts, or of a key management service's encryption. */
export function md5OfEtag(etag: string, headers: Headers): string | undefined {
  const encryption = headers["x-amz-server-side-encryption"];
  if (encryption !== undefined && encryption !== "AES256") return undefined;
  if (headers["x-amz-server-side-encryption-customer-algorithm"] !== undefined) return undefined;
  return /^[0-9a-f]{32}$/.test(etag) ? etag : undefined;
}

export interface Page {
  readonly objects: readonly ObjectInfo[];
  /** More is to come. */
  readonly truncated: boolean;
  /** Continues the listing; where a server gives none, the last key does. */
  readonly token: string | undefined;
}

/**
 * Reads one answer to ListObjectsV2.
 *
 * @throws Failure `damaged` for what is no such answer
 */
export function readPage(text: string): Page {
  const objects: { key: string; size: number; etag: string; modifiedMs: number }[] = [];
  let object: { key: string; size: number; etag: string; modifiedMs: number } | undefined;
  let encoded = false;
  let truncated = false;
  let token: string | undefined;
  let rooted = false;
  try {
    readXml(text, {
      open(name) {
        if (name === "Contents") object = { key: "", size: 0, etag: "", modifiedMs: 0 };
        else if (name === "ListBucketResult") rooted = true;
      },
      close(name, value) {
        if (object) {
          if (name === "Key") object.key = value;
          else if (name === "Size") object.size = Number(value);
          else if (name === "ETag") object.etag = unquote(value);
          else if (name === "LastModified") object.modifiedMs = wholeSeconds(Date.parse(value));
          else if (name === "Contents") {
            objects.push(object);
            object = undefined;
          }
        } else if (name === "EncodingType") encoded = value === "url";
        else if (name === "IsTruncated") truncated = value === "true";
        else if (name === "NextContinuationToken") token = value;
      },
    });
    if (!rooted) throw new SyntaxError("no ListBucketResult");
    if (truncated && token === undefined && objects.length === 0) throw new SyntaxError("more, but not where");
    // The element that says so stands before or behind the keys, as the server likes.
    if (encoded) for (const one of objects) one.key = decodeKey(one.key);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Failure("damaged", `the server sent a listing that cannot be read (${said})`);
  }
  return { objects, truncated, token: truncated ? token : undefined };
}

/** encoding-type=url: form encoding, where a space may be a plus. @throws URIError */
function decodeKey(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  return spaced.includes("%") ? decodeURIComponent(spaced) : spaced;
}

/**
 * Drops what the page repeats of the one before: a key that stands at a border may come twice.
 *
 * @throws VergerError `s3/listing` when the keys do not ascend
 */
export function ascending(bucket: string, prefix: string, last: string | undefined, page: Page): readonly ObjectInfo[] {
  let previous = last;
  let repeated = 0;
  for (const { key } of page.objects) {
    const order = previous === undefined ? 1 : compareCodePoints(key, previous);
    if (order === 0 && previous === last) repeated += 1;
    else if (order <= 0) {
      throw new VergerError(
        "s3/listing",
        `Expected the listing of ${nameOf(bucket, prefix)} in ascending order of the keys, but received "${key}" behind "${previous}"; use a general purpose bucket, or a server that sorts as Amazon S3 does.`,
        { details: { bucket, key } },
      );
    }
    previous = key;
  }
  return repeated === 0 ? page.objects : page.objects.slice(repeated);
}
