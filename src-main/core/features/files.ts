/** Finds the part files that an input names. */

import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import picomatch from "picomatch";
import { errorMessage, VergerError } from "../errors.js";
import { compareCodePoints } from "../manifest/order.js";

const PARQUET = /\.(parquet|parq|pq)$/i;

/**
 * The Parquet files of an input, in code point order of their paths:
 * - a file: itself, whatever its name;
 * - a run folder (it has a folder `features`): the files below that;
 * - any other folder: the files below it ending in `.parquet`, `.parq` or `.pq`;
 * - a glob: the files that match, and those below matching folders.
 *
 * Below folders, names that start with `_` or `.` are skipped, as Spark does: they are logs, checksums and files that
 * are still being written.
 *
 * @throws VergerError `features/not-found` when nothing is there, `features/empty` when a folder or glob holds no
 *   Parquet file, `storage/read`
 */
export async function findFeatureFiles(input: string): Promise<string[]> {
  const found = await kindOf(input);
  if (found === "file") return [input];
  if (found === "folder") {
    const inner = path.join(input, "features");
    const root = (await kindOf(inner)) === "folder" ? inner : input;
    return nonEmpty(await walk(root, () => true), root);
  }
  const pattern = process.platform === "win32" ? input.replaceAll("\\", "/") : input;
  const { base, glob, isGlob } = picomatch.scan(pattern);
  if (!isGlob) {
    throw new VergerError(
      "features/not-found",
      `Expected a Parquet file, a folder or a glob at ${input}, but there is nothing; check the path.`,
    );
  }
  const root = base === "" ? "." : base;
  if ((await kindOf(root)) !== "folder") {
    throw new VergerError(
      "features/not-found",
      `Expected a folder ${root} to look for ${glob} in, but there is none; check the path.`,
    );
  }
  const matches = picomatch(glob);
  const selects = (relative: string): boolean => {
    for (let end = relative.length; end > 0; end = relative.lastIndexOf("/", end - 1)) {
      if (matches(relative.slice(0, end))) return true;
    }
    return false;
  };
  return nonEmpty(await walk(root, selects), input);
}

async function kindOf(name: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await stat(name)).isDirectory() ? "folder" : "file";
  } catch {
    return undefined;
  }
}

function nonEmpty(files: string[], where: string): string[] {
  if (files.length > 0) return files;
  throw new VergerError(
    "features/empty",
    `Expected Parquet files (.parquet) in ${where}, but found none; choose the folder that holds the features.`,
  );
}

async function walk(root: string, selects: (relative: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  // Real folders already entered: links can neither loop nor make a file count twice.
  const visited = new Set<string>();
  const pending = [""];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const full = path.join(root, folder);
    let entries: Dirent[];
    try {
      const real = await realpath(full);
      if (visited.has(real)) continue;
      visited.add(real);
      entries = await readdir(full, { withFileTypes: true });
    } catch (cause) {
      throw new VergerError(
        "storage/read",
        `Expected to list ${full}, but the system answered: ${errorMessage(cause)}; check the right to read it.`,
        { cause },
      );
    }
    for (const entry of entries) {
      if (entry.name.startsWith("_") || entry.name.startsWith(".")) continue;
      const relative = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const kind = entry.isSymbolicLink()
        ? await kindOf(path.join(root, relative))
        : entry.isDirectory()
          ? "folder"
          : "file";
      if (kind === "folder") pending.push(relative);
      else if (kind === "file" && PARQUET.test(entry.name) && selects(relative)) found.push(relative);
    }
  }
  return found.sort(compareCodePoints).map((relative) => path.join(root, relative));
}
