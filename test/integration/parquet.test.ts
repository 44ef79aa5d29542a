/** The native Parquet writer and reader, and whole-file writes, through the addon. */
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { atomicWriteFile, type Column, openParquet, syncDirectory, writePart } from "../../src-main/native/parquet.js";
import { packageRoot } from "../../src-main/native/root.js";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-parquet-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(file: string): Promise<Record<string, unknown>[]> {
  const parquet = await openParquet(file);
  try {
    const names = parquet.columns.map((column) => column.name);
    return await Promise.all(parquet.rowGroups.map((_, group) => parquet.readRowGroup(group, names)));
  } finally {
    await parquet.close();
  }
}

describe("round trips", () => {
  test("every column type, with and without nulls, over several row groups", async () => {
    const rows = 7;
    const validity = Uint8Array.of(1, 0, 1, 1, 0, 0, 1);
    const text = ["", "pomme", "リンゴ 🍎", "a\0b", "x".repeat(5000), "pomme", "\ud800"];
    const columns: Column[] = [
      { name: "text", type: "string", values: text },
      { name: "label", type: "string", nullable: true, values: [null, "a", "a", null, "b", "a", "a"] },
      { name: "int32", type: "int32", values: Int32Array.of(0, -1, 2147483647, -2147483648, 4, 5, 6) },
      { name: "int64", type: "int64", values: BigInt64Array.from({ length: rows }, (_, i) => (1n << 62n) - BigInt(i)) },
      { name: "mtime", type: "timestamp", nullable: true, values: new BigInt64Array(rows).fill(5n), validity },
      { name: "float64", type: "float64", values: Float64Array.of(0, -0, NaN, Infinity, 1e-300, -1.5, 6) },
      { name: "boolean", type: "boolean", nullable: true, values: Uint8Array.of(1, 0, 1, 0, 0, 1, 0), validity },
      { name: "list", type: "list<float32>", values: Float32Array.from({ length: 21 }, (_, i) => i / 8), width: 3 },
      {
        name: "ragged",
        type: "list<float32>",
        values: Float32Array.of(1, 2, 3, 4, 5, 6),
        offsets: Uint32Array.of(0, 0, 1, 1, 4, 6, 6, 6),
      },
    ];
    const file = path.join(folder, "types é.parquet");
    const { bytes } = await writePart(file, columns, rows, { rowGroupRows: 4, metadata: { clé: "valeur 🍐", b: "" } });
    expect(bytes).toBe(statSync(file).size);

    const parquet = await openParquet(file);
    expect(parquet.rows).toBe(rows);
    expect(parquet.rowGroups).toEqual([{ rows: 4 }, { rows: 3 }]);
    expect(parquet.metadata).toEqual({ clé: "valeur 🍐", b: "" });
    expect(parquet.columns.map(({ name, type, nullable }) => [name, type, nullable])).toEqual([
      ["text", "string", false],
      ["label", "string", true],
      ["int32", "int32", false],
      ["int64", "int64", false],
      ["mtime", "timestamp", true],
      ["float64", "float64", false],
      ["boolean", "boolean", true],
      ["list", "list<float32>", false],
      ["ragged", "list<float32>", false],
    ]);
    await parquet.close();

    const [first, second] = await read(file);
    expect(first).toEqual({
      text: text.slice(0, 4),
      label: [null, "a", "a", null],
      int32: Int32Array.of(0, -1, 2147483647, -2147483648),
      int64: BigInt64Array.from({ length: 4 }, (_, i) => (1n << 62n) - BigInt(i)),
      mtime: [5n, null, 5n, 5n],
      float64: Float64Array.of(0, -0, NaN, Infinity),
      boolean: [1, null, 1, 0],
      list: Float32Array.from({ length: 12 }, (_, i) => i / 8),
      ragged: [new Float32Array(0), Float32Array.of(1), new Float32Array(0), Float32Array.of(2, 3, 4)],
    });
    // A lone surrogate has no UTF-8 form.
    expect(second).toMatchObject({
      text: [text[4], "pomme", "\ufffd"],
      mtime: [null, null, 5n],
      label: ["b", "a", "a"],
    });
  });

  test.each(["zstd", "none", "snappy"] as const)(
    "%s: pages and row groups of any size give the same rows",
    async (compression) => {
      const rows = 3001;
      const width = 300;
      const values = Float32Array.from({ length: rows * width }, (_, i) =>
        i % 5 === 0 ? 0 : Math.fround(Math.sin(i)),
      );
      const names = Array.from({ length: rows }, (_, row) => `folder ${row % 7}/${row}.jpg`);
      for (const rowGroupRows of [1, 1000, 100_000]) {
        const count = rowGroupRows === 1 ? 5 : rows;
        const file = path.join(folder, `${compression}-${rowGroupRows}.parquet`);
        const columns: Column[] = [
          { name: "path", type: "string", values: names },
          { name: "features", type: "list<float32>", values, width },
        ];
        await writePart(file, columns, count, { compression, rowGroupRows });
        const groups = await read(file);
        expect(groups).toHaveLength(Math.ceil(count / rowGroupRows));
        expect(groups.flatMap((group) => group.path)).toEqual(names.slice(0, count));
        const bytes = Buffer.concat(groups.map(({ features }) => Buffer.from((features as Float32Array).buffer)));
        expect(bytes.equals(Buffer.from(values.buffer, 0, count * width * 4))).toBe(true);
      }
    },
  );

  test("equal rows give equal bytes, in whatever memory they lie", async () => {
    const make = (shift: number): Column[] => [
      { name: "path", type: "string", values: ["a", "b", "a"] },
      {
        name: "features",
        type: "list<float32>",
        values: new Float32Array(6 + shift).fill(0.5).subarray(shift),
        width: 2,
      },
    ];
    const [one, two] = [path.join(folder, "one.parquet"), path.join(folder, "two.parquet")];
    await writePart(one, make(0), 3);
    await writePart(two, make(3), 3);
    expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
  });

  test("no rows", async () => {
    const file = path.join(folder, "none.parquet");
    await writePart(file, [{ name: "a", type: "int32", values: new Int32Array(0) }], 0);
    expect(await openParquet(file)).toMatchObject({ rows: 0, rowGroups: [] });
  });

  test("a cursor reads a few rows at a time, and again from the start when asked anew", async () => {
    const rows = 100;
    const file = path.join(folder, "cursor.parquet");
    const values = Float32Array.from({ length: rows * 3 }, (_, i) => i);
    await writePart(file, [{ name: "v", type: "list<float32>", values, width: 3 }], rows);
    const parquet = await openParquet(file);
    for (const step of [1, 7, 1000]) {
      const cursor = parquet.cursor(0, ["v"]);
      const target = new Float32Array(rows * 3 + 3000);
      let done = 0;
      for (;;) {
        const { rows: got } = await cursor.read(step, {
          target: { column: 0, values: target, offset: done * 3, width: 3 },
        });
        if (got === 0) break;
        done += got;
      }
      expect(done).toBe(rows);
      expect(target.subarray(0, rows * 3)).toEqual(values);
    }
    await parquet.close();
  });

  test("close frees the file at once, cursors and reads under way included", async () => {
    const file = path.join(folder, "closed.parquet");
    await writePart(file, [{ name: "v", type: "int32", values: new Int32Array(50_000) }], 50_000);
    const parquet = await openParquet(file);
    const idle = parquet.cursor(0, ["v"]);
    const unread = parquet.cursor(0, ["v"]);
    expect((await idle.read(10)).rows).toBe(10);
    const last = parquet.cursor(0, ["v"]).read(2_000);
    await parquet.close();
    expect((await last).rows).toBe(2_000);
    for (const cursor of [idle, unread]) {
      await expect(cursor.read(1)).rejects.toMatchObject({ code: "native/argument" });
    }
    if (process.platform !== "linux") return;
    const open = readdirSync("/proc/self/fd").map((fd) => readlink(path.join("/proc/self/fd", fd)));
    expect(open).not.toContain(file);
  });
});

