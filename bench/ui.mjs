/** The window in real Chromium against `verger serve`, driven as people drive it. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { makeBigRun } from "./lib/big-run.mjs";
import { sourceModule } from "./lib/native.mjs";
import { photosFolder, withTemporary } from "./lib/photos.mjs";
import { readingRate } from "./lib/reading-rate.mjs";
import { summarise } from "./lib/stats.mjs";
import {
  barePoints,
  browserMemory,
  heapBytes,
  longestTasks,
  mapBox,
  openRun,
  openTab,
  startBrowser,
  startServer,
  timed,
} from "./lib/window.mjs";

export const title = "The window";

const REFERENCE = 22_688;
const LARGE = 100_000;
const HUGE = 1_000_000;
const DIMENSION = 1280;
const NEIGHBOURS = 50;
const MB = 1e6;

/** Photos of the huge run that are on disk: more than anyone scrolls through in a benchmark. */
const HUGE_PHOTOS = 20_000;
/** Moves of the pointer in one drag, and turns of the wheel in one zoom. */
const DRAG_MOVES = 150;
/** Turns of the wheel through the gallery, and jumps to other places of it. */
const WHEEL_TURNS = 80;
const JUMPS = 8;

const once = (value) => summarise([value]);
const grouped = (value) => value.toLocaleString("en-GB");
const milliseconds = (value) => `${value.toFixed(0)} ms`;

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, pairs, quick }) {
  const rows = quick
    ? { reference: 2_000, large: 12_000, huge: 50_000 }
    : { reference: REFERENCE, large: LARGE, huge: HUGE };
  return withTemporary(async (folder) => {
    const made = {};
    for (const [name, count] of Object.entries(rows)) {
      made[name] = await makeBigRun(path.join(folder, name), count, { log, photos: Math.min(count, photosOf(name)) });
    }
    const browser = await startBrowser();
    const bench = {
      log,
      folder,
      browser,
      rows,
      made,
      repeats: quick ? 1 : Math.max(3, pairs),
      figures: [],
      details: {},
    };
    try {
      bench.details.Browser = `Chromium ${browser.version()}, headless, ${process.env.VERGER_GPU === "1" ? "GPU" : "drawing in software (SwiftShader)"}, 1440 x 900`;
      bench.details.Runs = `${made.large.labels} labels, ${made.large.components} components; features of the shared photos with noise (bench/lib/big-run.mjs)`;
      await opening(bench);
      await hugeRun(bench);
      await exploring(bench);
      await withoutWebgl(bench);
    } finally {
      await browser.close();
    }
    await neighbours(bench);
    return { figures: bench.figures, details: bench.details };
  });
}

const photosOf = (name) => (name === "huge" ? HUGE_PHOTOS : Number.POSITIVE_INFINITY);

/** A server that holds nothing in memory yet, and a tab on its list of runs. */
async function withWindow({ browser, folder }, run, work, options) {
  const home = path.join(folder, `home-${Math.random().toString(36).slice(2)}`);
  await mkdir(home);
  const server = await startServer(home, [run]);
  try {
    const page = await openTab(browser, server.url, options);
    try {
      return await work(page, server);
    } finally {
      await page.context().close();
    }
  } finally {
    await server.stop();
  }
}

/** From the click on a run's card to a map that answers the pointer and a gallery with photos. */
async function opening(bench) {
  const { log, rows, made, repeats, figures, details } = bench;
  const seconds = [];
  const fetches = [];
  const photos = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    await withWindow(bench, made.reference.run, async (page) => {
      const times = await openRun(page, rows.reference);
      seconds.push(times.pointer / 1000);
      photos.push(times.photo);
      fetches.push(await coordinatesFetch(page));
    });
  }
  const { median } = summarise(seconds);
  log(`open ${grouped(rows.reference)}: ${milliseconds(median * 1000)}`);
  figures.push({
    measure: `open a run of ${grouped(rows.reference)} photos: the map drawn and answering the pointer`,
    unit: "s",
    reach: { at: "most", value: 1.5 },
    summary: summarise(seconds),
  });
  details.Opened = `by a click on its card, by a server that has just started; first photo of the gallery after ${milliseconds(summarise(photos).median)}; its coordinates alone, fetched once more: ${milliseconds(summarise(fetches).median)}`;
}

/** What moving the bytes of the map takes by itself: the server has them in memory by now. */
function coordinatesFetch(page) {
  return page.evaluate(async () => {
    const run = /run\/([0-9a-f]{16})/.exec(location.hash)[1];
    const began = performance.now();
    const response = await fetch("api/run.coordinates", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ run, components: [0, 1] }),
    });
    await response.arrayBuffer();
    return performance.now() - began;
  });
}

