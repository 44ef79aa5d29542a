import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DiskCache } from "../../src-main/core/thumbnails/disk-cache.js";
import { ThumbnailKeeper } from "../../src-main/core/thumbnails/keeper.js";
import { Thumbnails } from "../../src-main/core/thumbnails/thumbnails.js";
import { decodeRgb, encodeJpeg, probeImage } from "../../src-main/native/image.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-thumbnails-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const cacheFiles = (): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /[0-9a-f]{64}$/.test(name));

describe("the cache on disk", () => {
  it("keeps what was put, also for a later process", async () => {
    await new DiskCache(folder, 1_000).put("a", Uint8Array.of(1, 2, 3));
    const later = new DiskCache(folder, 1_000);
    expect(await later.get("a")).toEqual(Buffer.from([1, 2, 3]));
    expect(await later.get("b")).toBeUndefined();
  });

  it("stays within its bound, the least recently used going first", async () => {
    const cache = new DiskCache(folder, 1_000);
    for (const key of ["a", "b", "c", "d"]) await cache.put(key, new Uint8Array(240));
    expect(await cache.get("a")).toHaveLength(240);
    await cache.put("e", new Uint8Array(240));
    expect(cache.size).toBeLessThanOrEqual(900);
    expect(cacheFiles()).toHaveLength(3);
    expect(await cache.get("a")).toHaveLength(240);
    expect([await cache.get("b"), await cache.get("c")]).toEqual([undefined, undefined]);
  });

  it("counts what earlier processes left, and lets the oldest of it go first", async () => {
    const first = new DiskCache(folder, 10_000);
    await first.put("old", new Uint8Array(400));
    const old = path.join(folder, cacheFiles()[0] as string);
    utimesSync(old, 1_000_000, 1_000_000);
    await first.put("young", new Uint8Array(400));
    const second = new DiskCache(folder, 1_000);
    await second.put("new", new Uint8Array(400));
    expect(existsSync(old)).toBe(false);
    expect(await second.get("young")).toHaveLength(400);
    second.setLimit(100);
    await expect.poll(() => cacheFiles().length).toBe(0);
  });

  it("misses where its folder cannot be written, and says nothing", async () => {
    const file = path.join(folder, "file");
    writeFileSync(file, "");
    const cache = new DiskCache(path.join(file, "below"), 1_000);
    await cache.put("a", Uint8Array.of(1));
    expect(await cache.get("a")).toBeUndefined();
    expect(cache.size).toBe(0);
  });
});

describe("thumbnails", () => {
  const photo = async (width: number, height: number): Promise<string> => {
    const file = path.join(folder, `${width}x${height}.jpg`);
    const pixels = new Uint8Array(width * height * 3).map((_, index) => (index * 13) % 255);
    writeFileSync(file, await encodeJpeg(pixels, width, height, 90));
    return file;
  };
  const made = (parallel = 2): Thumbnails =>
    new Thumbnails(new DiskCache(path.join(folder, "cache"), 2 ** 20), parallel);

  it("of a small photo are its own file", async () => {
    const file = await photo(64, 48);
    expect(await made().make(file, 64)).toEqual({ file, format: "jpeg" });
  });

  it("keep the shape, and are made anew when the photo changes", async () => {
    const file = await photo(300, 100);
    const thumbnails = made();
    const first = await thumbnails.make(file, 64);
    if (!("jpeg" in first)) throw new Error("expected a JPEG");
    expect(await probeImage(first.jpeg)).toMatchObject({ ok: true, width: 64, height: 21 });
    await expect.poll(() => existsSync(path.join(folder, "cache")) && cacheFiles().length).toBe(1);
    writeFileSync(file, readFileSync(await photo(100, 300)));
    const second = await thumbnails.make(file, 64);
    expect("jpeg" in second && (await probeImage(second.jpeg))).toMatchObject({ ok: true, width: 21, height: 64 });
  });

  it("come from the cache, and not from one that is damaged", async () => {
    const file = await photo(300, 100);
    await made().make(file, 64);
    await expect.poll(() => existsSync(path.join(folder, "cache")) && cacheFiles().length).toBe(1);
    const kept = path.join(folder, cacheFiles()[0] as string);
    const marked = Buffer.concat([readFileSync(kept), Buffer.from("mark")]);
    writeFileSync(kept, marked);
    expect(await made().make(file, 64)).toEqual({ jpeg: marked });
    writeFileSync(kept, "");
    const again = await made().make(file, 64);
    expect("jpeg" in again && again.jpeg.length).toBeGreaterThan(100);
  });

  it("that a job kept are found, and smaller ones are made from them", async () => {
    const file = await photo(600, 300);
    const { size, mtimeMs } = statSync(file);
    const pixels = new Uint8Array(256 * 128 * 3).fill(200);
    const kept = await encodeJpeg(pixels, 256, 128, 90);
    const keeper = new ThumbnailKeeper(new DiskCache(path.join(folder, "cache"), 2 ** 20), 2 ** 20);
    const entry = { path: path.basename(file), size, mtimeUs: Math.round(mtimeMs * 1000) };
    await keeper.keep(folder, entry, kept);
    expect(await made().make(file, 256)).toEqual({ jpeg: Buffer.from(kept) });
    const small = await made().make(file, 64);
    if (!("jpeg" in small)) throw new Error("expected a JPEG");
    const decoded = await decodeRgb(small.jpeg);
    // Of the even grey that was kept, not of the photo.
    expect(decoded.ok && [decoded.width, decoded.height, ...new Set(decoded.data)]).toEqual([64, 32, 200]);
    writeFileSync(file, readFileSync(await photo(300, 600)));
    expect(await made().make(file, 256)).not.toEqual({ jpeg: Buffer.from(kept) });
  });

  it("of one job leave room for others", async () => {
    const keeper = new ThumbnailKeeper(new DiskCache(path.join(folder, "cache"), 4_000), 4_000);
    const entry = { path: "a.jpg", size: 1, mtimeUs: 1 };
    expect(keeper.wanted).toEqual({ side: 256, quality: 82 });
    for (let index = 0; index < 3; index += 1)
      await keeper.keep(folder, { ...entry, size: index }, new Uint8Array(1_000));
    expect(keeper.wanted).toBeUndefined();
    expect(cacheFiles()).toHaveLength(3);
  });

  it("that nobody waits for any more are not made, and take no place", async () => {
    const file = await photo(1_000, 1_000);
    const thumbnails = made(1);
    const given = new AbortController();
    const all = Promise.allSettled([64, 128, 256].map((side) => thumbnails.make(file, side, given.signal)));
    given.abort();
    for (const one of await all) expect(one).toMatchObject({ status: "rejected", reason: { code: "cancelled" } });
    expect(await thumbnails.make(file, 64)).toHaveProperty("jpeg");
  });

  it("say why there are none", async () => {
    await expect(made().make(path.join(folder, "none.jpg"), 64)).rejects.toMatchObject({ code: "photo/missing" });
    const text = path.join(folder, "text.jpg");
    writeFileSync(text, "no picture");
    await expect(made().make(text, 64)).rejects.toMatchObject({ code: "image/unknown-format" });
  });
});
