import { setMaxListeners } from "node:events";
import { throwIfCancelled } from "../../core/errors.js";

/**
 * Does something with every item, a bounded number at a time, and ends at the first failure once what had begun is over.
 *
 * @throws what `work` throws; VergerError `cancelled`
 */
export async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Whatever is under way listens; Node would call eleven of them a leak.
  if (signal) setMaxListeners(0, signal);
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      throwIfCancelled(signal);
      const item = items[next] as T;
      next += 1;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, lane));
  for (const result of lanes) if (result.status === "rejected") throw result.reason;
}
