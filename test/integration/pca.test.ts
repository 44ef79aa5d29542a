import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FeatureBlock, FeatureSource } from "../../src-main/core/features/source.js";
import { fit as fitSource } from "../../src-main/core/pca/fit.js";
import { loadPcaModel, savePcaModel } from "../../src-main/core/pca/model-file.js";
import { fitPca, PcaAccumulator, type PcaModel } from "../../src-main/native/linalg.js";
import { correlatedRows } from "../support/features.js";

const D = 37;
const N = 1_500;
const rows = correlatedRows(N, D, 3);

async function accumulate(slices: readonly number[], threads = 2): Promise<PcaAccumulator> {
  const accumulator = new PcaAccumulator(D);
  let at = 0;
  for (const n of slices) {
    await accumulator.add(rows.subarray(at * D, (at + n) * D), n, { threads });
    at += n;
  }
  return accumulator;
}

function source(block: number): FeatureSource {
  return {
    dimension: D,
    rows: N,
    files: [],
    async *blocks() {
      for (let at = 0; at < N; at += block) {
        const n = Math.min(block, N - at);
        yield {
          rows: n,
          paths: [],
          labels: [],
          features: rows.subarray(at * D, (at + n) * D),
        } satisfies FeatureBlock;
      }
    },
  };
}

/** Everything but the solver's report. */
const numbers = (model: PcaModel) => [model.loadings, model.explainedVariance, model.mean, model.scale];

