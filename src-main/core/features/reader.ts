/** What the two ways of reading a file, the native one and the general one, have in common. */

import { VergerError } from "../errors.js";

/** Rows under way: filled from the front, never beyond `capacity`. */
export interface Filling {
  readonly capacity: number;
  readonly dimension: number;
  /** capacity x dimension. */
  readonly features: Float32Array;
  readonly paths: string[];
  readonly labels: (string | null)[];
}

/** Reads one file's rows in order, once. */
export interface FileReader {
  /** Adds rows to `filling`; returns how many, 0 only at the end of the file. */
  read(filling: Filling, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

/** One file of features whose schema has been checked. */
export interface FeatureFile {
  readonly path: string;
  readonly rows: number;
  /** The length of the first row's vector. Call only when there are rows. */
  dimension(): Promise<number>;
  reader(): FileReader;
}

/** @param row counted from 0 */
export function nullError(file: string, row: number, what: string): VergerError {
  return new VergerError(
    "features/null",
    `Expected a path and a feature vector without nulls in every row, but row ${row + 1} of ${file} has ${what}; ` +
      "remove that row or compute its features again.",
    { details: { file, row: row + 1 } },
  );
}

/** @param row counted from 0 */
export function raggedError(file: string, row: number, expected: number, received: number): VergerError {
  return new VergerError(
    "features/ragged",
    `Expected every feature vector to have ${expected} values, but row ${row + 1} of ${file} has ${received}; ` +
      "features of different models cannot be mixed.",
    { details: { file, row: row + 1 } },
  );
}

/** The length of a file's first vector; a vector of nothing is refused. */
export function checkDimension(file: string, dimension: number): number {
  if (dimension > 0) return dimension;
  throw new VergerError(
    "features/ragged",
    `Expected feature vectors of at least one value, but row 1 of ${file} has none; compute the features again.`,
    { details: { file, row: 1 } },
  );
}

/** One row of Spark ML's VectorUDT. */
export interface MlVector {
  /** 0 sparse, 1 dense. */
  readonly type: number;
  /** Length of a sparse vector. */
  readonly size: number;
  readonly indices: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export function vectorLength(vector: MlVector): number {
  return vector.type === 0 ? vector.size : vector.values.length;
}

/** Writes a vector, sparse ones filled with zeros, to `out[offset ...]`. */
export function expandVector(vector: MlVector, file: string, row: number, out: Float32Array, offset: number): void {
  if (vector.type !== 0) {
    out.set(vector.values, offset);
    return;
  }
  out.fill(0, offset, offset + vector.size);
  for (let i = 0; i < vector.values.length; i += 1) {
    const index = vector.indices[i] ?? -1;
    if (index < 0 || index >= vector.size) {
      throw new VergerError(
        "features/columns",
        `Expected the indices of a sparse vector to be below its size ${vector.size}, but row ${row + 1} of ${file} ` +
          `has ${index}; write the features again.`,
        { details: { file, row: row + 1 } },
      );
    }
    out[offset + index] = vector.values[i] ?? 0;
  }
}
