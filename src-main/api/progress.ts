import type { Job } from "./channels.js";

/** True for a job that is under way or waits for its turn. */
export function isActive({ state }: Pick<Job, "state">): boolean {
  return state === "queued" || state === "running" || state === "stopping";
}

/** The share that is done, 0..1; null where nothing is under way, or its end is not known. */
export function shareDone(progress: { readonly done: number; readonly total: number } | null): number | null {
  return progress && progress.total > 0 ? Math.min(1, progress.done / progress.total) : null;
}

/** The jobs that a person is told of first: what is under way before what waits, and that before what is paused. */
export function byUrgency(jobs: readonly Job[]): Job[] {
  const rank = ({ state }: Job) => (state === "running" || state === "stopping" ? 0 : state === "queued" ? 1 : 2);
  return [...jobs].sort((a, b) => rank(a) - rank(b));
}
