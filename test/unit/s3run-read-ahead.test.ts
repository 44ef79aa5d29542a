import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { VergerError } from "../../src-main/core/errors.js";
import type { RemoteImage, RemoteSources } from "../../src-main/core/remote.js";
import { type ExpectedImage, ReadAhead } from "../../src-main/core/run/read-ahead.js";

/** A store whose photos arrive when the test says so. */
class Store {
  readonly asked: string[] = [];
  private readonly answers = new Map<string, { resolve(bytes: Uint8Array): void; reject(error: unknown): void }>();

  readonly remote = {
    image: ({ address, size }: RemoteImage) => {
      this.asked.push(address);
      return new Promise<Uint8Array>((resolve, reject) => {
        this.answers.set(address, { resolve: () => resolve(new Uint8Array(size)), reject });
      });
    },
  } as unknown as RemoteSources;

  arrive(address: string): void {
    this.answers.get(address)?.resolve(new Uint8Array(0));
  }

  fail(address: string, error: unknown): void {
    this.answers.get(address)?.reject(error);
  }
}

const images = (sizes: readonly number[]): ExpectedImage[] =>
  sizes.map((size, index) => ({ index, address: `s3://b/${index}`, size, etag: "e" }));

describe("reading ahead", () => {
  it("asks in order, for no more than the limit of images", async () => {
    const store = new Store();
    const ahead = new ReadAhead(store.remote, new AbortController().signal, { images: 3, bytes: 1000 });
    ahead.expect(images([1, 1, 1, 1, 1]));
    expect(store.asked).toEqual(["s3://b/0", "s3://b/1", "s3://b/2"]);
    const taken = ahead.take(0);
    expect(store.asked).toHaveLength(4);
    store.arrive("s3://b/0");
    expect(await taken).toHaveLength(1);
  });

  it("holds no more than the limit of bytes, until they are released", async () => {
    const store = new Store();
    const ahead = new ReadAhead(store.remote, new AbortController().signal, { images: 10, bytes: 100 });
    ahead.expect(images([40, 40, 40, 40]));
    expect(store.asked).toHaveLength(2);
    store.arrive("s3://b/0");
    await ahead.take(0);
    // Taken is not decoded: the bytes still count.
    expect(store.asked).toHaveLength(2);
    ahead.release(40);
    expect(store.asked).toHaveLength(3);
  });

  it("fetches a photo larger than the limit alone", async () => {
    const store = new Store();
    const ahead = new ReadAhead(store.remote, new AbortController().signal, { images: 10, bytes: 100 });
    ahead.expect(images([10, 500, 10]));
    expect(store.asked).toEqual(["s3://b/0"]);
    ahead.release(10);
    expect(store.asked).toEqual(["s3://b/0", "s3://b/1"]);
    ahead.release(500);
    expect(store.asked).toHaveLength(3);
  });

  it("gives who asks before there is room what comes later", async () => {
    const store = new Store();
    const ahead = new ReadAhead(store.remote, new AbortController().signal, { images: 1, bytes: 100 });
    ahead.expect(images([1, 2]));
    const second = ahead.take(1);
    const first = ahead.take(0);
    store.arrive("s3://b/1");
    store.arrive("s3://b/0");
    expect([await first, await second].map((bytes) => (bytes as Uint8Array).length)).toEqual([1, 2]);
  });

  it("passes an outage on to who takes the photo, and to nobody else", async () => {
    const store = new Store();
    const ahead = new ReadAhead(store.remote, new AbortController().signal);
    ahead.expect(images([1, 1]));
    store.fail("s3://b/0", new VergerError("s3/unreachable", "Expected a link."));
    await delay(5);
    store.arrive("s3://b/1");
    expect(await ahead.take(1)).toHaveLength(1);
    await expect(ahead.take(0)).rejects.toMatchObject({ code: "s3/unreachable" });
  });

  it("tells waiting ones when it is cancelled, and asks for nothing more", async () => {
    const store = new Store();
    const controller = new AbortController();
    const ahead = new ReadAhead(store.remote, controller.signal, { images: 1, bytes: 100 });
    ahead.expect(images([1, 1, 1]));
    const waiting = ahead.take(2);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
    await expect(ahead.take(1)).rejects.toMatchObject({ code: "cancelled" });
    ahead.release(1);
    expect(store.asked).toHaveLength(1);
  });
});
