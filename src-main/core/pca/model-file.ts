/** `pca/model.json` and `pca/model.parquet`: a fitted PCA on disk. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { PcaModel } from "../../native/linalg.js";
import { atomicWriteFile, openParquet, syncDirectory, writePart } from "../../native/parquet.js";
import { VergerError } from "../errors.js";

const SCHEMA_VERSION = 1;
const JSON_NAME = "model.json";
const PARQUET_NAME = "model.parquet";
/** What a model consists of on disk. */
export const PCA_MODEL_FILES = [PARQUET_NAME, JSON_NAME] as const;

const count = z.number().int().nonnegative();
const modelSchema = z.object({
  schemaVersion: z.literal(SCHEMA_VERSION),
  /** Features per row. */
  dimension: count.min(1),
  components: count.min(1),
  rows: count,
  standardized: z.boolean(),
  solver: z.object({ name: z.string(), iterations: count, residual: z.number().nonnegative() }),
  signConvention: z.literal("largest-absolute-loading-positive"),
  totalVariance: z.number().positive(),
  explainedVariance: z.array(z.number()),
  explainedVarianceRatio: z.array(z.number()),
  mean: z.array(z.number()),
  scale: z.array(z.number()),
});

/**
 * Writes a model into `folder`: `model.parquet` (component, explained_variance, explained_variance_ratio, loadings) and
 * then `model.json` (all else), so that a `model.json` never stands without its loadings. Each is written beside its
 * name, fsynced and renamed. A loaded model transforms bitwise as the saved one.
 *
 * @returns the two files in the order they were written
 * @throws Error `storage/*`
 */
export async function savePcaModel(model: PcaModel, folder: string): Promise<[parquet: string, json: string]> {
  const { components, dimension } = model;
  const ratio = model.explainedVarianceRatio;
  await writePart(
    path.join(folder, PARQUET_NAME),
    [
      { name: "component", type: "int32", values: Int32Array.from({ length: components }, (_, index) => index) },
      { name: "explained_variance", type: "float64", values: model.explainedVariance },
      { name: "explained_variance_ratio", type: "float64", values: ratio },
      { name: "loadings", type: "list<float32>", values: model.loadings, width: dimension },
    ],
    components,
  );
  const document: z.infer<typeof modelSchema> = {
    schemaVersion: SCHEMA_VERSION,
    dimension,
    components,
    rows: model.rows,
    standardized: model.standardized,
    solver: { name: model.solver, iterations: model.iterations, residual: model.residual },
    signConvention: "largest-absolute-loading-positive",
    totalVariance: model.totalVariance,
    explainedVariance: [...model.explainedVariance],
    explainedVarianceRatio: [...ratio],
    mean: [...model.mean],
    scale: [...model.scale],
  };
  await atomicWriteFile(path.join(folder, JSON_NAME), `${JSON.stringify(document)}\n`);
  await syncDirectory(folder);
  return [path.join(folder, PARQUET_NAME), path.join(folder, JSON_NAME)];
}

/**
 * Reads what `savePcaModel` wrote.
 *
 * @throws VergerError `pca/model` (missing, of another version, or its two files do not fit together), Error `parquet/*`
 */
export async function loadPcaModel(folder: string): Promise<PcaModel> {
  const file = path.join(folder, JSON_NAME);
  let document: z.infer<typeof modelSchema>;
  try {
    document = modelSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw new VergerError(
      "pca/model",
      `Expected a PCA model of schema version ${SCHEMA_VERSION} in ${file}, but it cannot be read as one; ` +
        "run the PCA again.",
      { cause },
    );
  }
  const { dimension, components } = document;
  const loadings = new Float32Array(components * dimension);
  let filled = 0;
  const parquet = await openParquet(path.join(folder, PARQUET_NAME));
  try {
    for (let group = 0; group < parquet.rowGroups.length; group += 1) {
      const { loadings: values } = await parquet.readRowGroup(group, ["loadings"]);
      // Rows of another length come as separate arrays: not this model's.
      if (!(values instanceof Float32Array) || filled + values.length > loadings.length) {
        filled = -1;
        break;
      }
      loadings.set(values, filled);
      filled += values.length;
    }
  } finally {
    await parquet.close();
  }
  if (filled !== loadings.length) {
    throw new VergerError(
      "pca/model",
      `Expected ${components} components of ${dimension} loadings in ${parquet.path}, as ${file} says, but it holds ` +
        "others; run the PCA again.",
    );
  }
  return new PcaModel({
    dimension,
    components,
    rows: document.rows,
    standardized: document.standardized,
    mean: Float64Array.from(document.mean),
    scale: Float64Array.from(document.scale),
    loadings,
    explainedVariance: Float64Array.from(document.explainedVariance),
    totalVariance: document.totalVariance,
    solver: document.solver.name,
    iterations: document.solver.iterations,
    residual: document.solver.residual,
  });
}
