/** Streaming PCA: the typed face of the addon's linear algebra (native/core/linalg). */
import { throwIfCancelled, VergerError } from "../core/errors.js";
import { addon } from "./addon.js";
import { type NativeJob, withSignal } from "./job.js";

/** How a native call runs. Results never depend on `threads`. */
export interface NativeOptions {
  /** Threads of the addon's pool to use; all of them by default. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type PcaSolver = "auto" | "exact" | "randomized";

export interface PcaOptions extends NativeOptions {
  /** Keep the fewest components whose explained variance ratios sum to more than this, in (0, 1]; default 0.8. */
  readonly variance?: number | undefined;
  /** Keep exactly this many components instead: 1 to min(rows, dimension). */
  readonly components?: number | undefined;
  /** Divide every feature by its sample standard deviation (1 where it is constant); default true. */
  readonly standardize?: boolean | undefined;
  /** Default `auto`: whichever is faster for the case. */
  readonly solver?: PcaSolver | undefined;
  /** Seed of the randomized solvers; equal seeds give equal results. Default 1. */
  readonly seed?: number | undefined;
}

/** Everything that makes up a model, ready to be saved. */
export interface PcaModelParts {
  /** Features per row, d. */
  readonly dimension: number;
  /** Components kept, k. */
  readonly components: number;
  /** Rows the model was fitted on. */
  readonly rows: number;
  readonly standardized: boolean;
  /** d means. */
  readonly mean: Float64Array;
  /** d divisors: sample standard deviations (n - 1), or all 1 when not standardised. */
  readonly scale: Float64Array;
  /** k x d, row-major: unit vectors, in each the largest |loading| is positive. */
  readonly loadings: Float32Array;
  /** k variances along the components (divisor n - 1), descending. */
  readonly explainedVariance: Float64Array;
  /** Variance of all features together. */
  readonly totalVariance: number;
  /** `exact`, `randomized` (on the Gram matrix) or `sketch` (on the rows). */
  readonly solver: string;
  /** Cycles or passes of the randomized solvers, 0 for `exact`. */
  readonly iterations: number;
  /** Largest |A v - lambda v| / lambda of the components kept, 0 for `exact`. */
  readonly residual: number;
}

interface NativeProjector {
  transform(rows: Float32Array, n: number, out: Float32Array, threads: number): NativeJob<Float32Array>;
}

interface NativeAccumulator {
  readonly dimension: number;
  readonly count: number;
  add(rows: Float32Array, n: number, threads: number): NativeJob<void>;
  merge(other: NativeAccumulator): NativeJob<void>;
  serialize(): NativeJob<Uint8Array<ArrayBuffer>>;
  fit(options: NativePcaOptions): NativeJob<PcaModelParts>;
}

interface NativeSketch {
  add(rows: Float32Array, n: number, threads: number): NativeJob<void>;
  endPass(threads: number): NativeJob<PcaModelParts | undefined>;
}

interface NativePcaOptions {
  components: number;
  variance: number;
  standardize: boolean;
  solver: number;
  seed: number;
  threads: number;
}

interface LinalgAddon {
  cosineSimilarities(
    rows: Float32Array,
    n: number,
    query: Float32Array,
    out: Float32Array,
    threads: number,
  ): NativeJob<Float32Array>;
  PcaAccumulator: new (dimensionOrState: number | Uint8Array) => NativeAccumulator;
  PcaSketch: new (dimension: number, options: NativePcaOptions) => NativeSketch;
  PcaProjector: new (
    dimension: number,
    components: number,
    mean: Float64Array,
    scale: Float64Array,
    loadings: Float32Array,
  ) => NativeProjector;
}

const SOLVERS: readonly PcaSolver[] = ["auto", "exact", "randomized"];

/** Checks what needs no data. @throws VergerError `pca/variance`, `pca/components` */
function nativePcaOptions(options: PcaOptions): NativePcaOptions {
  const { variance, components, standardize = true, solver = "auto", seed = 1, threads = 0 } = options;
  if (components !== undefined && !(Number.isSafeInteger(components) && components >= 1)) {
    throw new VergerError(
      "pca/components",
      `Expected the number of components to be a whole number of at least 1, but received ${components}.`,
    );
  }
  if (components === undefined && variance !== undefined && !(variance > 0 && variance <= 1)) {
    throw new VergerError(
      "pca/variance",
      `Expected the share of variance to keep to be above 0 and at most 1, but received ${variance}; 0.8 keeps 80 %.`,
    );
  }
  return {
    components: Math.min(components ?? 0, 1e9),
    variance: variance ?? 0.8,
    standardize,
    solver: SOLVERS.indexOf(solver),
    seed,
    threads,
  };
}

