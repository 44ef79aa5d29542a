/** Entry of a job's thread: runs one task with the same functions as the command line, and ends. */
import { parentPort, workerData } from "node:worker_threads";
import { errorCode, errorMessage, isCancelled } from "../../core/errors.js";
import { type JobOptions, pcaJob, runJob } from "../../core/run/index.js";
import { DEFAULT_CACHE_BYTES, jobStorage } from "../../storage/run/index.js";
import { probe } from "./probe.js";
import type { FromThread, Task, ToThread } from "./protocol.js";

const port = parentPort;
if (!port) throw new Error("engine/jobs/thread must run in a worker thread");

const post = (message: FromThread): void => port.postMessage(message);

async function perform(task: Task, signal: AbortSignal): Promise<FromThread> {
  const onNotice = (message: string): void => post({ type: "event", event: { type: "notice", message } });
  const out = task.kind === "probe" ? (task.request.out ?? ".") : task.request.out;
  const storage = await jobStorage(out, { s3: {}, cacheBytes: DEFAULT_CACHE_BYTES, onNotice });
  try {
    const options: JobOptions = {
      signal,
      onEvent: (event) => post({ type: "event", event }),
      ...storage.job,
    };
    if (task.kind === "probe") {
      const onCount = (images: number): void => post({ type: "counted", images });
      return { type: "probed", result: await probe(task.request, { signal, remote: storage.job.remote, onCount }) };
    }
    if (task.kind === "pca") return { type: "done", summary: await pcaJob(task.request, options) };
    return { type: "done", summary: await runJob(task.request, options) };
  } finally {
    await storage.close();
  }
}

const controller = new AbortController();
port.on("message", (message: ToThread) => {
  if (message.type === "stop") controller.abort();
});
try {
  post(await perform(workerData as Task, controller.signal));
} catch (error) {
  const code = isCancelled(error) ? "cancelled" : errorCode(error);
  post({ type: "failed", code, message: errorMessage(error) });
}
port.close();
