/** Labels that people corrected in the window, and the jobs that come after. */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Inspection } from "../../src-main/core/inspect/index.js";
import { LabelOverlay } from "../../src-main/core/labels/overlay.js";
import { cli, cliFailure, cliJson } from "../support/run-cli.js";
import { expectFinished, expectWhole, readColumn, readRun, resultHashes, snapshot } from "../support/run-folder.js";
import { drawPhotos, imagesBelow, workFolder } from "../support/run-photos.js";

const IMAGES = 60;
const { folder, dispose } = workFolder("labels");
const photos = path.join(folder, "photos");
const begun = path.join(folder, "begun");
const run = path.join(folder, "run");
const command = ["run", photos, "--out", run, "--preset", "fast"];
let names: string[];
let original: Record<string, string>;

beforeAll(async () => {
  await drawPhotos(photos, IMAGES, 6);
  names = imagesBelow(photos);
  await cliJson(["run", photos, "--out", begun, "--preset", "fast"]);
  original = resultHashes(begun);
});
afterAll(dispose);

beforeEach(() => {
  rmSync(run, { recursive: true, force: true });
  cpSync(begun, run, { recursive: true, preserveTimestamps: true });
});

/** As the window does it. */
async function correct(target: string, rows: readonly number[], label: string | null): Promise<LabelOverlay> {
  const overlay = new LabelOverlay(target);
  await overlay.edit(
    rows.map((row) => names[row] as string),
    label,
  );
  return overlay;
}

const labelsOf = (target: string, kind: string, column = "label"): Promise<unknown[]> =>
  readColumn(target, kind, column);

const withoutPca = (hashes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(hashes).filter(([name]) => !name.startsWith("pca/part-")));

