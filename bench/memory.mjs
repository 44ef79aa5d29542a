/** Peak resident set of the whole job: it must not grow with the number of images. */
import { rm } from "node:fs/promises";
import path from "node:path";
import { repeatPhotos, withTemporary } from "./lib/photos.mjs";
import { verger } from "./lib/process.mjs";

export const title = "Memory of the whole job";

const COUNTS = [10_000, 100_000];
const QUICK_COUNTS = [1_000, 5_000];
const MB = 1e6;

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, quick, presets = ["fast"] }) {
  const [small, large] = quick ? QUICK_COUNTS : COUNTS;
  const figures = [];
  const details = {};
  for (const preset of presets) {
    const peaks = {};
    for (const count of [small, large]) {
      await withTemporary(async (folder) => {
        const photos = await repeatPhotos(path.join(folder, "photos"), count);
        const out = path.join(folder, "run");
        const { summary, seconds, peakRssBytes } = await verger(["run", photos, "--out", out, "--preset", preset]);
        await rm(out, { recursive: true });
        // The system's figure; the job's own is taken a moment before its end.
        peaks[count] = Math.max(peakRssBytes, summary.peakRssBytes);
        log(`${preset}, ${count} images: peak ${(peaks[count] / MB).toFixed(0)} MB, ${seconds.toFixed(1)} s`);
        details[`${preset}, ${count.toLocaleString("en-GB")} images`] =
          `${(peaks[count] / MB).toFixed(0)} MB, ${(count / seconds).toFixed(0)} images/s over the whole process`;
      });
    }
    const once = (value) => ({ median: value, min: value, max: value, n: 1 });
    figures.push(
      {
        measure: `${preset}: peak resident set, ${large.toLocaleString("en-GB")} images`,
        unit: "MB",
        reach: { at: "most", value: 600 },
        summary: once(peaks[large] / MB),
      },
      {
        measure: `${preset}: ${large.toLocaleString("en-GB")} images / ${small.toLocaleString("en-GB")}`,
        unit: "x",
        reach: { at: "most", value: 1.15 },
        summary: once(peaks[large] / peaks[small]),
      },
    );
  }
  return { figures, details };
}
