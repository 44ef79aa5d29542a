/** Files that must not be there yet: written beside their name, and given it without ever replacing another. */
import { randomBytes } from "node:crypto";
import { type FileHandle, link, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { syncDirectory } from "../../../native/parquet.js";
import { errorCode, errorMessage, VergerError } from "../../errors.js";

/** File systems that know no hard links say so with one of these. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"]);

/**
 * Calls `write` with a name beside `file`, then gives what was written its final name.
 *
 * @throws VergerError `export/exists` when something has that name, `export/no-folder`; what `write` throws. Nothing is
 *   left behind then.
 */
export async function writeNewFile(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const folder = path.dirname(file);
  await requireFolder(folder);
  // Asked before the work; what comes meanwhile is met when the name is given.
  if (await stat(file).catch(() => undefined)) throw exists(file);
  const temporary = path.join(folder, `.${path.basename(file)}.tmp-${randomBytes(4).toString("hex")}`);
  try {
    await write(temporary);
    await giveName(temporary, file);
    await syncDirectory(folder);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A hard link is refused where the name is taken: unlike a rename, it cannot replace a file that came meanwhile. */
async function giveName(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file);
  } catch (error) {
    if (errorCode(error) === "EEXIST") throw exists(file);
    if (!NO_LINKS.has(errorCode(error))) throw error;
    if (await stat(file).catch(() => undefined)) throw exists(file);
    await rename(temporary, file);
  }
}

/** Writes text piece by piece and flushes it to the disk. @throws VergerError `storage/*`, what `pieces` throws */
export async function writeText(file: string, pieces: AsyncIterable<string>): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, "wx");
    for await (const piece of pieces) await handle.appendFile(piece);
    await handle.sync();
  } catch (error) {
    throw error instanceof VergerError || errorCode(error).includes("/") ? error : exportFailure(file, error);
  } finally {
    await handle?.close();
  }
}

/** A failure of the disk as a sentence. */
export function exportFailure(target: string, error: unknown): VergerError {
  const options = { cause: error };
  switch (errorCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new VergerError(
        "storage/disk-full",
        `Expected room for the export to ${target}, but the disk is full; free some space or choose another disk.`,
        options,
      );
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return new VergerError(
        "storage/read-only",
        `Expected to export to ${target}, but: ${errorMessage(error)}; choose a folder that can be written.`,
        options,
      );
    default:
      return new VergerError(
        "storage/write",
        `Expected to export to ${target}, but: ${errorMessage(error)}; choose another place.`,
        options,
      );
  }
}

async function requireFolder(folder: string): Promise<void> {
  const there = await stat(folder).catch(() => undefined);
  if (there?.isDirectory()) return;
  throw new VergerError(
    "export/no-folder",
    `Expected a folder to put the export into, but ${folder} is ${there ? "a file" : "not there"}; choose another or make it first.`,
    { details: { folder } },
  );
}

function exists(file: string): VergerError {
  return new VergerError(
    "export/exists",
    `Expected a new file for the export, but ${file} is there already; choose another name.`,
  );
}
