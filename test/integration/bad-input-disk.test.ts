import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cliFailure, cliJson } from "../support/run-cli.js";
import { expectFinished, expectWhole, filesBelow, resultHashes, snapshot } from "../support/run-folder.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";

/** Real file systems of a few megabytes, mounted for the test. */
const IMAGES = 1_300;
const { folder, dispose } = workFolder("disk");
const photos = path.join(folder, "photos");
const disk = path.join(folder, "disk");
const run = path.join(disk, "run");
const reference = path.join(folder, "reference");
const command = ["run", photos, "--out", run, "--preset", "fast"];

const mounts = canMount();
if (!mounts) console.warn("SKIPPED: full and read-only disks: a tmpfs cannot be mounted here (needs Linux and root)");

function mount(size: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk], { stdio: "ignore" });
}

function remount(options: string): void {
  execFileSync("mount", ["-o", `remount,${options}`, disk]);
}

function unmount(): void {
  execFileSync("umount", [disk]);
}

function canMount(): boolean {
  if (process.platform !== "linux") return false;
  mkdirSync(disk);
  try {
    mount("8m");
    unmount();
    return true;
  } catch {
    return false;
  }
}

beforeAll(async () => {
  if (!mounts) return;
  await drawPhotos(path.join(photos, "0"), 130, 10);
  for (let copy = 1; copy < IMAGES / 130; copy += 1) {
    cpSync(path.join(photos, "0"), path.join(photos, String(copy)), { recursive: true });
  }
  await cliJson(["run", photos, "--out", reference, "--preset", "fast"]);
});
afterAll(dispose);
// A new one for every test: what a test has removed is not always free at once.
beforeEach(() => {
  if (mounts) mount("64m");
});
afterEach(() => {
  if (mounts) unmount();
});

describe.skipIf(!mounts)("a disk that fills up", () => {
  it("while features are written: one sentence, the parts that stand are whole, and more room lets it go on", async () => {
    // Room for the first part of features (1,024 rows, about 4 MB) and not for the second.
    const first = statSync(path.join(reference, "features", "part-00000.parquet")).size;
    expect(first).toBeGreaterThan(1e6);
    remount(`size=${Math.ceil((first + 200_000) / 4096) * 4}k`);
    const failure = await cliFailure(command);
    expect(failure).toMatchObject({ code: "storage/disk-full", message: expect.stringMatching(/free some space/) });
    expect(existsSync(path.join(run, "_SUCCESS"))).toBe(false);
    await expectWhole(run);
    const names = filesBelow(run);
    expect(names).toContain("features/part-00000.parquet");
    expect(names).not.toContain("features/part-00001.parquet");
    expect(names.filter((name) => name.includes(".tmp-"))).toEqual([]);

    const stands = snapshot(run, "features/");
    remount("size=64m");
    const resumed = await cliJson(command);
    expect(resumed.embedded).toBeLessThanOrEqual(IMAGES - 1_024);
    expect(resumed.reused).toBeGreaterThanOrEqual(1_024);
    expectFinished(run);
    expect(snapshot(run, "features/part-00000")).toEqual(stands);
    expect(resultHashes(run)).toEqual(resultHashes(reference));
  });

  it("while the PCA is written: the features stand and only the PCA is made again", async () => {
    await cliJson(["embed", ...command.slice(1)]);
    const features = snapshot(run, "features/");
    const { blocks, bfree, bsize } = statfsSync(disk);
    remount(`size=${((blocks - bfree) * bsize) / 1024 + 64}k`);
    const failure = await cliFailure(command);
    expect(failure.code).toBe("storage/disk-full");
    expect(existsSync(path.join(run, "_SUCCESS"))).toBe(false);
    await expectWhole(run);
    remount("size=64m");
    expect(await cliJson(command)).toMatchObject({ embedded: 0, reused: IMAGES });
    expect(snapshot(run, "features/")).toEqual(features);
    expectFinished(run);
    expect(resultHashes(run)).toEqual(resultHashes(reference));
  });

  it("before the run begins: one sentence, no run", async () => {
    remount("size=512k");
    try {
      writeFileSync(path.join(disk, "filler"), Buffer.alloc(2 ** 20));
    } catch {
      // Full: that is what it is for.
    }
    const failure = await cliFailure(command);
    expect(failure.code).toBe("storage/disk-full");
    await expectWhole(run);
    rmSync(path.join(disk, "filler"));
    remount("size=64m");
    expect(await cliJson(command)).toMatchObject({ embedded: IMAGES });
    expect(resultHashes(run)).toEqual(resultHashes(reference));
  });
});

describe.skipIf(!mounts)("a read-only disk", () => {
  it("is refused with a sentence, for a new run and for one that stands", async () => {
    await cliJson(command);
    const before = snapshot(run);
    remount("ro");
    try {
      for (const target of [run, path.join(disk, "new")]) {
        const failure = await cliFailure(["run", photos, "--out", target, "--preset", "fast", "--components", "5"]);
        expect(failure).toMatchObject({ code: "storage/read-only", message: expect.stringContaining(target) });
      }
      expect(snapshot(run)).toEqual(before);
    } finally {
      remount("rw");
    }
  });
});
