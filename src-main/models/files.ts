/** Where models stand, and the file operations that the registry needs. */
import { createHash } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { errorMessage, throwIfCancelled, VergerError } from "../core/errors.js";
import { userFolder } from "../core/user-folder.js";
import { packageRoot } from "../native/root.js";

/**
 * The folder of the embedded models and their registry. In the packaged desktop app it stands beside the archive that
 * holds the rest: ONNX Runtime opens the files by itself, and knows nothing of archives.
 */
export function embeddedModelsFolder(): string {
  const root = packageRoot();
  return path.extname(root) === ".asar"
    ? path.join(path.dirname(root), "models")
    : path.join(root, "resources", "models");
}

/** The folder of the models a person has added or pulled: `models` in Verger's folder of this person. */
export function userModelsFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  return path.join(userFolder(environment, platform), "models");
}

export interface Digest {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

/** SHA-256 of a file, read in blocks of 1 MiB; about 1 ms for each 1.5 MB. */
export async function hashFile(file: string, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  const handle = await open(file, "r");
  try {
    const block = Buffer.allocUnsafe(1 << 20);
    let bytes = 0;
    for (;;) {
      throwIfCancelled(signal);
      const { bytesRead } = await handle.read(block, 0, block.length);
      if (bytesRead === 0) return { sha256: hash.digest("hex"), bytes };
      hash.update(block.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

export function sha256Of(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * Writes a file of the user's model folder: beside its final name, fsynced, renamed.
 *
 * @throws VergerError `model/not-writable`
 */
export async function writeModelFile(file: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    // What cannot be removed must not hide why.
    await rm(temporary, { force: true }).catch(() => {});
    throw notWritable(file, error);
  }
  await syncFolder(path.dirname(file));
}

export function notWritable(file: string, error: unknown): VergerError {
  return new VergerError(
    "model/not-writable",
    `Expected to write ${file}, but: ${errorMessage(error)}; free space or make the folder writable, or set VERGER_HOME ` +
      "to a folder that is.",
    { cause: error, details: { file } },
  );
}

/** Makes a rename durable; Windows cannot open folders and needs no such call. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
