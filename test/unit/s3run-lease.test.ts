/** The lease of a run in a bucket over time: when it is refreshed, when it may be taken over, what the loser is told. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { VergerError } from "../../src-main/core/errors.js";
import type { Journal } from "../../src-main/storage/run/journal.js";
import { Lease } from "../../src-main/storage/run/lease.js";
import type { ObjectInfo, ObjectStore } from "../../src-main/storage/types.js";

const KEY = "run/.lock";
const MINUTE = 60_000;

/** One object, as a bucket with conditional writes keeps it. */
class OneObject {
  bytes: Buffer | undefined;
  modifiedMs = 0;
  writes = 0;
  /** The link is down. */
  down = false;

  get info(): ObjectInfo | undefined {
    return this.bytes && { key: KEY, size: this.bytes.length, etag: `${this.writes}`, modifiedMs: this.modifiedMs };
  }

  /** The server's clock minus this machine's. */
  clockOffsetMs = 0;

  readonly store = {
    now: () => Date.now() + this.clockOffsetMs,
    list: async function* (this: OneObject) {
      this.reach();
      if (this.info) yield [this.info];
    }.bind(this),
    get: async () => {
      this.reach();
      if (!this.bytes) throw new VergerError("s3/no-key", "There is none.");
      return { bytes: this.bytes, info: this.info };
    },
    put: async (_key: string, bytes: Uint8Array, { noOverwrite = false }: { noOverwrite?: boolean } = {}) => {
      this.reach();
      if (noOverwrite && this.bytes) throw new VergerError("s3/exists", "There is one.");
      this.bytes = Buffer.from(bytes);
      this.writes += 1;
      this.modifiedMs = Date.now() + this.clockOffsetMs;
      return this.info;
    },
    delete: async () => {
      this.reach();
      this.bytes = undefined;
    },
  } as unknown as ObjectStore;

  private reach(): void {
    if (this.down) throw new VergerError("s3/unreachable", "The link is down.");
  }
}

/** What a machine remembers of its own leases. */
function machine(): Journal {
  const journal = {
    owner: undefined as string | undefined,
    own: (owner: string) => {
      journal.owner = owner;
    },
  };
  return journal as unknown as Journal;
}

const take = (object: OneObject, journal = machine()): Promise<Lease> =>
  Lease.take({
    store: object.store,
    key: KEY,
    address: "s3://orchard/run",
    journal,
    present: object.info,
    signal: new AbortController().signal,
  });

/** Nobody refreshes it any more. */
function kill(lease: Lease): void {
  clearInterval((lease as unknown as { timer: NodeJS.Timeout }).timer);
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-09-01T10:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

it("refuses a second holder as long as the first one refreshes", async () => {
  const object = new OneObject();
  const first = await take(object);
  await vi.advanceTimersByTimeAsync(60 * MINUTE);
  expect(object.writes).toBe(61);
  await expect(take(object)).rejects.toMatchObject({ code: "run/in-use" });
  first.check();
  await first.release();
  await (await take(object)).release();
  expect(object.bytes).toBeUndefined();
});

it("of a process that was killed stands in the way for five minutes, and not on its own machine", async () => {
  const object = new OneObject();
  const journal = machine();
  kill(await take(object, journal));
  await vi.advanceTimersByTimeAsync(5 * MINUTE - 1);
  await expect(take(object)).rejects.toMatchObject({ code: "run/in-use" });
  await (await take(object, journal)).release();

  kill(await take(object));
  await vi.advanceTimersByTimeAsync(5 * MINUTE);
  await (await take(object)).release();
});

it("tells the holder that slept for too long, which leaves the other's lease alone", async () => {
  const object = new OneObject();
  const sleeper = await take(object);
  object.down = true;
  await vi.advanceTimersByTimeAsync(6 * MINUTE);
  object.down = false;
  const other = await take(object);
  const written = object.bytes;
  sleeper.check();
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(() => sleeper.check()).toThrow(expect.objectContaining({ code: "run/in-use" }));
  other.check();
  await sleeper.release();
  expect(object.bytes).toEqual(written);
  await other.release();
  expect(object.bytes).toBeUndefined();
});

it("lasts by the server's clock, however wrong this machine's is", async () => {
  for (const minutes of [-10, 10]) {
    const object = new OneObject();
    object.clockOffsetMs = minutes * MINUTE;
    kill(await take(object));
    await expect(take(object)).rejects.toMatchObject({ code: "run/in-use" });
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    await (await take(object)).release();
  }
});

it("that somebody deleted is written again", async () => {
  const object = new OneObject();
  const lease = await take(object);
  object.bytes = undefined;
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(object.bytes).toBeDefined();
  lease.check();
  await lease.release();
});
