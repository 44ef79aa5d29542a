/** A selection of rows as a folder of photos, one folder a label. */
import { constants } from "node:fs";
import { copyFile, mkdir, readdir, symlink } from "node:fs/promises";
import path from "node:path";
import { errorCode, isCancelled, throwIfCancelled, VergerError } from "../../errors.js";
import { photoFile } from "../root.js";
import type { RunData } from "../run-data.js";
import { exportFailure } from "./new-file.js";
import type { ExportOptions } from "./table.js";

/** Photos between two calls of `onProgress`. */
const STEP = 20;

/**
 * Puts the photos into `folder`, one folder a label, as copies or as symbolic links. Photos of one name get the numbers
 * -2, -3 ...; nothing is ever overwritten.
 *
 * @param folder new or empty
 * @returns paths of photos that are not there
 * @throws VergerError `export/exists`, `storage/*`, `cancelled`; what was written until then stays
 */
export async function exportPhotos(
  data: RunData,
  rows: Uint32Array,
  folder: string,
  as: "copies" | "links",
  { onProgress, signal }: Pick<ExportOptions, "onProgress" | "signal"> = {},
): Promise<string[]> {
  await requireEmpty(folder);
  const put: Put = as === "links" ? (from, to) => symlink(from, to) : copyNew;
  const missing: string[] = [];
  for (const [index, row] of rows.entries()) {
    throwIfCancelled(signal);
    if (index % STEP === 0) onProgress?.(index);
    const name = data.pathOf(row);
    let source: string;
    try {
      source = await photoFile(data.root, name);
    } catch {
      missing.push(name);
      continue;
    }
    const target = path.join(folder, folderName(data.labelOf(row)));
    try {
      await mkdir(target, { recursive: true });
      await putUnder(put, source, target, path.posix.basename(name));
    } catch (cause) {
      if (isCancelled(cause)) throw cause;
      throw exportFailure(target, cause);
    }
  }
  onProgress?.(rows.length);
  return missing;
}

/** Makes `to` from `from`; EEXIST where something has that name. */
type Put = (from: string, to: string) => Promise<void>;

const copyNew: Put = (from, to) => copyFile(from, to, constants.COPYFILE_EXCL);

async function putUnder(put: Put, source: string, folder: string, name: string): Promise<void> {
  const { name: stem, ext } = path.parse(name);
  for (let number = 1; ; number += 1) {
    try {
      await put(source, path.join(folder, number === 1 ? name : `${stem}-${number}${ext}`));
      return;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
  }
}

/** @throws VergerError `export/exists`, `storage/*` */
async function requireEmpty(folder: string): Promise<void> {
  let there: string[];
  try {
    there = await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw exportFailure(folder, error);
  }
  if (there.length === 0) return;
  throw new VergerError(
    "export/exists",
    `Expected a new or empty folder for the photos, but ${folder} holds ${there.length} entries; choose another.`,
  );
}

/** A label as the name of one folder on every system. */
function folderName(label: string | null): string {
  if (label === null) return "no label";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are just what a name must not hold.
  const safe = label.replace(/[\\/:*?"<>|\u0000-\u001f]/g, "_").replace(/[. ]+$/, "_");
  return safe === "" || safe === "." || safe === ".." ? "_" : safe;
}
