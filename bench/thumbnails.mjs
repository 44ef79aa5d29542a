/** Thumbnails of 12-megapixel photos: what keeping them costs a job, and how soon the gallery shows them. */
import { readFileSync } from "node:fs";
import { link, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { listPhotos, photosFolder, withTemporary } from "./lib/photos.mjs";
import { verger } from "./lib/process.mjs";
import { summarise } from "./lib/stats.mjs";
import { startBrowser, startServer } from "./lib/window.mjs";

export const title = "Thumbnails";

const WIDTH = 4_000;
const HEIGHT = 3_000;
const CELL = 500;
/** Different photos, and how often each is there. */
const PHOTOS = 12;
const COPIES = 12;
/** Amplitude of the sensor's noise, in levels: it is what most bytes of a phone's photo are spent on. */
const NOISE = 7;

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, pairs, quick }) {
  return withTemporary(async (folder) => {
    const photos = path.join(folder, "photos");
    const copies = quick ? 2 : COPIES;
    const bytes = await makePhotos(photos, PHOTOS, copies);
    const home = path.join(folder, "home");
    const out = path.join(folder, "run");
    const embed = async (...flags) => {
      await rm(path.join(home, "cache"), { recursive: true, force: true });
      const args = ["run", photos, "--out", out, "--preset", "balanced", "--fresh", ...flags];
      const before = childrenSeconds();
      await verger(args, { env: { VERGER_HOME: home } });
      return childrenSeconds() - before;
    };
    await embed();
    const ratios = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      // Alternating, and each first in turn: a machine that warms up favours neither.
      const first = await embed(...(pair % 2 ? ["--thumbnails"] : []));
      const second = await embed(...(pair % 2 ? [] : ["--thumbnails"]));
      ratios.push(pair % 2 ? first / second : second / first);
      log(`job ${first.toFixed(2)} s and ${second.toFixed(2)} s of processors, ratio ${ratios.at(-1).toFixed(3)}`);
    }

    const browser = await startBrowser();
    const cold = [];
    const warm = [];
    try {
      for (let repeat = 0; repeat < pairs; repeat += 1) {
        await rm(path.join(home, "cache"), { recursive: true, force: true });
        cold.push(await showGallery(browser, home, out));
        // What the first visit made, as a job with --thumbnails would have kept it, in a server started anew.
        warm.push(await showGallery(browser, home, out));
        log(`cold ${said(cold.at(-1))}; warm ${said(warm.at(-1))}`);
      }
    } finally {
      await browser.close();
    }
    const figure = (measure, values, unit, reach) => ({ measure, unit, reach, summary: summarise(values) });
    const most = (value) => ({ at: "most", value });
    return {
      figures: [
        figure("processor time of a job (balanced), thumbnails kept / not kept", ratios, "x", most(1.03)),
        figure(
          "first photo visible, none kept",
          cold.map(({ first }) => first),
          "ms",
          most(1_000),
        ),
        figure(
          "first photo visible, kept",
          warm.map(({ first }) => first),
          "ms",
          most(300),
        ),
        figure(
          "a screenful visible, none kept",
          cold.map(({ all }) => all),
          "ms",
        ),
        figure(
          "a screenful visible, kept",
          warm.map(({ all }) => all),
          "ms",
        ),
      ],
      details: {
        photos: `${PHOTOS * copies} JPEG of ${WIDTH} x ${HEIGHT} pixels, ${(bytes / PHOTOS / 1e6).toFixed(1)} MB each`,
        screenful: `${warm[0]?.count} photos in a window of 1440 x 900 pixels, from the moment the gallery asks for the first`,
      },
    };
  });
}

/** Seconds of processors that ended children have used; neighbours make wall clocks worthless. Linux, in ticks of 10 ms. */
function childrenSeconds() {
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

const said = ({ first, all, count }) => `first ${first.toFixed(0)} ms, all ${count} ${all.toFixed(0)} ms`;

/** Photos as from a phone: pieces of real ones, enlarged, with a sensor's noise. @returns bytes of one copy of all */
async function makePhotos(folder, count, copies) {
  await mkdir(folder, { recursive: true });
  const root = photosFolder();
  const names = await listPhotos(root);
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  let bytes = 0;
  for (let photo = 0; photo < count; photo += 1) {
    const pieces = [];
    for (let top = 0; top < HEIGHT; top += CELL) {
      for (let left = 0; left < WIDTH; left += CELL) {
        const name = names[(photo * 997 + pieces.length * 89) % names.length];
        const input = await sharp(path.join(root, name)).resize(CELL, CELL, { kernel: "lanczos3" }).toBuffer();
        pieces.push({ input, left, top });
      }
    }
    const base = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: "#fff" } })
      .composite(pieces)
      .removeAlpha()
      .raw()
      .toBuffer();
    let seed = photo + 1;
    for (let at = 0; at < base.length; at += 1) {
      // xorshift32: the same photos on every machine.
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      const noise = ((seed & 0xff) + ((seed >>> 8) & 0xff) - 255) / 255;
      pixels[at] = Math.max(0, Math.min(255, base[at] + noise * NOISE * 2));
    }
    const file = path.join(folder, `${String(photo).padStart(3, "0")}.jpg`);
    const { size } = await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
      .jpeg({ quality: 92 })
      .toFile(file);
    bytes += size;
    for (let copy = 1; copy < copies; copy += 1) await link(file, file.replace(/jpg$/, `${copy}.jpg`));
  }
  return bytes;
}

/** Opens a run in a new server and tab. @returns milliseconds from the gallery's first request to the first and last photo */
async function showGallery(browser, home, run) {
  const server = await startServer(home, [run]);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.goto(server.url);
    const link = page.getByRole("link", { name: path.basename(run), exact: true });
    await link.waitFor();
    const target = new URL(await link.getAttribute("href"), page.url());
    // Not the list of runs, whose mosaic shows some of the photos already.
    await page.goto("about:blank");
    await page.goto(target.href);
    const photos = page.getByTestId("photos").locator("img");
    await photos.first().waitFor({ state: "attached" });
    const times = await page.evaluate(async () => {
      const images = () => [...document.querySelectorAll('[data-testid="photos"] img')];
      while (images().length === 0 || images().some((image) => !image.complete || image.naturalWidth === 0)) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      const addresses = new Set(images().map((image) => image.src));
      const entries = performance.getEntriesByType("resource").filter(({ name }) => addresses.has(name));
      const began = Math.min(...entries.map(({ startTime }) => startTime));
      const ends = entries.map(({ responseEnd }) => responseEnd - began).sort((a, b) => a - b);
      return { first: ends[0], all: ends.at(-1), count: ends.length };
    });
    return times;
  } finally {
    await context.close();
    await server.stop();
  }
}
