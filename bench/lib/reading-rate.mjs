/** How fast this machine reads memory: two threads search bytes for one that is not there. */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const THREADS = 2;
const PRESENT = 1;
const ABSENT = 2;

/** By the number of bytes: making them takes longer than reading them. */
const searchers = new Map();

/**
 * Milliseconds that two threads take to read so many bytes once, by the C library's memchr, which does nothing else.
 *
 * @param {number} bytes
 */
export async function readingRate(bytes) {
  if (!searchers.has(bytes)) searchers.set(bytes, await startSearchers(bytes));
  const workers = searchers.get(bytes);
  const began = performance.now();
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise((resolve, reject) => {
          // A worker keeps the process alive only while it is asked.
          worker.ref();
          worker.once("message", () => {
            worker.unref();
            resolve();
          });
          worker.once("error", reject);
          worker.postMessage("search");
        }),
    ),
  );
  return performance.now() - began;
}

async function startSearchers(bytes) {
  const shared = new SharedArrayBuffer(bytes);
  new Uint8Array(shared).fill(PRESENT);
  const share = Math.ceil(bytes / THREADS);
  return Promise.all(
    Array.from({ length: THREADS }, (_, index) => {
      const start = index * share;
      const data = { shared, start, length: Math.min(share, bytes - start) };
      const worker = new Worker(new URL(import.meta.url), { workerData: data });
      return new Promise((resolve, reject) => {
        worker.once("online", () => {
          worker.unref();
          resolve(worker);
        });
        worker.once("error", reject);
      });
    }),
  );
}

if (!isMainThread && workerData?.shared) {
  const bytes = Buffer.from(workerData.shared, workerData.start, workerData.length);
  parentPort.on("message", () => parentPort.postMessage(bytes.indexOf(ABSENT)));
}
