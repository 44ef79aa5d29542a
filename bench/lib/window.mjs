/** The window as people have it: `verger serve` in one process, real Chromium on it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { chromium } from "@playwright/test";
import { findChromium } from "../../scripts/lib/chromium.mjs";
import { installProbe } from "./page-probe.mjs";
import { ROOT } from "./process.mjs";

const VIEWPORT = { width: 1440, height: 900 };

/**
 * Starts a server on some runs, which holds nothing in memory yet.
 *
 * @param {string} home where it keeps what people set
 * @param {readonly string[]} runs
 */
export async function startServer(home, runs) {
  const child = spawn(process.execPath, [path.join(ROOT, "bin", "verger"), "serve", ...runs, "--json"], {
    cwd: ROOT,
    env: { ...process.env, VERGER_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await new Promise((resolve, reject) => {
    let text = "";
    let said = "";
    child.stderr.on("data", (more) => {
      said += more;
    });
    child.stdout.on("data", (more) => {
      text += more;
      try {
        resolve(JSON.parse(text).url);
      } catch {
        // Not all of the document has come.
      }
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`verger serve ended with ${code}: ${said}`)));
  });
  return {
    url,
    pid: child.pid,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGINT");
      await once(child, "exit");
    },
  };
}

/**
 * Real Chromium without a display. `VERGER_CHROMIUM` names another one, `VERGER_GPU=1` takes the GPU instead of drawing
 * in software.
 */
export async function startBrowser() {
  const executablePath = findChromium();
  if (!executablePath) {
    throw new Error("Expected Chromium for the benchmark of the window; install it or name it in VERGER_CHROMIUM.");
  }
  const graphics =
    process.env.VERGER_GPU === "1"
      ? ["--ignore-gpu-blocklist", "--enable-gpu", "--use-angle=vulkan", "--enable-features=Vulkan"]
      : ["--enable-unsafe-swiftshader"];
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-sync", "--no-first-run", ...graphics],
  });
}

/**
 * A tab on the list of runs, with the probe inside.
 *
 * @param {{ webgl?: boolean }} [options] webgl false: as in a browser that has none
 */
export async function openTab(browser, url, { webgl = true } = {}) {
  const context = await browser.newContext({ viewport: VIEWPORT, locale: "en-GB", colorScheme: "light" });
  const page = await context.newPage();
  if (!webgl) await page.addInitScript(withoutWebgl);
  await page.addInitScript(installProbe);
  await page.goto(url);
  await page.getByRole("link", { name: "run", exact: true }).waitFor();
  return page;
}

function withoutWebgl() {
  const original = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    return kind.startsWith("webgl") ? null : original.call(this, kind, ...rest);
  };
}

/** Opens the one run of a server by a click on its card. @returns milliseconds, see `opened` of the probe */
export async function openRun(page, rows) {
  await arm(page, (count) => window.probe.opened(count), rows);
  await page.getByRole("link", { name: "run", exact: true }).click();
  return armed(page);
}

/** Milliseconds from an event of the page to the frame that shows its effect: see `answerTo` of the probe. */
export async function timed(page, event, shows, act) {
  await arm(page, ([type, what]) => window.probe.answerTo(type, what), [event, shows]);
  await act();
  return armed(page);
}

/** Starts to wait inside the page, so that what follows is not waited for twice. */
async function arm(page, wait, argument) {
  await page.evaluate(`window.probe.waiting = (${wait})(${JSON.stringify(argument)}); undefined`);
}

const armed = (page) => page.evaluate(() => window.probe.waiting);

/** The map's place on the page. */
export async function mapBox(page) {
  const box = await page.getByTestId("scatter").boundingBox();
  if (!box) throw new Error("expected a map on the page");
  return box;
}

/** Bytes that the processes of one browser have in memory, by what they are for. Chromium's own numbering of roles. */
export async function browserMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const resident = (id) => residentBytes(id);
  const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => resident(id));
  const gpu = processInfo.filter(({ type }) => type === "GPU").map(({ id }) => resident(id));
  // Chromium keeps a spare renderer: the page's is the one that has grown.
  return { tab: Math.max(...renderers), gpu: Math.max(0, ...gpu) };
}

/** Resident set of a process in bytes, pages shared with others included. */
export function residentBytes(pid) {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return match ? Number(match[1]) * 1024 : 0;
}

