import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import * as zlib from "node:zlib";
import { build } from "esbuild";
import { afterEach, describe, expect, it } from "vitest";
import { acceleratedCrc32 } from "../../src-main/native/checksum.js";
import { crc32 } from "../../src-main/storage/s3/crc32.js";

const SRC = path.join(import.meta.dirname, "..", "..", "src-main");
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The modules of this test as a package of their own, in which there is no addon. */
async function withoutAddon(): Promise<{ crc32: typeof crc32; acceleratedCrc32: typeof acceleratedCrc32 }> {
  const folder = mkdtempSync(path.join(tmpdir(), "verger-crc32-"));
  folders.push(folder);
  writeFileSync(path.join(folder, "package.json"), "{}");
  const outfile = path.join(folder, "bundle.mjs");
  await build({
    stdin: {
      contents: `export * from "./storage/s3/crc32.js"; export * from "./native/checksum.js";`,
      resolveDir: SRC,
      loader: "ts",
    },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "error",
  });
  return import(pathToFileURL(outfile).href);
}

/** Lengths on both sides of whatever decides who sums. */
const LENGTHS = [1, 8, 63, 64, 100, 1023, 1024, 1025, 4096, 5000, 65_536, 65_537, 1_000_003];

describe("CRC-32 of many bytes", () => {
  it("is zlib's, whatever its length and where it begins", () => {
    const bytes = randomBytes(1_000_100);
    for (const length of LENGTHS) {
      for (const start of [0, 1, 13, 64]) {
        const part = bytes.subarray(start, start + length);
        expect(crc32(part)).toBe(zlib.crc32(part));
        expect(crc32(part, 0xfedcba98)).toBe(zlib.crc32(part, 0xfedcba98));
      }
    }
  });

  it("continues over chunks of any length", () => {
    const bytes = randomBytes(300_000);
    let value = 0;
    for (let at = 0, chunk = 1; at < bytes.length; at += chunk, chunk = (chunk * 3) % 40_009) {
      value = crc32(bytes.subarray(at, at + chunk), value);
    }
    expect(value).toBe(zlib.crc32(bytes));
  });

  it("takes arrays with and without a buffer of their own", () => {
    const plain = new Uint8Array(5000).fill(7);
    const shared = new Uint8Array(new SharedArrayBuffer(6000), 500, 5000).fill(7);
    const expected = zlib.crc32(Buffer.alloc(5000, 7));
    for (const bytes of [plain, shared, Buffer.from(plain)]) expect(crc32(bytes)).toBe(expected);
  });

  it("is the same without the addon", async () => {
    const alone = await withoutAddon();
    expect(() => alone.acceleratedCrc32()).toThrow(expect.objectContaining({ code: "native/missing" }));
    const bytes = randomBytes(1_000_003);
    for (const length of LENGTHS) {
      const part = bytes.subarray(0, length);
      expect(alone.crc32(part, 0x12345678)).toBe(crc32(part, 0x12345678));
    }
  });
});

describe("the addon's CRC-32", () => {
  const accelerated = acceleratedCrc32();

  it.skipIf(accelerated === undefined)("takes few bytes and none as well", () => {
    expect(accelerated?.(Buffer.from("123456789"), 0)).toBe(0xcbf43926);
    expect(accelerated?.(new Uint8Array(0), 0xdeadbeef)).toBe(0xdeadbeef);
  });

  it.skipIf(accelerated === undefined)("refuses anything but bytes and a CRC-32", () => {
    const call = accelerated as unknown as (...args: unknown[]) => number;
    const bytes = new Uint8Array(8);
    const wrong: unknown[][] = [
      [],
      [bytes],
      [undefined, 0],
      ["text", 0],
      [[1, 2], 0],
      [new Uint16Array(8), 0],
      [new DataView(bytes.buffer), 0],
      [bytes.buffer, 0],
      [bytes, -1],
      [bytes, 1.5],
      [bytes, 2 ** 32],
      [bytes, Number.NaN],
      [bytes, "0"],
    ];
    for (const args of wrong) {
      expect(() => call(...args)).toThrow(expect.objectContaining({ code: "native/argument" }));
    }
  });
});
