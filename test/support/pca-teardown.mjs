// Ends threads and processes in the middle of a fit; pca-teardown.test.ts runs it as a process of its own, because what
// it looks for is a crash.
//   node pca-teardown.mjs <verger.node> terminate <rounds>   worker.terminate() at a random moment
//   node pca-teardown.mjs <verger.node> leave <rounds>       process.exit() inside the worker
//   node pca-teardown.mjs <verger.node> exit <delay ms>      process.exit(7) on the main thread
import { createRequire } from "node:module";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const [addon, action, argument] = isMainThread ? process.argv.slice(2) : workerData;

const DIMENSION = 700;
const ROWS = 1_200;
const OPTIONS = { components: 0, variance: 0.9, standardize: true, solver: 1, seed: 1, threads: 0 };

/** Adds, fits and projects without end on two accumulators and a sketch at once. */
function fitForever(verger) {
  const rows = Float32Array.from({ length: ROWS * DIMENSION }, (_, i) => Math.sin(i * i));
  const forever = async (step) => {
    for (;;) await step();
  };
  for (let i = 0; i < 2; i += 1) {
    const accumulator = new verger.PcaAccumulator(DIMENSION);
    void forever(async () => {
      await accumulator.add(rows, ROWS, 0).promise;
      const model = await accumulator.fit(OPTIONS).promise;
      const projector = new verger.PcaProjector(DIMENSION, model.components, model.mean, model.scale, model.loadings);
      await projector.transform(rows, ROWS, new Float32Array(ROWS * model.components), 0).promise;
    });
  }
  void forever(async () => {
    const sketch = new verger.PcaSketch(DIMENSION, { ...OPTIONS, components: 10 });
    do await sketch.add(rows, ROWS, 0).promise;
    while (!(await sketch.endPass(0).promise));
  });
}

if (!isMainThread) {
  fitForever(createRequire(import.meta.url)(addon));
  parentPort.postMessage("started");
  if (action === "leave") setTimeout(() => process.exit(0), Math.random() * 150);
} else if (action === "terminate" || action === "leave") {
  for (let round = 0; round < Number(argument); round += 1) {
    const worker = new Worker(new URL(import.meta.url), { workerData: [addon, action] });
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    if (action === "terminate") {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
      await worker.terminate();
    }
    await ended;
  }
  process.stdout.write(`survived ${argument}\n`);
} else {
  fitForever(createRequire(import.meta.url)(addon));
  setTimeout(() => process.exit(7), Number(argument));
}