async function hugeRun(bench) {
  const { log, rows, made, repeats, figures, details } = bench;
  const seconds = [];
  const memory = [];
  const said = [];
  for (let repeat = 0; repeat < Math.min(3, repeats); repeat += 1) {
    await withWindow(bench, made.huge.run, async (page) => {
      const times = await openRun(page, rows.huge);
      seconds.push(times.pointer / 1000);
      const frames = await framesWhile(page, () => pan(page, 30));
      const { tab, gpu } = await browserMemory(bench.browser);
      const { heap, buffers } = await heapBytes(page);
      memory.push(tab / MB);
      said.push({
        frames,
        text: `${(heap / MB).toFixed(0)} MB of JavaScript heap, ${(buffers / MB).toFixed(0)} MB of typed arrays; the browser's graphics process ${(gpu / MB).toFixed(0)} MB`,
      });
      log(`open ${grouped(rows.huge)}: ${times.pointer.toFixed(0)} ms, tab ${(tab / MB).toFixed(0)} MB`);
    });
  }
  const count = grouped(rows.huge);
  figures.push(
    {
      measure: `open a run of ${count} photos`,
      unit: "s",
      reach: { at: "most", value: 4 },
      summary: summarise(seconds),
    },
    {
      measure: `${count} photos: resident set of the tab's process`,
      unit: "MB",
      reach: { at: "most", value: 700 },
      summary: summarise(memory),
    },
    { measure: `${count} points: pan`, unit: "frames/s", summary: summarise(said.map(({ frames }) => frames)) },
  );
  details["Memory of the tab"] =
    `VmRSS after opening and panning, shared libraries included; of it ${said.at(-1).text}`;
}

/** Everything that is asked of a map and a gallery of 100,000. */
async function exploring(bench) {
  const { log, rows, made, figures, details } = bench;
  const count = grouped(rows.large);
  await withWindow(bench, made.large.run, async (page, server) => {
    await openRun(page, rows.large);
    details["Drawn by"] = await page.getByTestId("scatter").getAttribute("data-renderer");
    const answers = await actions(bench, page);
    const frames = await movement(bench, page);
    for (const [name, rates] of Object.entries(frames)) {
      figures.push({
        measure: `${count} points: ${name}`,
        unit: "frames/s",
        reach: { at: "least", value: 30 },
        summary: summarise(rates),
      });
    }
    const box = await mapBox(page);
    const bare = await barePoints(bench.browser, rows.large, box.width, box.height);
    details[`Bare page, ${count} points of 3 px by one WebGL draw call`] =
      `${bare.toFixed(1)} frames/s; ours / bare ${(summarise(frames.pan).median / bare).toFixed(2)}x`;
    figures.push(...answers);
    const { longest, longestLook } = await scrolling(page);
    log(`gallery: longest without a picture ${milliseconds(longest)}`);
    figures.push({
      measure: `scrolling the gallery of ${count}: longest time that a place has no photo`,
      unit: "ms",
      reach: { at: "most", value: 200 },
      summary: once(longest),
    });
    details.Gallery = `${WHEEL_TURNS} turns of the wheel, then ${JUMPS} jumps; looked at in every frame, at most ${milliseconds(longestLook)} apart`;
    await duringJob(bench, page, server);
  });
}

/** Milliseconds from an action to the frame that shows it, on the map and in the gallery. */
async function actions({ log, repeats, rows, details }, page) {
  const both = { map: true, gallery: true };
  const map = { map: true };
  const labels = page.getByRole("list", { name: "Labels" }).locator("button[data-index]");
  const right = await halfOfThePoints(page, rows.large);
  const times = {};
  const take = async (name, event, shows, act) => {
    const time = await timed(page, event, shows, act);
    times[name] ??= [];
    times[name].push(time);
    await page.waitForTimeout(150);
    return time;
  };
  const showAll = () => page.getByRole("button", { name: "Show all" }).click();
  const colour = (name) => () => page.getByLabel("Colour by").selectOption(name);
  let selected = "";
  // What comes first fetches what the others have: told apart below.
  const firstColour = await timed(page, "change", map, colour("outlier"));
  await timed(page, "change", map, colour("label"));
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    await take("lasso", "pointerup", both, () => lasso(page, right));
    selected = await page.evaluate(() => window.probe.heading());
    await take("Esc, the selection cleared", "keydown", both, () => page.keyboard.press("Escape"));
    await take("isolate a label", "click", both, () => labels.nth(0).click());
    await take("isolate another", "click", both, () => labels.nth(4).click());
    await take("show all labels", "click", both, showAll);
    await labels.first().focus();
    await take("hide a label", "keydown", both, () => page.keyboard.press("h"));
    await showAll();
    await page.waitForTimeout(150);
    await take("colour by outlier score", "change", map, colour("outlier"));
    await take("colour by label", "change", map, colour("label"));
    await take("filter by text", "input", both, () => page.locator("#search").fill("training apple"));
    await take("filter taken away", "input", both, () => page.locator("#search").fill(""));
  }
  details.Lasso = `${selected}; from letting the button go to the frame that shows map and gallery`;
  details["Text filter"] = "from the last key to the frame";
  details["Colour by outlier score, the first time"] =
    `${milliseconds(firstColour)}: the server computes and sends the scores`;
  const count = grouped(rows.large);
  return Object.entries(times).map(([name, all]) => {
    const summary = summarise(all);
    log(`${name}: ${milliseconds(summary.median)}`);
    const lassoed = name === "lasso";
    return {
      measure: lassoed ? `lasso of half of ${count}: gallery updated` : `${count} photos: ${name}`,
      unit: "ms",
      reach: { at: "most", value: lassoed ? 200 : 150 },
      summary,
    };
  });
}

