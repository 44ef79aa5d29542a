/** Feature sources: Verger's own parts, Spark's (committed, written by Spark 3.5) and whatever else a folder may hold. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openGeneralFile } from "../../src-main/core/features/general-file.js";
import { openFeatures } from "../../src-main/core/features/index.js";
import { fit as fitStream } from "../../src-main/core/pca/fit.js";
import { type Column, openParquet, writePart } from "../../src-main/native/parquet.js";

const SPARK = path.join(path.dirname(fileURLToPath(import.meta.url)), "data", "spark");
const SPARK_ROWS = 60;
const SPARK_WIDTH = 16;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-features-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What test/python/spark_fixtures.py wrote. */
function sparkValue(row: number, column: number): number {
  return ((row * 37 + column * 11) % 256) / 16 - 4;
}

function sparkLabel(row: number): string | null {
  return row % 10 === 9 ? null : (["Apple: Red", "Pêche", "Banana"][row % 3] ?? null);
}

interface Row {
  path: string;
  label: string | null;
  features: number[];
}

async function readAll(input: string, signal?: AbortSignal): Promise<Row[]> {
  const source = await openFeatures(input);
  const rows: Row[] = [];
  for await (const block of source.blocks({ signal })) {
    expect(block.features.length).toBe(block.rows * source.dimension);
    for (let row = 0; row < block.rows; row += 1) {
      const features = block.features.subarray(row * source.dimension, (row + 1) * source.dimension);
      rows.push({ path: block.paths[row] ?? "", label: block.labels[row] ?? null, features: [...features] });
    }
  }
  expect(rows.length).toBe(source.rows);
  return rows;
}

/** A features file whose value at (row, column) is `first + row + column / 256`. */
async function writeFeatures(file: string, first: number, rows: number, width: number, group = 2000): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true });
  const values = Float32Array.from(
    { length: rows * width },
    (_, i) => first + Math.floor(i / width) + (i % width) / 256,
  );
  const columns: Column[] = [
    { name: "path", type: "string", values: Array.from({ length: rows }, (_, row) => `${first + row}.jpg`) },
    { name: "label", type: "string", nullable: true, values: Array.from({ length: rows }, (_, row) => `l${row % 2}`) },
    { name: "features", type: "list<float32>", values, width },
  ];
  await writePart(file, columns, rows, { rowGroupRows: group });
}

describe("Spark's files", () => {
  test.each([
    ["array-snappy", 1],
    ["array-gzip", 1],
    ["array-zstd", 1],
    ["array-parts", 3],
    // Delta-encoded strings: through the general reader.
    ["array-v2", 1],
    ["vector-dense", 1],
  ])("%s: every row and value", async (name, files) => {
    const source = await openFeatures(path.join(SPARK, name));
    expect(source).toMatchObject({ dimension: SPARK_WIDTH, rows: SPARK_ROWS });
    expect(source.files).toHaveLength(files);
    const rows = await readAll(path.join(SPARK, name));
    for (const [row, { path: name, label, features }] of rows.entries()) {
      expect(name).toBe(`Training/fruit ${String(row).padStart(3, "0")}.jpg`);
      expect(label).toBe(sparkLabel(row));
      expect(features).toEqual(Array.from({ length: SPARK_WIDTH }, (_, column) => sparkValue(row, column)));
    }
  });

  test("all but the delta-encoded one are read natively", async () => {
    const folders = readdirSync(SPARK).filter((name) => name !== "array-v2");
    expect(folders.length).toBeGreaterThan(5);
    for (const name of folders) {
      for (const file of (await openFeatures(path.join(SPARK, name))).files) {
        const parquet = await openParquet(file);
        expect(parquet.columns.map((column) => column.unsupported).join("")).toBe("");
        await parquet.close();
      }
    }
  });

  test("sparse vectors are expanded", async () => {
    const rows = await readAll(path.join(SPARK, "vector-sparse"));
    for (const [row, { features }] of rows.entries()) {
      const kept = (column: number) => row % 2 === 0 || column % 4 === row % 4;
      expect(features).toEqual(
        Array.from({ length: SPARK_WIDTH }, (_, column) => (kept(column) ? sparkValue(row, column) : 0)),
      );
    }
  });

  test("labels come from the folders of a partitioned table", async () => {
    const rows = await readAll(path.join(SPARK, "array-by-label"));
    expect(rows).toHaveLength(SPARK_ROWS);
    for (const { path: name, label, features } of rows) {
      const row = Number(/(\d+)\.jpg$/.exec(name)?.[1]);
      expect(label).toBe(sparkLabel(row));
      expect(features[3]).toBe(sparkValue(row, 3));
    }
  });

  test.each(["array-snappy", "vector-sparse", "vector-dense"])(
    "%s: the general reader gives what the native one gives",
    async (name) => {
      const [file] = (await openFeatures(path.join(SPARK, name))).files as [string];
      const general = await openGeneralFile(file);
      expect(general.rows).toBe(SPARK_ROWS);
      expect(await general.dimension()).toBe(SPARK_WIDTH);
      const filling = {
        capacity: SPARK_ROWS,
        dimension: SPARK_WIDTH,
        features: new Float32Array(SPARK_ROWS * SPARK_WIDTH),
        paths: [],
        labels: [],
      };
      const reader = general.reader();
      while ((await reader.read(filling, new AbortController().signal)) > 0);
      await reader.close();
      const expected = await readAll(file);
      expect(filling.paths).toEqual(expected.map((row) => row.path));
      expect(filling.labels).toEqual(expected.map((row) => row.label));
      expect([...filling.features]).toEqual(expected.flatMap((row) => row.features));
    },
  );
});

