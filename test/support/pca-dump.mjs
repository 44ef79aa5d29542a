// Fits a PCA to raw float32 rows and prints it as JSON, for tests in other languages.
// Usage: node pca-dump.mjs <rows.f32> <dimension> '<options as JSON>' [<scores.f32 to write>]
// Options are PcaOptions, plus `wide: true` for the solver that works in passes and `slice`, rows per call.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const [rowsFile, dimensionText, optionsText, scoresFile] = process.argv.slice(2);

// Inside the checkout, since the addon is found from there; one file per process, since tests run side by side.
const folder = path.join(root, "build", "test-support");
mkdirSync(folder, { recursive: true });
const bundle = path.join(folder, `linalg-${process.pid}.mjs`);
await build({
  entryPoints: [path.join(root, "src-main", "native", "linalg.ts")],
  bundle: true,
  platform: "node",
  format: "esm",
  outfile: bundle,
  logLevel: "warning",
});
const { fitPca, PcaAccumulator, RandomizedSvd } = await import(pathToFileURL(bundle).href);

const bytes = readFileSync(rowsFile);
const rows = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
const dimension = Number(dimensionText);
const count = rows.length / dimension;
const { wide = false, slice = 1000, ...options } = JSON.parse(optionsText);

async function addAll(target) {
  for (let at = 0; at < count; at += slice) {
    await target.add(rows.subarray(at * dimension), Math.min(slice, count - at));
  }
}

async function fitted() {
  if (!wide) {
    const accumulator = new PcaAccumulator(dimension);
    await addAll(accumulator);
    return fitPca(accumulator, options);
  }
  const svd = new RandomizedSvd(dimension, options);
  for (;;) {
    await addAll(svd);
    const model = await svd.endPass();
    if (model) return model;
  }
}

let answer;
try {
  const model = await fitted();
  if (scoresFile) {
    const scores = await model.transform(rows, count);
    writeFileSync(scoresFile, new Uint8Array(scores.buffer));
  }
  const plain = (array) => Array.from(array);
  answer = {
    ...model,
    mean: plain(model.mean),
    scale: plain(model.scale),
    loadings: plain(model.loadings),
    explainedVariance: plain(model.explainedVariance),
    explainedVarianceRatio: plain(model.explainedVarianceRatio),
  };
} catch (error) {
  answer = { error: { code: error.code, message: error.message } };
}
process.stdout.write(JSON.stringify(answer));
