/** Exact nearest neighbours by cosine distance. */
import { cosineSimilarities } from "../../native/linalg.js";
import { throwIfCancelled } from "../errors.js";
import type { FeatureSource } from "../features/source.js";
import { TopK } from "./top-k.js";

/** Features held in memory between questions: 100,000 rows of 1,280. Larger ones are streamed for each question. */
const HELD_FEATURE_BYTES = 640 * 2 ** 20;

/** The nearest rows, nearest first; `distances` are 1 - cosine, in [0, 2]. */
export interface Neighbours {
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly distances: Float32Array<ArrayBuffer>;
  /** Rows that the question was compared with. */
  readonly compared: number;
}

export interface Block {
  readonly start: number;
  readonly rows: number;
  readonly features: Float32Array;
}

const held = new WeakMap<FeatureSource, Promise<Block[]>>();

/**
 * Compares one row with all others, on the native pool: every processor, outside of the JS thread. A row of zeros is at
 * distance 1 from everything.
 *
 * @param row in [0, source.rows)
 * @throws Error `features/*`, `storage/*`, `cancelled`
 */
export async function nearest(
  source: FeatureSource,
  row: number,
  k: number,
  signal?: AbortSignal,
): Promise<Neighbours> {
  const query = await rowOf(source, row, signal);
  const similarities = new Float32Array(source.rows);
  for await (const block of blocksOf(source, signal)) {
    throwIfCancelled(signal);
    const out = similarities.subarray(block.start, block.start + block.rows);
    await cosineSimilarities(block.features, block.rows, query, { out, signal });
  }
  const top = new TopK(Math.min(k, source.rows - 1));
  for (let other = 0; other < similarities.length; other += 1) {
    if (other !== row) top.offer(other, similarities[other] as number);
  }
  const { rows, similarities: best } = top.best();
  return {
    rows,
    distances: Float32Array.from(best, (similarity) => Math.min(2, Math.max(0, 1 - similarity))),
    compared: source.rows - 1,
  };
}

async function rowOf(source: FeatureSource, row: number, signal?: AbortSignal): Promise<Float32Array> {
  for await (const block of blocksOf(source, signal)) {
    const at = row - block.start;
    if (at < block.rows) return block.features.slice(at * source.dimension, (at + 1) * source.dimension);
  }
  throw new RangeError(`No row ${row} of ${source.rows}`);
}

/** All rows once, in order, from memory where they are held already. A block is valid until the next one is asked for. */
export async function* passOver(source: FeatureSource, signal?: AbortSignal): AsyncGenerator<Block> {
  const blocks = held.get(source);
  if (blocks) yield* await blocks;
  else yield* read(source, false, signal);
}

/** All rows in order, kept in memory for the next question where they are not too many. */
async function* blocksOf(source: FeatureSource, signal?: AbortSignal): AsyncGenerator<Block> {
  if (source.rows * source.dimension * 4 > HELD_FEATURE_BYTES) {
    yield* read(source, false, signal);
    return;
  }
  let blocks = held.get(source);
  if (!blocks) {
    // Without the signal: whoever gives up waiting must not take the features from those who ask next.
    blocks = (async () => {
      const all: Block[] = [];
      for await (const block of read(source, true)) all.push(block);
      return all;
    })();
    held.set(source, blocks);
    blocks.catch(() => held.delete(source));
  }
  yield* await blocks;
}

async function* read(source: FeatureSource, keep: boolean, signal?: AbortSignal): AsyncGenerator<Block> {
  const { dimension } = source;
  let start = 0;
  for await (const { rows, features } of source.blocks({ signal })) {
    yield { start, rows, features: keep ? features.slice(0, rows * dimension) : features };
    start += rows;
  }
}
