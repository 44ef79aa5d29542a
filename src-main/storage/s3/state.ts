/** The uploads in parts that a later call continues, one small file each. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { errorCode } from "../../core/errors.js";

const State = z.object({
  version: z.literal(1),
  bucket: z.string(),
  key: z.string(),
  file: z.string(),
  size: z.number().int().nonnegative(),
  modifiedNs: z.string(),
  inode: z.string(),
  partBytes: z.number().int().positive(),
  /** Empty while the server is asked for one: a crash then leaves an upload whose id nobody knows. */
  uploadId: z.string(),
  /** When that was, by the server's clock as far as it is known. */
  begunMs: z.number(),
  /** How parts are checked: by their CRC-32 and that of the whole, by their CRC-32 alone, or by their MD5. */
  integrity: z.enum(["full", "parts", "md5"]),
});

export type UploadState = Omit<z.infer<typeof State>, "version">;

/** Where the state of uploading this file to this key stands. */
export function statePath(folder: string, bucket: string, key: string, file: string): string {
  const digest = createHash("sha256").update(`${bucket}\0${key}\0${file}`).digest("hex").slice(0, 32);
  return path.join(folder, `upload-${digest}.json`);
}

/** @returns undefined where there is none that can be read */
export async function readState(file: string): Promise<UploadState | undefined> {
  try {
    return State.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}

/** Written beside and renamed: a crash leaves the old state or the new. */
export async function writeState(file: string, state: UploadState): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify({ version: 1, ...state })}\n`);
  await rename(temporary, file);
}

export async function removeState(file: string): Promise<void> {
  await rm(file, { force: true });
}

/**
 * The uploads that a later call with this folder would continue: what clears up orphans must spare them.
 *
 * @returns in no order; empty where the folder does not exist
 */
export async function heldUploads(
  folder: string,
): Promise<
  readonly { readonly bucket: string; readonly key: string; readonly file: string; readonly uploadId: string }[]
> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
  const found: { bucket: string; key: string; file: string; uploadId: string }[] = [];
  for (const name of names) {
    const state = /^upload-[0-9a-f]{32}\.json$/.test(name) ? await readState(path.join(folder, name)) : undefined;
    if (state && state.uploadId !== "")
      found.push({ bucket: state.bucket, key: state.key, file: state.file, uploadId: state.uploadId });
  }
  return found;
}

/** Forgets an upload of `heldUploads`; aborting it is the caller's. */
export async function forgetUpload(
  folder: string,
  upload: { readonly bucket: string; readonly key: string; readonly file: string },
): Promise<void> {
  await removeState(statePath(folder, upload.bucket, upload.key, upload.file));
}
