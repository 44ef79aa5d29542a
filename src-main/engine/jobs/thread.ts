/** Entry of a job's thread: runs one task with the same functions as the command line, and ends. */
import { parentPort, workerData } from "node:worker_threads";
import type { Notice } from "../../api/contract.js";
import { LISTED_ACTIONS } from "../../api/transfers.js";
import { isCancelled, problemIn } from "../../core/errors.js";
import { type JobOptions, pcaJob, runJob } from "../../core/run/index.js";
import { lowerPriority } from "../../native/system.js";
import { DEFAULT_CACHE_BYTES, inspectS3Features, jobStorage } from "../../storage/run/index.js";
import { openThumbnailKeeper } from "../thumbnails.js";
import { probe } from "./probe.js";
import type { FromThread, LookRequest, PreviewRequest, Task, ToThread } from "./protocol.js";

const port = parentPort;
if (!port) throw new Error("engine/jobs/thread must run in a worker thread");

const post = (message: FromThread): void => port.postMessage(message);

/** Of a preview or a look: between two messages that tell how far it is. */
const COUNT_INTERVAL_MS = 200;

/** Tasks that go on for minutes while people look at photos; the others are being waited for. */
const LONG: ReadonlySet<Task["kind"]> = new Set(["run", "pca", "sync"]);

async function perform(task: Task, signal: AbortSignal): Promise<FromThread> {
  if (LONG.has(task.kind)) lowerPriority();
  if (task.kind === "sync") return transfer(task, signal);
  if (task.kind === "preview") return preview(task.request, signal);
  if (task.kind === "look") return look(task.request, signal);
  const onNotice = (notice: Notice): void => post({ type: "event", event: { type: "notice", ...notice } });
  const out = task.kind === "probe" ? (task.request.out ?? ".") : task.request.out;
  const s3 = (task.kind === "probe" ? task.request.s3 : task.s3) ?? {};
  const storage = await jobStorage(out, { s3, cacheBytes: DEFAULT_CACHE_BYTES, onNotice });
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
    const thumbnails = task.request.thumbnails ? await openThumbnailKeeper() : undefined;
    return { type: "done", summary: await runJob(task.request, { ...options, thumbnails }) };
  } finally {
    await storage.close();
  }
}

async function transfer(
  { request, agreed }: Extract<Task, { kind: "sync" }>,
  signal: AbortSignal,
): Promise<FromThread> {
  const { syncJob } = await import("../../storage/sync/index.js");
  const summary = await syncJob(request, {
    signal,
    onEvent: (event) => post({ type: "event", event }),
    // More than a person has seen must be seen first.
    confirmDelete: async ({ files }) => files <= (agreed?.files ?? 0),
  });
  return { type: "transferred", summary };
}

async function preview({ request }: PreviewRequest, signal: AbortSignal): Promise<FromThread> {
  const { syncJob } = await import("../../storage/sync/index.js");
  const told = paced();
  const summary = await syncJob(
    { ...request, dryRun: true, listActions: true },
    {
      signal,
      mostActions: LISTED_ACTIONS,
      onEvent: (event) => {
        if (event.type !== "progress" || event.stage !== "compare") return;
        if (told()) post({ type: "counted", images: event.done });
      },
    },
  );
  const actions = summary.copied.files + summary.deleted.files + summary.skipped.files;
  const moreActions = Math.max(0, actions - (summary.actions?.length ?? 0));
  return { type: "previewed", result: { summary, moreActions } };
}

async function look({ path, ...request }: LookRequest, signal: AbortSignal): Promise<FromThread> {
  const { columns, s3, folder } = request;
  const told = paced();
  const onProgress = (done: number, total: number): void => {
    if (told()) post({ type: "fetched", done, total });
  };
  return { type: "looked", result: await inspectS3Features(path, { columns, s3, folder, signal, onProgress }) };
}

/** True no more than once in `COUNT_INTERVAL_MS`. */
function paced(): () => boolean {
  let last = 0;
  return () => {
    if (performance.now() - last < COUNT_INTERVAL_MS) return false;
    last = performance.now();
    return true;
  };
}

const controller = new AbortController();
port.on("message", (message: ToThread) => {
  if (message.type === "stop") controller.abort();
});
try {
  post(await perform(workerData as Task, controller.signal));
} catch (error) {
  post({ type: "failed", ...problemIn(error), ...(isCancelled(error) ? { code: "cancelled" } : {}) });
}
port.close();
