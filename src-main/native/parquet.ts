import { VergerError } from "../core/errors.js";
import { addon } from "./addon.js";
import { type NativeJob, withSignal } from "./job.js";

/**
 * One column of a part, with a value for every row. A nullable column is optional in the schema even when no row is
 * null, so that every part of a run has the same schema; `validity` holds one byte per row, 0 for null.
 */
export type Column =
  | { name: string; type: "string"; values: readonly (string | null)[]; nullable?: boolean }
  | { name: string; type: "int32"; values: Int32Array; nullable?: boolean; validity?: Uint8Array }
  | { name: string; type: "int64"; values: BigInt64Array; nullable?: boolean; validity?: Uint8Array }
  /** Microseconds since 1970 in UTC. */
  | { name: string; type: "timestamp"; values: BigInt64Array; nullable?: boolean; validity?: Uint8Array }
  /** What a clock showed, without a time zone: microseconds from 1970-01-01 00:00:00 of the same clock. */
  | { name: string; type: "local-timestamp"; values: BigInt64Array; nullable?: boolean; validity?: Uint8Array }
  | { name: string; type: "float64"; values: Float64Array; nullable?: boolean; validity?: Uint8Array }
  /** 0 or 1 per row. */
  | { name: string; type: "boolean"; values: Uint8Array; nullable?: boolean; validity?: Uint8Array }
  /** rows x width values, row after row. */
  | { name: string; type: "list<float32>"; values: Float32Array; width: number }
  /** Lists of uneven length: row `i` is `values[offsets[i] .. offsets[i + 1]]`. */
  | { name: string; type: "list<float32>"; values: Float32Array; offsets: Uint32Array };