describe("corrected labels", () => {
  it("come into pca/ with the next run, which computes nothing, and leave everything else as it is", async () => {
    const before = await labelsOf(run, "pca");
    expect(await labelsOf(run, "pca", "label_original")).toEqual(before);
    await correct(run, [3, 40], "Quince");
    await correct(run, [7], null);
    const corrections = readFileSync(path.join(run, "labels.jsonl"));

    const summary = await cliJson(command);
    expect(summary).toMatchObject({ images: IMAGES, embedded: 0, reused: IMAGES, corrected: 3 });
    expect(Object.keys(summary.timings).sort()).toEqual(["scan", "total", "transform"]);
    expectFinished(run);
    const after = [...before];
    after[3] = "Quince";
    after[40] = "Quince";
    after[7] = null;
    expect(await labelsOf(run, "pca")).toEqual(after);
    expect(await labelsOf(run, "pca", "label_original")).toEqual(before);
    for (const kind of ["manifest", "features"]) expect(await labelsOf(run, kind)).toEqual(before);
    expect(withoutPca(resultHashes(run))).toEqual(withoutPca(original));
    expect(readFileSync(path.join(run, "labels.jsonl"))).toEqual(corrections);
    // The stages of the embedding stay on record.
    expect(readRun(run).timings.embed).toBe(readRun(begun).timings.embed);

    const relabelled = resultHashes(run);
    const untouched = snapshot(run);
    expect(await cliJson(command)).toMatchObject({ embedded: 0, corrected: 3 });
    expect(snapshot(run)).toEqual(untouched);
    // A PCA made anew has the same bytes.
    expect(await cliJson(["pca", run, "--out", run])).toMatchObject({ corrected: 3 });
    expect(resultHashes(run)).toEqual(relabelled);
  });

  it("that are undone give the bytes of a run that nobody corrected", async () => {
    const overlay = await correct(run, [1], "Quince");
    await cliJson(command);
    expect(resultHashes(run)).not.toEqual(original);
    await overlay.undo();
    await cliJson(command);
    expect(resultHashes(run)).toEqual(original);
    expect(readRun(run).pca?.corrections).toBeNull();
  });

  it("survive a change of the source, and wait for images that are gone", async () => {
    const source = path.join(folder, "changing");
    rmSync(source, { recursive: true, force: true });
    cpSync(photos, source, { recursive: true, preserveTimestamps: true });
    const out = path.join(folder, "changing-run");
    rmSync(out, { recursive: true, force: true });
    await cliJson(["run", source, "--out", out, "--preset", "fast"]);
    await correct(out, [10, 11], "Quince");
    const gone = path.join(source, names[10] as string);
    const kept = path.join(folder, "kept.jpg");
    renameSync(gone, kept);
    expect(await cliJson(["run", source, "--out", out])).toMatchObject({ images: IMAGES - 1, corrected: 1 });
    expect((await labelsOf(out, "pca"))[10]).toBe("Quince");
    renameSync(kept, gone);
    expect(await cliJson(["run", source, "--out", out])).toMatchObject({ images: IMAGES, embedded: 1, corrected: 2 });
    await expectWhole(out);
    expect((await labelsOf(out, "pca")).filter((label) => label === "Quince")).toHaveLength(2);
  });

  it("are kept by --fresh over the same photos, which says so", async () => {
    await correct(run, [5], "Quince");
    const corrections = readFileSync(path.join(run, "labels.jsonl"));
    const { stderr, code } = await cli([...command, "--fresh"]);
    expect(code).toBe(0);
    expect(stderr).toContain("1 label correction kept");
    expect(readFileSync(path.join(run, "labels.jsonl"))).toEqual(corrections);
    expect((await labelsOf(run, "pca"))[5]).toBe("Quince");
    expectFinished(run);
  });

  it("are set aside by --fresh over other photos, never deleted and never taken for theirs", async () => {
    await correct(run, [5], "Quince");
    const corrections = readFileSync(path.join(run, "labels.jsonl"));
    const others = path.join(folder, "others");
    // The same names: only the source tells them apart.
    if (!existsSync(others)) cpSync(photos, others, { recursive: true });
    const args = ["run", others, "--out", run, "--preset", "fast", "--fresh"];
    const { stderr, code } = await cli(args);
    expect(code).toBe(0);
    const [backup, ...more] = readdirSync(run).filter((name) => /^labels-\d{8}T\d{9}Z\.jsonl$/.test(name));
    expect(more).toEqual([]);
    expect(stderr).toContain(`set aside as ${path.join(run, backup as string)}`);
    expect(readFileSync(path.join(run, backup as string))).toEqual(corrections);
    expect(existsSync(path.join(run, "labels.jsonl"))).toBe(false);
    expect(await labelsOf(run, "pca")).not.toContain("Quince");
    // Another --fresh leaves the backup where it is.
    expect((await cli(args)).code).toBe(0);
    expect(readdirSync(run)).toContain(backup);
    expectFinished(run);
  });

  it("are used after a kill in the middle of --fresh, which leaves them alone in the folder", async () => {
    await correct(run, [5], "Quince");
    for (const name of readdirSync(run)) {
      if (name !== "labels.jsonl" && name !== ".lock") rmSync(path.join(run, name), { recursive: true });
    }
    expect(await cliJson(command)).toMatchObject({ embedded: IMAGES, corrected: 1 });
    expect((await labelsOf(run, "pca"))[5]).toBe("Quince");
  });

  it("are finished after a kill while pca/ was being relabelled", async () => {
    await correct(run, [5], "Quince");
    await cliJson(command);
    const expected = resultHashes(run);
    // What a kill before the first part leaves: the old labels, and a run that is not finished.
    rmSync(run, { recursive: true });
    cpSync(begun, run, { recursive: true, preserveTimestamps: true });
    await correct(run, [5], "Quince");
    rmSync(path.join(run, "_SUCCESS"));
    writeFileSync(path.join(run, "run.json"), JSON.stringify({ ...readRun(run), state: "running" }));
    expect(await cliJson(command)).toMatchObject({ embedded: 0, corrected: 1 });
    expect(resultHashes(run)).toEqual(expected);
    expectFinished(run);
  });

  it("are the labels that a PCA in another folder starts from", async () => {
    await correct(run, [5], "Quince");
    const out = path.join(folder, "of-the-run");
    rmSync(out, { recursive: true, force: true });
    expect(await cliJson(["pca", run, "--out", out])).toMatchObject({ corrected: 0 });
    const labels = await labelsOf(out, "pca", "label_original");
    expect(labels[5]).toBe("Quince");
    expect(await labelsOf(out, "pca")).toEqual(labels);
    await correct(out, [5, 6], "Medlar");
    expect(await cliJson(["pca", path.join(run, "features"), "--out", out, "--fresh"])).toMatchObject({ corrected: 0 });
    await correct(out, [5, 6], "Medlar");
    const features = path.join(run, "features");
    expect(await cliJson(["pca", features, "--out", out])).toMatchObject({ corrected: 2 });
    expect((await labelsOf(out, "pca")).slice(5, 7)).toEqual(["Medlar", "Medlar"]);
    expect(await labelsOf(out, "pca", "label_original")).toEqual(labels);
  });

  it("are counted by inspect, which lists the labels in effect", async () => {
    const report = (): Promise<Inspection> => cliJson<Inspection>(["inspect", run]);
    const { labels } = await report();
    expect(labels.corrected).toBe(0);
    await correct(run, [0, 1, 2], "Quince");
    await correct(run, [2], (await labelsOf(run, "features"))[2] as string);
    const after = (await report()).labels;
    expect(after).toMatchObject({ corrected: 2, total: labels.total + 1 });
    expect(after.top).toContainEqual({ label: "Quince", images: 2 });
    expect((await cli(["inspect", run])).stdout).toContain("2 images corrected");
  });

  it("that cannot be read stop a run before any work, with nothing changed", async () => {
    writeFileSync(path.join(run, "labels.jsonl"), "no corrections\n");
    const before = snapshot(run);
    expect(await cliFailure(command)).toMatchObject({ code: "labels/corrupt" });
    expect(await cliFailure([...command, "--fresh"])).toMatchObject({ code: "labels/corrupt" });
    expect(snapshot(run)).toEqual(before);
  });
});
