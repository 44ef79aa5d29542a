/** Writes a selection of rows: as a table, or as copies of the photos. */
import { constants } from "node:fs";
import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { atomicWriteFile, type Column, writePart } from "../../native/parquet.js";
import { errorMessage, isCancelled, throwIfCancelled, VergerError } from "../errors.js";
import { photoFile } from "./root.js";
import type { RunData } from "./run-data.js";

/** Rows of one CSV as text. RFC 4180, UTF-8, LF; `label_run` is the label the run was made with. */
export async function selectionCsv(data: RunData, rows: Uint32Array): Promise<string> {
  const { numbers } = await columnsOf(data);
  const lines = [["path", "label", "label_run", ...numbers.map(([name]) => name)].join(",")];
  for (const row of rows) {
    const values = numbers.map(([, values]) => values[row] as number);
    const texts = [data.pathOf(row), data.labelOf(row), data.originalLabelOf(row)].map(csvField);
    lines.push([...texts, ...values.map((value) => (Number.isNaN(value) ? "" : String(value)))].join(","));
  }
  return `${lines.join("\n")}\n`;
}

function csvField(value: string | null): string {
  if (value === null) return "";
  return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

async function columnsOf(data: RunData): Promise<{ numbers: [string, Float64Array][] }> {
  const numbers: [string, Float64Array][] = [];
  for (const name of data.columns) numbers.push([name, await data.column(name)]);
  return { numbers };
}

/** @throws VergerError `export/exists`, Error `storage/*` */
export async function writeSelectionCsv(data: RunData, rows: Uint32Array, file: string): Promise<void> {
  await requireNew(file);
  await atomicWriteFile(file, await selectionCsv(data, rows));
}

/**
 * Writes path, label, label_run, the known numbers and, where there is a PCA, `pca`: list of float32.
 *
 * @throws VergerError `export/exists`, Error `storage/*`
 */
export async function writeSelectionParquet(data: RunData, rows: Uint32Array, file: string): Promise<void> {
  await requireNew(file);
  const { numbers } = await columnsOf(data);
  const pick = (values: Float64Array): Float64Array => Float64Array.from(rows, (row) => values[row] as number);
  const columns: Column[] = [
    { name: "path", type: "string", values: Array.from(rows, (row) => data.pathOf(row)) },
    { name: "label", type: "string", nullable: true, values: Array.from(rows, (row) => data.labelOf(row)) },
    { name: "label_run", type: "string", nullable: true, values: Array.from(rows, (row) => data.originalLabelOf(row)) },
    ...numbers.map(([name, values]): Column => ({ name, type: "float64", values: pick(values) })),
  ];
  if (data.pca) columns.push({ name: "pca", type: "list<float32>", ...(await scoresOf(data, rows)) });
  await writePart(file, columns, rows.length);
}

async function scoresOf(data: RunData, rows: Uint32Array): Promise<{ values: Float32Array; width: number }> {
  const width = data.components;
  const placeOf = new Map(Array.from(rows, (row, place) => [row, place]));
  const values = new Float32Array(rows.length * width);
  for await (const block of data.scoreBlocks()) {
    for (let index = 0; index < block.rows; index += 1) {
      const place = placeOf.get(block.start + index);
      if (place !== undefined) values.set(block.scores.subarray(index * width, (index + 1) * width), place * width);
    }
  }
  return { values, width };
}

/**
 * Copies the photos into `folder`, one folder a label. Photos of one name get the numbers -2, -3 ...; nothing is ever
 * overwritten.
 *
 * @param folder new or empty
 * @returns paths of photos that could not be copied because they are not there
 * @throws VergerError `export/exists`, `storage/write`, `cancelled`
 */
export async function copySelection(
  data: RunData,
  rows: Uint32Array,
  folder: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const there = await readdir(folder).catch(() => [] as string[]);
  if (there.length > 0) {
    throw new VergerError(
      "export/exists",
      `Expected a new or empty folder for the copies, but ${folder} holds ${there.length} entries; choose another.`,
    );
  }
  const missing: string[] = [];
  for (const row of rows) {
    throwIfCancelled(signal);
    const name = data.pathOf(row);
    let source: string;
    try {
      source = await photoFile(data.root, name);
    } catch {
      missing.push(name);
      continue;
    }
    const target = path.join(folder, folderName(data.labelOf(row)));
    try {
      await mkdir(target, { recursive: true });
      await copyUnder(source, target, path.posix.basename(name));
    } catch (cause) {
      if (isCancelled(cause)) throw cause;
      throw new VergerError(
        "storage/write",
        `Expected to copy ${source} to ${target}, but: ${errorMessage(cause)}; choose a folder with room that can be written.`,
        { cause },
      );
    }
  }
  return missing;
}

async function copyUnder(source: string, folder: string, name: string): Promise<void> {
  const { name: stem, ext } = path.parse(name);
  for (let number = 1; ; number += 1) {
    const target = path.join(folder, number === 1 ? name : `${stem}-${number}${ext}`);
    try {
      await copyFile(source, target, constants.COPYFILE_EXCL);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** A label as the name of one folder on every system. */
function folderName(label: string | null): string {
  if (label === null) return "no label";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are just what a name must not hold.
  const safe = label.replace(/[\\/:*?"<>|\u0000-\u001f]/g, "_").replace(/[. ]+$/, "_");
  return safe === "" || safe === "." || safe === ".." ? "_" : safe;
}

/** @throws VergerError `export/exists` */
async function requireNew(file: string): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (!there) return;
  throw new VergerError(
    "export/exists",
    `Expected a new file for the export, but ${file} is there already; choose another name.`,
  );
}
