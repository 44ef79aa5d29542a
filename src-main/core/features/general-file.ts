/**
 * Features through parquet-wasm and Arrow: slower and larger in memory (a WebAssembly heap that holds a few thousand
 * rows), for the codecs, encodings and types that the native reader leaves out. Rows are streamed in batches; row
 * groups are never read whole.
 */

import { openAsBlob } from "node:fs";
import type { DataType, Field, RecordBatch, Vector } from "apache-arrow";
import type { FeatureColumnNames } from "../../api/contract.js";
import { errorMessage, throwIfCancelled, VergerError } from "../errors.js";
import { chooseColumns, type FeatureColumns, type NamedColumn, partitionLabel, VECTOR_FIELDS } from "./columns.js";
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

const BATCH_ROWS = 256;

type Arrow = typeof import("apache-arrow");
type Wasm = typeof import("parquet-wasm");
type WasmFile = import("parquet-wasm").ParquetFile;

/** Loaded at first use: most runs never need it. */
async function load(): Promise<{ arrow: Arrow; wasm: Wasm }> {
  const [arrow, wasm] = await Promise.all([import("apache-arrow"), import("parquet-wasm")]);
  return { arrow, wasm };
}

/** The general reader's failures, in our words. */
function unreadable(path: string, cause: unknown): VergerError {
  if (cause instanceof VergerError) return cause;
  return new VergerError(
    "parquet/unsupported",
    `Expected ${path} to be a Parquet file that Verger can read, but reading it failed: ${errorMessage(cause)}; ` +
      "rewrite it with pyarrow, pandas or Spark.",
    { cause },
  );
}

/**
 * Checks a file's schema.
 *
 * @throws VergerError `features/columns`, `parquet/unsupported`
 */
export async function openGeneralFile(path: string, wanted?: FeatureColumnNames): Promise<FeatureFile> {
  const { rows, columns } = await generalColumns(path);
  return new GeneralFile(path, rows, chooseColumns(path, columns, wanted));
}

/** A file's rows and columns, structs as their fields. @throws VergerError `parquet/unsupported` */
export async function generalColumns(path: string): Promise<{ rows: number; columns: NamedColumn[] }> {
  const { arrow, wasm } = await load();
  let file: WasmFile | undefined;
  try {
    file = await wasm.ParquetFile.fromFile(await openAsBlob(path));
    const { schema } = arrow.tableFromIPC(file.schema().intoIPCStream());
    const columns = schema.fields.flatMap((field) => describe(arrow, field));
    return { rows: file.metadata().fileMetadata().numRows(), columns };
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    file?.free();
  }
}

/** An Arrow field in the words of `chooseColumns`; structs as their fields. */
function describe(arrow: Arrow, field: Field): NamedColumn[] {
  const type = field.type as DataType;
  if (arrow.DataType.isStruct(type)) {
    return type.children.flatMap((child) =>
      describe(arrow, child).map((column) => ({ ...column, name: `${field.name}.${column.name}` })),
    );
  }
  return [{ name: field.name, type: typeName(arrow, type) }];
}

function typeName(arrow: Arrow, type: DataType): string {
  const { DataType, Precision } = arrow;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return "string";
  if (DataType.isDictionary(type)) return typeName(arrow, type.dictionary as DataType);
  if (DataType.isInt(type)) return type.bitWidth === 64 ? "int64" : "int32";
  if (DataType.isFloat(type)) {
    return type.precision === Precision.HALF ? "float16" : type.precision === Precision.SINGLE ? "float32" : "float64";
  }
  if (isList(arrow, type)) {
    const element = type.children[0]?.type as DataType | undefined;
    return `list<${element ? typeName(arrow, element) : "other"}>`;
  }
  return String(type);
}

function isList(arrow: Arrow, type: DataType): boolean {
  const { DataType, Type } = arrow;
  return DataType.isList(type) || DataType.isFixedSizeList(type) || (type.typeId as number) === Type.LargeList;
}

class GeneralFile implements FeatureFile {
  constructor(
    readonly path: string,
    readonly rows: number,
    readonly columns: FeatureColumns,
  ) {}

  async dimension(): Promise<number> {
    const batches = new Batches(this);
    try {
      const batch = await batches.next();
      if (!batch) return 0;
      return checkDimension(this.path, vectorLength(vectorAt(this, batch, 0, 0)));
    } finally {
      await batches.close();
    }
  }

