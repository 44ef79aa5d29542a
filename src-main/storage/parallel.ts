/** Several requests of one job at once. */
import { setMaxListeners } from "node:events";
import { cancelled } from "../core/errors.js";

/**
 * Runs `work` for each item, at most `width` at once and in the order of the items. The first that fails aborts the
 * others; its error is thrown when all have ended, so that nothing still writes to a file that is about to be closed.
 *
 * @param width a number, or a function that is asked again whenever an item is done and may only grow
 * @param work gets a signal of its own, which also ends it when another item fails
 * @throws what `work` throws first; VergerError `cancelled`
 */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number | (() => number),
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const stop = new AbortController();
  // Whatever is under way listens; Node would call eleven of them a leak.
  setMaxListeners(0, stop.signal);
  const abort = () => stop.abort();
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) stop.abort();
  let first: { error: unknown } | undefined;
  const iterator = items[Symbol.iterator]();
  const workers: Promise<void>[] = [];
  const widen = () => {
    const wanted = typeof width === "number" ? width : width();
    while (workers.length < wanted) workers.push(worker());
  };
  const worker = async () => {
    for (;;) {
      if (stop.signal.aborted) return;
      const next = iterator.next();
      if (next.done) return;
      try {
        await work(next.value, stop.signal);
      } catch (error) {
        first ??= { error };
        stop.abort();
        return;
      }
      widen();
    }
  };
  try {
    widen();
    // Grows while it is read: workers begin others.
    for (const one of workers) await one;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  if (signal?.aborted) throw cancelled();
  if (first) throw first.error;
}
