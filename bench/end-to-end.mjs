/** The whole job against ONNX Runtime alone: what reading, decoding, writing and the PCA cost on top of inference. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Bare, bestShape, describe } from "./lib/bare.mjs";
import { PRESET_NAMES, presetModel } from "./lib/models.mjs";
import { listPhotos, photosFolder, repeatPhotos, withTemporary } from "./lib/photos.mjs";
import { verger } from "./lib/process.mjs";
import { median, summarise } from "./lib/stats.mjs";

export const title = "End to end against bare ONNX Runtime";

const REACH = { exact: 0.95, balanced: 0.93, fast: 0.85 };
/** Fruits-360's training set, the reference workload. */
const REFERENCE_IMAGES = 22_688;

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, pairs, full, presets = PRESET_NAMES }) {
  return withTemporary(async (folder) => {
    const shared = photosFolder();
    const sources = [{ name: "the shared photos", folder: shared, images: (await listPhotos(shared)).length }];
    if (full) {
      const repeated = await repeatPhotos(path.join(folder, "photos"), REFERENCE_IMAGES);
      sources.push({ name: "photos repeated", folder: repeated, images: REFERENCE_IMAGES });
    }
    const figures = [];
    const details = {};
    for (const preset of presets) {
      const model = presetModel(preset);
      log(`${preset}: looking for the fastest sessions x threads and batch`);
      const best = await bestShape(model, log);
      details[`Bare, ${preset}`] = `${describe(best.shape)}: ${best.rate.toFixed(0)} images/s`;
      const bare = await Bare.start(model, best.shape);
      try {
        for (const source of sources) {
          const pairsTaken = await takePairs({ preset, model, source, bare, folder, pairs, log });
          const measure = `${preset}, ${source.images.toLocaleString("en-GB")} images`;
          const reach = { at: "least", value: REACH[preset] };
          figures.push(
            { measure: `${measure}: whole process / bare`, unit: "x", reach, summary: summarise(ratios(pairsTaken)) },
            {
              measure: `${measure}: embed stage alone / bare`,
              unit: "x",
              summary: summarise(pairsTaken.map((pair) => pair.bareSeconds / pair.timings.embed)),
            },
          );
          details[`Job, ${measure}`] = stages(pairsTaken);
          details[measure] = pairsTaken;
        }
      } finally {
        await bare.stop();
      }
    }
    return { figures, details };
  });
}

/** A B A B: each job is compared with the inference right after it. */
async function takePairs({ preset, model, source, bare, folder, pairs, log }) {
  const out = path.join(folder, "run");
  const job = async () => {
    const { summary, seconds } = await verger(["run", source.folder, "--out", out, "--preset", preset, "--fresh"]);
    if (summary.images !== source.images || summary.setAside > 0) {
      throw new Error(
        `expected ${source.images} images embedded, got ${summary.images}, ${summary.setAside} set aside`,
      );
    }
    requireSameModel(path.join(out, "run.json"), model);
    return { seconds, timings: summary.timings, imagesPerSecond: summary.imagesPerSecond };
  };
  const taken = [];
  // The first pair fills the page cache and is not counted.
  for (let pair = 0; pair <= pairs; pair += 1) {
    const { seconds, timings, imagesPerSecond } = await job();
    const bareSeconds = await bare.run(source.images);
    log(`${preset}, ${source.images}: job ${seconds.toFixed(2)} s, bare ${bareSeconds.toFixed(2)} s`);
    if (pair > 0) taken.push({ seconds, bareSeconds, timings, imagesPerSecond });
  }
  return taken;
}

function ratios(pairs) {
  return pairs.map((pair) => pair.bareSeconds / pair.seconds);
}

/** Both sides must have run the same network on the same size. */
function requireSameModel(file, model) {
  const { identity } = JSON.parse(readFileSync(file, "utf8"));
  const sha256 = createHash("sha256").update(readFileSync(model.file)).digest("hex");
  if (identity.modelSha256 !== sha256 || identity.width !== model.width || identity.height !== model.height) {
    throw new Error(`the job ran ${identity.model} at ${identity.width} px, not ${model.file} at ${model.width} px`);
  }
}

/** Median seconds of each stage, and of what no stage covers. */
function stages(pairs) {
  const names = Object.keys(pairs[0].timings).filter((name) => name !== "total");
  const parts = names.map((name) => `${name} ${median(pairs.map((pair) => pair.timings[name] ?? 0)).toFixed(2)} s`);
  const outside = median(pairs.map((pair) => pair.seconds - pair.timings.total));
  const whole = median(pairs.map((pair) => pair.seconds));
  const bare = median(pairs.map((pair) => pair.bareSeconds));
  return `${whole.toFixed(2)} s (${parts.join(", ")}; before and after the job ${outside.toFixed(2)} s); bare ${bare.toFixed(2)} s`;
}
