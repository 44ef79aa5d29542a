/** How far two runs agree on which images are alike. */
import { cosineSimilarities } from "../../native/linalg.js";
import { throwIfCancelled, VergerError } from "../errors.js";
import type { FeatureSource } from "../features/source.js";
import { passOver } from "./neighbours.js";
import { TopK } from "./top-k.js";

/** The images that both runs hold, in the same order on both sides. */
export interface SharedRows {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
}

export interface Agreement {
  /** Neighbours taken of each image, at most as many as there are other shared images. */
  readonly k: number;
  /** Mean share of common neighbours over the sample, in [0, 1]. */
  readonly overlap: number;
  /** What two runs that know nothing of each other would reach: k / (shared - 1). */
  readonly byChance: number;
  /** Images of the sample by the number of neighbours that both runs name: entry c counts those with c of k. */
  readonly histogram: readonly number[];
  /** The sample, those with the fewest common neighbours first: places in the list of shared images. */
  readonly images: Uint32Array<ArrayBuffer>;
  /** Common neighbours of each of them. */
  readonly common: Uint32Array<ArrayBuffer>;
}

/**
 * The mean overlap of neighbourhoods: for each image i of a sample S of the shared images let N_A(i) and N_B(i) be its k
 * nearest others by cosine distance between the feature vectors of run A and of run B, among the shared images alone,
 * so that an image that only one run holds cannot count as a difference. Then
 *
 *   overlap = 1 / |S| * sum over i in S of |N_A(i) ∩ N_B(i)| / k
 *
 * It is 1 where both runs name the same neighbours, whatever their features, scales and dimensions are. This is the
 * mutual nearest-neighbour metric of Huh, Cheung, Wang and Isola, "The Platonic Representation Hypothesis" (ICML 2024),
 * with cosine distance. The sample is every n-th shared image, so the same runs give the same number. Exact: every image
 * of the sample is compared with all shared ones, on the native pool, in two passes over the features of each run.
 *
 * @param shared at least two images
 * @param sample images that are looked at, at most; all where there are fewer
 * @throws VergerError `runs/nothing-shared`, Error `features/*`, `storage/*`, `cancelled`
 */
export async function neighbourhoodAgreement(
  runs: { readonly a: FeatureSource; readonly b: FeatureSource },
  shared: SharedRows,
  options: { readonly k: number; readonly sample: number; readonly signal?: AbortSignal | undefined },
): Promise<Agreement> {
  const total = shared.a.length;
  if (total < 2) {
    throw new VergerError(
      "runs/nothing-shared",
      `Expected at least two images that both runs hold to compare their neighbourhoods, but there ${total === 1 ? "is 1" : "are none"}; choose two runs over the same photos.`,
    );
  }
  const k = Math.min(options.k, total - 1);
  const size = Math.min(options.sample, total);
  const sample = Uint32Array.from({ length: size }, (_, index) => Math.floor((index * total) / size));
  const ofA = await nearestShared(runs.a, shared.a, sample, k, options.signal);
  const ofB = await nearestShared(runs.b, shared.b, sample, k, options.signal);
  const common = ofA.map((neighbours, index) => {
    const others = new Set(ofB[index]);
    return neighbours.reduce((sum, place) => sum + (others.has(place) ? 1 : 0), 0);
  });
  const histogram = new Array<number>(k + 1).fill(0);
  for (const count of common) histogram[count] = (histogram[count] as number) + 1;
  const order = [...common.keys()].sort((x, y) => (common[x] as number) - (common[y] as number) || x - y);
  return {
    k,
    overlap: common.reduce((sum, count) => sum + count, 0) / (size * k),
    byChance: k / (total - 1),
    histogram,
    images: Uint32Array.from(order, (index) => sample[index] as number),
    common: Uint32Array.from(order, (index) => common[index] as number),
  };
}

/** For each image of the sample its k nearest among the shared ones, as places in the list of shared images. */
async function nearestShared(
  source: FeatureSource,
  rows: Uint32Array,
  sample: Uint32Array,
  k: number,
  signal: AbortSignal | undefined,
): Promise<Uint32Array[]> {
  const placeOf = new Int32Array(source.rows).fill(-1);
  for (const [place, row] of rows.entries()) placeOf[row] = place;
  const queries = await vectorsOf(source, placeOf, sample, signal);
  const tops = Array.from(sample, () => new TopK(k));
  let similarities = new Float32Array(0);
  for await (const block of passOver(source, signal)) {
    if (similarities.length < block.rows) similarities = new Float32Array(block.rows);
    // A block stays in the processor's cache while all questions are asked of it.
    for (const [index, query] of queries.entries()) {
      throwIfCancelled(signal);
      await cosineSimilarities(block.features, block.rows, query, { out: similarities, signal });
      const self = sample[index] as number;
      const top = tops[index] as TopK;
      for (let row = 0; row < block.rows; row += 1) {
        const place = placeOf[block.start + row] as number;
        if (place >= 0 && place !== self) top.offer(place, similarities[row] as number);
      }
    }
  }
  return tops.map((top) => top.best().rows);
}

/** Feature vectors of places in the list of shared images, in the order of the sample. */
async function vectorsOf(
  source: FeatureSource,
  placeOf: Int32Array,
  sample: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const { dimension } = source;
  const wanted = new Map(Array.from(sample, (place, index) => [place, index]));
  const vectors = new Array<Float32Array>(sample.length);
  for await (const block of passOver(source, signal)) {
    for (let row = 0; row < block.rows; row += 1) {
      const index = wanted.get(placeOf[block.start + row] as number);
      if (index !== undefined) vectors[index] = block.features.slice(row * dimension, (row + 1) * dimension);
    }
  }
  return vectors;
}