/** What a link names; "" for one that is gone again, as the listing's own descriptor is. */
function readlink(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}

describe("failures", () => {
  const column: Column = { name: "a", type: "int32", values: new Int32Array(10) };

  test("arguments that do not fit are refused before anything is written", async () => {
    const file = path.join(folder, "never.parquet");
    const cases: [Column[], number][] = [
      [[column], 11],
      [[], 0],
      [[{ ...column, validity: new Uint8Array(10) }], 10],
      [[{ ...column, values: new Float64Array(10) as unknown as Int32Array }], 10],
      [[{ name: "s", type: "string", values: ["a"] }], 2],
      [[{ name: "s", type: "string", values: [null] }], 1],
      [[{ name: "l", type: "list<float32>", values: new Float32Array(4), width: 3 }], 2],
      [[{ name: "l", type: "list<float32>", values: new Float32Array(4), offsets: Uint32Array.of(0, 4, 2) }], 2],
    ];
    for (const [columns, rows] of cases) {
      await expect(writePart(file, columns, rows)).rejects.toMatchObject({ code: "native/argument" });
    }
    expect(readdirSync(folder)).not.toContain("never.parquet");
  });

  test("a folder that is not there, a file that is not there, a name that is not there", async () => {
    await expect(writePart(path.join(folder, "no", "x.parquet"), [column], 10)).rejects.toMatchObject({
      code: "storage/not-found",
    });
    await expect(openParquet(path.join(folder, "no.parquet"))).rejects.toMatchObject({ code: "storage/not-found" });
    const file = path.join(folder, "names.parquet");
    await writePart(file, [column], 10);
    const parquet = await openParquet(file);
    await expect(parquet.readRowGroup(0, ["b"])).rejects.toMatchObject({ code: "parquet/column" });
    await expect(parquet.readRowGroup(1, ["a"])).rejects.toMatchObject({ code: "native/argument" });
    await parquet.close();
    await expect(parquet.readRowGroup(0, ["a"])).rejects.toMatchObject({ code: "native/argument" });
  });

  test("a file cut anywhere is an error with a code", async () => {
    const whole = path.join(folder, "whole.parquet");
    await writePart(whole, [column, { name: "s", type: "string", values: Array(10).fill("text") }], 10);
    const size = statSync(whole).size;
    const cut = path.join(folder, "cut.parquet");
    for (let length = 0; length < size; length += 3) {
      writeFileSync(cut, readFileSync(whole));
      truncateSync(cut, length);
      await expect(openParquet(cut)).rejects.toMatchObject({ code: "parquet/corrupt" });
    }
  });

  test("a flipped bit in a compressed page is noticed", async () => {
    const file = path.join(folder, "flipped.parquet");
    const values = Int32Array.from({ length: 1000 }, (_, i) => i * i);
    await writePart(file, [{ name: "a", type: "int32", values }], 1000);
    const bytes = readFileSync(file);
    bytes[200] = (bytes[200] ?? 0) ^ 4;
    writeFileSync(file, bytes);
    await expect(read(file)).rejects.toMatchObject({ code: "parquet/corrupt" });
  });

  test("a cancelled write leaves neither the file nor its temporary", async () => {
    const place = path.join(folder, "cancel");
    mkdirSync(place);
    const values = new Float32Array(4000 * 1280).map(() => Math.random());
    for (const delay of [0, 1, 3]) {
      const controller = new AbortController();
      const writing = writePart(
        path.join(place, "x.parquet"),
        [{ name: "v", type: "list<float32>", values, width: 1280 }],
        4000,
        { level: 19, signal: controller.signal },
      );
      setTimeout(() => controller.abort(), delay);
      await expect(writing).rejects.toMatchObject({ code: "cancelled" });
      expect(readdirSync(place)).toEqual([]);
    }
  });

  test("a full disk and a read-only disk are named, and nothing is left behind", async (context) => {
    const mount = path.join(folder, "small");
    mkdirSync(mount);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", mount], { stdio: "ignore" });
    } catch {
      context.skip("mounting a small file system needs root on Linux");
    }
    try {
      const file = path.join(mount, "x.parquet");
      const values = new Float32Array(200_000).map(() => Math.random());
      const big: Column[] = [{ name: "v", type: "list<float32>", values, width: 100 }];
      await expect(writePart(file, big, 2000)).rejects.toMatchObject({ code: "storage/disk-full" });
      await expect(atomicWriteFile(file, new Uint8Array(300 << 10))).rejects.toMatchObject({
        code: "storage/disk-full",
      });
      expect(readdirSync(mount)).toEqual([]);
      await writePart(file, [column], 10);
      execFileSync("mount", ["-o", "remount,ro", mount]);
      await expect(writePart(file, [column], 10)).rejects.toMatchObject({ code: "storage/read-only" });
      expect(readdirSync(mount)).toEqual(["x.parquet"]);
    } finally {
      execFileSync("umount", [mount]);
    }
  });
});

