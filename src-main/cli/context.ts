import type { ExitCode } from "./exit.js";
import type { Output } from "./output.js";

/** What every command is given. */
export interface CommandContext {
  readonly output: Output;
  /** Sets the exit code of a command that ends without an error; 0 when never called. */
  finish(code: ExitCode): void;
}
