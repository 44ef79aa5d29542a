/** What run.json says of where the photos stand, and what follows from it on this machine. */
import { existsSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import type { RunFile } from "../../api/contract.js";
import { commonFolder, withSlashes } from "../manifest/manifest.js";
import { isAddress } from "../remote.js";
import { readRunFile } from "./store.js";

/**
 * What run.json remembers of the photos' place. The way from the run folder finds them again when both were moved
 * together: a memory stick under another name, a folder copied to a colleague.
 *
 * @param root of the manifest
 * @param folder of the run; undefined where the run does not stay in a folder of this machine
 */
export function photosOf(root: string, folder: string | undefined): RunFile["photos"] {
  if (root === "") return null;
  if (folder === undefined || isAddress(root)) return { root, relative: null };
  const relative = path.relative(realpathSync(folder), root);
  // Between two Windows drives there is no way.
  return { root, relative: path.isAbsolute(relative) ? null : withSlashes(relative) };
}

/**
 * The folder that the run's paths are relative to: the one that run.json names or, where that is gone, the one that lies
 * as it did from the run folder. A run of an earlier version names only its sources: then the deepest folder that holds
 * them all. A PCA of another run's features shows that run's photos.
 *
 * @param folder of the run
 * @returns null for features that others wrote, and where the photos are in S3
 */
export function photoRoot(run: RunFile, folder: string): string | null {
  if (run.photos) {
    const { root, relative } = run.photos;
    if (isAddress(root)) return null;
    if (relative === null || existsSync(root)) return root;
    const beside = path.resolve(folder, relative);
    return existsSync(beside) ? beside : root;
  }
  if (run.identity) return rootOfSources(run.identity.sources);
  const source = runOfFeatures(run.featuresFrom);
  return source ? photoRoot(source.run, source.folder) : null;
}

/**
 * The folder of some sources. One that is a file stands for its folder; one that is gone is taken for a folder, as most
 * are.
 */
function rootOfSources(sources: readonly string[]): string | null {
  if (sources.length === 0 || sources.some(isAddress)) return null;
  const folder = commonFolder(sources.map(folderOf));
  return folder === "" ? null : folder;
}

/** The run that features stand in: named itself, or by its folder `features`. */
export function runOfFeatures(featuresFrom: string | null): { run: RunFile; folder: string } | undefined {
  if (featuresFrom === null || isAddress(featuresFrom)) return undefined;
  for (const folder of [featuresFrom, path.dirname(featuresFrom)]) {
    try {
      const run = readRunFile(folder);
      // A PCA has no features of its own: a run that names itself would be followed for ever.
      if (run?.kind === "run") return { run, folder };
    } catch {
      // A run that this version cannot read says nothing about photos.
    }
  }
  return undefined;
}

function folderOf(source: string): string {
  try {
    return statSync(source).isFile() ? path.dirname(source) : source;
  } catch {
    const magic = source.search(/[*?[{]/);
    return magic < 0 ? source : path.dirname(source.slice(0, magic + 1));
  }
}
