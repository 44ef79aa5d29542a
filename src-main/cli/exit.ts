import { CommanderError } from "commander";
import { errorCode, isCancelled } from "../core/errors.js";

/** What the process's exit code says. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Done, with images set aside. */
  setAside: 3,
  /** Interrupted; what was done is kept. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code of a command that ended with `error`. */
export function exitCodeOf(error: unknown): ExitCode {
  if (isCancelled(error)) return EXIT.interrupted;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const area = errorCode(error).split("/", 1)[0];
  return area === "usage" || area === "request" ? EXIT.usage : EXIT.failed;
}
