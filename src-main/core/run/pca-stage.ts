/** The PCA stage: fit on the features, then project every row. */
import type { PcaParameters, PcaSummary } from "../../api/contract.js";
import { fitPca, type PcaAccumulator, type PcaModel } from "../../native/linalg.js";
import { openParquet, writePart } from "../../native/parquet.js";
import { throwIfCancelled, VergerError } from "../errors.js";
import type { FeatureSource } from "../features/source.js";
import { type Corrections, correctedLabel } from "../labels/corrections.js";
import { fit } from "../pca/fit.js";
import { PCA_MODEL_FILES, savePcaModel } from "../pca/model-file.js";
import { COMPRESSION } from "./part.js";
import type { Reporter } from "./reporter.js";
import type { RunStore } from "./store.js";

/** Rows of one part of `pca/`: a projected row is a tenth of a feature vector or less. */
const ROWS_PER_PCA_PART = 8192;
const ROWS_PER_GROUP = 2048;

export const DEFAULT_VARIANCE = 0.8;

/**
 * Checks the parameters before any work is done.
 *
 * @throws VergerError `pca/variance`, `pca/components`, `pca/conflict`
 */
export function checkPcaParameters(parameters: PcaParameters): PcaParameters {
  const { variance, components } = parameters;
  if (variance !== undefined && components !== undefined) {
    throw new VergerError(
      "pca/conflict",
      `Expected either --variance or --components, but received both (${variance} and ${components}); drop one.`,
    );
  }
  if (variance !== undefined && !(variance > 0 && variance <= 1)) {
    throw new VergerError(
      "pca/variance",
      `Expected --variance to be a share above 0 and at most 1, but received ${variance}; the usual choice is 0.8.`,
    );
  }
  if (components !== undefined && !(Number.isInteger(components) && components >= 1)) {
    throw new VergerError(
      "pca/components",
      `Expected --components to be a whole number of at least 1, but received ${components}.`,
    );
  }
  return parameters;
}

/** The fit's own form of the parameters, with the default target filled in. */
export function fitOptions(parameters: PcaParameters): {
  variance?: number;
  components?: number;
  standardize: boolean;
  solver: PcaParameters["solver"];
} {
  const { standardize, solver, components } = parameters;
  if (components !== undefined) return { components, standardize, solver };
  return { variance: parameters.variance ?? DEFAULT_VARIANCE, standardize, solver };
}

export interface PcaStageResult {
  readonly summary: PcaSummary;
  /** Distinct labels among the rows. */
  readonly labels: number;
  /** Rows whose label is a correction. */
  readonly corrected: number;
}

export interface PcaStageOptions {
  readonly store: RunStore;
  readonly source: FeatureSource;
  readonly parameters: PcaParameters;
  readonly corrections: Corrections;
  /** Statistics gathered while the features were made; absent: they are streamed from `source`. */
  readonly accumulator?: PcaAccumulator | undefined;
  readonly threads?: number | undefined;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
}

/**
 * Fits, saves `pca/model.json` and `pca/model.parquet`, and writes `pca/part-*.parquet` (path, label, label_original, pca).
 *
 * @throws VergerError `pca/*`, `features/*`, `storage/*`, `cancelled`
 */
export async function pcaStage(options: PcaStageOptions): Promise<PcaStageResult> {
  const { store, source, parameters, accumulator, signal, reporter } = options;
  const native = {
    ...fitOptions(parameters),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    signal,
  };
  const model = await reporter.stage("fit", source.rows, async () =>
    accumulator
      ? fitPca(accumulator, native)
      : fit(source, native, (done) => reporter.progress("fit", done, source.rows, "rows")),
  );
  // An earlier PCA with other parameters may have more parts than this one. It stands until this one has been fitted.
  store.remove("pca");
  await store.ensure("pca");
  store.publish(...(await savePcaModel(model, store.path("pca"))));
  const labels = await reporter.stage("transform", source.rows, () => transform(options, model));
  const summary = {
    components: model.components,
    explainedVarianceRatio: model.explainedVarianceRatio.reduce((sum, ratio) => sum + ratio, 0),
    explainedVariance: [...model.explainedVariance],
    solver: model.solver,
  };
  return { summary, ...labels };
}

/** True when the model and every part of the projections of so many rows are there. */
export function pcaFilesStand(store: RunStore, rows: number): boolean {
  const parts = Math.max(1, Math.ceil(rows / ROWS_PER_PCA_PART));
  return store.parts("pca").length === parts && PCA_MODEL_FILES.every((name) => store.holds(`pca/${name}`));
}

/** Rows of one part of `pca/`, as they are gathered. */
interface PcaRows {
  readonly paths: string[];
  /** With the corrections in effect. */
  readonly labels: (string | null)[];
  /** As the features have them. */
  readonly originals: (string | null)[];
}

