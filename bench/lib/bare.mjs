/** The limit of every job that embeds: ONNX Runtime alone, at its best on this machine. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("./bare-main.mjs", import.meta.url));

/** Version of ONNX Runtime. */
export function onnxruntimeVersion() {
  return createRequire(import.meta.url)("onnxruntime-node/package.json").version;
}

/**
 * @typedef {{ file: string, width: number, height: number }} Model
 * @typedef {{ sessions: number, threads: number, batch: number, spinning: boolean }} Shape
 */

/** Warm sessions in a process of their own; idle between runs. */
export class Bare {
  #child;

  constructor(child) {
    this.#child = child;
  }

  /** @param {Model} model @param {Shape} shape */
  static async start(model, shape) {
    const child = fork(MAIN, [JSON.stringify({ ...model, ...shape })], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => {
        throw new Error(`bare inference of ${model.file} ended with ${code} before it was ready`);
      }),
    ]);
    return new Bare(child);
  }

  get pid() {
    return this.#child.pid;
  }

  /** Seconds to infer `images` images. */
  async run(images) {
    const answer = once(this.#child, "message");
    this.#child.send(images);
    return (await answer)[0];
  }

  async stop() {
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }
}

const BATCHES = [1, 2, 4, 8, 16, 32];
/** One trial of a shape, and one of a finalist. */
const TRIAL_SECONDS = 0.5;
const FINAL_SECONDS = 2;
const FINALISTS = 4;

/** Every way to share out the processors evenly. @returns {Shape[]} */
export function shapes(processors = availableParallelism()) {
  const all = [];
  for (let sessions = 1; sessions <= processors; sessions += 1) {
    if (processors % sessions !== 0) continue;
    const threads = processors / sessions;
    for (const batch of BATCHES) {
      // A session of one thread has no pool that could spin.
      for (const spinning of threads === 1 ? [false] : [false, true]) all.push({ sessions, threads, batch, spinning });
    }
  }
  return all;
}

/**
 * Finds the fastest shape: every one is tried for a moment, the best few again for longer and in two rounds, of which
 * the faster counts, so that a moment's disturbance excludes none.
 *
 * @param {Model} model
 * @returns {Promise<{ shape: Shape, rate: number }>} rate in images/s
 */
export async function bestShape(model, log = () => {}) {
  const trials = [];
  for (const shape of shapes()) trials.push({ shape, rate: await trial(model, shape, TRIAL_SECONDS, log) });
  const finalists = trials.sort((a, b) => b.rate - a.rate).slice(0, FINALISTS);
  for (const finalist of finalists) finalist.rate = await trial(model, finalist.shape, FINAL_SECONDS, log);
  for (const finalist of finalists) {
    finalist.rate = Math.max(finalist.rate, await trial(model, finalist.shape, FINAL_SECONDS, log));
  }
  return finalists.sort((a, b) => b.rate - a.rate)[0];
}

async function trial(model, shape, seconds, log) {
  const bare = await Bare.start(model, shape);
  try {
    const rate = await rateOf(bare, shape, seconds);
    log(`  ${describe(shape)}: ${rate.toFixed(0)} images/s`);
    return rate;
  } finally {
    await bare.stop();
  }
}

/** Images per second over about `seconds`. */
async function rateOf(bare, { sessions, batch }, seconds) {
  const round = sessions * batch;
  const probe = (await bare.run(round)) / round;
  const images = Math.max(round, Math.ceil(seconds / probe / round) * round);
  return images / (await bare.run(images));
}

/** `2 sessions x 1 thread, batch 4` @param {Shape} shape */
export function describe({ sessions, threads, batch, spinning }) {
  return `${sessions} x ${threads}, batch ${batch}${threads > 1 ? (spinning ? ", spinning" : ", not spinning") : ""}`;
}
