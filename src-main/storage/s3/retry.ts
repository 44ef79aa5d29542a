/** The one place that decides whether a request is made again, when, and after what. */
import { throwIfCancelled } from "../../core/errors.js";
import { explain, type Purpose } from "./errors.js";
import { Failure, isBareRefusal, isElsewhere, isExpired, isSkewed, isThrottling, isTransient } from "./failure.js";
import type { Limiter } from "./limiter.js";
import { sleep } from "./transport.js";
import type { Tuning } from "./tuning.js";

/** What can be mended between two attempts. Each method returns false when there was nothing to mend. */
export interface Mending {
  /** Grows whenever something has been mended, by whichever request. */
  readonly changes: number;
  /** The credentials have expired: ask the chain for new ones. */
  refreshCredentials(): Promise<boolean>;
  /** @param serverTimeMs the server's clock now */
  correctClock(serverTimeMs: number): boolean;
  /** The bucket is elsewhere. @param region undefined where the server did not name it */
  moveTo(region: string | undefined): Promise<boolean>;
}

export interface RetryContext {
  readonly tuning: Tuning;
  readonly limiter: Limiter;
  readonly mending: Mending;
  readonly purpose: Purpose;
  /** Bytes that the request moves: big ones may take longer. */
  readonly bytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Aborted by the end of the store. */
  readonly closing?: AbortSignal | undefined;
  /** For tests: a number in [0, 1). */
  readonly random?: (() => number) | undefined;
}

/** How often each kind of refusal is mended for one request: more would be a loop. */
const MENDINGS = 2;

/**
 * The time before the next attempt: exponential with full jitter, so that many clients do not come back together
 * (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
 *
 * @param failed attempts that failed so far, at least 1
 * @returns milliseconds
 */
export function backoff(failed: number, tuning: Tuning, random: () => number = Math.random): number {
  return random() * Math.min(tuning.backoffCapMs, tuning.backoffBaseMs * 2 ** (failed - 1));
}

/**
 * Makes attempts until one succeeds, fails for good, or the attempts or the time are used up. A place of the limiter is
 * held during an attempt only.
 *
 * @param attempt gets its number, from 1
 * @throws Failure of the last attempt when `final` decides so, VergerError `s3/*`, `cancelled`, or whatever else the
 *   attempt throws
 */
export async function withRetries<T>(context: RetryContext, attempt: (number: number) => Promise<T>): Promise<T> {
  const { tuning, limiter, mending, signal } = context;
  const deadline = performance.now() + tuning.overallMs + (context.bytes / tuning.slowestRate) * 1000;
  const mended = new Map<string, number>();
  let failed = 0;
  for (let number = 1; ; number += 1) {
    await limiter.acquire(signal);
    const { changes } = mending;
    let failure: Failure;
    try {
      const result = await attempt(number);
      limiter.succeeded();
      return result;
    } catch (error) {
      throwIfCancelled(signal);
      if (!(error instanceof Failure)) throw error;
      failure = error;
    } finally {
      limiter.release();
    }

    const refusal = `${failure.status} ${failure.serverCode}`;
    const before = mended.get(refusal) ?? 0;
    if (before < MENDINGS && isMendable(failure)) {
      mended.set(refusal, before + 1);
      // Of many requests under way together one mends: what the others were refused for is the past, too.
      if (mending.changes !== changes || (await mend(failure, mending))) continue;
    }
    if (!isTransient(failure)) throw new FinalFailure(failure, explain(failure, context.purpose, number));

    failed += 1;
    if (isThrottling(failure)) limiter.throttled();
    const asked = failure.retryAfterMs;
    const wait = Math.max(backoff(failed, tuning, context.random), asked ?? 0);
    if (
      failed >= tuning.attempts ||
      performance.now() + wait > deadline ||
      (asked !== undefined && asked > tuning.retryAfterCapMs)
    ) {
      throw new FinalFailure(failure, explain(failure, context.purpose, number));
    }
    await sleep(wait, signal, context.closing);
  }
}

/** True for refusals that other credentials, another clock or another region may turn into an answer. */
function isMendable(failure: Failure): boolean {
  return isExpired(failure) || isSkewed(failure) || isElsewhere(failure) || isBareRefusal(failure);
}

async function mend(failure: Failure, mending: Mending): Promise<boolean> {
  if (isExpired(failure)) return mending.refreshCredentials();
  if (isSkewed(failure)) return failure.serverTimeMs !== undefined && mending.correctClock(failure.serverTimeMs);
  if (isElsewhere(failure) && (await mending.moveTo(failure.region))) return true;
  return isBareRefusal(failure) && mending.refreshCredentials();
}

/** Carries the facts to callers that decide by them, and the sentence for everyone else. */
export class FinalFailure extends Error {
  constructor(
    readonly failure: Failure,
    readonly explained: Error,
  ) {
    super(explained.message);
  }
}

/** The sentence of a final failure; anything else is itself. */
export function explained(error: unknown): unknown {
  return error instanceof FinalFailure ? error.explained : error;
}