/** Bytes of the page's JavaScript heap and of its array buffers, after a collection. */
export async function heapBytes(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize, backingStorageSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return { heap: usedSize + (embedderHeapUsedSize ?? 0), buffers: backingStorageSize ?? 0 };
}

/** Chromium is busy with the trace itself when it begins. */
const TRACE_START_MS = 400;

/**
 * Tasks of the page's main thread while something goes on, by Chromium's own trace.
 *
 * @returns {Promise<{ wall: number, processor: number }[]>} milliseconds from begin to end, and of processor time; the
 *   ten longest, the longest first
 */
export async function longestTasks(browser, page, work) {
  await browser.startTracing(page, { categories: ["devtools.timeline", "disabled-by-default-devtools.timeline"] });
  let events;
  try {
    await page.waitForTimeout(2 * TRACE_START_MS);
    await work();
  } finally {
    events = JSON.parse((await browser.stopTracing()).toString()).traceEvents;
  }
  const threads = new Map();
  for (const { name, pid, tid, args } of events) {
    if (name === "thread_name" && args.name === "CrRendererMain") threads.set(`${pid} ${tid}`, []);
  }
  const isTask = ({ name, ph }) => ph === "X" && (name === "RunTask" || name === "ThreadControllerImpl::RunTask");
  for (const event of events) if (isTask(event)) threads.get(`${event.pid} ${event.tid}`)?.push(event);
  // The page's main thread is the one that has done most.
  const [tasks = []] = [...threads.values()].sort((one, other) => other.length - one.length);
  if (tasks.length === 0) throw new Error("expected tasks of the page's main thread in the trace, but found none");
  const first = tasks.reduce((least, { ts }) => Math.min(least, ts), Number.POSITIVE_INFINITY);
  return tasks
    .filter(({ ts }) => ts > first + 1000 * TRACE_START_MS)
    .map(({ dur, tdur }) => ({ wall: dur / 1000, processor: (tdur ?? dur) / 1000 }))
    .sort((one, other) => other.wall - one.wall)
    .slice(0, 10);
}

/**
 * Frames a second of a page that does nothing but draw so many points, of random colours and places, by one WebGL draw
 * call a frame.
 */
export async function barePoints(browser, points, width, height) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  const size = { points, width: Math.round(width), height: Math.round(height), seconds: 3 };
  const frames = await page.evaluate(drawBarePoints, size);
  await context.close();
  return frames;
}

/** Runs in the page. */
async function drawBarePoints({ points, width, height, seconds }) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  document.body.append(canvas);
  const gl = canvas.getContext("webgl2", { antialias: false, depth: false, stencil: false });
  const program = gl.createProgram();
  const shader = (type, source) => {
    const made = gl.createShader(type);
    gl.shaderSource(made, `#version 300 es\nprecision mediump float;${source}`);
    gl.compileShader(made);
    gl.attachShader(program, made);
  };
  shader(
    gl.VERTEX_SHADER,
    `layout(location = 0) in vec2 place; layout(location = 1) in vec4 colour; uniform vec2 moved; out vec4 shade;
     void main() { gl_Position = vec4(place + moved, 0.0, 1.0); gl_PointSize = 3.0; shade = colour; }`,
  );
  shader(gl.FRAGMENT_SHADER, "in vec4 shade; out vec4 result; void main() { result = shade; }");
  gl.linkProgram(program);
  // biome-ignore lint/correctness/useHookAtTopLevel: WebGL's useProgram is no hook.
  gl.useProgram(program);
  const attribute = (location, values, count, type, normalized) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, count, type, normalized, 0, 0);
  };
  const bell = () => (Math.random() + Math.random() + Math.random() - 1.5) / 1.5;
  attribute(0, Float32Array.from({ length: 2 * points }, bell), 2, gl.FLOAT, false);
  attribute(
    1,
    Uint8Array.from({ length: 4 * points }, () => 256 * Math.random()),
    4,
    gl.UNSIGNED_BYTE,
    true,
  );
  const moved = gl.getUniformLocation(program, "moved");
  let frames = 0;
  const began = performance.now();
  while (performance.now() - began < 1000 * seconds) {
    await new Promise(requestAnimationFrame);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(moved, 0.02 * Math.sin(frames / 10), 0);
    gl.drawArrays(gl.POINTS, 0, points);
    frames += 1;
  }
  return (1000 * frames) / (performance.now() - began);
}
