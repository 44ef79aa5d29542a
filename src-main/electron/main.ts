/**
 * Entry of the desktop app and of `verger --cli`.
 *
 * Electron waits for this module to be evaluated before it looks for a display: a command runs to its end within it, with
 * no window, no display and nothing of Electron loaded. Plain Node runs commands by this file as well.
 */
import { VergerError } from "../core/errors.js";
import { cliArguments } from "./arguments.js";

const command = cliArguments(process);
if (command) {
  const { main } = await import("../cli/main.js");
  const code = await main(command);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // Electron would go on to look for a display.
  process.exit(code);
} else if (process.versions.electron) {
  const [electron, { startApp }] = await Promise.all([import("electron"), import("./app.js")]);
  startApp(electron, process);
} else {
  const { code, message } = new VergerError(
    "desktop/not-electron",
    'Expected Electron to start the window, but this is plain Node; use "npm run desktop", or bin/verger for commands.',
  );
  console.error(`verger: ${message} [${code}]`);
  process.exitCode = 1;
}

/** Waits until what was written has left this process. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    // Also when the reader has gone: the callback gets the error. On Windows Electron's own `write` looks for the callback
    // in the third place alone.
    stream.write("", "utf8", () => resolve());
  });
}