describe("what an input names", () => {
  test("a run folder, any folder, a glob: part order, hidden names skipped, links followed once", async () => {
    const run = path.join(folder, "run with space");
    await writeFeatures(path.join(run, "features", "part-00001.parquet"), 100, 3, 4);
    await writeFeatures(path.join(run, "features", "part-00000.parquet"), 0, 5, 4);
    await writeFeatures(path.join(run, "features", "_temporary", "part-00009.parquet"), 900, 1, 4);
    await writeFeatures(path.join(run, "features", ".part-00002.parquet.tmp-0"), 900, 1, 4);
    await writeFeatures(path.join(run, "pca", "part-00000.parquet"), 500, 2, 4);
    writeFileSync(path.join(run, "features", "_SUCCESS"), "");
    symlinkSync(path.join(run, "features"), path.join(run, "features", "loop"));
    const firsts = async (input: string) => (await readAll(input)).map((row) => row.features[0]);
    const expected = [0, 1, 2, 3, 4, 100, 101, 102];
    expect(await firsts(run)).toEqual(expected);
    expect(await firsts(path.join(run, "features"))).toEqual(expected);
    expect(await firsts(path.join(folder, "run*", "features", "part-*.parquet"))).toEqual(expected);
    expect(await firsts(path.join(folder, "*", "features"))).toEqual(expected);
    expect(await firsts(path.join(run, "features", "part-00001.parquet"))).toEqual([100, 101, 102]);
  });

  test.each([
    ["missing.parquet", "features/not-found"],
    ["missing/*.parquet", "features/not-found"],
    ["empty", "features/empty"],
    ["empty/*.parquet", "features/empty"],
  ])("%s answers %s", async (input, code) => {
    mkdirSync(path.join(folder, "empty"), { recursive: true });
    await expect(openFeatures(path.join(folder, input))).rejects.toMatchObject({ code });
  });

  test("vectors longer than the native code takes are told as such", async () => {
    const dimension = 32_769;
    const source = { dimension, rows: 2, files: [], async *blocks() {} };
    await expect(fitStream(source, { solver: "exact" })).rejects.toMatchObject({ code: "pca/dimension" });
    await expect(fitStream({ ...source, dimension: 2 ** 20 + 1 })).rejects.toMatchObject({ code: "pca/dimension" });
  });

  test("parts without rows are passed over; nothing but such parts is a source without rows", async () => {
    const parts = path.join(folder, "hollow");
    await writeFeatures(path.join(parts, "part-0.parquet"), 0, 0, 4);
    expect(await openFeatures(parts)).toMatchObject({ rows: 0, dimension: 0 });
    expect(await readAll(parts)).toEqual([]);
    await expect(fitStream(await openFeatures(parts))).rejects.toMatchObject({ code: "pca/too-few-rows" });
    await writeFeatures(path.join(parts, "part-1.parquet"), 7, 1, 4);
    expect((await readAll(parts)).map((row) => row.path)).toEqual(["7.jpg"]);
  });
});