describe("PcaAccumulator and fitPca", () => {
  it("gives bitwise the same model for any slicing and thread count", async () => {
    const reference = await fitPca(await accumulate([N], 1), { variance: 0.9, threads: 1 });
    expect(reference.components).toBeGreaterThan(1);
    for (const [slices, threads] of [
      [[1, 511, 988], 2],
      [[700, 800], 3],
      [Array.from({ length: 30 }, () => 50), 5],
    ] as const) {
      const model = await fitPca(await accumulate(slices, threads), { variance: 0.9, threads });
      expect(numbers(model)).toEqual(numbers(reference));
    }
  });

  it("keeps the order of overlapping calls", async () => {
    const accumulator = new PcaAccumulator(D);
    const adds = [0, 500, 1000].map((at) => accumulator.add(rows.subarray(at * D, (at + 500) * D), 500));
    const model = fitPca(accumulator, { components: 3 });
    await Promise.all(adds);
    expect(accumulator.count).toBe(N);
    expect(numbers(await model)).toEqual(numbers(await fitPca(await accumulate([N]), { components: 3 })));
  });

  it("merges and survives serialisation with rows still pending", async () => {
    const first = new PcaAccumulator(D);
    await first.add(rows, 700);
    const second = new PcaAccumulator(D);
    await second.add(rows.subarray(700 * D), N - 700);
    const restored = PcaAccumulator.deserialize(await first.serialize());
    await restored.merge(second);
    expect(restored.count).toBe(N);
    const whole = await fitPca(await accumulate([N]), { components: 5 });
    const merged = await fitPca(restored, { components: 5 });
    for (let i = 0; i < 5; i += 1) {
      expect(merged.explainedVariance[i]).toBeCloseTo(whole.explainedVariance[i] as number, 5);
    }
    expect(() => PcaAccumulator.deserialize(new Uint8Array(80))).toThrow(
      expect.objectContaining({ code: "pca/state" }),
    );
  });

  it("names the row and column of a value that is not finite, and refuses to go on", async () => {
    const accumulator = await accumulate([600]);
    const bad = rows.slice(0, 600 * D);
    bad[13 * D + 7] = Number.NaN;
    await expect(accumulator.add(bad, 600)).rejects.toMatchObject({
      code: "pca/not-finite",
      message: expect.stringContaining("row 613, column 7 "),
    });
    await expect(fitPca(accumulator)).rejects.toMatchObject({ code: "pca/incomplete" });
  });

  it("refuses options that make no sense", async () => {
    const accumulator = await accumulate([20]);
    await expect(fitPca(accumulator, { variance: 0 })).rejects.toMatchObject({ code: "pca/variance" });
    await expect(fitPca(accumulator, { variance: 1.01 })).rejects.toMatchObject({ code: "pca/variance" });
    await expect(fitPca(accumulator, { components: 0 })).rejects.toMatchObject({ code: "pca/components" });
    await expect(fitPca(accumulator, { components: 21 })).rejects.toMatchObject({ code: "pca/components" });
    const one = await accumulate([1]);
    await expect(fitPca(one)).rejects.toMatchObject({ code: "pca/too-few-rows" });
    const constant = new PcaAccumulator(2);
    await constant.add(new Float32Array(20).fill(3), 10);
    await expect(fitPca(constant)).rejects.toMatchObject({ code: "pca/no-variance" });
    expect(() => new PcaAccumulator(0)).toThrow(expect.objectContaining({ code: "native/argument" }));
    await expect(accumulator.add(rows, N + 1)).rejects.toMatchObject({ code: "native/argument" });
  });

  it("stops at an aborted signal and says so ever after", async () => {
    const accumulator = new PcaAccumulator(1_024);
    const many = correlatedRows(8_192, 1_024, 1);
    const controller = new AbortController();
    const adding = accumulator.add(many, 8_192, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(adding).rejects.toMatchObject({ code: "cancelled" });
    await expect(accumulator.add(many, 1)).rejects.toMatchObject({ code: "pca/incomplete" });

    const whole = new PcaAccumulator(1_024);
    await whole.add(many, 2_048);
    const stop = new AbortController();
    const fitting = fitPca(whole, { signal: stop.signal, solver: "exact" });
    setTimeout(() => stop.abort(), 20);
    await expect(fitting).rejects.toMatchObject({ code: "cancelled" });
    // A cancelled fit changes nothing.
    expect((await fitPca(whole, { components: 2 })).components).toBe(2);
  });
});

describe("wide features", () => {
  it("are fitted in passes, as the Gram matrix would", async () => {
    const wide = 3_600;
    const data = correlatedRows(200, wide, 5);
    const passes: number[] = [];
    const wideSource: FeatureSource = {
      dimension: wide,
      rows: 200,
      files: [],
      async *blocks() {
        passes.push(0);
        for (let at = 0; at < 200; at += 80) {
          const n = Math.min(80, 200 - at);
          yield { rows: n, paths: [], labels: [], features: data.subarray(at * wide, (at + n) * wide) };
        }
      },
    };
    const model = await fitSource(wideSource, { components: 8 });
    expect(model.solver).toBe("sketch");
    expect(passes.length).toBe(1 + model.iterations);
    const accumulator = new PcaAccumulator(wide);
    await accumulator.add(data, 200);
    const gram = await fitPca(accumulator, { components: 8, solver: "randomized" });
    expect(gram.solver).toBe("randomized");
    for (let c = 0; c < 8; c += 1) {
      const expected = gram.explainedVariance[c] as number;
      expect(Math.abs((model.explainedVariance[c] as number) - expected)).toBeLessThan(2e-6 * expected);
    }
    const controller = new AbortController();
    await expect(
      fitSource(wideSource, { components: 8, signal: controller.signal }, () => controller.abort()),
    ).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("model files and transform", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "verger-pca-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("streams a source, saves, loads and transforms bitwise alike", async () => {
    const seen: number[] = [];
    const model = await fitSource(source(400), { variance: 0.8 }, (done) => seen.push(done));
    expect(seen).toEqual([400, 800, 1200, 1500]);
    await savePcaModel(model, folder);
    const loaded = await loadPcaModel(folder);
    expect({ ...loaded }).toEqual({ ...model });

    const scores = await model.transform(rows, N, { threads: 1 });
    expect(scores).toEqual(await loaded.transform(rows, N, { threads: 3 }));
    const k = model.components;
    const sliced = new Float32Array(N * k);
    for (let at = 0; at < N; at += 7) {
      const n = Math.min(7, N - at);
      await loaded.transform(rows.subarray(at * D), n, { out: sliced.subarray(at * k, (at + n) * k) });
    }
    expect(sliced).toEqual(scores);

    // The scores' variances are the explained variances.
    for (let c = 0; c < k; c += 1) {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < N; i += 1) {
        const value = scores[i * k + c] as number;
        sum += value;
        squares += value * value;
      }
      const variance = (squares - (sum * sum) / N) / (N - 1);
      expect(variance / (model.explainedVariance[c] as number)).toBeCloseTo(1, 5);
    }
  });

  it("names row and column of a feature that is not finite", async () => {
    const model = await fitSource(source(N), { components: 2 });
    const bad = rows.slice(0, 10 * D);
    bad[4 * D + 2] = Number.POSITIVE_INFINITY;
    await expect(model.transform(bad, 10)).rejects.toMatchObject({
      code: "pca/not-finite",
      message: expect.stringContaining("row 4, column 2 "),
    });
  });

  it("refuses a folder without a model, a damaged one and loadings of another model", async () => {
    await expect(loadPcaModel(path.join(folder, "none"))).rejects.toMatchObject({ code: "pca/model" });
    const other = await mkdtemp(path.join(folder, "other-"));
    await savePcaModel(await fitSource(source(N), { components: 2 }), other);
    const model = await fitSource(source(N), { components: 3 });
    const mixed = await mkdtemp(path.join(folder, "mixed-"));
    await savePcaModel(model, mixed);
    const { copyFile } = await import("node:fs/promises");
    await copyFile(path.join(other, "model.parquet"), path.join(mixed, "model.parquet"));
    await expect(loadPcaModel(mixed)).rejects.toMatchObject({ code: "pca/model" });
    await writeFile(path.join(other, "model.json"), '{"schemaVersion":1,"dimension":');
    await expect(loadPcaModel(other)).rejects.toMatchObject({ code: "pca/model" });
  });
});