/**
 * Gathers count, mean and Gram matrix of feature rows in one pass, in memory that does not grow with them (about 8 d^2
 * bytes). The state depends on the sequence of rows alone: it is bitwise the same for any number of threads and any
 * slicing of the rows over `add` calls. Calls may overlap; they run in the order they were made.
 */
export class PcaAccumulator {
  readonly #native: NativeAccumulator;
  #queue: Promise<unknown> = Promise.resolve();
  #count: number;

  /**
   * @param dimension features per row, 1 to 32,768
   * @throws Error `native/argument`
   */
  constructor(dimension: number);
  /** @internal */
  constructor(state: NativeAccumulator);
  constructor(from: number | NativeAccumulator) {
    this.#native = typeof from === "object" ? from : new (addon<LinalgAddon>().PcaAccumulator)(from);
    this.#count = this.#native.count;
  }

  get dimension(): number {
    return this.#native.dimension;
  }

  /** Rows added by the calls that have ended. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds rows. The array must not change until the promise settles.
   *
   * @param rows n x dimension, row-major; may be longer
   * @throws Error `pca/not-finite` (names the row, counted from this accumulator's first, and the column, both from 0),
   *   `cancelled`, and from then on `pca/incomplete` for every later call
   */
  add(rows: Float32Array, n: number, options: NativeOptions = {}): Promise<void> {
    return this.#enqueue(async () => {
      await withSignal(() => this.#native.add(rows, n, options.threads ?? 0), options.signal);
      this.#count += n;
    });
  }

  /**
   * Adds all rows of another accumulator, which stays as it is. Exact to about 1e-12 of the variance.
   *
   * @throws Error `pca/dimension`, `pca/incomplete`
   */
  merge(other: PcaAccumulator): Promise<void> {
    const run = async () => {
      await this.#native.merge(other.#native).promise;
      this.#count += other === this ? this.#count : other.#count;
    };
    if (other === this) return this.#enqueue(run);
    // Both queues: the other must hold still meanwhile.
    const turn = Promise.all([this.#queue, other.#queue]).then(run);
    this.#queue = turn.catch(() => {});
    other.#queue = this.#queue;
    return turn;
  }

  /** The whole state as bytes, for another process or a later run. @throws Error `pca/incomplete` */
  serialize(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#enqueue(() => this.#native.serialize().promise);
  }

  /** @throws Error `pca/state` when the bytes are not whole */
  static deserialize(bytes: Uint8Array): PcaAccumulator {
    return new PcaAccumulator(new (addon<LinalgAddon>().PcaAccumulator)(bytes));
  }

  /** @internal see `fitPca` */
  fit(options: PcaOptions): Promise<PcaModelParts> {
    return this.#enqueue(() => withSignal(() => this.#native.fit(nativePcaOptions(options)), options.signal));
  }

  #enqueue<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(run);
    this.#queue = turn.catch(() => {});
    return turn;
  }
}

/**
 * Fits a PCA to the rows an accumulator has seen; the accumulator stays usable.
 *
 * @throws VergerError or Error `pca/variance`, `pca/components`, `pca/too-few-rows`, `pca/no-variance`, `pca/overflow`,
 *   `pca/incomplete`, `cancelled`
 */
export async function fitPca(accumulator: PcaAccumulator, options: PcaOptions = {}): Promise<PcaModel> {
  return new PcaModel(await accumulator.fit(options));
}

/**
 * PCA of wide rows in passes, without a d x d matrix: randomized block Krylov SVD (see native/core/linalg/sketch.h).
 * Add the same rows again in every pass until `endPass` returns the model:
 *
 *     do for (const block of rows) await svd.add(block, n); while (!(model = await svd.endPass()));
 *
 * The result depends on the sequence of rows and the seed alone. Calls must not overlap.
 */
export class RandomizedSvd {
  readonly #native: NativeSketch;
  readonly #options: NativeOptions;

  /**
   * @param dimension features per row, 1 to 1,048,576
   * @param options `solver` is ignored; `signal` and `threads` hold for every call
   * @throws VergerError `pca/variance`, `pca/components`
   */
  constructor(
    readonly dimension: number,
    options: PcaOptions = {},
  ) {
    this.#native = new (addon<LinalgAddon>().PcaSketch)(dimension, nativePcaOptions(options));
    this.#options = options;
  }

