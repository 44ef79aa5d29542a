/** A folder of small files with a bound: the least recently used go first. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";

/** Evicting down to this share of the bound leaves room for the next ones. */
const KEEP_SHARE = 0.9;
/** A file's time of use is written at most this often. */
const TOUCH_INTERVAL_MS = 3_600_000;

interface Entry {
  readonly bytes: number;
  usedMs: number;
}

/**
 * Files by key. It only saves work: a folder that cannot be read or written makes every question a miss, never an
 * error. Several processes may share a folder; each keeps to the bound by what it sees.
 */
export class DiskCache {
  private readonly entries = new Map<string, Entry>();
  private bytes = 0;
  private loading: Promise<void> | undefined;
  private evicting = false;

  constructor(
    private readonly folder: string,
    private maxBytes: number,
  ) {}

  /** Bytes of the files known. */
  get size(): number {
    return this.bytes;
  }

  setLimit(maxBytes: number): void {
    this.maxBytes = maxBytes;
    void this.evict();
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const name = nameOf(key);
    try {
      const file = this.fileOf(name);
      const content = await readFile(file);
      this.used(name, content.length, file);
      return content;
    } catch {
      return undefined;
    }
  }

  async put(key: string, content: Uint8Array): Promise<void> {
    const name = nameOf(key);
    const file = this.fileOf(name);
    const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      await this.load();
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(temporary, content);
      // No flush: after a power cut an empty file is caught by `get`'s caller, who decodes anew what is no picture.
      await rename(temporary, file);
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
      return;
    }
    this.add(name, { bytes: content.length, usedMs: Date.now() });
    await this.evict();
  }

  /**
   * The same with the thread's own hands: a sixth of the processor time, for a job that puts thousands and whose thread
   * has nothing better to do.
   */
  async putNow(key: string, content: Uint8Array): Promise<void> {
    const name = nameOf(key);
    const file = this.fileOf(name);
    const temporary = `${file}.tmp`;
    try {
      await this.load();
      try {
        writeFileSync(temporary, content);
      } catch {
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(temporary, content);
      }
      renameSync(temporary, file);
    } catch {
      rmSync(temporary, { force: true });
      return;
    }
    this.add(name, { bytes: content.length, usedMs: Date.now() });
    await this.evict();
  }

  private fileOf(name: string): string {
    return path.join(this.folder, name.slice(0, 2), name);
  }

  private add(name: string, entry: Entry): void {
    this.bytes += entry.bytes - (this.entries.get(name)?.bytes ?? 0);
    // Behind all others: the map is in order of use.
    this.entries.delete(name);
    this.entries.set(name, entry);
  }

  private used(name: string, bytes: number, file: string): void {
    const before = this.entries.get(name)?.usedMs ?? 0;
    const now = Date.now();
    this.add(name, { bytes, usedMs: now });
    if (now - before > TOUCH_INTERVAL_MS) void utimes(file, new Date(now), new Date(now)).catch(() => {});
  }

  /** Learns what earlier processes have left, once. */
  private load(): Promise<void> {
    this.loading ??= (async () => {
      const found: [string, Entry][] = [];
      for (const shard of await readdir(this.folder).catch(() => [])) {
        for (const name of await readdir(path.join(this.folder, shard)).catch(() => [])) {
          const info = await stat(path.join(this.folder, shard, name)).catch(() => undefined);
          if (info?.isFile()) found.push([name, { bytes: info.size, usedMs: info.mtimeMs }]);
        }
      }
      found.sort(([, a], [, b]) => a.usedMs - b.usedMs);
      const recent = [...this.entries];
      this.entries.clear();
      this.bytes = 0;
      for (const [name, entry] of [...found, ...recent]) this.add(name, entry);
    })();
    return this.loading;
  }

  private async evict(): Promise<void> {
    if (this.evicting || this.bytes <= this.maxBytes) return;
    this.evicting = true;
    try {
      for (const [name, entry] of this.entries) {
        if (this.bytes <= this.maxBytes * KEEP_SHARE) break;
        this.entries.delete(name);
        this.bytes -= entry.bytes;
        await rm(this.fileOf(name), { force: true }).catch(() => {});
      }
    } finally {
      this.evicting = false;
    }
  }
}

function nameOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
