/** A selection of rows as a table: CSV or Parquet. */
import { type Column, writePart } from "../../../native/parquet.js";
import { capturedColumn, localTime } from "../../embed/photo-facts.js";
import { throwIfCancelled, VergerError } from "../../errors.js";
import type { RunData } from "../run-data.js";
import { writeNewFile, writeText } from "./new-file.js";

/** Feature vectors of one export are gathered in memory, since rows may be asked for in any order: 100,000 of 1,280. */
const MOST_FEATURE_BYTES = 2 ** 29;
/** Cells between two looks at the signal and two calls of `onProgress`: some 20 ms. */
const CELLS = 50_000;

/** What an export holds beside path and labels, and who is told of its progress. */
export interface ExportOptions {
  /** Scores along the kept components, where there is a PCA. */
  readonly coordinates?: boolean;
  readonly features?: boolean;
  /** Called with rows or photos done, now and then. */
  readonly onProgress?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Table {
  readonly numbers: readonly (readonly [name: string, values: Float64Array])[];
  /** Microseconds by the camera's own clock, by row of the run; undefined where the run knows none. */
  readonly captured: Float64Array | undefined;
  /** Row-major, one vector for each row of the selection in its order; name as in the run format. */
  readonly vectors: readonly {
    readonly name: "pca" | "features";
    readonly values: Float32Array;
    readonly width: number;
  }[];
}

/**
 * Writes path, label (as corrected), label_original, the known numbers, `captured_at` where the run knows when photos were
 * taken (`YYYY-MM-DD HH:MM:SS.mmm` by the camera's clock) and, as asked, `pca1` ... and `f1` ... . RFC 4180, UTF-8, LF; nine
 * digits, which give the float32 back exactly; empty where unknown. Nothing is put before a label or path that begins like a
 * formula (`=`, `+`, `-`, `@`): scripts look photos up by them. The window warns those who open the table in a spreadsheet.
 *
 * @param file must not be there
 * @throws VergerError `export/*`, `storage/*`, `run/no-features`, `cancelled`
 */
export async function writeSelectionCsv(
  data: RunData,
  rows: Uint32Array,
  file: string,
  options: ExportOptions = {},
): Promise<void> {
  const table = await tableOf(data, rows, options);
  await writeNewFile(file, (temporary) => writeText(temporary, csvOf(data, rows, table, options)));
}

/**
 * Writes path, label (as corrected), label_original, the known numbers, `captured_at` where the run knows when photos were
 * taken (a timestamp without a time zone) and, as asked, `pca` and `features`: lists of float32.
 *
 * @param file must not be there
 * @throws VergerError `export/*`, `storage/*`, `run/no-features`, `cancelled`
 */
export async function writeSelectionParquet(
  data: RunData,
  rows: Uint32Array,
  file: string,
  options: ExportOptions = {},
): Promise<void> {
  const { numbers, captured, vectors } = await tableOf(data, rows, options);
  const texts = (of: (row: number) => string | null) => Array.from(rows, of);
  const columns: Column[] = [
    { name: "path", type: "string", values: texts((row) => data.pathOf(row)) },
    { name: "label", type: "string", nullable: true, values: texts((row) => data.labelOf(row)) },
    { name: "label_original", type: "string", nullable: true, values: texts((row) => data.originalLabelOf(row)) },
    ...numbers.map(([name, values]): Column => {
      return { name, type: "float64", values: Float64Array.from(rows, (row) => values[row] as number) };
    }),
    ...(captured ? [capturedColumn(Float64Array.from(rows, (row) => captured[row] as number))] : []),
    ...vectors.map(({ name, values, width }): Column => ({ name, type: "list<float32>", values, width })),
  ];
  await writeNewFile(file, async (temporary) => {
    await writePart(temporary, columns, rows.length, { signal: options.signal });
  });
  options.onProgress?.(rows.length);
}

async function tableOf(data: RunData, rows: Uint32Array, options: ExportOptions): Promise<Table> {
  const { coordinates = true, features = false, signal } = options;
  const numbers: [string, Float64Array][] = [];
  for (const name of data.columns) if (name !== "captured") numbers.push([name, await data.column(name)]);
  const vectors: Table["vectors"][number][] = [];
  if (coordinates && data.pca) {
    const blocks = scoresOf(data);
    vectors.push({ name: "pca", ...(await gather(rows, data.components, blocks, signal)) });
  }
  if (features) {
    const source = await data.features();
    const bytes = rows.length * source.dimension * 4;
    if (bytes > MOST_FEATURE_BYTES) {
      const most = Math.floor(MOST_FEATURE_BYTES / (source.dimension * 4));
      throw new VergerError(
        "export/too-large",
        `Expected at most ${most} photos for an export with features, but received ${rows.length}; select fewer, or take ` +
          "them from the run's own features/ folder.",
        { details: { most, count: rows.length } },
      );
    }
    vectors.push({ name: "features", ...(await gather(rows, source.dimension, featuresOf(source, signal), signal)) });
  }
  return { numbers, captured: data.capturedAt, vectors };
}

interface Block {
  readonly rows: number;
  readonly values: Float32Array;
}

async function* scoresOf(data: RunData): AsyncGenerator<Block> {
  for await (const { rows, scores } of data.scoreBlocks()) yield { rows, values: scores };
}

async function* featuresOf(
  source: Awaited<ReturnType<RunData["features"]>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Block> {
  for await (const { rows, features } of source.blocks({ signal })) yield { rows, values: features };
}

/** Picks rows out of blocks that come in the run's order. */
async function gather(
  rows: Uint32Array,
  width: number,
  blocks: AsyncIterable<Block>,
  signal: AbortSignal | undefined,
): Promise<{ values: Float32Array; width: number }> {
  const placeOf = new Map(Array.from(rows, (row, place) => [row, place]));
  const values = new Float32Array(rows.length * width);
  let start = 0;
  for await (const block of blocks) {
    throwIfCancelled(signal);
    for (let index = 0; index < block.rows; index += 1) {
      const place = placeOf.get(start + index);
      if (place !== undefined) values.set(block.values.subarray(index * width, (index + 1) * width), place * width);
    }
    start += block.rows;
  }
  return { values, width };
}

async function* csvOf(
  data: RunData,
  rows: Uint32Array,
  { numbers, captured, vectors }: Table,
  { onProgress, signal }: ExportOptions,
): AsyncGenerator<string> {
  const head = ["path", "label", "label_original", ...numbers.map(([name]) => name)];
  if (captured) head.push("captured_at");
  for (const { name, width } of vectors) {
    for (let index = 1; index <= width; index += 1) head.push(`${name === "pca" ? "pca" : "f"}${index}`);
  }
  yield `${head.join(",")}\n`;
  const step = Math.max(1, Math.floor(CELLS / head.length));
  let lines: string[] = [];
  for (const [place, row] of rows.entries()) {
    const cells = [data.pathOf(row), data.labelOf(row), data.originalLabelOf(row)].map(csvField);
    for (const [, values] of numbers) cells.push(csvNumber(values[row] as number));
    if (captured) cells.push(csvTime(captured[row] as number));
    for (const { values, width } of vectors) {
      for (let at = place * width; at < (place + 1) * width; at += 1) {
        cells.push(csvFloat(values[at] as number));
      }
    }
    lines.push(cells.join(","));
    if ((place + 1) % step !== 0) continue;
    throwIfCancelled(signal);
    onProgress?.(place + 1);
    yield `${lines.join("\n")}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join("\n")}\n`;
  throwIfCancelled(signal);
  onProgress?.(rows.length);
}

/** Nine digits give every float32 back. Without a pass to drop trailing zeros: that would take four times as long. */
function csvFloat(value: number): string {
  if (value === 0) return "0";
  return Number.isNaN(value) ? "" : value.toPrecision(9);
}

/** With a blank for the T of ISO 8601, and always with milliseconds: spreadsheets and pandas take a column of these for times. */
function csvTime(micros: number): string {
  return Number.isNaN(micros) ? "" : localTime(micros).replace("T", " ");
}

function csvNumber(value: number): string {
  return Number.isNaN(value) ? "" : String(value);
}

function csvField(value: string | null): string {
  if (value === null) return "";
  return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
