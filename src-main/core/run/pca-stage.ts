/** The PCA stage: fit on the features, then project every row. */
import path from "node:path";
import type { PcaParameters, PcaSummary } from "../../api/contract.js";
import { fitPca, type PcaAccumulator, type PcaModel } from "../../native/linalg.js";
import { writePart } from "../../native/parquet.js";
import { throwIfCancelled, VergerError } from "../errors.js";
import type { FeatureSource } from "../features/source.js";
import { fit } from "../pca/fit.js";
import { savePcaModel } from "../pca/model-file.js";
import { COMPRESSION } from "./part.js";
import type { Reporter } from "./reporter.js";
import { partName, type RunStore } from "./store.js";

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
}

export interface PcaStageOptions {
  readonly store: RunStore;
  readonly source: FeatureSource;
  readonly parameters: PcaParameters;
  /** Statistics gathered while the features were made; absent: they are streamed from `source`. */
  readonly accumulator?: PcaAccumulator | undefined;
  readonly threads?: number | undefined;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
}

/**
 * Fits, saves `pca/model.json` and `pca/model.parquet`, and writes `pca/part-*.parquet` (path, label, pca).
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
  return { summary, labels: labels.size };
}

/** Projects and writes every row; returns the distinct labels. */
async function transform(options: PcaStageOptions, model: PcaModel): Promise<Set<string>> {
  const { store, source, signal, reporter } = options;
  const k = model.components;
  const values = new Float32Array(Math.min(ROWS_PER_PCA_PART, Math.max(source.rows, 1)) * k);
  let paths: string[] = [];
  let labels: (string | null)[] = [];
  const distinct = new Set<string>();
  let part = 0;
  let done = 0;

  const flush = async (): Promise<void> => {
    const file = path.join(store.path("pca"), partName(part));
    await writePart(
      file,
      [
        { name: "path", type: "string", values: paths },
        { name: "label", type: "string", nullable: true, values: labels },
        { name: "pca", type: "list<float32>", values: values.subarray(0, paths.length * k), width: k },
      ],
      paths.length,
      { compression: COMPRESSION, rowGroupRows: ROWS_PER_GROUP, signal },
    );
    store.publish(file);
    part += 1;
    paths = [];
    labels = [];
  };

  let projected = new Float32Array(0);
  for await (const block of source.blocks({ signal })) {
    throwIfCancelled(signal);
    if (projected.length < block.rows * k) projected = new Float32Array(block.rows * k);
    await model.transform(block.features, block.rows, { signal, out: projected });
    for (let at = 0; at < block.rows; ) {
      const rows = Math.min(block.rows - at, ROWS_PER_PCA_PART - paths.length);
      values.set(projected.subarray(at * k, (at + rows) * k), paths.length * k);
      for (let row = at; row < at + rows; row += 1) {
        paths.push(block.paths[row] ?? "");
        const label = block.labels[row] ?? null;
        labels.push(label);
        if (label !== null) distinct.add(label);
      }
      at += rows;
      if (paths.length === ROWS_PER_PCA_PART) await flush();
    }
    done += block.rows;
    reporter.progress("transform", done, source.rows, "rows");
  }
  if (paths.length > 0 || part === 0) await flush();
  return distinct;
}
