/** Fits a PCA to features that are streamed, never held. */
import { fitPca, PcaAccumulator, type PcaModel, type PcaOptions } from "../../native/linalg.js";
import type { FeatureSource } from "../features/source.js";

/**
 * Above this many features the d x d Gram matrix costs more memory and time than a few passes over the rows.
 */
export const GRAM_DIMENSION_LIMIT = 3_500;

/**
 * Streams `source` and fits a PCA.
 *
 * @param progress called with the number of rows read so far
 * @throws VergerError or Error `pca/*`, `features/*`, `storage/*`, `cancelled`
 */
export async function fit(
  source: FeatureSource,
  options: PcaOptions = {},
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
