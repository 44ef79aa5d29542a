/** Folders for one job, removed at its end, and by the next job where a killed one left them. */
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { type FileLock, lockFile } from "../../native/system.js";
import { makePrivateFolder } from "../cache/folder.js";

export class Scratch {
  private readonly held: { folder: string; lock: FileLock }[] = [];

  /** @param root holds nothing but such folders and their locks */
  constructor(private readonly root: string) {}

  /** An empty folder. */
  make(): string {
    makePrivateFolder(this.root);
    if (this.held.length === 0) this.sweep();
    const folder = path.join(this.root, randomUUID());
    // The lock first: a folder without a held one is garbage.
    const lock = lockFile(`${folder}.lock`);
    makePrivateFolder(folder);
    this.held.push({ folder, lock });
    return folder;
  }

  close(): void {
    for (const { folder, lock } of this.held.splice(0)) {
      rmSync(folder, { recursive: true, force: true });
      lock.unlock();
      rmSync(`${folder}.lock`, { force: true });
    }
  }

  private sweep(): void {
    for (const name of readdirSync(this.root)) {
      if (!name.endsWith(".lock")) continue;
      const file = path.join(this.root, name);
      try {
        const lock = lockFile(file);
        rmSync(file.slice(0, -".lock".length), { recursive: true, force: true });
        lock.unlock();
        if (existsSync(file)) rmSync(file, { force: true });
      } catch {
        // Held: another job is using it.
      }
    }
  }
}
