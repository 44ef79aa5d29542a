/** How a bucket is reached, as it is filled in. */
import type { RequestOf } from "../../src-main/api/channels.js";

/** What is left empty comes from the AWS environment and profile files. */
export interface S3Choice {
  readonly profile: string;
  readonly region: string;
  readonly endpoint: string;
}

export const NO_S3: S3Choice = { profile: "", region: "", endpoint: "" };

type S3Options = NonNullable<RequestOf<"transfers.openUploads">["s3"]>;

/** The fields that were filled in. */
export function s3Options(choice: S3Choice): S3Options {
  return Object.fromEntries(
    Object.entries(choice)
      .map(([name, text]) => [name, text.trim()])
      .filter(([, text]) => text !== ""),
  );
}

/** True for an address that names a bucket: one that is typed to its end, or could be. */
export function namesBucket(text: string): boolean {
  return /^s3:\/\/[^/]/i.test(text.trim());
}

/** True for an address in S3. */
export function isBucket(text: string): boolean {
  return /^s3:\/\//i.test(text.trim());
}
