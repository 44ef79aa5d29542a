/**
 * One ONNX Runtime session in a thread, and nothing else: its inputs stand in memory before the clock starts. Batches
 * are taken from a counter that all sessions share, so that none waits for another at the end.
 */
import { parentPort, workerData } from "node:worker_threads";
import { InferenceSession, Tensor } from "onnxruntime-node";

const { file, width, height, threads, batch, spinning, taken } = workerData;
const length = 3 * width * height;
/** Distinct images in memory, more than any cache holds. */
const images = Math.max(batch, 64);

// Values in [-1, 1), always the same: what they are does not change the time, as long as no activation is denormal.
const pool = new Float32Array(images * length);
let state = 1;
for (let index = 0; index < pool.length; index += 1) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  pool[index] = state / 2 ** 31 - 1;
}

const session = await InferenceSession.create(file, {
  executionProviders: ["cpu"],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: spinning ? "1" : "0" } } },
});
const [inputName] = session.inputNames;

async function infer(at, count) {
  const start = at % (images - count + 1);
  const input = pool.subarray(start * length, (start + count) * length);
  await session.run({ [inputName]: new Tensor("float32", input, [count, 3, height, width]) });
}

parentPort.on("message", async (total) => {
  for (;;) {
    const at = Atomics.add(taken, 0, batch);
    if (at >= total) break;
    await infer(at, Math.min(batch, total - at));
  }
  parentPort.postMessage("done");
});
await infer(0, batch);
parentPort.postMessage("ready");