/** Draws a lasso around everything left of a place, given as a share of the map's width. */
async function lasso(page, right) {
  const box = await mapBox(page);
  const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
  await focusMap(page);
  await page.keyboard.press("l");
  await page.mouse.move(...at(0.01, 0.01));
  await page.mouse.down();
  for (const corner of [at(right, 0.01), at(right, 0.99), at(0.01, 0.99)])
    await page.mouse.move(...corner, { steps: 10 });
  await page.mouse.up();
}

/** How far a lasso from the left must go to hold half of the points: nobody knows where they lie. */
async function halfOfThePoints(page, rows) {
  let [low, high] = [0, 1];
  let right = 0.5;
  for (let step = 0; step < 12; step += 1) {
    right = (low + high) / 2;
    await lasso(page, right);
    await page.waitForTimeout(120);
    const heading = await page.evaluate(() => window.probe.heading());
    const selected = /selected/.test(heading) ? Number(heading.replace(/\D/g, "")) : 0;
    await page.keyboard.press("Escape");
    if (Math.abs(selected / rows - 0.5) < 0.02) break;
    if (selected > rows / 2) high = right;
    else low = right;
  }
  await page.waitForTimeout(200);
  return right;
}

/** Frames a second in which the map was drawn while something is done. */
async function framesWhile(page, act) {
  const look = () => page.evaluate(() => ({ frames: window.probe.draws.frames, at: performance.now() }));
  const before = await look();
  await act();
  const after = await look();
  return (1000 * (after.frames - before.frames)) / (after.at - before.at);
}

/** Keys go to the map, not into the field that was typed in last. */
const focusMap = (page) => page.getByTestId("scatter").locator("canvas").last().focus();

/** Milliseconds from one move of the hand to the next, as from a common mouse. */
const MOVE_MS = 16;

/** Does something again and again at the pace of a hand, which does not wait for the screen. */
async function steadily(page, count, act) {
  const moves = [];
  for (let move = 1; move <= count; move += 1) {
    moves.push(act(move));
    await page.waitForTimeout(MOVE_MS);
  }
  await Promise.all(moves);
}

/** Drags the map in circles. */
async function pan(page, moves = DRAG_MOVES) {
  await focusMap(page);
  const box = await mapBox(page);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.keyboard.press("v");
  await page.mouse.move(x, y);
  await page.mouse.down();
  await steadily(page, moves, (move) => page.mouse.move(x + 150 * Math.sin(move / 15), y + 90 * Math.sin(move / 11)));
  await page.mouse.up();
}

async function zoom(page) {
  const box = await mapBox(page);
  await page.mouse.move(box.x + box.width / 3, box.y + box.height / 2);
  await steadily(page, DRAG_MOVES, (turn) => page.mouse.wheel(0, 45 * Math.sin(turn / 12)));
}

async function movement({ log, repeats }, page) {
  const rates = { pan: [], zoom: [] };
  for (let repeat = 0; repeat < Math.min(3, repeats); repeat += 1) {
    rates.pan.push(await framesWhile(page, () => pan(page)));
    rates.zoom.push(await framesWhile(page, () => zoom(page)));
    await page.keyboard.press("0");
  }
  log(`pan ${summarise(rates.pan).median.toFixed(1)}, zoom ${summarise(rates.zoom).median.toFixed(1)} frames/s`);
  return rates;
}

/** The same in a browser that has no WebGL at all. */
async function withoutWebgl(bench) {
  const { rows, made, figures } = bench;
  const count = grouped(rows.large);
  await withWindow(
    bench,
    made.large.run,
    async (page) => {
      await openRun(page, rows.large);
      await page.waitForTimeout(500);
      const frames = await movement(bench, page);
      for (const [name, rates] of Object.entries(frames)) {
        figures.push({ measure: `${count} points, no WebGL: ${name}`, unit: "frames/s", summary: summarise(rates) });
      }
    },
    { webgl: false },
  );
}

