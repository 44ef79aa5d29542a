/** Features through the native Parquet reader: the fast way, for nearly every file. */

import type { FeatureColumnNames } from "../../api/contract.js";
import {
  type ColumnInfo,
  openParquet,
  type ParquetFile,
  type RawColumn,
  type RowCursor,
} from "../../native/parquet.js";
import { VergerError } from "../errors.js";
import { chooseColumns, type FeatureColumns, partitionLabel, VECTOR_FIELDS } from "./columns.js";
import {
  checkDimension,
  expandVector,
  type FeatureFile,
  type FileReader,
  type Filling,
  type MlVector,
  nullError,
  raggedError,
  vectorLength,
} from "./reader.js";

/**
 * Checks a file's schema.
 *
 * @throws VergerError `features/columns`; `parquet/unsupported` when the general reader must read it; Error
 *   `parquet/corrupt`, `storage/*`
 */
export async function openNativeFile(path: string, wanted?: FeatureColumnNames): Promise<FeatureFile> {
  const parquet = await openParquet(path);
  try {
    const columns = chooseColumns(path, parquet.columns, wanted);
    const names = columnNames(columns);
    for (const column of parquet.columns) {
      if (names.includes(column.name) && column.unsupported !== "") {
        throw new VergerError(
          "parquet/unsupported",
          `Expected column ${column.name} of ${path} in a form the native reader knows, but ${column.unsupported}.`,
        );
      }
    }
    return new NativeFile(path, parquet.rows, columns, names, parquet.columns);
  } finally {
    await parquet.close();
  }
}

/** The features first: a list column that stops early decides how many rows the others give. */
function columnNames(columns: FeatureColumns): string[] {
  const features =
    columns.shape === "list" ? [columns.features] : VECTOR_FIELDS.map((field) => `${columns.features}.${field}`);
  return [...features, columns.path, ...(columns.label === null ? [] : [columns.label])];
}

class NativeFile implements FeatureFile {
  constructor(
    readonly path: string,
    readonly rows: number,
    readonly columns: FeatureColumns,
    readonly names: readonly string[],
    readonly schema: readonly ColumnInfo[],
  ) {}

  async dimension(): Promise<number> {
    const parquet = await openParquet(this.path);
    try {
      const group = parquet.rowGroups.findIndex(({ rows }) => rows > 0);
      const count = this.names.length - (this.columns.label === null ? 1 : 2);
      const { columns } = await parquet.cursor(group, this.names.slice(0, count)).read(1);
      if (this.columns.shape === "vector") {
        return checkDimension(this.path, vectorLength(new VectorRows(this.path, columns).at(0, 0)));
      }
      const list = required(columns[0]);
      if (list.validity?.[0] === 0) throw nullError(this.path, 0, "a null feature vector");
      return checkDimension(this.path, list.values.length);
    } finally {
      await parquet.close();
    }
  }

  reader(): FileReader {
    return new NativeReader(this);
  }
}

class NativeReader implements FileReader {
  private readonly fallbackLabel: string | null;
  private parquet: ParquetFile | undefined;
  private cursor: RowCursor | undefined;
  private group = 0;
  /** Rows of the file read so far. */
  private row = 0;

  constructor(private readonly file: NativeFile) {
    this.fallbackLabel = file.columns.folderLabels ? partitionLabel(file.path) : null;
  }

  async read(filling: Filling, signal: AbortSignal): Promise<number> {
    this.parquet ??= await openParquet(this.file.path);
    while (this.group < this.parquet.rowGroups.length) {
      this.cursor ??= this.parquet.cursor(this.group, this.file.names);
      const rows = await this.readRows(this.cursor, filling, signal);
      if (rows > 0) return rows;
      this.cursor = undefined;
      this.group += 1;
    }
    return 0;
  }

  private async readRows(cursor: RowCursor, filling: Filling, signal: AbortSignal): Promise<number> {
    const { path, names, columns: chosen } = this.file;
    const { capacity, dimension, features } = filling;
    const begun = filling.paths.length;
    const offset = begun * dimension;
    const target = chosen.shape === "list" ? { column: 0, values: features, offset, width: dimension } : undefined;
    const { rows, columns } = await cursor.read(capacity - begun, target ? { target, signal } : { signal });
    if (rows === 0) return 0;
    if (chosen.shape === "vector") {
      const vectors = new VectorRows(path, columns);
      for (let row = 0; row < rows; row += 1) {
        const vector = vectors.at(row, this.row + row);
        const length = vectorLength(vector);
        if (length !== dimension) throw raggedError(path, this.row + row, dimension, length);
        expandVector(vector, path, this.row + row, features, offset + row * dimension);
      }
    }
    const at = names.length - (chosen.label === null ? 1 : 2);
    const paths = required(columns[at]).values as (string | null)[];
    for (let row = 0; row < rows; row += 1) {
      const text = paths[row];
      if (typeof text !== "string") throw nullError(path, this.row + row, "no path");
      filling.paths.push(text);
    }
    const labels = chosen.label === null ? undefined : required(columns[at + 1]);
    for (let row = 0; row < rows; row += 1) {
      if (!labels) filling.labels.push(this.fallbackLabel);
      else if (labels.validity?.[row] === 0) filling.labels.push(null);
      else {
        const label = labels.values[row];
        filling.labels.push(label === null || label === undefined ? null : String(label));
      }
    }
    this.row += rows;
    return rows;
  }

  async close(): Promise<void> {
    this.cursor = undefined;
    await this.parquet?.close();
    this.parquet = undefined;
  }
}

/** The rows of a Spark ML vector column, read as its four fields. */
class VectorRows {
  private readonly type: RawColumn;
  private readonly size: RawColumn;
  private readonly indices: RawColumn;
  private readonly values: RawColumn;

  constructor(
    private readonly path: string,
    columns: readonly (RawColumn | null)[],
  ) {
    [this.type, this.size, this.indices, this.values] = [0, 1, 2, 3].map((field) => required(columns[field])) as [
      RawColumn,
      RawColumn,
      RawColumn,
      RawColumn,
    ];
  }

  /**
   * @param row among the rows read
   * @param fileRow in the file, for messages
   */
  at(row: number, fileRow: number): MlVector {
    const { type, size, indices, values } = this;
    if (type.validity?.[row] === 0 || values.validity?.[row] === 0) {
      throw nullError(this.path, fileRow, "a null feature vector");
    }
    if (values.nullElementRow === row || indices.nullElementRow === row) {
      throw nullError(this.path, fileRow, "a null value");
    }
    return {
      type: Number(type.values[row]),
      size: Number(size.values[row]),
      indices: slice(indices, row),
      values: slice(values, row),
    };
  }
}

function slice(column: RawColumn, row: number): ArrayLike<number> {
  return (column.values as Float64Array).subarray(column.offsets?.[row], column.offsets?.[row + 1]);
}

function required(column: RawColumn | null | undefined): RawColumn {
  if (!column) throw new VergerError("internal", "A column is missing from what the addon has read.");
  return column;
}