describe("whole files", () => {
  test("text and bytes replace what was there; views are written as views", async () => {
    const file = path.join(folder, "run.json");
    await atomicWriteFile(file, "première");
    expect(readFileSync(file, "utf8")).toBe("première");
    await atomicWriteFile(file, new Uint8Array([1, 2, 3, 4]).subarray(1, 3));
    expect([...readFileSync(file)]).toEqual([2, 3]);
    await atomicWriteFile(file, "");
    expect(statSync(file).size).toBe(0);
    await syncDirectory(folder);
  });

  test("a reader sees the old content or the new one, never a part of either", async () => {
    const file = path.join(folder, "swap.json");
    const contents = ["a".repeat(100_000), "b".repeat(200_000)];
    await atomicWriteFile(file, contents[0] ?? "");
    let done = false;
    const writing = (async () => {
      for (let i = 0; i < 30; i += 1) await atomicWriteFile(file, contents[i % 2] ?? "");
      done = true;
    })();
    while (!done) {
      expect(contents).toContain(readFileSync(file, "latin1"));
      await new Promise(setImmediate);
    }
    await writing;
    expect(readdirSync(folder).filter((name) => name.includes(".tmp-"))).toEqual([]);
  });

  test("long names work", async () => {
    const file = path.join(folder, `${"é".repeat(120)}.json`);
    await atomicWriteFile(file, "x");
    expect(readFileSync(file, "utf8")).toBe("x");
  });
});

