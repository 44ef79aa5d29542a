/** Where Verger keeps what it can fetch or make again. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { errorMessage, VergerError } from "../../core/errors.js";
import { homeFolder } from "../../core/user-folder.js";

/**
 * The folder for fetched photos and for runs on their way to a bucket: `cache` in `VERGER_HOME` when that is set,
 * otherwise Verger's folder in the platform's place for caches.
 */
export function userCacheFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const home = environment.VERGER_HOME;
  if (home) return path.resolve(home, "cache");
  if (platform === "win32") {
    const local = environment.LOCALAPPDATA || path.join(homeFolder(), "AppData", "Local");
    return path.join(local, "Verger", "Cache");
  }
  if (platform === "darwin") return path.join(homeFolder(), "Library", "Caches", "Verger");
  const cache = environment.XDG_CACHE_HOME;
  // The XDG specification: a relative path is to be ignored.
  return path.join(cache && path.isAbsolute(cache) ? cache : path.join(homeFolder(), ".cache"), "verger");
}

/**
 * Makes a folder that only its owner may look into: a bucket's photos need not be everybody's.
 *
 * @throws VergerError `storage/write`
 */
export function makePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new VergerError(
      "storage/write",
      `Expected to make the folder ${folder}, but: ${errorMessage(error)}; make it writable, or set VERGER_HOME to a folder ` +
        "that is.",
      { cause: error },
    );
  }
}
