/** Fits a PCA to features that are streamed, never held. */
import { fitPca, PcaAccumulator, type PcaModel, type PcaOptions, RandomizedSvd } from "../../native/linalg.js";
import { VergerError } from "../errors.js";
import type { FeatureSource } from "../features/source.js";

/** Above this many features the d x d Gram matrix costs more memory and time than a few passes over the rows. */
export const GRAM_DIMENSION_LIMIT = 3_500;
/** What the native code takes: 8 GiB of Gram matrix, and vectors of 4 MiB. */
const MOST_FEATURES = { gram: 32_768, passes: 1_048_576 };

/**
 * Streams `source` and fits a PCA: in one pass by way of the Gram matrix, or in several for wide features.
 *
 * @param progress called with the number of rows read so far, in each pass anew
 * @throws VergerError or Error `pca/*`, `features/*`, `storage/*`, `cancelled`
 */
export async function fit(
  source: FeatureSource,
  options: PcaOptions = {},
  progress?: (rows: number) => void,
): Promise<PcaModel> {
  if (source.rows < 2) {
    throw new VergerError(
      "pca/too-few-rows",
      `Expected at least 2 rows for a PCA, but received ${source.rows}; add more images.`,
    );
  }
  const wide = source.dimension > GRAM_DIMENSION_LIMIT && options.solver !== "exact";
  const most = wide ? MOST_FEATURES.passes : MOST_FEATURES.gram;
  if (source.dimension > most) {
    throw new VergerError(
      "pca/dimension",
      `Expected feature vectors of at most ${most} values for ${wide ? "a PCA" : "the exact solver"}, but received ` +
        `${source.dimension}; ${wide ? "shorten them first" : "choose another solver"}.`,
    );
  }
  return wide ? fitInPasses(source, options, progress) : fitInOnePass(source, options, progress);
}

async function fitInOnePass(
  source: FeatureSource,
  options: PcaOptions,
  progress?: (rows: number) => void,
): Promise<PcaModel> {
  const { threads, signal } = options;
  const accumulator = new PcaAccumulator(source.dimension);
  for await (const block of source.blocks(signal ? { signal } : {})) {
    await accumulator.add(block.features, block.rows, { threads, signal });
    progress?.(accumulator.count);
  }
  return fitPca(accumulator, options);
}

async function fitInPasses(
  source: FeatureSource,
  options: PcaOptions,
  progress?: (rows: number) => void,
): Promise<PcaModel> {
  const { signal } = options;
  const svd = new RandomizedSvd(source.dimension, options);
  for (;;) {
    let rows = 0;
    for await (const block of source.blocks(signal ? { signal } : {})) {
      await svd.add(block.features, block.rows);
      rows += block.rows;
      progress?.(rows);
    }
    const model = await svd.endPass();
    if (model) return model;
  }
}
