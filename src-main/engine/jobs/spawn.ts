/**
 * Where jobs run. `worker_threads` here; Electron runs the same module, jobs/thread.ts, in a utilityProcess behind the
 * same interface.
 */
import path from "node:path";
import { Worker } from "node:worker_threads";
import { packageRoot } from "../../native/root.js";
import type { FromThread, Task, ToThread } from "./protocol.js";

export interface JobThread {
  /** Asks the task to stop at the next safe moment; it then ends with the failure `cancelled`. */
  stop(): void;
}

export interface JobThreadListener {
  message(message: FromThread): void;
  /** Called once, last. `reason` is null after a last message of the task; otherwise the thread ended without one. */
  end(reason: string | null): void;
}

/** Starts a task off the main thread. */
export type SpawnJobThread = (task: Task, listener: JobThreadListener) => JobThread;

const LAST: ReadonlySet<FromThread["type"]> = new Set([
  "done",
  "transferred",
  "probed",
  "previewed",
  "looked",
  "failed",
]);

/** Runs tasks in worker threads of this process. */
export const spawnWorkerThread: SpawnJobThread = (task, listener) => {
  const worker = new Worker(path.join(packageRoot(), "dist", "workers", "job.js"), {
    workerData: task,
    name: "verger-job",
  });
  let said = false;
  let reason: string | undefined;
  worker.on("message", (message: FromThread) => {
    if (LAST.has(message.type)) said = true;
    listener.message(message);
  });
  worker.on("error", (error) => {
    reason = error.message;
  });
  worker.once("exit", (code) => listener.end(said ? null : (reason ?? `it ended with ${code}`)));
  return {
    stop: () => worker.postMessage({ type: "stop" } satisfies ToThread),
  };
};