  /**
   * Adds the next rows of the current pass. The array must not change until the promise settles.
   *
   * @param rows n x dimension, row-major; may be longer
   * @throws Error `pca/not-finite` (row counted from the pass's first), `pca/incomplete`, `cancelled`
   */
  add(rows: Float32Array, n: number): Promise<void> {
    return withSignal(() => this.#native.add(rows, n, this.#options.threads ?? 0), this.#options.signal);
  }

  /**
   * Ends a pass.
   *
   * @returns the model, or `undefined` while another pass over the same rows is needed
   * @throws Error `pca/components`, `pca/too-few-rows`, `pca/no-variance`, `pca/rank` (the variance asked for is out of
   *   reach), `pca/source-changed` (other rows than in the first pass), `pca/incomplete`, `cancelled`
   */
  async endPass(): Promise<PcaModel | undefined> {
    const { threads = 0, signal } = this.#options;
    const parts = await withSignal(() => this.#native.endPass(threads), signal);
    return parts && new PcaModel(parts);
  }
}

/** A fitted PCA: mean, scale and components, and the projection onto them. */
export class PcaModel implements PcaModelParts {
  readonly dimension: number;
  readonly components: number;
  readonly rows: number;
  readonly standardized: boolean;
  readonly mean: Float64Array;
  readonly scale: Float64Array;
  readonly loadings: Float32Array;
  readonly explainedVariance: Float64Array;
  readonly totalVariance: number;
  readonly solver: string;
  readonly iterations: number;
  readonly residual: number;
  #projector: NativeProjector | undefined;

  /** @throws VergerError `pca/model` when the parts do not fit together */
  constructor(parts: PcaModelParts) {
    const { dimension, components } = parts;
    const sizes: [string, number, number][] = [
      ["mean", parts.mean.length, dimension],
      ["scale", parts.scale.length, dimension],
      ["loadings", parts.loadings.length, components * dimension],
      ["explainedVariance", parts.explainedVariance.length, components],
    ];
    for (const [name, received, expected] of sizes) {
      if (received === expected) continue;
      throw new VergerError(
        "pca/model",
        `Expected ${expected} values of ${name} in a PCA model of ${components} components and ${dimension} features, ` +
          `but received ${received}; fit the PCA again.`,
      );
    }
    if (parts.scale.some((value) => !(value > 0))) {
      throw new VergerError("pca/model", "Expected every scale of a PCA model to be above 0; fit the PCA again.");
    }
    this.dimension = dimension;
    this.components = components;
    this.rows = parts.rows;
    this.standardized = parts.standardized;
    this.mean = parts.mean;
    this.scale = parts.scale;
    this.loadings = parts.loadings;
    this.explainedVariance = parts.explainedVariance;
    this.totalVariance = parts.totalVariance;
    this.solver = parts.solver;
    this.iterations = parts.iterations;
    this.residual = parts.residual;
  }

  /** k shares of the total variance, descending. */
  get explainedVarianceRatio(): Float64Array {
    return this.explainedVariance.map((value) => value / this.totalVariance);
  }

  /**
   * Projects rows: ((x - mean) / scale) loadings^T. A row's scores depend on that row alone, bitwise, for any number of
   * threads and any slicing. Neither array may change or be read until the promise settles.
   *
   * @param rows n x dimension, row-major; may be longer
   * @param options.out where to put the n x components scores; a new array by default
   * @returns n x components scores, row-major
   * @throws Error `pca/not-finite` (row counted from 0 within this call), `cancelled`
   */
  async transform(
    rows: Float32Array,
    n: number,
    options: NativeOptions & { readonly out?: Float32Array | undefined } = {},
  ): Promise<Float32Array> {
    throwIfCancelled(options.signal);
    this.#projector ??= new (addon<LinalgAddon>().PcaProjector)(
      this.dimension,
      this.components,
      this.mean,
      this.scale,
      this.loadings,
    );
    const projector = this.#projector;
    const out = options.out ?? new Float32Array(n * this.components);
    return withSignal(() => projector.transform(rows, n, out, options.threads ?? 0), options.signal);
  }
}

/**
 * How alike one vector is to many: cosines in [-1, 1], 0 for a row of zeros, NaN where a value is not finite. A row's
 * result does not depend on the threads nor on the other rows. Neither array may change until the promise settles.
 *
 * @param rows n x query.length, row-major; may be longer
 * @param options.out where to put the n cosines; a new array by default
 * @throws Error `cancelled`
 */
export async function cosineSimilarities(
  rows: Float32Array,
  n: number,
  query: Float32Array,
  options: NativeOptions & { readonly out?: Float32Array | undefined } = {},
): Promise<Float32Array> {
  const out = options.out ?? new Float32Array(n);
  return withSignal(
    () => addon<LinalgAddon>().cosineSimilarities(rows, n, query, out, options.threads ?? 0),
    options.signal,
  );
}
