/** Work that people wait for: in a thread beside the queue of jobs, given up when nobody waits any more. */
import { cancelled, VergerError } from "../core/errors.js";
import type { RemoteReport } from "../storage/run/features.js";
import type { Events } from "./events.js";
import type {
  FromThread,
  LookRequest,
  PreviewRequest,
  PreviewResult,
  ProbeRequest,
  ProbeResult,
  Task,
} from "./jobs/protocol.js";
import type { SpawnJobThread } from "./jobs/spawn.js";

/** Counts the images of sources and measures this machine on them: see the channel `jobs.probe`. */
export function probe(
  spawn: SpawnJobThread,
  events: Events,
  request: ProbeRequest,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return beside(spawn, { kind: "probe", request }, signal, (message) => {
    if (message.type === "counted") events.emit({ type: "probe", probe: request.probe, images: message.images });
    return message.type === "probed" ? message.result : undefined;
  });
}

/** What a sync would do: see the channel `transfers.preview`. */
export function preview(
  spawn: SpawnJobThread,
  events: Events,
  request: PreviewRequest,
  signal: AbortSignal,
): Promise<PreviewResult> {
  return beside(spawn, { kind: "preview", request }, signal, (message) => {
    if (message.type === "counted") events.emit({ type: "preview", preview: request.preview, files: message.images });
    return message.type === "previewed" ? message.result : undefined;
  });
}

/** What features in S3 are: see the channel `features.inspect`. */
export function look(
  spawn: SpawnJobThread,
  request: LookRequest,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<RemoteReport> {
  return beside(spawn, { kind: "look", request }, signal, (message) => {
    if (message.type === "fetched") onProgress(message.done, message.total);
    return message.type === "looked" ? message.result : undefined;
  });
}

/** @param take looks at each message of the thread and returns the result when it has come */
function beside<T>(
  spawn: SpawnJobThread,
  task: Task,
  signal: AbortSignal,
  take: (message: FromThread) => T | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled());
      return;
    }
    const thread = spawn(task, {
      message: (message) => {
        if (message.type === "failed") {
          const { code, message: sentence, details } = message;
          reject(code === "cancelled" ? cancelled() : new VergerError(code, sentence, details ? { details } : {}));
          return;
        }
        const result = take(message);
        if (result !== undefined) resolve(result);
      },
      end: (reason) => {
        signal.removeEventListener("abort", stop);
        if (reason === null) return;
        reject(
          new VergerError(
            "job/crashed",
            `Expected the ${task.kind} to end with a result, but ${reason}; try it again.`,
          ),
        );
      },
    });
    const stop = (): void => thread.stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}
