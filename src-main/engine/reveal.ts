/** Shows a folder in the system's file manager. Electron brings its own. */
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import path from "node:path";
import { errorMessage, VergerError } from "../core/errors.js";

/** Opens a folder for the person who sits at this machine. @throws VergerError `run/no-reveal` */
export type Reveal = (folder: string) => Promise<void>;

/** A file manager that has not complained by then is taken to be open: some stay as long as their window does. */
const COMPLAINT_MS = 2_000;

/**
 * The way of this system, or undefined where nobody would see it: no display, or nothing that opens folders.
 *
 * @param environment PATH and the display
 */
export function systemReveal(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): Reveal | undefined {
  if (platform === "darwin") return (folder) => launch("open", folder, true);
  // Explorer ends with 1 whatever it did.
  if (platform === "win32") return (folder) => launch("explorer.exe", folder, false);
  if (!environment.DISPLAY && !environment.WAYLAND_DISPLAY) return undefined;
  const program = findProgram("xdg-open", environment.PATH ?? "");
  return program === undefined ? undefined : (folder) => launch(program, folder, true);
}

function findProgram(name: string, searched: string): string | undefined {
  return searched
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return path.isAbsolute(file);
      } catch {
        return false;
      }
    });
}

async function launch(program: string, folder: string, tells: boolean): Promise<void> {
  // An absolute path is never taken for an option nor for an address.
  if (!path.isAbsolute(folder) || !existsSync(folder)) throw notShown(folder, "it is not there any more");
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn(program, [folder], { stdio: "ignore", detached: true });
      const quiet = setTimeout(resolve, COMPLAINT_MS);
      child.once("error", reject);
      child.once("exit", (code) => {
        clearTimeout(quiet);
        if (tells && code !== 0) reject(new Error(`${program} ended with ${code}`));
        else resolve();
      });
      child.unref();
    });
  } catch (cause) {
    throw notShown(folder, errorMessage(cause), cause);
  }
}

function notShown(folder: string, reason: string, cause?: unknown): VergerError {
  return new VergerError(
    "run/no-reveal",
    `Expected to show ${folder} in the file manager, but: ${reason}; copy the path and open it yourself.`,
    { cause },
  );
}

/** What `runs.reveal` answers where no file manager can be opened for the person. */
export function cannotReveal(folder: string): VergerError {
  return notShown(folder, "there is no display here that the person at this window could see");
}
