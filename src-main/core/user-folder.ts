/** Where Verger keeps what belongs to a person and not to a run: models, the state of syncs, caches. */
import { homedir } from "node:os";
import path from "node:path";

/**
 * Verger's folder of this person: `VERGER_HOME` when that is set, otherwise in the platform's place for application
 * data. Absolute; need not exist.
 */
export function userFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const home = environment.VERGER_HOME;
  if (home) return path.resolve(home);
  if (platform === "win32") {
    return path.join(environment.LOCALAPPDATA || path.join(homedir(), "AppData", "Local"), "Verger");
  }
  if (platform === "darwin") return path.join(homedir(), "Library", "Application Support", "Verger");
  const data = environment.XDG_DATA_HOME;
  // The XDG specification: a relative path is to be ignored.
  return path.join(data && path.isAbsolute(data) ? data : path.join(homedir(), ".local", "share"), "verger");
}
