/** One part of a run while its images are being embedded. */
import { existsSync, rmSync } from "node:fs";
import type { CaptureTime } from "../../native/image.js";
import { openParquet, writePart } from "../../native/parquet.js";
import {
  copyFacts,
  factColumnNames,
  factColumns,
  factsOf,
  holdsTimes,
  noFacts,
  type PhotoFacts,
  setTime,
} from "../embed/photo-facts.js";
import type { EmbeddedBatch, ImageFailure } from "../embed/protocol.js";
import { errorCode } from "../errors.js";
import type { ManifestEntries } from "../manifest/index.js";

/** Compression of every Parquet file of a run. */
export const COMPRESSION = "zstd";

export interface FailedImage {
  readonly stage: string;
  readonly code: string;
  readonly message: string;
}

/** The embedded rows of a part that now stands, contiguous. */
export interface WrittenPart {
  readonly features: Float32Array;
  readonly rows: number;
  /** Microseconds, NaN where unknown. */
  readonly capturedAt: Float64Array;
}

/** Metadata key that ties a checkpoint to the manifest it was made for. */
const DIGEST_KEY = "verger.manifest";

/**
 * The rows of one part, filled in any order. Row `r` is image `start + r` of the manifest; it is pending, embedded or
 * failed. Only embedded rows are written to `features/`, failed ones to `errors/`.
 */
export class PartBuffer {
  readonly features: Float32Array;
  private readonly facts: PhotoFacts;
  private readonly embedded: Uint8Array;
  private readonly failures = new Map<number, FailedImage>();
  private pendingRows: number;
  private compacted: number[] | undefined;

  /**
   * @param memory at least rows x dimension floats, reused from a part that has been written
   */
  constructor(
    readonly index: number,
    readonly start: number,
    readonly rows: number,
    readonly dimension: number,
    memory: Float32Array,
  ) {
    this.features = memory.subarray(0, rows * dimension);
    this.facts = noFacts(rows);
    this.embedded = new Uint8Array(rows);
    this.pendingRows = rows;
  }