export interface WritePartOptions {
  /** Default `zstd`. `snappy` only in builds that have it. */
  compression?: "zstd" | "snappy" | "none";
  /** zstd's level, 1 (the default) to 22. */
  level?: number;
  /** Rows of one row group; default 2,000. */
  rowGroupRows?: number;
  /** Key-value pairs of the file's footer. */
  metadata?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

/**
 * Writes one Parquet file: beside its final name, flushed to the disk, then renamed. Equal columns give equal bytes.
 * The typed arrays must not change until the promise settles.
 *
 * @param file its folder must exist
 * @param rows how many rows of each column to write; the arrays may be longer
 * @returns the file's size
 * @throws Error with code `storage/disk-full`, `storage/read-only`, `storage/not-found`, `storage/write`,
 *   `parquet/unsupported`, `cancelled` or `native/argument`; the final name is untouched then
 */
export function writePart(
  file: string,
  columns: readonly Column[],
  rows: number,
  options: WritePartOptions = {},
): Promise<{ bytes: number }> {
  const { compression = "zstd", level = 1, rowGroupRows = 2_000, metadata = {}, signal } = options;
  const spec = { path: file, columns, rows, compression, level, rowGroupRows, metadata: Object.entries(metadata) };
  return withSignal(() => addon<RawParquet>().parquetWrite(spec), signal);
}

/** A column as a file's schema has it. */
export interface ColumnInfo {
  /** Names joined by dots, without the wrappers of lists: `features`, or `features.values` inside a struct. */
  readonly name: string;
  /**
   * `boolean`, `int32`, `int64`, `timestamp` (UTC, microseconds), `local-timestamp` (without a time zone, microseconds),
   * `float32`, `float64`, `string`, `binary`, `other`, or one of them in `list<...>`.
   */
  readonly type: string;
  readonly nullable: boolean;
  /** Why this reader cannot read the column; empty when it can. */
  readonly unsupported: string;
}

/**
 * A column's values: typed arrays for numbers (plain arrays with `null` where a row is null), 0 or 1 for booleans,
 * microseconds for timestamps. Lists of one length without nulls come as one typed array, row after row; other lists as
 * one array per row.
 */
export type ColumnValues =
  | (string | null)[]
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | Uint8Array
  | (number | bigint | null)[]
  | (NumberArray | null)[];

type NumberArray = Int32Array | BigInt64Array | Float32Array | Float64Array;

/** An open Parquet file. */
export interface ParquetFile {
  readonly path: string;
  readonly rows: number;
  readonly rowGroups: readonly { readonly rows: number }[];
  readonly columns: readonly ColumnInfo[];
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Reads whole columns of one row group.
   *
   * @throws VergerError `parquet/column` when a name is not there; Error `parquet/corrupt`, `parquet/unsupported`,
   *   `storage/read`, `cancelled`
   */
  readRowGroup(
    index: number,
    names: readonly string[],
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Record<string, ColumnValues>>;
  /** Starts reading columns of one row group a few rows at a time. */
  cursor(rowGroup: number, names: readonly string[]): RowCursor;
  /** Frees the file, once a read under way has ended; its cursors are of no use afterwards. */
  close(): Promise<void>;
}

/** Rows that a cursor has read, as the addon hands them over. */
export interface RawColumn {
  readonly values: (string | null)[] | Uint8Array | NumberArray;
  /** One byte per row, 0 for null; absent when no row is null. */
  readonly validity?: Uint8Array;
  /** Lists: rows + 1 offsets into `values`. */
  readonly offsets?: Uint32Array;
  /** Lists: the first row with a null among its elements (which reads as 0), or -1. */
  readonly nullElementRow?: number;
}

/** Where a cursor puts a column of float lists that must all have `width` values: `values[offset ...]`. */
export interface ListTarget {
  /** Position among the cursor's columns. */
  readonly column: number;
  readonly values: Float32Array;
  readonly offset: number;
  readonly width: number;
}

/** Reads a row group in order, in memory bounded by its pages. One read at a time. */
export interface RowCursor {
  /**
   * The next rows, at most `maxRows`; 0 rows only at the end of the row group. The entry of the target's column is
   * `null`: its values are in the target, whose buffer must not be transferred meanwhile.
   *
   * @throws Error `parquet/corrupt`, `parquet/unsupported`, `storage/read`, `cancelled`; with a target also
   *   `features/ragged` and `features/null`, naming row and file. The cursor is of no use afterwards.
   */
  read(
    maxRows: number,
    options?: { target?: ListTarget; signal?: AbortSignal | undefined },
  ): Promise<{ rows: number; columns: (RawColumn | null)[] }>;
}

/**
 * Opens a Parquet file and reads its footer.
 *
 * @throws Error with code `storage/not-found`, `storage/read`, `parquet/corrupt` or `parquet/unsupported`
 */
export async function openParquet(file: string): Promise<ParquetFile> {
  const native = addon<RawParquet>();
  const handle = new native.ParquetFile();
  const opened = await handle.open(file).promise;
  const { columns, rows } = opened;
  const rowGroups = opened.rowGroups.map((count) => ({ rows: count }));

  const indexOf = (name: string): number => {
    const index = columns.findIndex((column) => column.name === name);
    if (index >= 0) return index;
    throw new VergerError(
      "parquet/column",
      `Expected a column named ${name} in ${file}, but it has ${columns.map((column) => column.name).join(", ")}.`,
    );
  };
  const cursor = (rowGroup: number, names: readonly string[]): RowCursor => {
    const raw = new native.ParquetCursor(handle, rowGroup, names.map(indexOf));
    return { read: (maxRows, { target, signal } = {}) => withSignal(() => raw.read(maxRows, target), signal) };
  };

  return {
    path: file,
    rows,
    rowGroups,
    columns,
    metadata: Object.fromEntries(opened.metadata),
    cursor,
    async readRowGroup(index, names, options = {}) {
      const wanted = rowGroups[index]?.rows;
      if (wanted === undefined) {
        throw new VergerError("native/argument", `Expected a row group below ${rowGroups.length}, received ${index}.`);
      }
      const reader = cursor(index, names);
      const pieces: { rows: number; columns: (RawColumn | null)[] }[] = [];
      for (let done = 0; done < wanted; ) {
        const piece = await reader.read(wanted - done, options);
        done += piece.rows;
        pieces.push(piece);
      }
      return Object.fromEntries(
        names.map((name, column) => [
          name,
          joinPieces(
            pieces.map((piece) => present(piece.rows, piece.columns[column])),
            columns[indexOf(name)]?.type ?? "other",
          ),
        ]),
      );
    },
    async close() {
      handle.close();
    },
  };
}

/**
 * Replaces a file's content as a whole: written beside it, flushed to the disk, renamed.
 *
 * @throws Error with code `storage/disk-full`, `storage/read-only`, `storage/not-found` or `storage/write`
 */
export function atomicWriteFile(file: string, data: Uint8Array | string): Promise<void> {
  return addon<RawParquet>().atomicWriteFile(file, data).promise;
}

/**
 * Makes renames and removals inside a folder survive a power cut.
 *
 * @throws Error with code `storage/not-found` or `storage/write`
 */
export function syncDirectory(folder: string): Promise<void> {
  return addon<RawParquet>().syncDirectory(folder).promise;
}

interface Piece extends RawColumn {
  readonly rows: number;
}

function present(rows: number, column: RawColumn | null | undefined): Piece {
  if (!column) throw new VergerError("internal", "A column is missing from what the addon has read.");
  return { rows, ...column };
}

/** A row group is one piece unless long lists have cut it into several. */
function joinPieces(pieces: readonly Piece[], type: string): ColumnValues {
  const [first] = pieces;
  if (!first) return emptyValues(type);
  if (first.offsets) return joinLists(pieces);
  if (pieces.some((piece) => piece.validity) && !Array.isArray(first.values)) {
    return pieces.flatMap((piece) =>
      Array.from<number | bigint, number | bigint | null>(piece.values as Iterable<number | bigint>, (value, row) =>
        piece.validity?.[row] === 0 ? null : value,
      ),
    );
  }
  if (Array.isArray(first.values)) {
    return pieces.length === 1 ? first.values : pieces.flatMap((piece) => piece.values as (string | null)[]);
  }
  return concatenate(pieces.map((piece) => piece.values as NumberArray | Uint8Array));
}

function joinLists(pieces: readonly Piece[]): ColumnValues {
  const rows = pieces.reduce((sum, piece) => sum + piece.rows, 0);
  const values = pieces.map((piece) => piece.values as NumberArray);
  const width = rows === 0 ? 0 : values.reduce((sum, part) => sum + part.length, 0) / rows;
  const even = pieces.every(
    (piece) => !piece.validity && piece.offsets?.every((offset, row) => offset === row * width),
  );
  if (even) return concatenate(values);
  return pieces.flatMap((piece, index) =>
    Array.from({ length: piece.rows }, (_, row) =>
      piece.validity?.[row] === 0
        ? null
        : ((values[index] as NumberArray).slice(piece.offsets?.[row], piece.offsets?.[row + 1]) as NumberArray),
    ),
  );
}

function concatenate<T extends NumberArray | Uint8Array>(parts: readonly T[]): T {
  const [first] = parts as readonly [T, ...T[]];
  if (parts.length === 1) return first;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new (first.constructor as new (length: number) => T)(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part as never, at);
    at += part.length;
  }
  return whole;
}

function emptyValues(type: string): ColumnValues {
  switch (type.replace(/^list<(.*)>$/, "$1")) {
    case "int32":
      return new Int32Array(0);
    case "int64":
    case "timestamp":
    case "local-timestamp":
      return new BigInt64Array(0);
    case "float32":
      return new Float32Array(0);
    case "float64":
      return new Float64Array(0);
    case "boolean":
      return new Uint8Array(0);
    default:
      return [];
  }
}

/** What the addon exports for this face (native/binding/parquet_binding.cc). */
interface RawParquet {
  parquetWrite(spec: NativeWriteSpec): NativeJob<{ bytes: number }>;
  atomicWriteFile(path: string, data: Uint8Array | string): NativeJob<void>;
  syncDirectory(path: string): NativeJob<void>;
  ParquetFile: new () => RawFile;
  ParquetCursor: new (file: RawFile, rowGroup: number, columns: number[]) => RawCursor;
}

interface NativeWriteSpec {
  path: string;
  columns: readonly Column[];
  rows: number;
  compression: string;
  level: number;
  rowGroupRows: number;
  metadata: [string, string][];
}

interface RawFile {
  open(path: string): NativeJob<{
    rows: number;
    rowGroups: number[];
    columns: ColumnInfo[];
    metadata: [string, string][];
  }>;
  close(): void;
}

interface RawCursor {
  read(maxRows: number, target?: ListTarget): NativeJob<{ rows: number; columns: (RawColumn | null)[] }>;
}
