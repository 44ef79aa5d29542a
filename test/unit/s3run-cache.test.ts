import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { userCacheFolder } from "../../src-main/storage/cache/folder.js";
import { PhotoCache, type PhotoId } from "../../src-main/storage/cache/photo-cache.js";
import { encodeRecord, PhotoIndex, RECORD_BYTES } from "../../src-main/storage/cache/photo-index.js";

const MIB = 2 ** 20;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const photo = (number: number): PhotoId => ({
  endpoint: "http://127.0.0.1:9000",
  bucket: "farm",
  key: `photos/${number}.jpg`,
  etag: `etag-${number}`,
});
/** Bytes that no other photo has. */
function bytesOf(number: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(size, createHash("sha256").update(String(number)).digest());
  return new Uint8Array(bytes);
}
const total = (): number => readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);

async function filled(count: number, size: number, limit: number, from = 0): Promise<void> {
  const cache = PhotoCache.open(folder, limit);
  for (let number = from; number < from + count; number += 1) {
    cache.put(photo(number), bytesOf(number, size));
    // The disk is given its turn, as fetching does: what would make a run wait is not kept.
    if (number % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await cache.close();
}

describe("photo cache", () => {
  it("gives back what was put in by an earlier process, byte for byte, in a buffer of its own", async () => {
    await filled(500, 5000, 64 * MIB);
    const cache = PhotoCache.open(folder, 64 * MIB);
    for (let number = 0; number < 500; number += 1) {
      const bytes = await cache.get(photo(number), 5000);
      expect(bytes && Buffer.compare(bytes, bytesOf(number, 5000))).toBe(0);
      expect(bytes?.byteLength).toBe(bytes?.buffer.byteLength);
    }
    expect(await cache.get(photo(500), 5000)).toBeUndefined();
    await cache.close();
  });

  it("tells photos apart by endpoint, bucket, key and ETag", async () => {
    await filled(1, 100, 64 * MIB);
    const cache = PhotoCache.open(folder, 64 * MIB);
    for (const change of [{ endpoint: "" }, { bucket: "other" }, { key: "photos/0.png" }, { etag: "etag-1" }]) {
      expect(await cache.get({ ...photo(0), ...change }, 100)).toBeUndefined();
    }
    expect(await cache.get(photo(0), 100)).toBeDefined();
    expect(await cache.get(photo(0), 99)).toBeUndefined();
    await cache.close();
  });

  it("stays within its limit, and drops what was used longest ago", async () => {
    const limit = 4 * MIB;
    await filled(100, 10_000, limit);
    // Everything so far was used long ago; then the first photos are used again.
    for (const name of readdirSync(folder)) utimesSync(path.join(folder, name), 1e9, 1e9);
    const reader = PhotoCache.open(folder, limit);
    expect(await reader.get(photo(0), 10_000)).toBeDefined();
    await reader.close();
    for (let from = 1000; from < 1900; from += 100) {
      await filled(100, 10_000, limit, from);
      expect(total()).toBeLessThanOrEqual(limit);
    }
    const cache = PhotoCache.open(folder, limit);
    const kept = async (number: number): Promise<boolean> => (await cache.get(photo(number), 10_000)) !== undefined;
    expect(await kept(1899)).toBe(true);
    expect(await kept(60)).toBe(false);
    await cache.close();
  });

  it("counts a photo whose bytes are damaged or cut off as absent", async () => {
    await filled(3, 1000, 64 * MIB);
    const [data] = readdirSync(folder).filter((name) => name.endsWith(".dat"));
    const file = path.join(folder, data as string);
    const content = readFileSync(file);
    content[1500] = (content[1500] as number) ^ 1;
    writeFileSync(file, content);
    truncateSync(file, 2500);
    const cache = PhotoCache.open(folder, 64 * MIB);
    expect(await cache.get(photo(0), 1000)).toBeDefined();
    expect(await cache.get(photo(1), 1000)).toBeUndefined();
    expect(await cache.get(photo(2), 1000)).toBeUndefined();
    await cache.close();
  });

  it("goes on after an index record that a power failure cut short, and removes data without an index", async () => {
    await filled(2, 1000, 64 * MIB);
    const [index] = readdirSync(folder).filter((name) => name.endsWith(".idx"));
    truncateSync(path.join(folder, index as string), RECORD_BYTES + 5);
    writeFileSync(path.join(folder, "7-0.dat"), "orphan");
    await filled(1, 1000, 64 * MIB, 2);
    const cache = PhotoCache.open(folder, 64 * MIB);
    expect(await cache.get(photo(0), 1000)).toBeDefined();
    expect(await cache.get(photo(1), 1000)).toBeUndefined();
    expect(await cache.get(photo(2), 1000)).toEqual(Buffer.from(bytesOf(2, 1000)));
    expect(existsSync(path.join(folder, "7-0.dat"))).toBe(false);
    await cache.close();
  });

  it("is shared by several caches at once: each writes to segments of its own", async () => {
    const caches = [0, 1, 2].map(() => PhotoCache.open(folder, 64 * MIB));
    for (const [which, cache] of caches.entries()) {
      for (let number = 0; number < 50; number += 1)
        cache.put(photo(which * 50 + number), bytesOf(which * 50 + number, 700));
    }
    await Promise.all(caches.map((cache) => cache.close()));
    const cache = PhotoCache.open(folder, 64 * MIB);
    for (let number = 0; number < 150; number += 1) {
      expect(await cache.get(photo(number), 700)).toEqual(Buffer.from(bytesOf(number, 700)));
    }
    await cache.close();
  });

  it("does not keep a photo larger than a segment", async () => {
    const limit = 16 * MIB;
    await filled(1, 2 * MIB, limit);
    expect(total()).toBeLessThan(1000);
    await filled(1, MIB - 1000, limit, 1);
    const cache = PhotoCache.open(folder, limit);
    expect(await cache.get(photo(1), MIB - 1000)).toBeDefined();
    await cache.close();
  });
});

describe("photo index", () => {
  it("finds every record among 100,000, and the later of two", () => {
    const id = (number: number): Buffer => createHash("md5").update(String(number)).digest();
    const records = Array.from({ length: 100_000 }, (_, number) =>
      encodeRecord(id(number), { offset: number, size: number + 1, crc32: number * 2 }),
    );
    const index = new PhotoIndex();
    index.add(3, Buffer.concat(records.slice(0, 60_000)));
    index.add(5, Buffer.concat(records.slice(60_000)));
    index.add(9, encodeRecord(id(17), { offset: 1, size: 2, crc32: 3 }));
    index.build();
    for (let number = 0; number < 100_000; number += 1) {
      if (number === 17) continue;
      const expected = { segment: number < 60_000 ? 3 : 5, offset: number, size: number + 1, crc32: number * 2 };
      expect(index.find(id(number))).toEqual(expected);
    }
    expect(index.find(id(17))).toEqual({ segment: 9, offset: 1, size: 2, crc32: 3 });
    expect(index.find(id(100_000))).toBeUndefined();
  });

  it("finds nothing in an empty cache", () => {
    const index = new PhotoIndex();
    index.build();
    expect(index.find(Buffer.alloc(16))).toBeUndefined();
  });
});

describe("cache folder", () => {
  it("is the platform's, or in VERGER_HOME", () => {
    expect(userCacheFolder({ VERGER_HOME: "/v" }, "linux")).toBe(path.resolve("/v", "cache"));
    expect(userCacheFolder({ XDG_CACHE_HOME: "/c" }, "linux")).toBe(path.join("/c", "verger"));
    expect(userCacheFolder({ XDG_CACHE_HOME: "relative" }, "linux")).not.toContain("relative");
    expect(userCacheFolder({}, "darwin")).toContain(path.join("Library", "Caches", "Verger"));
    expect(userCacheFolder({ LOCALAPPDATA: "/local" }, "win32")).toBe(path.join("/local", "Verger", "Cache"));
  });
});