const noRows = (): PcaRows => ({ paths: [], labels: [], originals: [] });

/** The one place where parts of `pca/` are written: equal rows give equal bytes. */
async function writePcaPart(
  store: RunStore,
  part: number,
  { paths, labels, originals }: PcaRows,
  scores: Float32Array,
  signal: AbortSignal,
): Promise<void> {
  const file = store.part("pca", part);
  await writePart(
    file,
    [
      { name: "path", type: "string", values: paths },
      { name: "label", type: "string", nullable: true, values: labels },
      { name: "label_original", type: "string", nullable: true, values: originals },
      {
        name: "pca",
        type: "list<float32>",
        values: scores,
        width: paths.length > 0 ? scores.length / paths.length : 1,
      },
    ],
    paths.length,
    { compression: COMPRESSION, rowGroupRows: ROWS_PER_GROUP, signal },
  );
  store.publish(file);
}

/** Counts the labels of the rows that are written. */
class LabelCount {
  private readonly distinct = new Set<string>();
  corrected = 0;

  constructor(private readonly corrections: Corrections) {}

  add(rows: PcaRows, path: string, original: string | null): void {
    const label = correctedLabel(this.corrections, path, original);
    rows.paths.push(path);
    rows.labels.push(label);
    rows.originals.push(original);
    if (label !== null) this.distinct.add(label);
    if (label !== original) this.corrected += 1;
  }

  get labels(): number {
    return this.distinct.size;
  }
}

/**
 * Gives the rows of a PCA that stands the labels that people have corrected since; scores do not depend on labels.
 * The bytes are those of a PCA made anew.
 *
 * @throws VergerError `storage/*`, `cancelled`, Error `parquet/*`
 */
export async function relabelPca(
  store: RunStore,
  corrections: Corrections,
  signal: AbortSignal,
): Promise<Pick<PcaStageResult, "labels" | "corrected">> {
  const counted = new LabelCount(corrections);
  for (const part of store.parts("pca")) {
    throwIfCancelled(signal);
    const parquet = await openParquet(store.part("pca", part));
    const rows = noRows();
    const scores: Float32Array[] = [];
    try {
      // Parts of earlier versions hold one label, which nobody had corrected.
      const original = parquet.columns.some(({ name }) => name === "label_original") ? "label_original" : "label";
      for (let group = 0; group < parquet.rowGroups.length; group += 1) {
        const columns = await parquet.readRowGroup(group, ["path", original, "pca"]);
        const labels = columns[original] as (string | null)[];
        for (const [row, path] of (columns.path as string[]).entries()) counted.add(rows, path, labels[row] ?? null);
        scores.push(columns.pca as Float32Array);
      }
    } finally {
      await parquet.close();
    }
    const all = new Float32Array(scores.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const some of scores) {
      all.set(some, at);
      at += some.length;
    }
    await writePcaPart(store, part, rows, all, signal);
  }
  return { labels: counted.labels, corrected: counted.corrected };
}

/** Projects and writes every row. */
async function transform(
  options: PcaStageOptions,
  model: PcaModel,
): Promise<Pick<PcaStageResult, "labels" | "corrected">> {
  const { store, source, signal, reporter } = options;
  const k = model.components;
  const values = new Float32Array(Math.min(ROWS_PER_PCA_PART, Math.max(source.rows, 1)) * k);
  const counted = new LabelCount(options.corrections);
  let rows = noRows();
  let part = 0;
  let done = 0;

  const flush = async (): Promise<void> => {
    await writePcaPart(store, part, rows, values.subarray(0, rows.paths.length * k), signal);
    part += 1;
    rows = noRows();
  };

  let projected = new Float32Array(0);
  for await (const block of source.blocks({ signal })) {
    throwIfCancelled(signal);
    if (projected.length < block.rows * k) projected = new Float32Array(block.rows * k);
    await model.transform(block.features, block.rows, { signal, out: projected });
    for (let at = 0; at < block.rows; ) {
      const taken = Math.min(block.rows - at, ROWS_PER_PCA_PART - rows.paths.length);
      values.set(projected.subarray(at * k, (at + taken) * k), rows.paths.length * k);
      for (let row = at; row < at + taken; row += 1) {
        counted.add(rows, block.paths[row] ?? "", block.labels[row] ?? null);
      }
      at += taken;
      if (rows.paths.length === ROWS_PER_PCA_PART) await flush();
    }
    done += block.rows;
    reporter.progress("transform", done, source.rows, "rows");
  }
  if (rows.paths.length > 0 || part === 0) await flush();
  return { labels: counted.labels, corrected: counted.corrected };
}
