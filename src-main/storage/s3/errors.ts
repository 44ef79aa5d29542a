/** From what happened to one sentence for people. Nothing of a request's headers or query gets in here. */
import { errorCode, errorMessage, VergerError } from "../../core/errors.js";
import { type Failure, isUntrusted } from "./failure.js";

/** What a request is for: sentences and policies speak of that. */
export interface Purpose {
  /** `read`, `list`, ...: "Expected to <verb> s3://..." */
  readonly verb: string;
  readonly bucket: string;
  readonly key?: string | undefined;
  /** The IAM action that allows it, such as s3:GetObject. */
  readonly action: string;
}

/** `s3://bucket/key` */
export function nameOf(bucket: string, key: string | undefined): string {
  return key === undefined || key === "" ? `s3://${bucket}` : `s3://${bucket}/${key}`;
}

/** What the server or the network said, for the middle of a sentence. */
function reason(failure: Failure): string {
  if (failure.kind !== "answer") {
    const code =
      failure.serverCode !== "" && !failure.message.includes(failure.serverCode) ? ` (${failure.serverCode})` : "";
    return failure.message + code;
  }
  const code = failure.serverCode === "" ? "" : ` ${failure.serverCode}`;
  const text = failure.message.trim().replace(/[.\s]+$/, "");
  return `the server answered ${failure.status}${code}${text === "" ? "" : ` (${text})`}`;
}

const CREDENTIAL_CODES = new Set([
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "InvalidToken",
  "ExpiredToken",
  "ExpiredTokenException",
  "RequestExpired",
  "TokenRefreshRequired",
  "InvalidClientTokenId",
]);

/**
 * The error that a call ends with when its last attempt failed.
 *
 * @param attempts how many were made
 */
export function explain(failure: Failure, purpose: Purpose, attempts: number): VergerError {
  const where = nameOf(purpose.bucket, purpose.key);
  const expected = `Expected to ${purpose.verb} ${where}`;
  const details = {
    bucket: purpose.bucket,
    ...(purpose.key === undefined ? {} : { key: purpose.key }),
    ...(failure.status === 0 ? {} : { status: failure.status }),
    ...(failure.serverCode === "" ? {} : { serverCode: failure.serverCode }),
    attempts,
  };
  const make = (code: string, sentence: string) => new VergerError(code, sentence, { details });
  const tries = attempts > 1 ? ` in ${attempts} attempts` : "";
  if (isUntrusted(failure)) {
    return make(
      "s3/unreachable",
      `${expected}, but nobody whom this machine trusts vouches for the server's certificate (${failure.serverCode}); check the endpoint, or name a file with the certificate of its authority in AWS_CA_BUNDLE.`,
    );
  }
  if (failure.kind === "network" || failure.kind === "stalled") {
    return make(
      "s3/unreachable",
      `${expected}, but ${reason(failure)}${tries}; check the network and the endpoint, then start the same command again to continue.`,
    );
  }
  if (failure.kind === "damaged") {
    return make(
      "s3/damaged",
      `${expected} whole, but ${failure.message}${tries}; try again later, and look at what stands between here and the server.`,
    );
  }
  const code = failure.serverCode;
  if (code === "NoSuchBucket") {
    return make(
      "s3/no-bucket",
      `${expected}, but the bucket ${purpose.bucket} does not exist; check its name, or give --endpoint, --region or --profile of where it is.`,
    );
  }
  if (CREDENTIAL_CODES.has(code)) {
    return make(
      "s3/credentials",
      `${expected}, but the server does not take the credentials (${code}); sign in again, or choose others with --profile.`,
    );
  }
  if (code === "RequestTimeTooSkewed" || code === "RequestInTheFuture") {
    return make("s3/clock", `${expected}, but this machine's clock differs too much from the server's; set the clock.`);
  }
  if (code === "NoSuchKey" || (failure.status === 404 && purpose.key !== undefined && code === "")) {
    return make("s3/no-key", `${expected}, but there is no such object; check the key.`);
  }
  if (failure.status === 403 || code === "AccessDenied" || code === "AllAccessDisabled") {
    return new VergerError(
      "s3/access-denied",
      `${expected}, but access was denied; allow ${purpose.action} on it for these credentials, or choose others with --profile.`,
      { details: { ...details, action: purpose.action } },
    );
  }
  if (failure.status === 301 || failure.status === 307 || code === "AuthorizationHeaderMalformed") {
    return make(
      "s3/region",
      `${expected}, but the bucket is in another region${failure.region === undefined ? "" : ` (${failure.region})`}; give it with --region.`,
    );
  }
  if (failure.status >= 500 || failure.status === 429 || failure.status === 408) {
    return make("s3/unavailable", `${expected}, but ${reason(failure)}${tries}; try again later.`);
  }
  return make("s3/refused", `${expected}, but ${reason(failure)}; correct what it names and try again.`);
}

/** A file of this machine that cannot be read or written. */
export function localFailure(verb: "read" | "write", file: string, error: unknown): VergerError {
  if (error instanceof VergerError) return error;
  const code = errorCode(error);
  const advice = code === "ENOSPC" || code === "EDQUOT" ? "free some space" : "check the path and its permissions";
  return new VergerError(
    verb === "read" ? "s3/not-readable" : "s3/not-writable",
    `Expected to ${verb} ${file} for a transfer, but received ${code === "internal" ? errorMessage(error) : code}; ${advice}.`,
    { details: { path: file, reason: code } },
  );
}