describe("blocks", () => {
  test("are filled across row groups and files, at most 1,024 rows, the same on every pass", async () => {
    const parts = path.join(folder, "many");
    for (let part = 0; part < 4; part += 1) {
      await writeFeatures(path.join(parts, `part-${part}.parquet`), part * 1500, 1500, 8, 400);
    }
    const source = await openFeatures(parts);
    for (let pass = 0; pass < 2; pass += 1) {
      const sizes: number[] = [];
      let next = 0;
      for await (const block of source.blocks()) {
        sizes.push(block.rows);
        for (let row = 0; row < block.rows; row += 1) {
          expect(block.paths[row]).toBe(`${next}.jpg`);
          expect(block.features[row * 8 + 7]).toBe(next + 7 / 256);
          next += 1;
        }
      }
      expect(sizes).toEqual([1024, 1024, 1024, 1024, 1024, 880]);
    }
  });

  test("a block stays as it is until the next one is asked for", async () => {
    const source = await openFeatures(path.join(folder, "many"));
    for await (const block of source.blocks()) {
      const before = block.features.slice();
      // Time for the block that is read ahead.
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(block.features).toEqual(before);
    }
  });

  test("a caller may stop early, and passes may overlap", async () => {
    const source = await openFeatures(path.join(folder, "many"));
    for await (const block of source.blocks()) {
      expect(block.rows).toBe(1024);
      break;
    }
    const [a, b] = await Promise.all([readAll(path.join(folder, "many")), readAll(path.join(folder, "many"))]);
    expect(a).toEqual(b);
  });

  test("passes over one source that overlap do not share their buffers", async () => {
    const source = await openFeatures(path.join(folder, "many"));
    for await (const _ of source.blocks()) break;
    const passes = [source.blocks(), source.blocks()].map((blocks) => blocks[Symbol.asyncIterator]());
    for (;;) {
      const [first, second] = await Promise.all(passes.map((pass) => pass.next()));
      if (!first || !second || first.done || second.done) break;
      expect(first.value.features.buffer).not.toBe(second.value.features.buffer);
      expect(first.value.features).toEqual(second.value.features);
    }
  });

  test("an aborted signal ends the stream with `cancelled`", async () => {
    const source = await openFeatures(path.join(folder, "many"));
    const controller = new AbortController();
    const consume = async () => {
      for await (const _ of source.blocks({ signal: controller.signal })) controller.abort();
    };
    await expect(consume()).rejects.toMatchObject({ code: "cancelled" });
    await expect(consume()).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("rows and columns that do not fit", () => {
  const features = { name: "features", type: "list<float32>", values: new Float32Array(8), width: 4 } as const;
  const paths = { name: "path", type: "string", values: ["a", "b"] } as const;

  test.each<[string, Column[], string]>([
    ["no features", [paths], "features is missing; the columns found are: path (string)"],
    ["no path", [features], "path is missing; the columns found are: features (list<float32>)"],
    [
      "features that are numbers",
      [paths, { name: "features", type: "float64", values: new Float64Array(2) }],
      "features is float64",
    ],
    [
      "a label of another type",
      [paths, features, { name: "label", type: "float64", values: new Float64Array(2) }],
      "label is float64",
    ],
    ["two answers to one name", [{ ...paths, name: "PATH" }, { ...paths, name: "Path" }, features], "path is missing"],
  ])("%s", async (name, columns, sentence) => {
    const file = path.join(folder, `columns ${name}.parquet`);
    await writePart(file, columns, 2);
    await expect(openFeatures(file)).rejects.toMatchObject({
      code: "features/columns",
      message: expect.stringContaining(sentence),
    });
  });

  test("names in other case, whole numbers as labels, no labels at all", async () => {
    const cased = path.join(folder, "cased.parquet");
    const label: Column = { name: "LABEL", type: "int32", values: Int32Array.of(7, -1), nullable: true };
    await writePart(cased, [{ ...paths, name: "Path" }, label, { ...features, name: "Features" }], 2);
    expect((await readAll(cased)).map((row) => row.label)).toEqual(["7", "-1"]);
    const bare = path.join(folder, "bare.parquet");
    await writePart(bare, [features, paths], 2);
    expect((await readAll(bare)).map((row) => row.label)).toEqual([null, null]);
  });

  test("a row of another width is named", async () => {
    const file = path.join(folder, "ragged.parquet");
    const offsets = Uint32Array.of(0, 3, 6, 8, 11);
    const four: Column = { name: "path", type: "string", values: ["a", "b", "c", "d"] };
    const ragged: Column = { name: "features", type: "list<float32>", values: new Float32Array(11), offsets };
    await writePart(file, [four, ragged], 4, { rowGroupRows: 2 });
    await expect(readAll(file)).rejects.toMatchObject({
      code: "features/ragged",
      message: expect.stringMatching(/3 values, but row 3 of .*ragged\.parquet has 2/),
    });
  });

  test("parts of two models are refused", async () => {
    const parts = path.join(folder, "mixed");
    await writeFeatures(path.join(parts, "part-0.parquet"), 0, 2, 4);
    await writeFeatures(path.join(parts, "part-1.parquet"), 0, 2, 5);
    await expect(readAll(parts)).rejects.toMatchObject({
      code: "features/ragged",
      message: expect.stringMatching(/4 values, but row 1 of .*part-1\.parquet has 5/),
    });
  });

  test("a missing path is named", async () => {
    const file = path.join(folder, "null path.parquet");
    await writePart(file, [{ name: "path", type: "string", nullable: true, values: ["a", null] }, features], 2);
    await expect(readAll(file)).rejects.toMatchObject({
      code: "features/null",
      message: expect.stringContaining("row 2 of"),
    });
  });

  test("vectors of length nothing are refused", async () => {
    const file = path.join(folder, "nothing.parquet");
    await writePart(file, [paths, { ...features, width: 0 }], 2);
    await expect(openFeatures(file)).rejects.toMatchObject({ code: "features/ragged" });
  });

  test("a damaged part among good ones is an error that names it", async () => {
    const parts = path.join(folder, "damaged");
    cpSync(path.join(folder, "many"), parts, { recursive: true });
    writeFileSync(path.join(parts, "part-2.parquet"), "not a Parquet file at all");
    await expect(openFeatures(parts)).rejects.toMatchObject({
      code: "parquet/corrupt",
      message: expect.stringContaining("part-2.parquet"),
    });
  });
});
