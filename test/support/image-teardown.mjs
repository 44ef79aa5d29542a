// Ends threads and processes in the middle of native batches; image-teardown.test.ts runs it as a process of its own,
// because what it looks for is a crash.
//   node image-teardown.mjs <verger.node> <image> terminate <rounds>   worker.terminate() at a random moment
//   node image-teardown.mjs <verger.node> <image> leave <rounds>       process.exit() inside the worker
//   node image-teardown.mjs <verger.node> <image> exit <delay ms>      process.exit(7) on the main thread
//   node image-teardown.mjs <verger.node> <image> throw <delay ms>     an uncaught error on the main thread
//   node image-teardown.mjs <verger.node> <image> finish               nothing: the batch must keep the process alive
import { createRequire } from "node:module";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const [addon, image, action, argument] = isMainThread ? process.argv.slice(2) : workerData;

const SIDE = 64;
const BATCH = 64;

/** Starts batch after batch, two at a time; `first` is called once the first is under way. */
function decodeForever(verger, first) {
  const target = {
    width: SIDE,
    height: SIDE,
    filter: "bicubic",
    mean: [0, 0, 0],
    std: [1, 1, 1],
    layout: "nchw",
    channels: "rgb",
    fit: "stretch",
  };
  const sources = Array.from({ length: BATCH }, () => image);
  const again = async () => {
    for (;;) await verger.decodeResize(sources, target, new Float32Array(BATCH * 3 * SIDE * SIDE), {}).promise;
  };
  void again();
  void again();
  first();
}

if (!isMainThread) {
  const verger = createRequire(import.meta.url)(addon);
  decodeForever(verger, () => parentPort.postMessage("started"));
  if (action === "leave") setTimeout(() => process.exit(0), Math.random() * 20);
} else if (action === "terminate" || action === "leave") {
  for (let round = 0; round < Number(argument); round += 1) {
    const worker = new Worker(new URL(import.meta.url), { workerData: [addon, image, action] });
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    if (action === "terminate") {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      await worker.terminate();
    }
    await ended;
  }
  process.stdout.write(`survived ${argument}\n`);
} else {
  const verger = createRequire(import.meta.url)(addon);
  if (action === "finish") {
    const target = { width: 8, height: 8, filter: "bilinear", mean: [0, 0, 0], std: [1, 1, 1] };
    const out = new Float32Array(BATCH * 3 * 8 * 8);
    verger
      .decodeResize(
        Array.from({ length: BATCH }, () => image),
        { ...target, layout: "nchw", channels: "rgb", fit: "stretch" },
        out,
        {},
      )
      .promise.then((results) => process.stdout.write(`finished ${results.filter((result) => result.ok).length}\n`));
  } else {
    decodeForever(verger, () => {
      setTimeout(() => {
        if (action === "throw") throw new Error("on purpose");
        process.exit(7);
      }, Number(argument));
    });
  }
}
