/** Exact nearest neighbours by cosine distance. */
import { cosineSimilarities } from "../../native/linalg.js";
import { throwIfCancelled } from "../errors.js";
import type { FeatureSource } from "../features/source.js";

/** Features held in memory between questions: 100,000 rows of 1,280. Larger ones are streamed for each question. */
const HELD_FEATURE_BYTES = 640 * 2 ** 20;

/** The nearest rows, nearest first; `distances` are 1 - cosine, in [0, 2]. */
export interface Neighbours {
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly distances: Float32Array<ArrayBuffer>;
  /** Rows that the question was compared with. */
  readonly compared: number;
}

interface Block {
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
  const rows = top(similarities, row, Math.min(k, source.rows - 1));
  return {
    rows,
    distances: Float32Array.from(rows, (other) => Math.min(2, Math.max(0, 1 - (similarities[other] as number)))),
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

/**
 * The `k` rows of largest similarity but `self`, best first; equal ones by row. A heap of k: rows that are worse than
 * all of it, nearly all, cost one comparison.
 */
function top(similarities: Float32Array, self: number, k: number): Uint32Array<ArrayBuffer> {
  const better = (a: number, b: number): boolean => {
    const difference = (similarities[a] as number) - (similarities[b] as number);
    return difference > 0 || (difference === 0 && a < b);
  };
  // The worst of the chosen stands at the top of the heap.
  const heap: number[] = [];
  const sink = (): void => {
    let at = 0;
    for (;;) {
      let worst = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && better(heap[worst] as number, heap[child] as number)) worst = child;
      }
      if (worst === at) return;
      [heap[at], heap[worst]] = [heap[worst] as number, heap[at] as number];
      at = worst;
    }
  };
  const rise = (): void => {
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!better(heap[parent] as number, heap[at] as number)) return;
      [heap[at], heap[parent]] = [heap[parent] as number, heap[at] as number];
      at = parent;
    }
  };
  for (let row = 0; row < similarities.length && k > 0; row += 1) {
    if (row === self) continue;
    if (heap.length < k) {
      heap.push(row);
      rise();
    } else if (better(row, heap[0] as number)) {
      heap[0] = row;
      sink();
    }
  }
  return Uint32Array.from(heap.sort((a, b) => (better(a, b) ? -1 : 1)));
}
