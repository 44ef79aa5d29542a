import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { soundJpeg } from "../support/run-broken.js";
import { asOrdinaryUser, cliFailure, cliJson } from "../support/run-cli.js";
import { filesBelow, readRun, resultHashes, snapshot } from "../support/run-folder.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";

const IMAGES = 12;
const { folder, dispose } = workFolder("bad-requests");
const photos = path.join(folder, "photos");
const out = path.join(folder, "run");
const one = path.join(folder, "one");

beforeAll(async () => {
  await drawPhotos(photos, IMAGES, 3);
  for (const name of ["empty", "documents", "one"]) mkdirSync(path.join(folder, name));
  writeFileSync(path.join(folder, "documents", "notes.txt.bak"), "no image");
  writeFileSync(path.join(folder, "documents", "table.xlsx"), "no image");
  writeFileSync(path.join(one, "1.jpg"), await soundJpeg());
  writeFileSync(path.join(folder, "empty.csv"), "path,label\n");
  writeFileSync(path.join(folder, "wrong.csv"), "file,kind\na.jpg,x\n");
});
afterAll(dispose);

describe("a source that cannot be read", () => {
  it.each([
    ["empty folder", "empty", "source/empty"],
    ["missing folder", "no such folder", "source/missing"],
    ["folder without images", "documents", "source/empty"],
    ["glob that matches nothing", "photos/**/*.webp", "source/empty"],
    ["table without rows", "empty.csv", "source/empty"],
    ["table with other columns", "wrong.csv", "source/csv"],
    ["address of another kind of store", "gs://bucket/prefix", "source/unsupported"],
    ["file that is no image", "documents/table.xlsx", "source/unsupported"],
  ])("%s: one sentence, exit code 1, and no run folder", async (_, source, code) => {
    const given = source.startsWith("gs:") ? source : path.join(folder, source);
    const failure = await cliFailure(["run", given, "--out", out, "--preset", "fast"]);
    expect(failure.code).toBe(code);
    // It names what was given, or the file behind it.
    expect(failure.message).toContain(source.startsWith("gs:") ? source : path.basename(source));
    expect(existsSync(out)).toBe(false);
  });

  it("of the folder's other files it says what they are", async () => {
    const { message } = await cliFailure(["run", path.join(folder, "documents"), "--out", out, "--preset", "fast"]);
    expect(message).toMatch(/2 other files \(\.bak, \.xlsx\)/);
  });
});

describe("a PCA that cannot be", () => {
  it.each([
    ["variance of 0", ["--variance", "0"]],
    ["variance above 1", ["--variance", "1.01"]],
    ["negative variance", ["--variance=-0.5"]],
    ["variance that is no number", ["--variance", "most"]],
    ["no components", ["--components", "0"]],
    ["half a component", ["--components", "2.5"]],
    ["both", ["--variance", "0.5", "--components", "3"]],
    ["an unknown solver", ["--solver", "magic"]],
    ["a preset that does not exist", ["--preset", "slow"]],
    ["an option that does not exist", ["--componets", "3"]],
  ])("%s: exit code 2 before anything is done", async (_, options) => {
    for (const command of ["run", "pca"]) {
      if (command === "pca" && options[0] === "--preset") continue;
      const failure = await cliFailure2([command, photos, "--out", out, ...options]);
      expect(failure.code).toMatch(/^usage\//);
      expect(existsSync(out)).toBe(false);
    }
  });

  it("more components than min(images, features) fails after the features, which stand", async () => {
    const command = ["run", photos, "--out", out, "--preset", "fast"];
    const failure = await cliFailure([...command, "--components", String(IMAGES + 1)]);
    expect(failure.code).toBe("pca/components");
    expect(failure.message).toContain(String(IMAGES + 1));
    expect(readRun(out)).toMatchObject({ state: "failed", failure: { code: "pca/components" } });
    const features = snapshot(out, "features/");
    expect(await cliJson(command)).toMatchObject({ embedded: 0, reused: IMAGES });
    expect(snapshot(out, "features/")).toEqual(features);

    // The same of `pca`, whose folder keeps the PCA that stands.
    const before = resultHashes(out);
    expect(await cliFailure(["pca", out, "--out", out, "--components", "1281"])).toMatchObject({
      code: "pca/components",
    });
    expect(resultHashes(out)).toEqual(before);
  });

  it("one image only: `run` says that two are needed, `embed` embeds it", async () => {
    const single = path.join(folder, "single");
    const failure = await cliFailure(["run", one, "--out", single, "--preset", "fast"]);
    expect(failure).toMatchObject({ code: "pca/too-few-rows", message: expect.stringMatching(/\b2\b/) });
    expect(await cliJson(["embed", one, "--out", single])).toMatchObject({ images: 1, embedded: 0, reused: 1 });
  });

  it("of features that are not there: one sentence, nothing made", async () => {
    const target = path.join(folder, "pca-of-nothing");
    expect((await cliFailure(["pca", path.join(folder, "nowhere"), "--out", target])).code).toMatch(
      /^(features|source)\//,
    );
    writeFileSync(path.join(folder, "no.parquet"), "PAR1 but nothing else");
    expect((await cliFailure(["pca", path.join(folder, "no.parquet"), "--out", target])).code).toMatch(
      /^(features|parquet)\//,
    );
    expect(existsSync(target)).toBe(false);
  });
});

/** A usage error: it may begin with the parser's own words. */
async function cliFailure2(args: readonly string[]): Promise<{ code: string; message: string }> {
  const { cli } = await import("../support/run-cli.js");
  const result = await cli([...args, "--json"]);
  expect(result.code, result.stderr).toBe(2);
  const { error } = JSON.parse(result.stdout) as { error: { code: string; message: string } };
  expect(error.message).not.toContain("\n");
  expect(result.stderr).toContain(`[${error.code}]`);
  return error;
}

describe("an output folder that cannot be written", () => {
  const user = asOrdinaryUser();
  if (!user)
    console.warn("SKIPPED: folders without write permission: nobody to start a process as (setpriv is missing)");

  it.skipIf(!user)("is refused with a sentence and left as it is", async () => {
    chmodSync(folder, 0o755);
    const closed = path.join(folder, "closed");
    mkdirSync(closed, { mode: 0o555 });
    for (const target of [closed, path.join(closed, "new")]) {
      const failure = await cliFailure(["run", photos, "--out", target, "--preset", "fast"], 1, user);
      expect(failure).toMatchObject({ code: "storage/read-only", message: expect.stringContaining(target) });
    }
    expect(filesBelow(closed)).toEqual([]);
  });

  it("is a file: refused", async () => {
    const file = path.join(folder, "a file");
    writeFileSync(file, "kept");
    const failure = await cliFailure(["run", photos, "--out", file, "--preset", "fast"]);
    expect(failure.code).toMatch(/^storage\//);
    expect(failure.message).toContain(file);
  });
});
