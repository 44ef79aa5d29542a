/** A second run over an unchanged source. */
import path from "node:path";
import { listPhotos, photosFolder, repeatPhotos, withTemporary } from "./lib/photos.mjs";
import { verger } from "./lib/process.mjs";
import { summarise } from "./lib/stats.mjs";

export const title = "Second run, nothing changed";

const REFERENCE_IMAGES = 22_688;

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, pairs, full }) {
  return withTemporary(async (folder) => {
    const shared = photosFolder();
    const sources = [{ folder: shared, images: (await listPhotos(shared)).length }];
    if (full) {
      const repeated = await repeatPhotos(path.join(folder, "photos"), REFERENCE_IMAGES);
      sources.push({ folder: repeated, images: REFERENCE_IMAGES });
    }
    const figures = [];
    const details = {};
    for (const source of sources) {
      const job = ["run", source.folder, "--out", path.join(folder, "run")];
      const first = await verger([...job, "--fresh"]);
      const seconds = [];
      for (let repeat = 0; repeat < pairs; repeat += 1) {
        const second = await verger(job);
        if (second.summary.embedded !== 0 || second.summary.reused !== source.images) {
          throw new Error(`expected every image reused, but ${second.summary.embedded} were embedded again`);
        }
        seconds.push(second.seconds);
      }
      const count = source.images.toLocaleString("en-GB");
      log(`${count} images: first ${first.seconds.toFixed(2)} s, second ${summarise(seconds).median.toFixed(3)} s`);
      details[`${count} images`] =
        `first ${first.seconds.toFixed(2)} s (${first.summary.preset}), second ${summarise(seconds).median.toFixed(3)} s, whole processes`;
      figures.push({
        measure: `${count} images: second / first`,
        unit: "%",
        reach: { at: "most", value: 2 },
        summary: summarise(seconds.map((value) => (100 * value) / first.seconds)),
      });
    }
    return { figures, details };
  });
}
