/** Where something stands: on a disk or in a bucket. */
import { VergerError } from "../core/errors.js";

/** A folder or file of this machine, as the user wrote it. */
export interface LocalLocation {
  readonly kind: "local";
  readonly path: string;
}

/** A bucket, or the objects of a bucket whose keys begin with a prefix. */
export interface S3Location {
  readonly kind: "s3";
  readonly bucket: string;
  /** As written behind the bucket, without the slash between them; empty for the whole bucket. Never decoded. */
  readonly key: string;
}

export type Location = LocalLocation | S3Location;

const SCHEME = /^s3:\/\//i;
/** Amazon's rule for bucket names, wide enough for servers that also allow capitals and underscores. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;

/** True for what `parseLocation` takes as S3: such a text never names a local file. */
export function isS3Url(text: string): boolean {
  return SCHEME.test(text);
}

/**
 * Reads `s3://bucket/prefix`, or takes the text as a local path. Keys are taken as they are written: `%20` and `+` are
 * themselves.
 *
 * @throws VergerError `s3/url` when the bucket is missing or impossible
 */
export function parseLocation(text: string): Location {
  if (!isS3Url(text)) return { kind: "local", path: text };
  const rest = text.replace(SCHEME, "");
  const slash = rest.indexOf("/");
  const bucket = slash < 0 ? rest : rest.slice(0, slash);
  if (!BUCKET.test(bucket)) {
    throw new VergerError(
      "s3/url",
      `Expected s3://bucket/prefix, but received "${text}"; write the bucket's name right behind s3://.`,
    );
  }
  return { kind: "s3", bucket, key: slash < 0 ? "" : rest.slice(slash + 1) };
}

/** `s3://bucket/key`, the inverse of `parseLocation`. */
export function formatLocation(location: Location): string {
  if (location.kind === "local") return location.path;
  return location.key === "" ? `s3://${location.bucket}` : `s3://${location.bucket}/${location.key}`;
}

/** The prefix under which the objects of a "folder" stand: with a slash at its end, empty for a whole bucket. */
export function folderPrefix(key: string): string {
  return key === "" || key.endsWith("/") ? key : `${key}/`;
}
