/** Fit of 22,688 x 1280 features, the reference workload, against scikit-learn on the same rows and threads. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { ensurePython } from "../scripts/lib/python.mjs";
import { nativeModules } from "./lib/native.mjs";
import { withTemporary } from "./lib/photos.mjs";
import { execute, ROOT } from "./lib/process.mjs";
import { summarise } from "./lib/stats.mjs";

export const title = "PCA fit";

const DIMENSION = 1280;
const ROWS = 22_688;
const VARIANCE = 0.8;
/** Rows per call, as the features' Parquet parts hand them over. */
const SLICE = 1024;
/** Rank and decay near those of real embeddings: 80 % of the variance in some 170 components. */
const RANK = 400;
const SCRIPT = path.join(ROOT, "bench", "pca-sklearn.py");

/** @param {import("./lib/benches.mjs").Context} context */
export function run({ log, pairs, quick }) {
  return withTemporary(async (folder) => {
    const python = ensurePython("test/python/requirements.txt")("python");
    const threads = Math.min(2, availableParallelism());
    const env = await fastestBlas(python, threads, log);
    const rows = quick ? 4_000 : ROWS;
    log(`drawing ${rows} x ${DIMENSION} features`);
    const features = drawFeatures(rows);
    const file = path.join(folder, "rows.f32");
    await writeFile(file, new Uint8Array(features.buffer));

    const sklearn = serve(python, [SCRIPT, "serve", file, String(DIMENSION), String(VARIANCE)], env);
    try {
      log("float64 reference");
      const reference = await sklearn.ask("reference");
      const { fitPca, PcaAccumulator } = await nativeModules();
      const ours = [];
      const solve = [];
      const theirs = { float32: [], float64: [] };
      let model;
      for (let pair = 0; pair <= pairs; pair += 1) {
        const began = performance.now();
        const accumulator = new PcaAccumulator(DIMENSION);
        for (let at = 0; at < rows; at += SLICE) {
          await accumulator.add(features.subarray(at * DIMENSION), Math.min(SLICE, rows - at), { threads });
        }
        const gathered = performance.now();
        model = await fitPca(accumulator, { variance: VARIANCE, threads });
        const ended = performance.now();
        const [float32, float64] = [await sklearn.ask("fit float32"), await sklearn.ask("fit float64")];
        log(
          `pair ${pair} of ${pairs}: ${((ended - began) / 1000).toFixed(3)} s, scikit-learn ${float32.seconds.toFixed(3)} s (float32), ${float64.seconds.toFixed(3)} s (float64)`,
        );
        if (pair === 0) continue; // warms threads, caches and imports
        ours.push((ended - began) / 1000);
        solve.push((ended - gathered) / 1000);
        theirs.float32.push(float32.seconds);
        theirs.float64.push(float64.seconds);
      }
      const best = theirs.float32.map((seconds, pair) => Math.min(seconds, theirs.float64[pair]));
      const error = Math.max(
        ...reference.explainedVariance.map((value, c) => Math.abs((model.explainedVariance[c] ?? 0) / value - 1)),
      );
      const once = (value) => ({ median: value, min: value, max: value, n: 1 });
      const shape = `${rows.toLocaleString("en-GB")} x ${DIMENSION}`;
      return {
        figures: [
          {
            measure: `${shape}: scikit-learn covariance_eigh / ours, ${threads} threads, standardising included`,
            unit: "x",
            reach: { at: "least", value: 1.5 },
            summary: summarise(best.map((seconds, pair) => seconds / ours[pair])),
          },
          { measure: "ours: all", unit: "s", summary: summarise(ours) },
          { measure: "ours: the fit after the last row", unit: "s", summary: summarise(solve) },
          { measure: "scikit-learn, rows as float32", unit: "s", summary: summarise(theirs.float32) },
          { measure: "scikit-learn, rows as float64", unit: "s", summary: summarise(theirs.float64) },
          {
            measure: "explained variance, largest relative difference from float64",
            unit: "x",
            reach: { at: "most", value: 1e-6 },
            summary: once(error),
          },
          {
            measure: "components beyond those of the float64 reference",
            unit: "components",
            reach: { at: "most", value: 0 },
            summary: once(Math.abs(model.components - reference.components)),
          },
        ],
        details: {
          Components: `${model.components} for ${100 * VARIANCE} % of the variance; solver ${model.solver}`,
          "scikit-learn": `the faster of float32 and float64 in each pair; OpenBLAS kernels ${env.OPENBLAS_CORETYPE || "as it picks them"}`,
        },
      };
    } finally {
      await sklearn.end();
    }
  });
}

/** The environment in which numpy's OpenBLAS is fastest: it may not know a new processor by itself. */
async function fastestBlas(python, threads, log) {
  let best = { gflops: 0, env: {} };
  for (const core of ["", "Haswell", "SkylakeX", "Cooperlake"]) {
    const env = { OPENBLAS_CORETYPE: core, OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) };
    const { stdout } = await execute(python, [SCRIPT, "probe"], { env });
    const { gflops } = JSON.parse(stdout);
    log(`numpy sgemm, OPENBLAS_CORETYPE=${core}: ${gflops.toFixed(0)} Gflop/s`);
    if (gflops > best.gflops) best = { gflops, env };
  }
  return best.env;
}

/** A child that answers each line with a line of JSON. */
function serve(program, args, env) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(question) {
      child.stdin.write(`${question}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${args[0]} ended early.`);
      return JSON.parse(value);
    },
    async end() {
      if (child.exitCode !== null) return;
      child.stdin.end();
      await once(child, "exit");
    },
  };
}

/** Rectified rows of low rank with a falling spectrum, plus noise. */
function drawFeatures(rows) {
  const random = gaussian(1);
  const basis = Array.from({ length: RANK }, (_, index) => {
    const scale = 1 / Math.sqrt(1 + index / 8);
    return Float32Array.from({ length: DIMENSION }, () => scale * random());
  });
  // Rows mix few of many directions each: as much structure as a dense product at a tenth of its time.
  const values = new Float32Array(rows * DIMENSION);
  for (let i = 0; i < rows; i += 1) {
    const row = values.subarray(i * DIMENSION, (i + 1) * DIMENSION);
    for (let part = 0; part < 40; part += 1) {
      const direction = basis[Math.floor(((random() + 4) / 8) ** 2 * RANK)] ?? basis[0];
      const weight = random();
      for (let j = 0; j < DIMENSION; j += 1) row[j] += 2 * weight * direction[j];
    }
    for (let j = 0; j < DIMENSION; j += 1) row[j] = Math.max(0, row[j] + random());
  }
  return values;
}

/** Nearly Gaussian, unit variance: sums of uniform numbers (mulberry32). */
function gaussian(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => (next() + next() + next() + next() - 2) * Math.sqrt(3);
}
