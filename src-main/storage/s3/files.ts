/** Files that stand under their final name only when they are whole. */
import { type FileHandle, open, rename } from "node:fs/promises";
import path from "node:path";

/** Makes the entries of a folder last through a power cut. Windows has no such call; its journal does it. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Syncs a finished file, closes it and gives it its final name. */
export async function publish(handle: FileHandle, temporary: string, file: string): Promise<void> {
  await handle.sync();
  await handle.close();
  await rename(temporary, file);
  await syncFolder(path.dirname(file));
}

/** What must stay the same of a file while it is sent. */
export interface FileIdentity {
  readonly size: number;
  /** Nanoseconds since 1970, decimal. */
  readonly modifiedNs: string;
  readonly inode: string;
}

export async function identityOf(handle: FileHandle): Promise<FileIdentity & { readonly isFile: boolean }> {
  const stats = await handle.stat({ bigint: true });
  return {
    size: Number(stats.size),
    modifiedNs: String(stats.mtimeNs),
    inode: String(stats.ino),
    isFile: stats.isFile(),
  };
}

export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.size === b.size && a.modifiedNs === b.modifiedNs && a.inode === b.inode;
}