  reader(): FileReader {
    return new GeneralReader(this);
  }
}

/** The record batches of a file, pulled one by one. */
class Batches {
  private arrow: Arrow | undefined;
  private file: WasmFile | undefined;
  private stream: ReadableStreamDefaultReader<import("parquet-wasm").RecordBatch> | undefined;

  constructor(private readonly source: GeneralFile) {}

  async next(): Promise<RecordBatch | undefined> {
    const { path, columns } = this.source;
    try {
      if (!this.stream) {
        const { arrow, wasm } = await load();
        this.arrow = arrow;
        this.file = await wasm.ParquetFile.fromFile(await openAsBlob(path));
        const names = [columns.path, columns.features, ...(columns.label === null ? [] : [columns.label])];
        this.stream = (await this.file.stream({ batchSize: BATCH_ROWS, columns: names })).getReader();
      }
      for (;;) {
        const { done, value } = await this.stream.read();
        if (done || !value) return undefined;
        const batch = this.arrow?.tableFromIPC(value.intoIPCStream()).batches[0];
        if (batch && batch.numRows > 0) return batch;
      }
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  async close(): Promise<void> {
    await this.stream?.cancel().catch(() => undefined);
    this.stream = undefined;
    this.file?.free();
    this.file = undefined;
  }
}

class GeneralReader implements FileReader {
  private readonly batches: Batches;
  private readonly fallbackLabel: string | null;
  private batch: RecordBatch | undefined;
  /** Rows of the batch, and of the file, used so far. */
  private used = 0;
  private row = 0;

  constructor(private readonly file: GeneralFile) {
    this.batches = new Batches(file);
    this.fallbackLabel = file.columns.folderLabels ? partitionLabel(file.path) : null;
  }

  async read(filling: Filling, signal: AbortSignal): Promise<number> {
    throwIfCancelled(signal);
    if (!this.batch) {
      this.batch = await this.batches.next();
      this.used = 0;
    }
    const { batch, file } = this;
    if (!batch) return 0;
    const paths = batch.getChild(file.columns.path);
    const labels = file.columns.label === null ? null : batch.getChild(file.columns.label);
    const { dimension, features } = filling;
    const rows = Math.min(batch.numRows - this.used, filling.capacity - filling.paths.length);
    for (let i = 0; i < rows; i += 1) {
      const vector = vectorAt(file, batch, this.used, this.row);
      const length = vectorLength(vector);
      if (length !== dimension) throw raggedError(file.path, this.row, dimension, length);
      expandVector(vector, file.path, this.row, features, filling.paths.length * dimension);
      const text = paths?.get(this.used) as string | null | undefined;
      if (typeof text !== "string") throw nullError(file.path, this.row, "no path");
      const label = labels?.get(this.used) as string | number | bigint | null | undefined;
      filling.paths.push(text);
      filling.labels.push(labels ? (label === null || label === undefined ? null : String(label)) : this.fallbackLabel);
      this.used += 1;
      this.row += 1;
    }
    if (this.used === batch.numRows) this.batch = undefined;
    return rows;
  }

  async close(): Promise<void> {
    this.batch = undefined;
    await this.batches.close();
  }
}

/** One row's features: plain lists answer as dense vectors. */
function vectorAt(file: GeneralFile, batch: RecordBatch, row: number, fileRow: number): MlVector {
  const column = batch.getChild(file.columns.features);
  const value: unknown = column?.get(row);
  if (value === null || value === undefined) throw nullError(file.path, fileRow, "a null feature vector");
  if (file.columns.shape === "list") {
    return { type: 1, size: 0, indices: [], values: numbers(file, value as Vector, fileRow) };
  }
  const [type, size, indices, values] = VECTOR_FIELDS.map((field) => (value as Record<string, unknown>)[field]);
  if (type === null || type === undefined || !values) throw nullError(file.path, fileRow, "a null feature vector");
  return {
    type: Number(type),
    size: Number(size ?? 0),
    indices: indices ? numbers(file, indices as Vector, fileRow) : [],
    values: numbers(file, values as Vector, fileRow),
  };
}

function numbers(file: GeneralFile, vector: Vector, fileRow: number): ArrayLike<number> {
  if (vector.nullCount > 0) throw nullError(file.path, fileRow, "a null value");
  return vector.toArray() as ArrayLike<number>;
}
