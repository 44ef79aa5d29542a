/** Where the photos of a run stand, and whether a file may be shown as one of them. */
import { statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import path from "node:path";
import type { RunFile } from "../../api/contract.js";
import { VergerError } from "../errors.js";
import { commonFolder, contains } from "../manifest/manifest.js";
import { isAddress } from "../remote.js";
import { readRunFile } from "../run/index.js";

/**
 * The folder that the run's paths are relative to: the deepest one that holds all of its sources. A source that is a
 * file stands for its folder; one that is gone is taken for a folder, as most are. A PCA of another run's features shows
 * that run's photos.
 *
 * @returns null for features that others wrote, and where a source is in S3
 */
export function photoRoot(run: RunFile): string | null {
  const sources = (run.identity ?? identityOfFeatures(run.featuresFrom))?.sources ?? [];
  if (sources.length === 0 || sources.some(isAddress)) return null;
  const folder = commonFolder(sources.map(folderOf));
  return folder === "" ? null : folder;
}

/** The run that features stand in: named itself, or by its folder `features`. */
function identityOfFeatures(featuresFrom: string | null): RunFile["identity"] {
  if (featuresFrom === null || isAddress(featuresFrom)) return null;
  for (const folder of [featuresFrom, path.dirname(featuresFrom)]) {
    try {
      const run = readRunFile(folder);
      if (run) return run.identity;
    } catch {
      // A run that this version cannot read says nothing about photos.
    }
  }
  return null;
}

function folderOf(source: string): string {
  try {
    return statSync(source).isFile() ? path.dirname(source) : source;
  } catch {
    const magic = source.search(/[*?[{]/);
    return magic < 0 ? source : path.dirname(source.slice(0, magic + 1));
  }
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
      { cause },
    );
  }
  if (!contains(realRoot, real)) throw outside(relative, root);
  return real;
}

function outside(relative: string, root: string): VergerError {
  return new VergerError(
    "photo/outside",
    `Expected a photo inside ${root}, but ${relative} leads out of it; only photos of the run's own sources are shown.`,
  );
}
