/** One writer at a time for a run in a bucket, as far as S3 allows. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { errorCode, throwIfCancelled, VergerError } from "../../core/errors.js";
import type { ObjectInfo, ObjectStore } from "../types.js";
import type { Journal } from "./journal.js";

/** How often the holder writes its lease again. */
const REFRESH_MS = 60_000;
/** A lease that was not written for so long, by the server's clock, belongs to a process that has ended. */
const EXPIRY_MS = 5 * 60_000;
const LEASE_BYTES = 4096;

interface LeaseText {
  readonly owner: string;
  readonly host: string;
}

/**
 * A small object, `.lock`, that says who writes the run. It is made with `If-None-Match: *`, so that of two processes
 * that begin at once one is refused, and written again every minute; a lease five minutes old may be taken over.
 *
 * What it does not do: S3 cannot tie the other writes to the lease, so a process that was suspended for longer than five
 * minutes may still send the part it was sending before it notices. Both would have written the same bytes for the same
 * photos; the loser stops at its next look at the lease. A server that ignores `If-None-Match` lets the second of two
 * that begin within one request of each other replace the first, which notices as well.
 */
export class Lease {
  private timer: NodeJS.Timeout | undefined;
  private refreshing: Promise<void> = Promise.resolve();
  private etag = "";
  /** Set once another process has the lease. */
  lost: VergerError | undefined;

  private constructor(
    private readonly store: ObjectStore,
    private readonly key: string,
    private readonly address: string,
    private readonly text: LeaseText,
  ) {}

  /**
   * Takes the lease.
   *
   * @param present the lease object as the listing shows it
   * @throws VergerError `run/in-use`, `s3/*`
   */
  static async take(options: {
    readonly store: ObjectStore;
    readonly key: string;
    readonly address: string;
    readonly journal: Journal;
    readonly present: ObjectInfo | undefined;
    readonly signal: AbortSignal;
  }): Promise<Lease> {
    const { store, key, address, journal, signal } = options;
    let { present } = options;
    const owner = randomUUID();
    const lease = new Lease(store, key, address, { owner, host: hostname() });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      throwIfCancelled(signal);
      if (present) {
        const held = await read(store, key, present, signal);
        const ours = held !== undefined && held.owner === journal.owner;
        if (held && !ours && store.now() - present.modifiedMs < EXPIRY_MS) throw inUse(address, held, present);
      }
      // Written down first: a kill right after the put must not lock this machine out.
      journal.own(owner);
      try {
        lease.etag = (await lease.put(!present, signal)).etag;
        // Of two that take over the same old lease, the second put wins.
        if (present && (await read(store, key, present, signal))?.owner !== owner)
          throw inUse(address, undefined, undefined);
        lease.watch();
        return lease;
      } catch (error) {
        if (errorCode(error) !== "s3/exists") throw error;
        present = (await store.list(key, { signal })[Symbol.asyncIterator]().next()).value?.[0];
        if (present?.key !== key) present = undefined;
      }
    }
    throw inUse(address, undefined, present);
  }

  /** @throws VergerError `run/in-use` once another process has taken the run over */
  check(): void {
    if (this.lost) throw this.lost;
  }

  /** Gives the lease up. Best effort: an old lease stands in nobody's way for long. */
  async release(): Promise<void> {
    clearInterval(this.timer);
    await this.refreshing;
    if (this.lost) return;
    await this.store.delete([this.key], { signal: AbortSignal.timeout(10_000) }).catch(() => {});
  }

  private put(first: boolean, signal: AbortSignal): Promise<ObjectInfo> {
    const bytes = Buffer.from(`${JSON.stringify(this.text)}\n`);
    return this.store.put(this.key, bytes, {
      signal,
      contentType: "application/json",
      ...(first ? { noOverwrite: true } : {}),
    });
  }

  private watch(): void {
    this.timer = setInterval(() => {
      this.refreshing = this.refreshing.then(() => this.refresh()).catch(() => {});
    }, REFRESH_MS);
    this.timer.unref();
  }

  /** A refresh that fails for lack of a link is tried again in a minute. */
  private async refresh(): Promise<void> {
    if (this.lost) return;
    const signal = AbortSignal.timeout(REFRESH_MS);
    for await (const [present] of this.store.list(this.key, { signal })) {
      if (present?.key !== this.key || present.etag === this.etag) break;
      const held = await read(this.store, this.key, present, signal);
      if (held && held.owner !== this.text.owner) {
        this.lost = inUse(this.address, held, present);
        return;
      }
      break;
    }
    this.etag = (await this.put(false, signal)).etag;
  }
}

/** The lease's text; undefined when it is gone or no lease. */
async function read(
  store: ObjectStore,
  key: string,
  present: ObjectInfo,
  signal: AbortSignal,
): Promise<LeaseText | undefined> {
  try {
    const { bytes } = await store.get(key, { signal, limitBytes: LEASE_BYTES });
    const value = JSON.parse(Buffer.from(bytes).toString("utf8")) as LeaseText;
    if (typeof value.owner === "string" && typeof value.host === "string") return value;
  } catch (error) {
    const code = errorCode(error);
    // Who may not read must wait for it to expire.
    if (code === "s3/access-denied") return { owner: present.etag, host: "another machine" };
    if (code !== "s3/no-key" && code !== "s3/too-large" && !(error instanceof SyntaxError)) throw error;
  }
  return undefined;
}

function inUse(address: string, held: LeaseText | undefined, present: ObjectInfo | undefined): VergerError {
  const since = present ? ` since ${new Date(present.modifiedMs).toISOString()}` : "";
  return new VergerError(
    "run/in-use",
    `Expected to write to ${address}, but a Verger process on ${held?.host ?? "another machine"} is using it${since}; wait for ` +
      "it to end (five minutes if it was killed there) or choose another --out.",
  );
}
