/** What decoding tells of photos beside their features: one array a fact, as threads hand them over and files hold them. */
import type { CaptureTime, ImageResult } from "../../native/image.js";
import type { Column, ColumnInfo, ColumnValues } from "../../native/parquet.js";

/** Facts of several photos, one value each. */
export interface PhotoFacts {
  /** Pixels of the original, EXIF orientation applied. */
  readonly widths: Int32Array<ArrayBuffer>;
  readonly heights: Int32Array<ArrayBuffer>;
  /** Microseconds, as `CaptureTime.capturedAt`; NaN where unknown. */
  readonly capturedAt: Float64Array<ArrayBuffer>;
  /** Minutes, as `CaptureTime.capturedOffset`; NaN where unknown. */
  readonly capturedOffsets: Float64Array<ArrayBuffer>;
}

/** Columns of every version of the run format, and those that came with a later one: runs of before have none. */
const SIZE_COLUMNS = ["width", "height"] as const;
const TIME_COLUMNS = ["captured_at", "captured_offset"] as const;

/** Room for the facts of `rows` photos, none of them known. */
export function noFacts(rows: number): PhotoFacts {
  return {
    widths: new Int32Array(rows),
    heights: new Int32Array(rows),
    capturedAt: new Float64Array(rows).fill(Number.NaN),
    capturedOffsets: new Float64Array(rows).fill(Number.NaN),
  };
}

/** Takes what the decoder has told of one photo. */
export function setFacts(facts: PhotoFacts, row: number, image: Extract<ImageResult, { ok: true }>): void {
  facts.widths[row] = image.width;
  facts.heights[row] = image.height;
  setTime(facts, row, image);
}

/** Takes the time of capture alone. */
export function setTime(facts: PhotoFacts, row: number, { capturedAt, capturedOffset }: CaptureTime): void {
  facts.capturedAt[row] = capturedAt ?? Number.NaN;
  facts.capturedOffsets[row] = capturedOffset ?? Number.NaN;
}

/** Copies one photo's facts; both may be the same. */
export function copyFacts(from: PhotoFacts, fromRow: number, to: PhotoFacts, toRow: number): void {
  to.widths[toRow] = from.widths[fromRow] as number;
  to.heights[toRow] = from.heights[fromRow] as number;
  to.capturedAt[toRow] = from.capturedAt[fromRow] as number;
  to.capturedOffsets[toRow] = from.capturedOffsets[fromRow] as number;
}

/** The buffers, to be handed to another thread. */
export function factBuffers(facts: PhotoFacts): ArrayBuffer[] {
  return [facts.widths.buffer, facts.heights.buffer, facts.capturedAt.buffer, facts.capturedOffsets.buffer];
}

/** The first `rows` facts as columns of a part. */
export function factColumns(facts: PhotoFacts, rows: number): Column[] {
  const offsets = facts.capturedOffsets.subarray(0, rows);
  return [
    { name: "width", type: "int32", values: facts.widths.subarray(0, rows) },
    { name: "height", type: "int32", values: facts.heights.subarray(0, rows) },
    capturedColumn(facts.capturedAt.subarray(0, rows)),
    {
      name: "captured_offset",
      type: "int32",
      nullable: true,
      values: Int32Array.from(offsets, orZero),
      validity: validityOf(offsets),
    },
  ];
}

/** The column `captured_at` of these times in microseconds, null where NaN. */
export function capturedColumn(times: Float64Array): Column {
  const values = BigInt64Array.from(times, (time) => BigInt(orZero(time)));
  return { name: "captured_at", type: "local-timestamp", nullable: true, values, validity: validityOf(times) };
}

/** A null row has a place among the values, which holds no NaN. */
function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}

function validityOf(values: Float64Array): Uint8Array {
  return Uint8Array.from(values, (value) => (Number.isNaN(value) ? 0 : 1));
}

/** True for a part that says when its photos were taken, or that they do not say: not one of before there was a column. */
export function holdsTimes(columns: readonly ColumnInfo[]): boolean {
  return TIME_COLUMNS.every((wanted) => columns.some(({ name }) => name === wanted));
}

/** The names of the columns that a part has for the facts. */
export function factColumnNames(columns: readonly ColumnInfo[]): string[] {
  return [...SIZE_COLUMNS, ...(holdsTimes(columns) ? TIME_COLUMNS : [])];
}

/** Facts read back from the columns of one row group; the columns may lack what they lacked in earlier versions. */
export function factsOf(columns: Readonly<Record<string, ColumnValues>>): PhotoFacts {
  const widths = columns.width as Int32Array<ArrayBuffer>;
  return {
    widths,
    heights: columns.height as Int32Array<ArrayBuffer>,
    capturedAt: numbersOf(columns.captured_at, widths.length),
    capturedOffsets: numbersOf(columns.captured_offset, widths.length),
  };
}

/** A column of numbers with NaN for null, and for all rows where there is no such column. */
export function numbersOf(values: ColumnValues | undefined, rows: number): Float64Array<ArrayBuffer> {
  const numbers = new Float64Array(rows).fill(Number.NaN);
  if (values === undefined) return numbers;
  for (let row = 0; row < rows; row += 1) {
    const value = values[row];
    if (value !== null && value !== undefined) numbers[row] = Number(value);
  }
  return numbers;
}

/** A camera's date and time as ISO 8601 without a time zone, to the millisecond. @param micros as `CaptureTime.capturedAt` */
export function localTime(micros: number): string {
  // Its clock is counted as if it kept UTC, so the text of that instant in UTC is what it showed.
  return new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1);
}