/** Scrolls through the gallery and jumps in it, and sees how long a place on the screen goes without its photo. */
async function scrolling(page) {
  const photos = page.getByTestId("photos");
  const box = await photos.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.evaluate(() => {
    window.probe.ended = window.probe.watchBlanks();
  });
  for (let turn = 0; turn < WHEEL_TURNS; turn += 1) {
    await page.mouse.wheel(0, 240);
    await page.waitForTimeout(16);
  }
  for (let jump = 1; jump <= JUMPS; jump += 1) {
    await photos.evaluate(
      (list, share) => {
        list.scrollTop = share * list.scrollHeight;
      },
      (jump * 0.37) % 1,
    );
    await page.waitForTimeout(400);
  }
  return page.evaluate(() => window.probe.ended());
}

/** The longest task of the page's main thread while a job runs beside it and people look at another run meanwhile. */
async function duringJob({ log, browser, folder, rows, figures, details }, page) {
  const explore = page.url();
  await page.getByRole("link", { name: "New run" }).click();
  await page.getByLabel("Photos", { exact: true }).fill(photosFolder());
  await page.locator("#out").fill(path.join(folder, "job"));
  await page
    .getByText(/images\/s/)
    .first()
    .waitFor();
  await page.getByRole("button", { name: "Start run" }).click();
  await page.locator('[data-job="running"]').waitFor();
  const tasks = await longestTasks(browser, page, async () => {
    await page.waitForTimeout(1_500);
    await page.evaluate((address) => {
      location.href = address;
    }, explore);
    await page.getByTestId("photos").getByRole("option").first().waitFor();
    await pan(page, 60);
    const photos = await page.getByTestId("photos").boundingBox();
    await page.mouse.move(photos.x + photos.width / 2, photos.y + photos.height / 2);
    for (let turn = 0; turn < 25; turn += 1) await page.mouse.wheel(0, 200);
    await page.getByRole("link", { name: "Jobs" }).click();
    await page.waitForTimeout(1_000);
  });
  const running = await page.locator('[data-job="running"]').count();
  const said = tasks.map(({ wall, processor }) => `${wall.toFixed(0)} ms (${processor.toFixed(0)} of the processor)`);
  log(`longest tasks while a job runs: ${said.slice(0, 5).join(", ")}`);
  figures.push({
    measure: "longest task of the page's main thread while a job runs",
    unit: "ms",
    reach: { at: "most", value: 100 },
    summary: once(tasks[0].wall),
  });
  details["While a job runs"] =
    `a run of the shared photos on all processors${running > 0 ? "" : " (it ended before the measurement did)"}; meanwhile the list of jobs, the map of ${grouped(rows.large)} opened and dragged, its gallery scrolled; the longest, by Chromium's trace: ${said.slice(0, 5).join(", ")}`;
  if (running > 0) await page.getByRole("button", { name: "Cancel" }).first().click();
}

/** `nearest` of the product on features in memory, against reading as many bytes. */
async function neighbours({ log, rows, repeats, figures, details }) {
  const { nearest } = await sourceModule("core/explore/neighbours.ts");
  const blockRows = 1024;
  const blocks = [];
  let state = 1;
  for (let start = 0; start < rows.large; start += blockRows) {
    const count = Math.min(blockRows, rows.large - start);
    const features = new Float32Array(count * DIMENSION);
    for (let at = 0; at < features.length; at += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      features[at] = state / 2 ** 32;
    }
    blocks.push({ rows: count, features, paths: [], labels: [] });
  }
  const source = {
    rows: rows.large,
    dimension: DIMENSION,
    files: [],
    async *blocks() {
      yield* blocks;
    },
  };
  await nearest(source, 0, NEIGHBOURS);
  blocks.length = 0;
  const times = [];
  const limits = [];
  for (let repeat = 0; repeat < 2 * repeats + 1; repeat += 1) {
    const began = performance.now();
    await nearest(source, (repeat * 7919) % rows.large, NEIGHBOURS);
    times.push(performance.now() - began);
    limits.push(await readingRate(rows.large * DIMENSION * 4));
  }
  const ours = summarise(times);
  const limit = summarise(limits);
  log(`nearest: ${milliseconds(ours.median)}, reading alone ${milliseconds(limit.median)}`);
  figures.push({
    measure: `nearest ${NEIGHBOURS} of ${grouped(rows.large)} x ${DIMENSION}, 2 threads`,
    unit: "ms",
    reach: { at: "most", value: 60 },
    summary: ours,
  });
  details.Nearest = `exact cosine and the choice of the ${NEIGHBOURS}; the same bytes searched by memchr on 2 threads: ${milliseconds(limit.median)}`;
}
