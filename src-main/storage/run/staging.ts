/** The local side of runs that stand in a bucket. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { lockFile } from "../../native/system.js";
import { makePrivateFolder } from "../cache/folder.js";

/** What the second run of an unchanged prefix does not need. */
const DATA = ["manifest", "features", "errors", "pca", "_SUCCESS"] as const;

/** One run's place on this machine. */
export class Staging {
  /** The run folder that RunStore builds and locks. */
  readonly run: string;
  readonly journal: string;
  /** State of uploads in parts. */
  readonly uploads: string;
  private readonly marker: string;

  constructor(readonly root: string) {
    this.run = path.join(root, "run");
    this.journal = path.join(root, "journal.jsonl");
    this.uploads = path.join(root, "uploads");
    this.marker = path.join(root, "partial");
    makePrivateFolder(root);
    mkdirSync(this.uploads, { recursive: true });
  }

  /** @param folder of all runs; @param place what tells this run from others: endpoint, bucket and prefix */
  static of(folder: string, place: readonly string[]): Staging {
    const name = createHash("sha256").update(place.join("\0")).digest("hex").slice(0, 32);
    return new Staging(path.join(folder, name));
  }

  /** True while files of the run stand in the bucket only. */
  get partial(): boolean {
    return existsSync(this.marker);
  }

  markPartial(): void {
    writeFileSync(this.marker, "");
  }

  clearPartial(): void {
    rmSync(this.marker, { force: true });
  }

  /** Drops what the bucket holds as well. Nothing when another process uses the run, or it is not finished. */
  drop(): void {
    if (!existsSync(this.run)) return;
    let lock: ReturnType<typeof lockFile>;
    try {
      lock = lockFile(path.join(this.run, ".lock"));
    } catch {
      return;
    }
    try {
      if (!this.finished) return;
      this.markPartial();
      for (const name of DATA) rmSync(path.join(this.run, name), { recursive: true, force: true });
    } finally {
      lock.unlock();
    }
  }

  /** True when the bucket has confirmed all of it: `_SUCCESS` is the last thing that is sent. */
  private get finished(): boolean {
    try {
      return readFileSync(this.journal, "utf8").includes('"name":"_SUCCESS"') && existsSync(this.path("_SUCCESS"));
    } catch {
      return false;
    }
  }

  private path(name: string): string {
    return path.join(this.run, name);
  }

  /** Bytes of the run, and when it was last written. */
  size(): { readonly bytes: number; readonly usedMs: number } {
    let bytes = 0;
    if (!existsSync(this.run)) return { bytes, usedMs: 0 };
    for (const name of readdirSync(this.run, { recursive: true, encoding: "utf8" })) {
      bytes += statSync(path.join(this.run, name), { throwIfNoEntry: false })?.size ?? 0;
    }
    return { bytes, usedMs: statSync(this.path("run.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0 };
  }
}

/**
 * Drops finished runs, the one written longest ago first, until the rest is within the limit. Unfinished ones hold work
 * that stands nowhere else: they stay.
 */
export function pruneStaging(folder: string, limitBytes: number): void {
  if (!existsSync(folder)) return;
  const runs = readdirSync(folder, { withFileTypes: true })
    .filter((item) => item.isDirectory())
    .map((item) => new Staging(path.join(folder, item.name)))
    .map((staging) => ({ staging, ...staging.size() }))
    .sort((a, b) => a.usedMs - b.usedMs);
  let total = runs.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { staging, bytes } of runs) {
    if (total <= limitBytes) return;
    staging.drop();
    total -= bytes - staging.size().bytes;
  }
}
