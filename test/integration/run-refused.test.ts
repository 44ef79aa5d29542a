import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliProcess, cliFailure, cliJson } from "../support/run-cli.js";
import { expectFinished, readRun, resultHashes, snapshot } from "../support/run-folder.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";

const IMAGES = 40;
const { folder, dispose } = workFolder("refused");
const photos = path.join(folder, "photos");
const others = path.join(folder, "others");
const run = path.join(folder, "run");

beforeAll(async () => {
  await Promise.all([drawPhotos(photos, IMAGES, 5), drawPhotos(others, 10, 2, 64, 2)]);
  await cliJson(["run", photos, "--out", run, "--preset", "fast"]);
});
afterAll(dispose);

describe("a run that exists", () => {
  it.each([
    ["another preset", ["--preset", "balanced"], ["preset", "input size"], "preset fast, but received balanced"],
    ["another size", ["--size", "160"], ["input size"], "input size 128x128 px, but received 160x160 px"],
    ["another source", [], ["sources"], "others"],
  ])("is refused for %s, which the sentence names, and stays untouched", async (what, options, differences, words) => {
    const before = snapshot(run);
    const source = what === "another source" ? others : photos;
    const failure = await cliFailure(["run", source, "--out", run, ...options]);
    expect(failure.code).toBe("run/mismatch");
    expect(failure.details.differences).toEqual(expect.arrayContaining(differences));
    expect(failure.message).toContain(words);
    expect(failure.message).toContain("--fresh");
    expect(snapshot(run)).toEqual(before);
  });

  it("is refused for another model", async () => {
    const before = snapshot(run);
    const { model } = await cliJson(["embed", photos, "--out", path.join(folder, "exact"), "--preset", "exact"]);
    const failure = await cliFailure(["run", photos, "--out", run, "--model", String(model)]);
    expect(failure.code).toBe("run/mismatch");
    expect(failure.details.differences).toEqual(expect.arrayContaining(["model", "model file"]));
    expect(snapshot(run)).toEqual(before);
  });

  it("survives --fresh with a source or a model that is wrong", async () => {
    const before = snapshot(run);
    for (const [source, code, ...options] of [
      [path.join(folder, "no such folder"), "source/missing"],
      [photos, "model/", "--model", "no-such-model"],
    ] as const) {
      const failure = await cliFailure(["run", source, "--out", run, "--fresh", ...options]);
      expect(failure.code.startsWith(code), failure.code).toBe(true);
      expect(snapshot(run)).toEqual(before);
    }
  });

  it("is begun anew with --fresh, as if nothing had been there", async () => {
    const out = path.join(folder, "fresh");
    const anew = path.join(folder, "anew");
    cpSync(run, out, { recursive: true });
    await cliJson(["run", others, "--out", anew, "--preset", "fast", "--components", "2"]);
    const summary = await cliJson(["run", others, "--out", out, "--preset", "fast", "--components", "2", "--fresh"]);
    expect(summary).toMatchObject({ images: 10, embedded: 10, reused: 0 });
    expectFinished(out);
    expect(resultHashes(out)).toEqual(resultHashes(anew));
  });

  it("made by a newer Verger, or damaged, is refused with what to do", async () => {
    const out = path.join(folder, "newer");
    cpSync(run, out, { recursive: true });
    const file = readRun(run);
    for (const [content, code] of [
      [JSON.stringify({ ...file, schemaVersion: 99 }), "run/newer"],
      [JSON.stringify({ ...file, counts: null }), "run/corrupt"],
      ["{ half", "run/corrupt"],
    ] as const) {
      writeFileSync(path.join(out, "run.json"), content);
      const before = snapshot(out);
      expect(await cliFailure(["run", photos, "--out", out, "--preset", "fast"])).toMatchObject({ code });
      expect(snapshot(out)).toEqual(before);
    }
    expect(await cliJson(["run", photos, "--out", out, "--preset", "fast", "--fresh"])).toMatchObject({
      embedded: IMAGES,
    });
  });
});

describe("a folder of someone else's files", () => {
  it("is never written into, not even with --fresh", async () => {
    const foreign = path.join(folder, "foreign");
    mkdirSync(path.join(foreign, "features"), { recursive: true });
    writeFileSync(path.join(foreign, "features", "part-00000.parquet"), "Spark's own");
    for (const options of [[], ["--fresh"]]) {
      const before = snapshot(foreign);
      const failure = await cliFailure(["run", photos, "--out", foreign, "--preset", "fast", ...options]);
      expect(failure).toMatchObject({ code: "run/not-empty", message: expect.stringContaining("features") });
      expect(snapshot(foreign)).toEqual(before);
    }
  });
});

describe("a run that never begins", () => {
  it("leaves no folder behind that it made, and every one that was there", async () => {
    const there = path.join(folder, "there");
    mkdirSync(there);
    const out = path.join(there, "made", "for", "it");
    const failure = await cliFailure(["run", path.join(folder, "no such folder"), "--out", out]);
    expect(failure.code).toBe("source/missing");
    expect(readdirSync(there)).toEqual([]);
  });
});

describe("a place that can hold no folder", () => {
  it.skipIf(process.platform === "win32")("is refused at once, with what stands there", async () => {
    const file = path.join(folder, "file");
    const broken = path.join(folder, "broken");
    writeFileSync(file, "mine");
    symlinkSync(path.join(folder, "no such", "folder"), broken);
    for (const out of [file, path.join(file, "run"), broken]) {
      const failure = await cliFailure(["run", photos, "--out", out, "--preset", "fast"]);
      expect(failure).toMatchObject({
        code: "storage/write",
        message: expect.stringContaining("a file or a broken link"),
      });
    }
    expect(readFileSync(file, "utf8")).toBe("mine");
    const below = await cliFailure(["run", photos, "--out", path.join(broken, "run"), "--preset", "fast"]);
    expect(below.code).toBe("storage/write");
  });

  it.skipIf(!existsSync("/proc/self"))("never waits for a folder that cannot be made", async () => {
    // The kernel has no such place for root, and no permission for anybody else.
    const refused = expect.stringMatching(/^storage\/(write|read-only)$/);
    expect((await cliFailure(["run", photos, "--out", "/proc/verger/run"])).code).toEqual(refused);
    expect((await cliFailure(["sample", "/proc/verger"])).code).toEqual(refused);
  });
});

describe("two processes on one run", () => {
  it("the second is refused while the first lives, and goes on when the first was killed", async () => {
    const out = path.join(folder, "shared");
    const command = ["run", photos, "--out", out, "--preset", "fast"];
    const first = new CliProcess(command);
    expect(await first.until(() => existsSync(path.join(out, "run.json")))).toBe(true);
    // Stopped in the middle, it lives as long as the test needs it.
    first.kill("SIGSTOP");
    for (const second of [command, [...command, "--fresh"], ["pca", run, "--out", out]]) {
      const failure = await cliFailure(second);
      expect(failure).toMatchObject({ code: "run/in-use", message: expect.stringContaining(out) });
    }
    first.kill("SIGKILL");
    expect(await first.ended).toMatchObject({ code: null, signal: "SIGKILL" });
    expect(await cliJson(command)).toMatchObject({ images: IMAGES, setAside: 0 });
    expectFinished(out);
  });
});
