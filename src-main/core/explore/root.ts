/** Where the photos of a run are found, and whether a file may be shown as one of them. */
import { statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import path from "node:path";
import { errorMessage, VergerError } from "../errors.js";
import { contains } from "../manifest/manifest.js";

/** Photos looked up to tell whether a folder is the right one. */
const SAMPLE = 200;

/** Where photos were looked for, and how many of the sample stand there. */
export interface Located {
  /** Absolute: the folder that was given, or the one above or below it that fits better. */
  readonly root: string;
  readonly found: number;
  readonly total: number;
}

/**
 * Looks for a run's photos in another place. People often choose the folder above the right one, or the one below it:
 * those are tried as well.
 *
 * @param paths of the run's images
 * @param given the folder that people chose
 * @param before where the photos stood when the run was made, as far as that is known
 * @throws VergerError `photo/no-folder`
 */
export function locatePhotos(paths: readonly string[], given: string, before: string | null): Located {
  const folder = path.resolve(given);
  requireFolder(folder);
  const step = Math.max(1, paths.length / SAMPLE);
  const sample: string[] = [];
  for (let at = 0; at < paths.length; at += step) sample.push(paths[Math.floor(at)] as string);
  const candidates = [folder];
  if (before !== null) candidates.push(path.join(folder, path.basename(before)));
  let above = folder;
  // `Training/Apple` was chosen where paths begin with `Training/`: the right folder is as far above.
  for (const _ of sample[0]?.split("/").slice(1) ?? []) {
    above = path.dirname(above);
    candidates.push(above);
  }
  let best: Located = { root: folder, found: -1, total: sample.length };
  for (const root of candidates) {
    const found = sample.filter((name) => stands(root, name)).length;
    if (found > best.found) best = { root, found, total: sample.length };
    if (found === sample.length) break;
  }
  return best;
}

function stands(root: string, relative: string): boolean {
  const file = path.resolve(root, relative);
  try {
    return contains(root, file) && statSync(file, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    // A folder that may not be entered shows no photos.
    return false;
  }
}

function requireFolder(folder: string): void {
  let reason = "it is a file";
  try {
    if (statSync(folder).isDirectory()) return;
  } catch (error) {
    reason = errorMessage(error);
  }
  throw new VergerError(
    "photo/no-folder",
    `Expected a folder with the photos of this run, but ${folder} cannot be opened: ${reason}; choose another.`,
    { details: { path: folder } },
  );
}

/**
 * The real file of a photo. A run folder may come from a stranger: neither `..` in its paths nor a link may lead out of
 * the folders that its sources name.
 *
 * @param relative as the manifest has it
 * @throws VergerError `photo/missing`, `photo/outside`
 */
export async function photoFile(root: string | null, relative: string): Promise<string> {
  if (root === null) {
    throw new VergerError(
      "photo/missing",
      `Expected to show ${relative}, but this run does not say where its photos stand on this machine.`,
      { details: { path: relative } },
    );
  }
  const wanted = path.resolve(root, relative);
  if (!contains(path.resolve(root), wanted)) throw outside(relative, root);
  let real: string;
  let realRoot: string;
  try {
    [real, realRoot] = await Promise.all([realpath(wanted), realpath(root)]);
  } catch (cause) {
    throw new VergerError(
      "photo/missing",
      `Expected the photo ${wanted}, but it is not there; it was moved or deleted since the run, or its disk is not connected.`,
      { cause, details: { path: wanted } },
    );
  }
  if (!contains(realRoot, real)) throw outside(relative, root);
  return real;
}

function outside(relative: string, root: string): VergerError {
  return new VergerError(
    "photo/outside",
    `Expected a photo inside ${root}, but ${relative} leads out of it; only photos of the run's own sources are shown.`,
    { details: { path: relative } },
  );
}
