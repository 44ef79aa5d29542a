/** Looks at run folders from outside: their files, their bytes, and whether everything under a final name is whole. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { type RunFile, runFileSchema } from "../../src-main/api/contract.js";
import { type ColumnValues, openParquet } from "../../src-main/native/parquet.js";

/** The temporary names of the atomic writer, in the addon's own words. */
const TEMPORARY = /^\..+\.tmp-[0-9a-f]+$/;

/** Every file below `folder`, relative, `/` between folders, sorted. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => path.relative(folder, path.join(item.parentPath, item.name)).split(path.sep).join("/"))
    .sort();
}

const sha256 = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

/** Hash by name of every Parquet file of a run, and of its PCA model's other half, model.json. */
export function resultHashes(run: string, below = ""): Record<string, string> {
  const names = filesBelow(run).filter((name) => /\.parquet$|model\.json$/.test(name) && name.startsWith(below));
  return Object.fromEntries(names.map((name) => [name, sha256(path.join(run, name))]));
}

/** Name, bytes and time of change of every file: equal only when nothing has been written at all. */
export function snapshot(run: string, below = ""): Record<string, string> {
  return Object.fromEntries(
    filesBelow(run)
      .filter((name) => name.startsWith(below))
      .map((name) => {
        const file = path.join(run, name);
        const { mtimeNs, ino } = statSync(file, { bigint: true });
        return [name, `${sha256(file)} ${mtimeNs} ${ino}`];
      }),
  );
}

export function readRun(run: string): RunFile {
  return runFileSchema.parse(JSON.parse(readFileSync(path.join(run, "run.json"), "utf8")));
}

/** Checks that a run is finished and has left nothing behind. */
export function expectFinished(run: string): RunFile {
  const names = filesBelow(run);
  expect(names.filter((name) => TEMPORARY.test(path.posix.basename(name)))).toEqual([]);
  expect(names).toContain("_SUCCESS");
  expect(readdirSync(run).filter((name) => name.startsWith("."))).toEqual([".lock"]);
  const file = readRun(run);
  expect(file.state).toBe("done");
  expect(file.failure).toBeNull();
  expect(file.rebuilding).toBeNull();
  return file;
}

/** Rows of one column over all parts of one kind, in order. */
export async function readColumn(run: string, kind: string, name: string): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const file of filesBelow(path.join(run, kind)).filter((part) => part.startsWith("part-"))) {
    for (const group of await readWhole(path.join(run, kind, file), [name])) {
      for (const value of arrayOf(group[name])) values.push(value);
    }
  }
  return values;
}

function arrayOf(values: ColumnValues | undefined): unknown[] {
  return values === undefined ? [] : Array.from(values as ArrayLike<unknown>);
}

async function readWhole(file: string, names?: readonly string[]): Promise<Record<string, ColumnValues>[]> {
  const parquet = await openParquet(file);
  try {
    const columns = names ?? parquet.columns.map((column) => column.name);
    const groups: Record<string, ColumnValues>[] = [];
    for (let group = 0; group < parquet.rowGroups.length; group += 1) {
      groups.push(await parquet.readRowGroup(group, columns));
    }
    return groups;
  } finally {
    await parquet.close();
  }
}

/**
 * Checks what a kill at any moment must leave: every file under a final name is complete, `_SUCCESS` stands only beside
 * finished work, and a features part that stands has exactly the rows its manifest gives it, less those set aside.
 */
export async function expectWhole(run: string): Promise<void> {
  const names = filesBelow(run).filter((name) => !TEMPORARY.test(path.posix.basename(name)));
  for (const name of names) {
    const file = path.join(run, name);
    if (name.endsWith(".parquet")) await readWhole(file);
    else if (name.endsWith(".json")) JSON.parse(readFileSync(file, "utf8"));
  }
  if (!names.includes("run.json")) {
    // Before the first run.json nothing but the lock may be there, and label corrections that --fresh keeps.
    expect(names.filter((name) => name !== ".lock" && name !== "labels.jsonl")).toEqual([]);
    return;
  }
  const { state, identity, manifest } = readRun(run);
  if (names.includes("_SUCCESS")) expect(state).toBe("done");
  if (state !== "running" || !identity || !manifest) return;
  const paths = await readColumn(run, "manifest", "path");
  for (const name of names.filter((candidate) => candidate.startsWith("features/"))) {
    const index = Number(/part-(\d+)/.exec(name)?.[1]);
    expect(paths).toHaveLength(manifest.images);
    const expected = paths.slice(index * identity.rowsPerPart, (index + 1) * identity.rowsPerPart);
    const errors = path.join(run, "errors", path.posix.basename(name));
    const setAside = new Set(
      existsSync(errors) ? (await readWhole(errors, ["path"])).flatMap((group) => arrayOf(group.path)) : [],
    );
    const rows = (await readWhole(path.join(run, name), ["path"])).flatMap((group) => arrayOf(group.path));
    expect(rows).toEqual(expected.filter((entry) => !setAside.has(entry)));
  }
}
