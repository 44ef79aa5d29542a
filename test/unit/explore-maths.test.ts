import { describe, expect, it } from "vitest";
import { endsOf } from "../../src-main/core/explore/ends.js";
import { nearest } from "../../src-main/core/explore/neighbours.js";
import { outlierScores } from "../../src-main/core/explore/outliers.js";
import { SearchIndex } from "../../src-main/core/explore/search.js";
import type { FeatureSource } from "../../src-main/core/features/source.js";

/** Numbers in [-1, 1) that depend on the seed alone (Park and Miller's generator). */
function random(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state / 2_147_483_647) * 2 - 1;
  });
}

function source(features: Float32Array, dimension: number, blockRows: number): FeatureSource {
  const rows = features.length / dimension;
  return {
    dimension,
    rows,
    files: [],
    async *blocks() {
      for (let at = 0; at < rows; at += blockRows) {
        const count = Math.min(blockRows, rows - at);
        const block = features.slice(at * dimension, (at + count) * dimension);
        yield { rows: count, paths: [], labels: [], features: block };
      }
    },
  };
}

function cosineDistance(features: Float32Array, dimension: number, a: number, b: number): number {
  let product = 0;
  let normA = 0;
  let normB = 0;
  for (let j = 0; j < dimension; j += 1) {
    const x = features[a * dimension + j] as number;
    const y = features[b * dimension + j] as number;
    product += x * y;
    normA += x * x;
    normB += y * y;
  }
  return normA === 0 || normB === 0 ? 1 : 1 - product / Math.sqrt(normA * normB);
}

describe("nearest neighbours", () => {
  const dimension = 37;
  const features = random(500 * dimension, 7);
  // A row of zeros, and two equal rows.
  features.fill(0, 11 * dimension, 12 * dimension);
  features.copyWithin(200 * dimension, 100 * dimension, 101 * dimension);

  it.each([0, 11, 100, 499])("of row %i are those of a naive search", async (row) => {
    const expected = Array.from({ length: 500 }, (_, other) => other)
      .filter((other) => other !== row)
      .map((other) => ({ other, distance: cosineDistance(features, dimension, row, other) }))
      .sort((a, b) => a.distance - b.distance || a.other - b.other);
    for (const blockRows of [64, 500]) {
      const { rows, distances, compared } = await nearest(source(features, dimension, blockRows), row, 40);
      expect(compared).toBe(499);
      expect(
        Array.from(distances).every((value, index) => index === 0 || value >= (distances[index - 1] as number)),
      ).toBe(true);
      for (const [index, distance] of distances.entries()) {
        expect(distance).toBeCloseTo(expected[index]?.distance as number, 5);
        expect(distance).toBeCloseTo(cosineDistance(features, dimension, row, rows[index] as number), 5);
      }
      expect(new Set(rows).size).toBe(40);
      expect(rows).not.toContain(row);
    }
  });

  it("are found whole: an equal row first, no more than there are", async () => {
    const near = await nearest(source(features, dimension, 64), 100, 3);
    expect(near.rows[0]).toBe(200);
    expect(near.distances[0]).toBeCloseTo(0, 6);
    const all = await nearest(source(features.slice(0, 3 * dimension), dimension, 2), 1, 50);
    expect(Array.from(all.rows).sort()).toEqual([0, 2]);
    expect((await nearest(source(features.slice(0, dimension), dimension, 1), 0, 5)).rows).toHaveLength(0);
  });
});

describe("outlier scores", () => {
  it("are distances to the label's centre in units of the run's spread", async () => {
    // Two labels on a line: centres 1 and 10, variances 4 and 1; the last component never varies.
    const scores = Float32Array.of(0, 0, 5, 2, 2, 5, 10, -3, 5, 10, 3, 5);
    const blocks = async function* () {
      yield { start: 0, rows: 1, scores: scores.subarray(0, 3) };
      yield { start: 1, rows: 3, scores: scores.subarray(3) };
    };
    const result = await outlierScores({
      rows: 4,
      components: 3,
      variances: Float64Array.of(4, 1, 0),
      labels: Uint32Array.of(0, 0, 1, 1),
      labelCount: 3,
      blocks,
    });
    const first = Math.sqrt(1 / 4 + 1);
    expect(Array.from(result, (value) => value.toFixed(5))).toEqual(
      [first, first, 3, 3].map((value) => value.toFixed(5)),
    );
  });
});

describe("ends of a component", () => {
  it("stand outermost first, equal ones by row", () => {
    const ends = endsOf(Float32Array.of(3, -1, 7, -1, 7), 2);
    expect(Array.from(ends.low)).toEqual([1, 3]);
    expect(Array.from(ends.high)).toEqual([4, 2]);
    expect(Array.from(ends.highScores)).toEqual([7, 7]);
    expect(Array.from(endsOf(Float32Array.of(1), 9).high)).toEqual([0]);
  });
});

describe("search", () => {
  const index = new SearchIndex(["Training/Pêche Plate/1.jpg", "Training/Poire/2.JPG", "Test/Poire/1.jpg"]);
  const find = (text: string): number[] =>
    Array.from(index.find(text, Uint32Array.of(0, 1, 2), ["Pêche", "Birne", null]));

  it("wants every word, in path or label, whatever case and accents", () => {
    expect(find("peche")).toEqual([0]);
    expect(find("POIRE 2.jpg")).toEqual([1]);
    expect(find("poire birne")).toEqual([1]);
    expect(find("1.jpg")).toEqual([0, 2]);
    expect(find("quince")).toEqual([]);
    expect(find("  ")).toEqual([0, 1, 2]);
  });
});
