/** How many requests of a store are under way, and how fast bytes may move. */
import { cancelled } from "../../core/errors.js";

/** Successes after which a limit that was lowered rises by one. */
const SUCCESSES_PER_STEP = 16;

/**
 * A semaphore that yields to a server in need: a SlowDown halves the number of requests under way, successes raise it
 * again one by one (additive increase, multiplicative decrease, as TCP does).
 */
export class Limiter {
  private running = 0;
  private allowed: number;
  private successes = 0;
  private closed = false;
  private readonly waiting: { start: () => void; fail: (error: unknown) => void }[] = [];

  /** @param limit requests at once, at least 1 */
  constructor(private readonly limit: number) {
    this.allowed = limit;
  }

  /** Requests allowed at once at this moment. */
  get width(): number {
    return this.allowed;
  }

  /** Waits for a place, first come, first served. Rejects with `cancelled` when the signal is aborted before. */
  async acquire(signal: AbortSignal | undefined): Promise<void> {
    if (this.closed || signal?.aborted) throw cancelled();
    if (this.running < this.allowed) {
      this.running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const entry = {
        start: () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        },
        fail: (error: unknown) => {
          signal?.removeEventListener("abort", abort);
          reject(error);
        },
      };
      const abort = () => {
        const index = this.waiting.indexOf(entry);
        if (index >= 0) this.waiting.splice(index, 1);
        reject(cancelled());
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.waiting.push(entry);
    });
  }

  /** Gives a place back. */
  release(): void {
    this.running -= 1;
    this.fill();
  }

  /** Fails everyone who waits or will. */
  close(): void {
    this.closed = true;
    for (const entry of this.waiting.splice(0)) entry.fail(cancelled());
  }

  succeeded(): void {
    if (this.allowed === this.limit) return;
    this.successes += 1;
    if (this.successes < SUCCESSES_PER_STEP) return;
    this.successes = 0;
    this.allowed += 1;
    this.fill();
  }

  throttled(): void {
    this.successes = 0;
    this.allowed = Math.max(1, this.allowed >> 1);
  }

  private fill(): void {
    while (this.running < this.allowed) {
      const next = this.waiting.shift();
      if (!next) return;
      this.running += 1;
      next.start();
    }
  }
}

/** How much may pass at once: a tenth of a second's worth, so that the rate holds within short times too. */
const BURST_SECONDS = 0.1;

/** A token bucket that may be overdrawn by one chunk: whoever takes waits until its debt is paid. */
export class Bandwidth {
  private tokens: number;
  private last: number;

  /** @param rate bytes per second, more than 0 */
  constructor(
    readonly rate: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.tokens = rate * BURST_SECONDS;
    this.last = this.now();
  }

  /** Takes `bytes` at once. @returns milliseconds that the taker waits before it goes on */
  take(bytes: number): number {
    const now = this.now();
    this.tokens = Math.min(this.rate * BURST_SECONDS, this.tokens + ((now - this.last) / 1000) * this.rate) - bytes;
    this.last = now;
    return this.tokens >= 0 ? 0 : (-this.tokens / this.rate) * 1000;
  }
}

const buckets = new Map<number, WeakRef<Bandwidth>>();

/** The bucket of a rate: every store of the process that asks for the same rate shares one, in both directions. */
export function sharedBandwidth(rate: number | undefined): Bandwidth | undefined {
  if (rate === undefined) return undefined;
  let bucket = buckets.get(rate)?.deref();
  if (!bucket) {
    bucket = new Bandwidth(rate);
    buckets.set(rate, new WeakRef(bucket));
  }
  return bucket;
}