  /** Rows that are neither embedded nor failed, ascending. */
  pending(): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.rows; row += 1) {
      if (this.embedded[row] === 0 && !this.failures.has(row)) rows.push(row);
    }
    return rows;
  }

  get embeddedRows(): number {
    return this.rows - this.pendingRows - this.failures.size;
  }

  get failedRows(): number {
    return this.failures.size;
  }

  /** Takes the embedded image `at` of `source`, whose features are rows of `dimension` values. */
  set(row: number, source: { readonly features: Float32Array; readonly facts: PhotoFacts }, at: number): void {
    this.features.set(source.features.subarray(at * this.dimension, (at + 1) * this.dimension), row * this.dimension);
    copyFacts(source.facts, at, this.facts, row);
    this.embedded[row] = 1;
    this.pendingRows -= 1;
  }

  /** Takes the time of capture of an image that was taken over without one. */
  date(row: number, time: CaptureTime): void {
    setTime(this.facts, row, time);
  }

  fail(row: number, failure: FailedImage): void {
    this.failures.set(row, failure);
    this.pendingRows -= 1;
  }

  /** Takes the result of a batch whose i-th image is row `rows[i]`. */
  take(rows: readonly number[], batch: EmbeddedBatch): void {
    const failed = new Map<number, ImageFailure>(batch.failures.map((failure) => [failure.index, failure]));
    for (const [position, row] of rows.entries()) {
      const failure = failed.get(position);
      if (failure) this.fail(row, failure);
      else this.set(row, batch, position);
    }
  }

  /**
   * Moves the embedded rows together at the front, in order.
   *
   * @returns their row numbers; `features` then holds as many rows
   */
  private compact(): number[] {
    if (this.compacted) return this.compacted;
    const rows: number[] = [];
    for (let row = 0; row < this.rows; row += 1) {
      if (this.embedded[row] === 0) continue;
      const to = rows.length;
      if (to !== row) {
        this.features.copyWithin(to * this.dimension, row * this.dimension, (row + 1) * this.dimension);
        copyFacts(this.facts, row, this.facts, to);
      }
      rows.push(row);
    }
    this.compacted = rows;
    return rows;
  }

  /**
   * Writes the errors first and the features last: a features part under its final name means the whole part stands.
   *
   * @returns what was written
   */
  async write(entries: ManifestEntries, files: { features: string; errors: string }): Promise<WrittenPart> {
    if (this.failures.size > 0) {
      const failed = [...this.failures].sort(([a], [b]) => a - b);
      await writePart(
        files.errors,
        [
          { name: "path", type: "string", values: failed.map(([row]) => entries.at(this.start + row).path) },
          { name: "stage", type: "string", values: failed.map(([, failure]) => failure.stage) },
          { name: "code", type: "string", values: failed.map(([, failure]) => failure.code) },
          { name: "message", type: "string", values: failed.map(([, failure]) => failure.message) },
        ],
        failed.length,
        { compression: COMPRESSION },
      );
    }
    // A kill between the two files may have left errors of images that have been mended since.
    if (this.failures.size === 0) rmSync(files.errors, { force: true });
    const rows = this.compact();
    const features = this.features.subarray(0, rows.length * this.dimension);
    await writePart(
      files.features,
      [
        { name: "path", type: "string", values: rows.map((row) => entries.at(this.start + row).path) },
        {
          name: "label",
          type: "string",
          nullable: true,
          values: rows.map((row) => entries.at(this.start + row).label),
        },
        ...factColumns(this.facts, rows.length),
        { name: "features", type: "list<float32>", values: features, width: this.dimension },
      ],
      rows.length,
      { compression: COMPRESSION },
    );
    return { features, rows: rows.length, capturedAt: this.facts.capturedAt.subarray(0, rows.length) };
  }

  /** Saves what an interrupted part has so far, so that a resumed run need not embed it again. */
  async saveCheckpoint(file: string, digest: string): Promise<void> {
    const rows = this.compact();
    if (rows.length === 0) return;
    await writePart(
      file,
      [
        { name: "row", type: "int32", values: Int32Array.from(rows) },
        ...factColumns(this.facts, rows.length),
        {
          name: "features",
          type: "list<float32>",
          values: this.features.subarray(0, rows.length * this.dimension),
          width: this.dimension,
        },
      ],
      rows.length,
      { compression: "none", metadata: { [DIGEST_KEY]: digest } },
    );
  }

  /** Takes rows over from a checkpoint of the same manifest and format; any other file there is removed. */
  async loadCheckpoint(file: string, digest: string): Promise<void> {
    if (!existsSync(file)) return;
    try {
      const parquet = await openParquet(file);
      try {
        if (parquet.metadata[DIGEST_KEY] !== digest || !holdsTimes(parquet.columns)) return;
        const names = ["row", ...factColumnNames(parquet.columns), "features"];
        for (let group = 0; group < parquet.rowGroups.length; group += 1) {
          const columns = await parquet.readRowGroup(group, names);
          const { row: rows, width, height, features } = columns;
          if (!(rows instanceof Int32Array && width instanceof Int32Array && height instanceof Int32Array)) return;
          if (!(features instanceof Float32Array) || features.length !== rows.length * this.dimension) return;
          const source = { features, facts: factsOf(columns) };
          for (const [position, row] of rows.entries()) {
            if (row < 0 || row >= this.rows || this.embedded[row] !== 0 || this.failures.has(row)) continue;
            this.set(row, source, position);
          }
        }
      } finally {
        await parquet.close();
      }
    } catch (error) {
      // A checkpoint only saves work: a damaged one costs some images being embedded again.
      if (!errorCode(error).startsWith("parquet/")) throw error;
    } finally {
      rmSync(file, { force: true });
    }
  }
}
