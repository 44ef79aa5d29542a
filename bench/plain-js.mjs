/** The whole job against the same job in plain JavaScript: sharp and onnxruntime-node in one loop. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { presetModel } from "./lib/models.mjs";
import { listPhotos, photosFolder, withTemporary } from "./lib/photos.mjs";
import { execute, verger } from "./lib/process.mjs";
import { summarise } from "./lib/stats.mjs";

export const title = "Against plain JavaScript: sharp and onnxruntime-node in one loop, preset balanced";

const PLAIN = fileURLToPath(new URL("./lib/plain-main.mjs", import.meta.url));
const BATCHES = [1, 4, 16, 32];
/** Images of one trial of a batch size. */
const TRIAL_IMAGES = 256;

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, pairs }) {
  const model = presetModel("balanced");
  const folder = photosFolder();
  const images = (await listPhotos(folder)).length;
  const plain = async (batch, count) => {
    const options = { folder, model: model.file, side: model.width, batch, images: count };
    const { stdout, seconds } = await execute(process.execPath, [PLAIN, JSON.stringify(options)]);
    return { loopSeconds: JSON.parse(stdout).seconds, seconds };
  };
  let best = { batch: 0, rate: 0 };
  for (const batch of BATCHES.slice(1)) {
    const rate = TRIAL_IMAGES / (await plain(batch, TRIAL_IMAGES)).loopSeconds;
    log(`plain, batch ${batch}: ${rate.toFixed(0)} images/s`);
    if (rate > best.rate) best = { batch, rate };
  }
  return withTemporary(async (temporary) => {
    const variants = [
      { measure: "image by image", batch: 1, seconds: [], ratios: [] },
      { measure: `in batches of ${best.batch}, its fastest`, batch: best.batch, seconds: [], ratios: [] },
    ];
    const job = ["run", folder, "--out", path.join(temporary, "run"), "--preset", "balanced", "--fresh"];
    await verger(job);
    const jobs = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      for (const variant of variants) {
        const { seconds } = await verger(job);
        const theirs = await plain(variant.batch, images);
        log(`job ${seconds.toFixed(2)} s, plain ${variant.measure} ${theirs.seconds.toFixed(2)} s`);
        jobs.push(seconds);
        variant.seconds.push(theirs.seconds);
        variant.ratios.push(theirs.seconds / seconds);
      }
    }
    const rate = (list) => `${(images / summarise(list).median).toFixed(0)} images/s`;
    return {
      figures: variants.map(({ measure, ratios }) => ({
        measure: `${images.toLocaleString("en-GB")} images, whole process: plain JS ${measure} / ours`,
        unit: "x",
        reach: { at: "least", value: 2 },
        summary: summarise(ratios),
      })),
      details: {
        Ours: `${rate(jobs)}, Parquet and PCA included`,
        "Plain JS": variants.map(({ measure, seconds }) => `${measure} ${rate(seconds)}`).join("; "),
      },
    };
  });
}
