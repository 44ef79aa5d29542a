/** Features whose columns have other names: looked at, turned into a PCA, and found again by the window. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RunData } from "../../src-main/core/explore/index.js";
import { openFeatures } from "../../src-main/core/features/index.js";
import { inspectFeatures } from "../../src-main/core/features/inspect.js";
import { readRunFile } from "../../src-main/core/run/index.js";
import { type Column, writePart } from "../../src-main/native/parquet.js";
import { correlatedRows } from "../support/features.js";
import { cli, cliJson } from "../support/run-cli.js";

const SPARK = path.join(path.dirname(fileURLToPath(import.meta.url)), "data", "spark");
const ROWS = 40;
const WIDTH = 6;
let folder: string;
let file: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-named-"));
  file = path.join(folder, "pandas.parquet");
  const columns: Column[] = [
    { name: "image", type: "string", values: Array.from({ length: ROWS }, (_, row) => `${row}.jpg`) },
    {
      name: "variety",
      type: "string",
      nullable: true,
      values: Array.from({ length: ROWS }, (_, row) => `v${row % 3}`),
    },
    { name: "embedding", type: "list<float32>", width: WIDTH, values: correlatedRows(ROWS, WIDTH, 1) },
  ];
  await writePart(file, columns, ROWS);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = { path: "image", label: "variety", features: "embedding" };

async function labels(input: string, columns?: Parameters<typeof openFeatures>[1]): Promise<(string | null)[]> {
  const all: (string | null)[] = [];
  for await (const block of (await openFeatures(input, columns)).blocks()) all.push(...block.labels);
  return all;
}

describe("a look at features", () => {
  test("tells what each column could serve as, and what is missing", async () => {
    const report = await inspectFeatures(file);
    expect(report).toMatchObject({ files: 1, rows: ROWS, dimension: null, chosen: null });
    expect(report.problem).toMatchObject({
      code: "features/columns",
      message: expect.stringContaining("path is missing"),
    });
    expect(report.columns).toEqual([
      { name: "image", type: "string", fits: ["path", "label"] },
      { name: "variety", type: "string", fits: ["path", "label"] },
      { name: "embedding", type: "list<float32>", fits: ["features"] },
    ]);
  });

  test("takes the columns that are named", async () => {
    expect(await inspectFeatures(file, names)).toMatchObject({ dimension: WIDTH, chosen: names, problem: null });
    expect(await inspectFeatures(file, { ...names, label: null })).toMatchObject({ chosen: { label: null } });
    const wrong = await inspectFeatures(file, { ...names, label: "kind" });
    expect(wrong.problem?.message).toContain("kind is missing");
  });

  test.each(["array-parts", "vector-dense", "array-v2"])(
    "of Spark's %s finds path, label and features",
    async (name) => {
      const report = await inspectFeatures(path.join(SPARK, name));
      expect(report).toMatchObject({ rows: 60, dimension: 16, problem: null });
      expect(report.chosen).toEqual({ path: "path", label: "label", features: "features" });
      expect(report.columns.filter(({ fits }) => fits.includes("features")).map((column) => column.name)).toEqual([
        "features",
      ]);
    },
  );

  test("of nothing says so", async () => {
    await expect(inspectFeatures(path.join(folder, "none"))).rejects.toMatchObject({ code: "features/not-found" });
  });
});

test("labels that are left out do not come back from the folders of a partitioned table", async () => {
  const table = path.join(SPARK, "array-by-label");
  expect(new Set(await labels(table)).size).toBeGreaterThan(1);
  expect(new Set(await labels(table, { label: null }))).toEqual(new Set([null]));
});

describe("verger pca", () => {
  test("reads the columns that are named, and the window finds the features again", async () => {
    const out = path.join(folder, "pca");
    const columns = ["--path-column", "image", "--label-column", "variety", "--features-column", "embedding"];
    const summary = await cliJson(["pca", file, "--out", out, "--components", "2", ...columns]);
    expect(summary).toMatchObject({ images: ROWS, labels: 3, pca: { components: 2 } });
    expect(readRunFile(out)?.featureColumns).toEqual(names);
    const data = await RunData.open(out);
    expect((await data.neighbours(0, 5)).rows).toHaveLength(5);
    expect(data.pathOf(7)).toBe("7.jpg");
  });

  test("leaves labels out", async () => {
    const out = path.join(folder, "pca-plain");
    const columns = ["--path-column", "image", "--no-label-column", "--features-column", "embedding"];
    expect(await cliJson(["pca", file, "--out", out, ...columns])).toMatchObject({ labels: 0 });
  });

  test("says which columns there are", async () => {
    const { code, stderr } = await cli(["pca", file, "--out", path.join(folder, "never")]);
    expect(code).toBe(1);
    expect(stderr).toContain("embedding (list<float32>)");
  });
});