describe("teardown", () => {
  test("a worker may be terminated in the middle of writes and reads", async () => {
    const addonFile = ["native/verger.node", "build/Release/verger.node", "build/Debug/verger.node"]
      .map((candidate) => path.join(packageRoot(), candidate))
      .find((candidate) => statSync(candidate, { throwIfNoEntry: false }));
    const file = path.join(folder, "worker.parquet");
    const values = new Float32Array(2000 * 500).map(() => Math.random());
    await writePart(file, [{ name: "v", type: "list<float32>", values, width: 500 }], 2000);
    const code = `
      const { workerData, parentPort } = require("node:worker_threads");
      const addon = require(workerData.addon);
      const values = new Float32Array(2000 * 500).map(() => Math.random());
      (async () => {
        for (let i = 0; ; i += 1) {
          const spec = { path: workerData.out, rows: 2000, compression: "zstd", level: 12, rowGroupRows: 1000, metadata: [],
            columns: [{ name: "v", type: "list<float32>", values, width: 500 }] };
          const write = addon.parquetWrite(spec).promise;
          const file = new addon.ParquetFile();
          await file.open(workerData.file).promise;
          const cursor = new addon.ParquetCursor(file, 0, [0]);
          const target = new Float32Array(2000 * 500);
          const read = cursor.read(2000, { column: 0, values: target, offset: 0, width: 500 }).promise;
          parentPort.postMessage(i);
          await Promise.all([write, read]);
        }
      })();`;
    const place = path.join(folder, "terminated");
    mkdirSync(place);
    for (let i = 0; i < 4; i += 1) {
      const workerData = { addon: addonFile, file, out: path.join(place, "out.parquet") };
      const worker = new Worker(code, { eval: true, workerData });
      await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      await new Promise((resolve) => setTimeout(resolve, i * 5));
      await worker.terminate();
    }
    // The cancelled writes have cleaned up after themselves.
    expect(readdirSync(place).filter((name) => name.includes(".tmp-"))).toEqual([]);
    await expect(read(file)).resolves.toHaveLength(1);
  });
});
