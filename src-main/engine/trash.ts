/** Moves a folder to the trash. Electron brings its own; this is the one of the freedesktop.org specification. */
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { errorCode, errorMessage, VergerError } from "../core/errors.js";

/** Brings a folder back from the trash to where it was. @throws VergerError `run/not-restored` */
export type Restore = () => Promise<void>;

/** Takes one folder away so that people can bring it back; by the result, where this system lets a program do so. */
export type Trash = (folder: string) => Promise<Restore | undefined>;

/** The trash of this system, where there is one that a program without a desktop can use. */
export function systemTrash(environment: NodeJS.ProcessEnv = process.env): Trash | undefined {
  if (process.platform !== "linux") return undefined;
  const data = environment.XDG_DATA_HOME;
  const root = path.join(data && path.isAbsolute(data) ? data : path.join(homedir(), ".local", "share"), "Trash");
  return (folder) => moveToTrash(folder, root);
}

/**
 * The home trash of the freedesktop.org Trash specification 1.0: `info/<name>.trashinfo` is made first, exclusively, and
 * reserves the name in `files/`.
 *
 * @throws VergerError `run/no-trash` where the trash stands on another disk or cannot be written
 */
export async function moveToTrash(folder: string, root: string, now = new Date()): Promise<Restore> {
  const files = path.join(root, "files");
  const info = path.join(root, "info");
  let reserved: string | undefined;
  try {
    await mkdir(files, { recursive: true, mode: 0o700 });
    await mkdir(info, { recursive: true, mode: 0o700 });
    const name = await reserve(info, path.basename(folder), folder, now);
    reserved = path.join(info, `${name}.trashinfo`);
    const trashed = path.join(files, name);
    await rename(folder, trashed);
    const known = reserved;
    return () => restore(trashed, folder, known);
  } catch (cause) {
    if (reserved) await rm(reserved, { force: true }).catch(() => {});
    const reason = errorCode(cause) === "EXDEV" ? "it stands on another disk than the trash" : errorMessage(cause);
    throw new VergerError(
      "run/no-trash",
      `Expected to move ${folder} to the trash in ${root}, but: ${reason}; delete the folder yourself.`,
      { cause },
    );
  }
}

async function restore(trashed: string, folder: string, info: string): Promise<void> {
  try {
    // rename() would put it in the place of an empty folder without a word.
    if (existsSync(folder)) throw new Error("something else stands there by now");
    await mkdir(path.dirname(folder), { recursive: true });
    await rename(trashed, folder);
    await rm(info, { force: true });
  } catch (cause) {
    throw new VergerError(
      "run/not-restored",
      `Expected to bring ${folder} back from the trash, but: ${errorMessage(cause)}; look for it in ${path.dirname(trashed)}.`,
      { cause },
    );
  }
}

async function reserve(info: string, wanted: string, folder: string, now: Date): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}.${number}`;
    try {
      const handle = await open(path.join(info, `${name}.trashinfo`), "wx");
      try {
        const where = folder.split(path.sep).map(encodeURIComponent).join("/");
        await handle.writeFile(`[Trash Info]\nPath=${where}\nDeletionDate=${localTime(now)}\n`);
      } finally {
        await handle.close();
      }
      return name;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
  }
}

/** What a clock on the wall shows, as the specification wants it: `2026-11-23T03:05:00`. */
function localTime(now: Date): string {
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
