import { exitNow } from "../native/system.js";
import { EXIT } from "./exit.js";
import type { Output } from "./output.js";

const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === "win32" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs `action` so that people can stop it: the first signal aborts it, the second ends the process at once.
 *
 * The action ends by itself once it has saved what it holds. Signals find Node's default again afterwards.
 */
export async function interruptible<T>(output: Output, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      // Whoever has changed the terminal gives it back.
      process.emit("exit", EXIT.interrupted);
      exitNow(EXIT.interrupted);
    }
    output.notice("Stopping and saving what is done; press Ctrl-C again to stop at once.");
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return await action(controller.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}
