// Folders of what is shipped: walking, copying, and making them the same on every machine.
import { chmodSync, cpSync, mkdirSync, readdirSync, statSync, utimesSync } from "node:fs";
import path from "node:path";
import { output } from "../lib/project.mjs";

/** All files below a folder, relative to it, with `/`, sorted by code units. */
export function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
    .map((file) => file.replaceAll(path.sep, "/"))
    .sort();
}

/** Bytes of all files below a folder. */
export function bytesOf(folder) {
  return filesOf(folder).reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
}

/** Copies one file, with the folders above it; links are followed. */
export function copyFile(from, to) {
  mkdirSync(path.dirname(to), { recursive: true });
  cpSync(from, to, { dereference: true });
}

/**
 * The moment that stands on everything shipped, in seconds: SOURCE_DATE_EPOCH, else that of the commit, else 1980-01-01.
 * See https://reproducible-builds.org/specs/source-date-epoch/.
 */
export function sourceDateEpoch() {
  const given = process.env.SOURCE_DATE_EPOCH ?? output("git", ["log", "-1", "--format=%ct"])?.trim();
  return /^\d+$/.test(given ?? "") ? Number(given) : 315_532_800;
}

/**
 * Gives every file and folder below, and the folder itself, the same times and modes whatever the umask: 755 for
 * folders and for `executables`, 644 for the rest.
 *
 * @param executables relative to the folder, with `/`
 */
export function normalise(folder, epoch, executables) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => ({
    place: path.join(entry.parentPath ?? entry.path, entry.name),
    mode: entry.isDirectory() ? 0o755 : 0o644,
  }));
  for (const { place, mode } of [...entries, { place: folder, mode: 0o755 }]) {
    const name = path.relative(folder, place).replaceAll(path.sep, "/");
    chmodSync(place, executables.includes(name) ? 0o755 : mode);
    utimesSync(place, epoch, epoch);
  }
}

/** Bytes for people: `12.3 MB`, decimal. */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
