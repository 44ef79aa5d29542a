/** The addon where it is called wrongly, and where the system allows fewer threads than asked for: an error, never a crash. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { addon } from "../../src-main/native/addon.js";
import { packageRoot } from "../../src-main/native/root.js";
import { lockFile } from "../../src-main/native/system.js";
import { asOrdinaryUser, repositoryRoot } from "../support/run-cli.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";

const file = path.join(packageRoot(), "build", "Release", "verger.node");
/** Root has no such limit. */
// Another user: the limit counts all processes of one, and a second one shares the folder.
const user = process.getuid?.() === 0 && existsSync("/usr/bin/prlimit") ? asOrdinaryUser() : undefined;
if (!user) console.warn("SKIPPED: a limit on threads: no ordinary user can be had here (needs Linux and root)");

/** Sums up rows on a pool of 500 threads where the system allows 60, Node's own included. */
const PROGRAM = `
  const native = require(${JSON.stringify(file)});
  native.configure({ threads: 500 });
  const accumulator = new native.PcaAccumulator(8);
  accumulator.add(new Float32Array(8 * 4).fill(1), 4, 0).promise.then(() => console.log(accumulator.count));
`;

describe.skipIf(!user)("a limit on threads", () => {
  it("makes the pool smaller and ends nothing", () => {
    const [command = "", ...wrapper] = user?.wrapper ?? [];
    const args = [...wrapper, "/usr/bin/prlimit", "--nproc=60", process.execPath, "-e", PROGRAM];
    const { status, signal, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 60_000 });
    expect({ status, signal, stdout, stderr }).toEqual({ status: 0, signal: null, stdout: "4\n", stderr: "" });
  });

  it("ends a run in one sentence wherever it is met, and never leaves it hanging", async () => {
    const { folder, dispose } = workFolder("threads");
    const photos = path.join(folder, "photos");
    await drawPhotos(photos, 4, 2);
    chmodSync(folder, 0o777);
    const [command = "", ...wrapper] = user?.wrapper ?? [];
    const ends = [11, 12, 13, 14, 40].map((limit) => {
      const out = path.join(folder, `run-${limit}`);
      const verger = [process.execPath, path.join(repositoryRoot, "bin", "verger"), "embed", photos, "-o", out];
      const args = [...wrapper, "/usr/bin/prlimit", `--nproc=${limit}`, ...verger, "--sessions", "3"];
      const env = { ...process.env, VERGER_HOME: path.join(folder, "home") };
      const { status, signal, stderr } = spawnSync(command, args, { encoding: "utf8", env, timeout: 30_000 });
      // Below some limit Node itself does not start.
      return status === 0 || signal === "SIGABRT" || (status === 1 && /^verger: Expected .*\]$/m.test(stderr));
    });
    dispose();
    expect(ends).toEqual([true, true, true, true, true]);
  }, 180_000);
});

describe.skipIf(!user)("a run folder that a group shares", () => {
  it("is locked by whoever may write to the folder, and by one at a time", () => {
    const { folder, dispose } = workFolder("shared");
    chmodSync(folder, 0o777);
    const lock = (name: string): string =>
      `process.umask(0); new (require(${JSON.stringify(file)}).FileLock)(${JSON.stringify(path.join(folder, name))})`;
    const [command = "", ...wrapper] = user?.wrapper ?? [];
    const asUser = (program: string): string =>
      spawnSync(command, [...wrapper, process.execPath, "-e", program], { encoding: "utf8" }).stderr;
    expect(asUser(lock("theirs"))).toBe("");
    expect(statSync(path.join(folder, "theirs")).mode & 0o777).toBe(0o666);
    // As earlier versions made it, and of somebody else.
    writeFileSync(path.join(folder, "ours"), "", { mode: 0o644 });
    expect(asUser(lock("ours"))).toBe("");
    const held = lockFile(path.join(folder, "ours"));
    expect(asUser(lock("ours"))).toContain("lock/held");
    held.unlock();
    dispose();
  });
});

describe("arguments that no code of ours gives", () => {
  it("are refused where another object's memory would be read as an accumulator's", () => {
    const native = addon<{
      PcaAccumulator: new (dimension: number) => { merge(other: unknown): unknown };
      PcaSketch: new (dimension: number, options: unknown) => unknown;
    }>();
    const options = { components: 2, variance: 0, standardize: true, solver: 0, seed: 1 };
    for (const other of [{}, null, new native.PcaSketch(8, options)]) {
      expect(() => new native.PcaAccumulator(8).merge(other)).toThrowError(
        expect.objectContaining({ code: "native/argument" }),
      );
    }
  });

  it("are refused where rows times width is more than a number of ours holds", () => {
    const { parquetWrite } = addon<{ parquetWrite(spec: unknown): unknown }>();
    const column = { name: "features", type: "list<float32>", values: new Float32Array(0), width: 2 ** 31 };
    const spec = { path: "/nowhere", columns: [column], rows: 2 ** 33, compression: "none", level: 1 };
    expect(() => parquetWrite({ ...spec, rowGroupRows: 1000, metadata: [] })).toThrowError(
      expect.objectContaining({ code: "native/argument", message: expect.stringContaining("length of an array") }),
    );
  });
});
