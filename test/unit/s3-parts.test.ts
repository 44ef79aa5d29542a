import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as zlib from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { combineCrc32, crc32, decodeCrc32, encodeCrc32 } from "../../src-main/storage/s3/crc32.js";
import { Journal } from "../../src-main/storage/s3/journal.js";
import { choosePartBytes, MAX_OBJECT_BYTES, MAX_PARTS, TUNING } from "../../src-main/storage/s3/tuning.js";
import { isTransferTemporary, transferTemporaries } from "../../src-main/storage/temporary.js";

describe("CRC-32", () => {
  it("continues over empty chunks", () => {
    const bytes = randomBytes(1000);
    const first = crc32(bytes.subarray(0, 400));
    expect(crc32(new Uint8Array(0), first)).toBe(first);
    expect(crc32(bytes.subarray(400), crc32(Buffer.alloc(0), first))).toBe(zlib.crc32(bytes));
  });

  it("combines pieces of any length", () => {
    const bytes = randomBytes(100_000);
    for (const cut of [0, 1, 7, 8, 9, 65_535, 65_536, 99_999, 100_000]) {
      const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(bytes));
    }
  });

  it("combines lengths beyond 32 bits", () => {
    // 4 GiB + 8 KiB + 3 of zeros behind one byte, once directly doubled and once by its pieces.
    const zeros = (bytes: number): number => {
      let crc = crc32(Buffer.alloc(1));
      let length = 1;
      while (length * 2 <= bytes) {
        crc = combineCrc32(crc, crc, length);
        length *= 2;
      }
      return length === bytes ? crc : combineCrc32(crc, zeros(bytes - length), bytes - length);
    };
    const bytes = 2 ** 32 + 8195;
    const head = crc32(Buffer.from("x"));
    let chained = head;
    for (let rest = bytes; rest > 0; ) {
      const piece = Math.min(rest, 2 ** 20 + 1);
      chained = combineCrc32(chained, zeros(piece), piece);
      rest -= piece;
    }
    expect(combineCrc32(head, zeros(bytes), bytes)).toBe(chained);
  });

  it("is written as S3 writes it, and nothing else is read", () => {
    expect(encodeCrc32(crc32(Buffer.from("123456789")))).toBe("y/Q5Jg==");
    expect(decodeCrc32("y/Q5Jg==")).toBe(0xcbf43926);
    for (const text of [undefined, "", "y/Q5Jg==-3", "y/Q5Jg", "AAAAAAAAAAA="])
      expect(decodeCrc32(text)).toBeUndefined();
  });
});

describe("part sizes", () => {
  const MIB = 1024 * 1024;
  it("suffice up to 5 TiB", () => {
    for (const size of [
      1,
      16 * MIB,
      MAX_PARTS * TUNING.partBytes,
      MAX_PARTS * TUNING.partBytes + 1,
      2 ** 40,
      MAX_OBJECT_BYTES,
    ]) {
      const part = choosePartBytes(size, TUNING.partBytes);
      expect(Math.ceil(size / part)).toBeLessThanOrEqual(MAX_PARTS);
      expect(part).toBeGreaterThanOrEqual(TUNING.partBytes);
      expect(part).toBeLessThan(5 * 1024 * MIB);
      expect(part % MIB).toBe(0);
    }
    expect(choosePartBytes(MAX_PARTS * TUNING.partBytes, TUNING.partBytes)).toBe(TUNING.partBytes);
  });
});

describe("the journal of a download", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "verger-journal-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const header = { etag: "abc", size: 95, rangeBytes: 10 };

  it("gives back what was added", async () => {
    const journal = new Journal(path.join(folder, "a.json"));
    expect(await journal.read(header)).toBeUndefined();
    await journal.begin(header, new Map([[3, 7]]));
    journal.add(0, 0xffffffff);
    journal.add(9, 0);
    await journal.settle();
    expect(await journal.read(header)).toEqual(
      new Map([
        [3, 7],
        [0, 0xffffffff],
        [9, 0],
      ]),
    );
  });

  it("is none of another object", async () => {
    const journal = new Journal(path.join(folder, "b.json"));
    await journal.begin(header);
    for (const other of [
      { ...header, etag: "abd" },
      { ...header, size: 96 },
      { ...header, rangeBytes: 11 },
    ]) {
      expect(await journal.read(other)).toBeUndefined();
    }
  });

  it("takes no line that was cut short or is not its own", async () => {
    const file = path.join(folder, "c.json");
    const journal = new Journal(file);
    await journal.begin(header);
    journal.add(1, 0x12345678);
    journal.add(2, 0x12345678);
    await journal.settle();
    truncateSync(file, JSON.stringify({ version: 1, ...header }).length + 1 + 11 + 9);
    expect(await journal.read(header)).toEqual(new Map([[1, 0x12345678]]));
    await journal.begin(header);
    journal.add(10, 1);
    await journal.settle();
    expect(await journal.read(header)).toEqual(new Map());
    writeFileSync(file, "{}\n");
    expect(await journal.read(header)).toBeUndefined();
  });
});

describe("temporary names", () => {
  it("are known again, and short whatever the final name is", () => {
    const { part, journal } = transferTemporaries(`/photos/${"x".repeat(255)}`, "bucket", "key");
    for (const file of [part, journal]) {
      expect(path.dirname(file)).toBe("/photos");
      expect(isTransferTemporary(path.basename(file))).toBe(true);
    }
    expect(transferTemporaries("/photos/a", "bucket", "key")).not.toEqual(
      transferTemporaries("/photos/b", "bucket", "key"),
    );
    for (const name of ["a.jpg", ".verger.part", ".verger-xyz.part", "photo.part"]) {
      expect(isTransferTemporary(name)).toBe(false);
    }
  });
});
