/** Where feature vectors come from, whoever wrote them. */

/** Consecutive rows of a feature source. */
export interface FeatureBlock {
  readonly rows: number;
  readonly paths: readonly string[];
  /** `null` where the source has no label. */
  readonly labels: readonly (string | null)[];
  /** rows x dimension, row-major. Valid until the next block is asked for. */
  readonly features: Float32Array;
}

/** Feature vectors that can be streamed any number of times in the same order. */
export interface FeatureSource {
  /** Length of every feature vector; 0 when there are no rows. */
  readonly dimension: number;
  readonly rows: number;
  readonly files: readonly string[];
  /** Streams all rows in file order, a bounded number at a time. */
  blocks(options?: { signal?: AbortSignal | undefined }): AsyncIterable<FeatureBlock>;
}
