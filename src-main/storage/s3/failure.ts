/** What can go wrong with one attempt of one request, before anybody knows whether it is tried again. */

/**
 * - `network`: no answer, or one that broke off (refused, reset, DNS, TLS)
 * - `stalled`: a time-out
 * - `answer`: the server said no
 * - `damaged`: an answer that is shorter than it says, or whose checksum is wrong
 */
export type FailureKind = "network" | "stalled" | "answer" | "damaged";

/** Holds nothing of the request: neither headers nor query nor body may reach a log. */
export class Failure extends Error {
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** S3's code, such as NoSuchKey; of the network, Node's, such as ECONNREFUSED. */
  readonly serverCode: string;
  readonly retryAfterMs: number | undefined;
  /** The region that the server names. */
  readonly region: string | undefined;
  /** The server's clock, milliseconds since 1970. */
  readonly serverTimeMs: number | undefined;

  constructor(
    readonly kind: FailureKind,
    message: string,
    facts: {
      status?: number;
      serverCode?: string | undefined;
      retryAfterMs?: number | undefined;
      region?: string | undefined;
      serverTimeMs?: number | undefined;
    } = {},
  ) {
    super(message);
    this.name = "Failure";
    this.status = facts.status ?? 0;
    this.serverCode = facts.serverCode ?? "";
    this.retryAfterMs = facts.retryAfterMs;
    this.region = facts.region;
    this.serverTimeMs = facts.serverTimeMs;
  }
}

/** Codes that say "later", whatever the status. */
const LATER = new Set([
  "InternalError",
  "OperationAborted",
  "RequestTimeout",
  "RequestTimeoutException",
  "ServiceUnavailable",
  "SlowDown",
  "SlowDownRead",
  "SlowDownWrite",
  "Throttling",
  "ThrottlingException",
  "TooManyRequests",
  "TooManyRequestsException",
]);
/** The body did not arrive as it was sent: once more. */
const BODY_DAMAGED = new Set([
  "BadDigest",
  "IncompleteBody",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
]);
/** Verdicts on a server's certificate: no repetition changes them. */
const UNTRUSTED = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
const EXPIRED = new Set(["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"]);
const SKEWED = new Set(["RequestTimeTooSkewed", "RequestInTheFuture"]);
const ELSEWHERE = new Set([
  "PermanentRedirect",
  "TemporaryRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
]);

/** True when the server's certificate was not accepted. */
export function isUntrusted(failure: Failure): boolean {
  return failure.kind === "network" && UNTRUSTED.has(failure.serverCode);
}

/** True for what may pass by itself. */
export function isTransient(failure: Failure): boolean {
  if (failure.kind === "network") return !isUntrusted(failure);
  if (failure.kind === "stalled" || failure.kind === "damaged") return true;
  return (
    failure.status === 429 ||
    failure.status === 408 ||
    (failure.status >= 500 && failure.status !== 501) ||
    LATER.has(failure.serverCode) ||
    BODY_DAMAGED.has(failure.serverCode)
  );
}

/** True when the server asks for fewer requests. */
export function isThrottling(failure: Failure): boolean {
  return (
    failure.kind === "answer" &&
    (failure.status === 503 || failure.status === 429 || LATER_THROTTLE.has(failure.serverCode))
  );
}
const LATER_THROTTLE = new Set([
  "SlowDown",
  "SlowDownRead",
  "SlowDownWrite",
  "Throttling",
  "ThrottlingException",
  "TooManyRequests",
]);

/** True when the credentials were good once. */
export function isExpired(failure: Failure): boolean {
  return EXPIRED.has(failure.serverCode);
}

/** True for a 400 without a reason: the answer to a HEAD has no body, and says no more of credentials that have expired. */
export function isBareRefusal(failure: Failure): boolean {
  return failure.kind === "answer" && failure.status === 400 && failure.serverCode === "";
}

/** True when the server's clock and ours disagree. */
export function isSkewed(failure: Failure): boolean {
  return SKEWED.has(failure.serverCode);
}

/** True when the bucket is in another region. A HEAD has no body, so no code: the header tells. */
export function isElsewhere(failure: Failure): boolean {
  if (failure.kind !== "answer") return false;
  return (
    failure.status === 301 ||
    failure.status === 307 ||
    ELSEWHERE.has(failure.serverCode) ||
    (failure.status === 400 && failure.region !== undefined && failure.serverCode === "")
  );
}

/**
 * Retry-After: seconds, or a date.
 *
 * @returns milliseconds from now, at least 0; undefined where the header is missing or unreadable
 */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000;
  // Date.parse takes nearly anything; a date of HTTP begins with a weekday.
  const date = /^\s*[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
