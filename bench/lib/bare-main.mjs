/** Bare inference in a process of its own: one session per worker thread, commands over IPC. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

const options = JSON.parse(process.argv[2]);
/** The next image that no session has taken. */
const taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
const workers = Array.from(
  { length: options.sessions },
  () => new Worker(new URL("./bare-worker.mjs", import.meta.url), { workerData: { ...options, taken } }),
);
await Promise.all(workers.map((worker) => once(worker, "message")));

process.on("message", async (total) => {
  taken[0] = 0;
  const began = performance.now();
  await Promise.all(
    workers.map((worker) => {
      const done = once(worker, "message");
      worker.postMessage(total);
      return done;
    }),
  );
  process.send((performance.now() - began) / 1000);
});
process.on("disconnect", () => process.exit());
process.send("ready");
