/** Features that stand on disk, to a PCA, in memory that does not depend on how many there are. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { nativeModules } from "./lib/native.mjs";
import { withTemporary } from "./lib/photos.mjs";
import { verger } from "./lib/process.mjs";

export const title = "Features on disk to PCA";

const DIMENSION = 1280;
const ROWS_PER_PART = 1024;
const ROWS = 100_000;
const FULL_ROWS = 1_000_000;
/** Rank and decay of what is not noise, near those of real embeddings: 80 % of the variance in some 170 components. */
const RANK = 400;
const MB = 1e6;

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, full, quick }) {
  const rows = full ? FULL_ROWS : quick ? ROWS / 10 : ROWS;
  return withTemporary(async (folder) => {
    const features = path.join(folder, "features");
    await mkdir(features);
    log(`writing ${rows} x ${DIMENSION} features`);
    const bytes = await writeFeatures(features, rows);
    const { summary, seconds, peakRssBytes } = await verger(["pca", features, "--out", path.join(folder, "pca")]);
    const peak = Math.max(peakRssBytes, summary.peakRssBytes) / MB;
    const { fit = 0, transform = 0 } = summary.timings;
    const count = rows.toLocaleString("en-GB");
    const once = (value) => ({ median: value, min: value, max: value, n: 1 });
    return {
      figures: [
        {
          measure: `${count} x ${DIMENSION}: peak resident set of the process`,
          unit: "MB",
          reach: { at: "most", value: 200 },
          summary: once(peak),
        },
        { measure: `${count} x ${DIMENSION}: time, projections written`, unit: "s", summary: once(seconds) },
      ],
      details: {
        Stages: `fit ${fit.toFixed(1)} s, transform ${transform.toFixed(1)} s; ${summary.pca.components} components`,
        Features: `${(bytes / 1e9).toFixed(2)} GB of Parquet, zstd, ${ROWS_PER_PART} rows per part; just written, so in the page cache as far as memory allows`,
      },
    };
  });
}

/** Low rank with a falling spectrum, plus noise: float32 values that compress as little as real features do. */
async function writeFeatures(folder, rows) {
  const { writePart } = await nativeModules();
  const random = generator(1);
  const basis = Array.from({ length: RANK }, (_, index) => {
    const scale = 1 / Math.sqrt(1 + index / 8);
    return Float32Array.from({ length: DIMENSION }, () => scale * random());
  });
  const values = new Float32Array(ROWS_PER_PART * DIMENSION);
  let bytes = 0;
  for (let start = 0, part = 0; start < rows; start += ROWS_PER_PART, part += 1) {
    const count = Math.min(ROWS_PER_PART, rows - start);
    for (let row = 0; row < count; row += 1)
      fillRow(values.subarray(row * DIMENSION, (row + 1) * DIMENSION), basis, random);
    const written = await writePart(
      path.join(folder, `part-${String(part).padStart(5, "0")}.parquet`),
      [
        {
          name: "path",
          type: "string",
          values: Array.from({ length: count }, (_, row) => `photos/${start + row}.jpg`),
        },
        { name: "label", type: "string", values: Array.from({ length: count }, (_, row) => `label ${row % 131}`) },
        { name: "features", type: "list<float32>", values, width: DIMENSION },
      ],
      count,
    );
    bytes += written.bytes;
  }
  return bytes;
}

/** Each row mixes a few of the directions only, which keeps the writing fast; over many rows all of them count. */
const MIXED = 12;

function fillRow(row, basis, random) {
  for (let column = 0; column < DIMENSION; column += 1) row[column] = 1 + 0.2 * random();
  for (let mix = 0; mix < MIXED; mix += 1) {
    const direction = basis[Math.floor(((random() + 1) / 2) * RANK) % RANK];
    const weight = random();
    for (let column = 0; column < DIMENSION; column += 1) row[column] += weight * direction[column];
  }
}

/** Uniform in [-1, 1), the same sequence for the same seed. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
