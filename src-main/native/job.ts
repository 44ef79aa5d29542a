import { cancelled } from "../core/errors.js";

/** What every asynchronous function of the addon returns. */
export interface NativeJob<T> {
  readonly promise: Promise<T>;
  cancel(): void;
}

/**
 * Ties a native job to an AbortSignal: aborting cancels the job, and the promise rejects with code `cancelled` once the
 * native threads have let go of the job's buffers (never before).
 *
 * @param start starts the job; not called when the signal is already aborted
 */
export async function withSignal<T>(start: () => NativeJob<T>, signal?: AbortSignal): Promise<T> {
  if (signal?.aborted) throw cancelled();
  const job = start();
  if (!signal) return job.promise;
  const cancel = () => job.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await job.promise;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
