/** Where Verger keeps what belongs to a person and not to a run: models, the state of syncs, caches. */
import { homedir } from "node:os";
import path from "node:path";
import { VergerError } from "./errors.js";

/**
 * Verger's folder of this person: `VERGER_HOME` when that is set, otherwise in the platform's place for application
 * data. Absolute; need not exist.
 *
 * @throws VergerError `storage/not-found` for a user without a home folder
 */
export function userFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const home = environment.VERGER_HOME;
  if (home) return path.resolve(home);
  if (platform === "win32") {
    return path.join(environment.LOCALAPPDATA || path.join(homeFolder(), "AppData", "Local"), "Verger");
  }
  if (platform === "darwin") return path.join(homeFolder(), "Library", "Application Support", "Verger");
  const data = environment.XDG_DATA_HOME;
  // The XDG specification: a relative path is to be ignored.
  return path.join(data && path.isAbsolute(data) ? data : path.join(homeFolder(), ".local", "share"), "verger");
}

/**
 * The person's home folder. A container may run as a user number that no table of users knows.
 *
 * @throws VergerError `storage/not-found`
 */
export function homeFolder(): string {
  try {
    return homedir();
  } catch (error) {
    throw new VergerError(
      "storage/not-found",
      "Expected a home folder to keep models, caches and the state of transfers in, but this user has none; set " +
        "VERGER_HOME to a folder that it may write to.",
      { cause: error },
    );
  }
}
