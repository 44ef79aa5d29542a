import { describe, expect, it } from "vitest";
import { neighbourhoodAgreement } from "../../src-main/core/explore/agreement.js";
import { labelChanges, type RunImages, sharedImages } from "../../src-main/core/explore/compare.js";
import { TopK } from "../../src-main/core/explore/top-k.js";
import type { FeatureSource } from "../../src-main/core/features/source.js";

function images(root: string | null, entries: readonly (readonly [path: string, label: string | null])[]): RunImages {
  return {
    root,
    rows: entries.length,
    pathOf: (row) => entries[row]?.[0] ?? "",
    labelOf: (row) => entries[row]?.[1] ?? null,
  };
}

/** Vectors on a circle: the nearest are those of the nearest angle. */
function circle(angles: readonly number[], blockRows = 3): FeatureSource {
  return {
    dimension: 2,
    rows: angles.length,
    files: [],
    async *blocks() {
      for (let at = 0; at < angles.length; at += blockRows) {
        const some = angles.slice(at, at + blockRows);
        const features = Float32Array.from(some.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
        yield { rows: some.length, paths: [], labels: [], features };
      }
    },
  };
}

const every = (rows: number): Uint32Array => Uint32Array.from({ length: rows }, (_, row) => row);

describe("images of two runs", () => {
  const a = images("/photos", [
    ["apple/1.jpg", "apple"],
    ["apple/2.jpg", "apple"],
    ["pear/1.jpg", null],
  ]);

  it("are the same by their path below the sources, wherever those stand", () => {
    const b = images("/elsewhere", [
      ["pear/1.jpg", "pear"],
      ["plum/1.jpg", "plum"],
      ["apple/2.jpg", "quince"],
    ]);
    const shared = sharedImages(a, b);
    expect([...shared.a]).toEqual([1, 2]);
    expect([...shared.b]).toEqual([2, 0]);
    expect(shared.by).toBe("path");
    expect(labelChanges(a, b, shared)).toEqual([
      { a: "apple", b: "quince", images: 1 },
      { a: null, b: "pear", images: 1 },
    ]);
  });

  it("are the same by their file where the sources are nested, or whole paths were written", () => {
    const inner = images("/photos/apple", [
      ["1.jpg", "apple"],
      ["2.jpg", "apple"],
    ]);
    expect(sharedImages(a, inner)).toMatchObject({ by: "file", a: Uint32Array.of(0, 1), b: Uint32Array.of(0, 1) });
    const spark = images(null, [
      ["file:/photos/pear/1.jpg", "pear"],
      ["file:///photos/apple/2.jpg", "apple"],
      ["s3a://bucket/photos/apple/1.jpg", "apple"],
    ]);
    expect(sharedImages(a, spark)).toMatchObject({ by: "file", a: Uint32Array.of(1, 2), b: Uint32Array.of(1, 0) });
  });

  it("count once where a path stands twice", () => {
    const twice = images(null, [
      ["apple/1.jpg", "x"],
      ["apple/1.jpg", "y"],
    ]);
    expect(sharedImages(twice, a)).toMatchObject({ a: Uint32Array.of(0), b: Uint32Array.of(0) });
    expect(sharedImages(a, twice)).toMatchObject({ a: Uint32Array.of(0), b: Uint32Array.of(0) });
  });
});

describe("the agreement of neighbourhoods", () => {
  const angles = [0, 0.1, 0.21, 0.33, 1, 1.1, 1.21, 1.33];

  it("is 1 for the same run, in any order and scale", async () => {
    const reversed = [...angles].reverse();
    const shared = { a: every(8), b: every(8).reverse() };
    const agreement = await neighbourhoodAgreement({ a: circle(angles), b: circle(reversed, 5) }, shared, {
      k: 3,
      sample: 100,
    });
    expect(agreement).toMatchObject({ k: 3, overlap: 1, byChance: 3 / 7, histogram: [0, 0, 0, 8] });
  });

  it("is the mean share of common neighbours, worst images first", async () => {
    // Image 0 moves to the other group: it and those that had it as a neighbour name others.
    const moved = [1.05, ...angles.slice(1)];
    const shared = { a: every(8), b: every(8) };
    const nearest = (of: readonly number[], image: number) =>
      of
        .map((angle, other) => ({ other, away: Math.abs(angle - (of[image] as number)) }))
        .filter(({ other }) => other !== image)
        .sort((x, y) => x.away - y.away)
        .slice(0, 2)
        .map(({ other }) => other);
    const common = angles.map(
      (_, image) => nearest(angles, image).filter((other) => nearest(moved, image).includes(other)).length,
    );
    const agreement = await neighbourhoodAgreement({ a: circle(angles), b: circle(moved) }, shared, {
      k: 2,
      sample: 8,
    });
    expect(agreement.overlap).toBeCloseTo(common.reduce((sum, count) => sum + count, 0) / 16, 12);
    expect(agreement.images[0]).toBe(0);
    expect([...agreement.common]).toEqual(common.toSorted((x, y) => x - y));
    expect(agreement.histogram.reduce((sum, count) => sum + count, 0)).toBe(8);
  });

  it("looks at shared images alone", async () => {
    // Run B holds the even images only, and in between others that would be nearer.
    const b = angles.flatMap((angle, image) => (image % 2 === 0 ? [angle, angle + 0.001] : []));
    const shared = { a: Uint32Array.of(0, 2, 4, 6), b: Uint32Array.of(0, 2, 4, 6) };
    const agreement = await neighbourhoodAgreement({ a: circle(angles), b: circle(b) }, shared, { k: 10, sample: 2 });
    expect(agreement).toMatchObject({ k: 3, overlap: 1, byChance: 1 });
    expect(agreement.images).toHaveLength(2);
  });

  it("needs something to compare", async () => {
    const none = { a: Uint32Array.of(1), b: Uint32Array.of(1) };
    await expect(
      neighbourhoodAgreement({ a: circle(angles), b: circle(angles) }, none, { k: 10, sample: 10 }),
    ).rejects.toMatchObject({ code: "runs/nothing-shared" });
  });
});

describe("the k largest", () => {
  it("are those of a sort, equal ones by row", () => {
    const values = Array.from({ length: 300 }, (_, row) => ((row * 7_919) % 53) / 53);
    const sorted = [...values.keys()].sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
    for (const k of [0, 1, 7, 300, 400]) {
      const top = new TopK(k);
      for (const [row, value] of values.entries()) top.offer(row, value);
      expect([...top.best().rows]).toEqual(sorted.slice(0, k));
    }
  });
});
