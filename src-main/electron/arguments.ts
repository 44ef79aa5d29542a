/** What the command line of the desktop app asks for. */
import path from "node:path";

/** The process that reads its command line. */
export interface Started {
  readonly argv: readonly string[];
  readonly versions: Readonly<Record<string, string | undefined>>;
  /** Set by Electron when it was given the app as an argument: `electron .`. */
  readonly defaultApp?: boolean | undefined;
}

/** Arguments without the program, and without the script (plain Node) or the app's folder (`electron .`). */
function argumentsOf({ argv, versions, defaultApp }: Started): readonly string[] {
  if (versions.electron === undefined) return argv.slice(2);
  const given = argv.slice(1);
  // Switches of Electron's may stand before the folder.
  return defaultApp ? given.slice(given.findIndex((argument) => !argument.startsWith("-")) + 1) : given;
}

/**
 * The command after `--cli`. Only switches may stand before it: they are Chromium's.
 *
 * @returns undefined when the window is asked for
 */
export function cliArguments(started: Started): readonly string[] | undefined {
  const given = argumentsOf(started);
  const at = given.indexOf("--cli");
  if (at < 0 || !given.slice(0, at).every((argument) => argument.startsWith("-"))) return undefined;
  return given.slice(at + 1);
}

/**
 * Folders to open, absolute. Switches are Chromium's and left out; what follows `--` is a path whatever it looks like.
 *
 * @param folder what relative paths are relative to
 */
export function pathArguments(started: Started, folder: string): readonly string[] {
  const given = argumentsOf(started);
  const end = given.includes("--") ? given.indexOf("--") : given.length;
  const paths = [...given.slice(0, end).filter((argument) => !argument.startsWith("-")), ...given.slice(end + 1)];
  return paths.map((argument) => path.resolve(folder, argument));
}
