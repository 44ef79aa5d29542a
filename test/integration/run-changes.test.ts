import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cli, cliFailure, cliJson } from "../support/run-cli.js";
import { expectFinished, expectWhole, readColumn, readRun, resultHashes, snapshot } from "../support/run-folder.js";
import { drawPhotos, imagesBelow, touch, workFolder } from "../support/run-photos.js";

const IMAGES = 60;
const { folder, dispose } = workFolder("changes");
const drawn = path.join(folder, "drawn");
const begun = path.join(folder, "begun");
const photos = path.join(folder, "photos");
const run = path.join(folder, "run");
const command = ["run", photos, "--out", run, "--preset", "fast"];

beforeAll(async () => {
  await drawPhotos(drawn, IMAGES, 6);
  cpSync(drawn, photos, { recursive: true, preserveTimestamps: true });
  await cliJson(command);
  renameSync(run, begun);
});
afterAll(dispose);

/** Every test starts from the same photos and the same finished run. */
beforeEach(() => {
  for (const target of [photos, run]) rmSync(target, { recursive: true, force: true });
  cpSync(drawn, photos, { recursive: true, preserveTimestamps: true });
  cpSync(begun, run, { recursive: true, preserveTimestamps: true });
});

const photo = (index: number): string => path.join(photos, imagesBelow(photos)[index] ?? "");

/** What a run made anew of the photos as they are now has in its Parquet. */
async function freshHashes(...options: string[]): Promise<Record<string, string>> {
  const fresh = path.join(folder, "fresh");
  rmSync(fresh, { recursive: true, force: true });
  await cli(["run", photos, "--out", fresh, "--preset", "fast", ...options]);
  return resultHashes(fresh);
}

describe("a finished run that has lost a file", () => {
  it.each(["manifest/part-00000.parquet", "pca/part-00000.parquet", "pca/model.json", "pca/model.parquet"])(
    "makes %s again, embeds nothing, and ends as it was",
    async (name) => {
      const before = resultHashes(run);
      rmSync(path.join(run, name));
      expect(await cliJson(command)).toMatchObject({ embedded: 0, reused: IMAGES });
      expectFinished(run);
      expect(resultHashes(run)).toEqual(before);
    },
  );
});

describe("a changed source", () => {
  it("embeds exactly what was added, modified or renamed, and equals a fresh run byte for byte", async () => {
    const names = imagesBelow(photos);
    writeFileSync(path.join(path.dirname(photo(0)), "0 new.jpg"), readFileSync(photo(40)));
    rmSync(path.join(photos, names[10] ?? ""));
    // Same size, other bytes, other time.
    const changed = path.join(photos, names[20] ?? "");
    const bytes = readFileSync(changed);
    bytes[bytes.length - 40] = (bytes[bytes.length - 40] ?? 0) ^ 1;
    writeFileSync(changed, bytes);
    renameSync(path.join(photos, names[30] ?? ""), path.join(path.dirname(photo(59)), "zz renamed.jpg"));

    const summary = await cliJson(command);
    expect(summary).toMatchObject({ images: IMAGES, embedded: 3, reused: IMAGES - 3, setAside: 0 });
    expectFinished(run);
    await expectWhole(run);
    expect(resultHashes(run)).toEqual(await freshHashes());
  });

  it("counts a newer time of the same bytes as a change, and gives the same features again", async () => {
    touch(photo(7), 5);
    const before = resultHashes(run);
    expect(await cliJson(command)).toMatchObject({ embedded: 1, reused: IMAGES - 1 });
    const { "manifest/part-00000.parquet": manifestBefore, ...restBefore } = before;
    const { "manifest/part-00000.parquet": manifestAfter, ...restAfter } = resultHashes(run);
    expect(restAfter).toEqual(restBefore);
    expect(manifestAfter).not.toBe(manifestBefore);
  });

  it("embeds nothing when images have only gone, and forgets them everywhere", async () => {
    const gone = imagesBelow(photos).slice(0, 15);
    for (const name of gone) rmSync(path.join(photos, name));
    expect(await cliJson(command)).toMatchObject({ images: IMAGES - 15, embedded: 0, reused: IMAGES - 15 });
    for (const kind of ["manifest", "features", "pca"]) {
      expect(await readColumn(run, kind, "path")).toEqual(imagesBelow(photos));
    }
    expect(resultHashes(run)).toEqual(await freshHashes());
  });

  it("takes over features when only labels change", async () => {
    expect(await cliJson([...command, "--label-from", "none"])).toMatchObject({
      embedded: 0,
      reused: IMAGES,
      labels: 0,
    });
    expect(new Set(await readColumn(run, "features", "label"))).toEqual(new Set([null]));
    expect(resultHashes(run)).toEqual(await freshHashes("--label-from", "none"));
  });

  it("changes several times before a rebuild is finished, and still embeds each change once", async () => {
    touch(photo(1), 5);
    // The first rebuild fails after its features: 1000 components cannot come from 60 images.
    expect(await cliFailure([...command, "--components", "1000"])).toMatchObject({
      code: expect.stringMatching(/^pca\//),
    });
    touch(photo(2), 5);
    expect(await cliJson(command)).toMatchObject({ embedded: 1, reused: IMAGES - 1 });
    expectFinished(run);
    expect(resultHashes(run)).toEqual(await freshHashes());
  });
});

describe("labels", () => {
  it("come from the parent, from the file's name, from nothing, or from a table", async () => {
    const flat = path.join(folder, "flat");
    mkdirSync(flat, { recursive: true });
    const names = ["red_1.jpg", "red_2.jpg", "blue_1.jpg", "odd.jpg"];
    for (const [index, name] of names.entries()) cpSync(photo(index * 11), path.join(flat, name));
    writeFileSync(path.join(flat, "table.csv"), 'label,path\nx,red_1.jpg\n,red_2.jpg\n"y, z",blue_1.jpg\n');
    const out = (name: string): string => path.join(folder, `labels-${name}`);
    const embed = (source: string, name: string, ...options: string[]) =>
      cliJson(["embed", source, "--out", out(name), "--preset", "fast", ...options]);
    const [parent, named, none, table] = await Promise.all([
      embed(flat, "parent"),
      embed(flat, "named", "--label-from", "filename:^([a-z]+)_"),
      embed(flat, "none", "--label-from", "none"),
      embed(path.join(flat, "table.csv"), "table"),
    ]);
    expect([parent.labels, named.labels, none.labels, table.labels]).toEqual([1, 2, 0, 2]);
    // In the order of the paths: blue_1, odd, red_1, red_2.
    expect(await readColumn(out("parent"), "features", "label")).toEqual(["flat", "flat", "flat", "flat"]);
    expect(await readColumn(out("named"), "features", "label")).toEqual(["blue", null, "red", "red"]);
    expect(await readColumn(out("none"), "features", "label")).toEqual([null, null, null, null]);
    expect(await readColumn(out("table"), "features", "path")).toEqual(["blue_1.jpg", "red_1.jpg", "red_2.jpg"]);
    expect(await readColumn(out("table"), "features", "label")).toEqual(["y, z", "x", null]);
  });
});

describe("another PCA of the same features", () => {
  it("redoes only the PCA for another --variance, --components, solver or standardisation", async () => {
    const features = snapshot(run, "features/");
    for (const options of [["--variance", "0.5"], ["--components", "3"], ["--no-standardize"], ["--solver", "exact"]]) {
      const before = resultHashes(run, "pca/");
      const summary = await cliJson([...command, ...options]);
      expect(summary).toMatchObject({ embedded: 0, reused: IMAGES });
      expect(summary.timings).not.toHaveProperty("load");
      expect(snapshot(run, "features/")).toEqual(features);
      expect(resultHashes(run, "pca/")).not.toEqual(before);
      if (options[0] === "--components") expect(summary.pca?.components).toBe(3);
      expectFinished(run);
    }
    // Back to the first parameters: the very same PCA again.
    await cliJson(command);
    expect(resultHashes(run)).toEqual(resultHashes(begun));
  });

  it("comes from `pca` in place as well, and `run` then finds nothing to do", async () => {
    const features = snapshot(run, "features/");
    const summary = await cliJson(["pca", run, "--out", run, "--components", "4"]);
    expect(summary).toMatchObject({ images: IMAGES, embedded: 0, reused: IMAGES, preset: "fast" });
    expect(summary.pca?.components).toBe(4);
    expect(snapshot(run, "features/")).toEqual(features);
    expectFinished(run);
    const before = snapshot(run);
    await cliJson([...command, "--components", "4"]);
    expect(snapshot(run)).toEqual(before);
    const inPlace = resultHashes(run);
    expect(inPlace).toEqual(await freshHashes("--components", "4"));
  });

  it("comes from `pca` into a folder of its own with the same numbers", async () => {
    const out = path.join(folder, "pca-only");
    const before = snapshot(run);
    const summary = await cliJson(["pca", path.join(run, "features"), "--out", out]);
    expect(summary.pca?.components).toBe(readRun(run).pca?.summary.components);
    expect(expectFinished(out)).toMatchObject({ kind: "pca", featuresFrom: path.join(run, "features") });
    expect(resultHashes(out, "pca/")).toEqual(resultHashes(run, "pca/"));
    expect(snapshot(run)).toEqual(before);
    // Of other features, that folder is refused and kept.
    const kept = snapshot(out);
    const failure = await cliFailure(["pca", begun, "--out", out]);
    expect(failure).toMatchObject({ code: "run/mismatch", message: expect.stringContaining("--fresh") });
    expect(snapshot(out)).toEqual(kept);
    await cliJson(["pca", begun, "--out", out, "--fresh"]);
  });

  it("is added by `run` to what `embed` made, and removed by an `embed` that changes the features", async () => {
    const out = path.join(folder, "embed-then-run");
    const embed = ["embed", photos, "--out", out, "--preset", "fast"];
    expect(await cliJson(embed)).toMatchObject({ embedded: IMAGES, pca: null });
    expectFinished(out);
    const features = snapshot(out, "features/");
    expect(resultHashes(out, "pca/")).toEqual({});
    expect(await cliJson(["run", photos, "--out", out])).toMatchObject({ embedded: 0, reused: IMAGES });
    expect(snapshot(out, "features/")).toEqual(features);
    expect(resultHashes(out)).toEqual(resultHashes(begun));

    const whole = snapshot(out);
    expect(await cliJson(embed)).toMatchObject({ embedded: 0, pca: null });
    expect(snapshot(out)).toEqual(whole);
    touch(photo(3), 5);
    expect(await cliJson(embed)).toMatchObject({ embedded: 1 });
    expect(resultHashes(out, "pca/")).toEqual({});
    expect(expectFinished(out).pca).toBeNull();
  });

  it("that failed is not taken for one that stands", async () => {
    expect(await cliFailure([...command, "--components", "1000"])).toMatchObject({
      code: expect.stringMatching(/^pca\//),
    });
    expect(readRun(run)).toMatchObject({ state: "failed", pca: null });
    expect(await cliJson(["embed", photos, "--out", run])).toMatchObject({ embedded: 0, pca: null });
    expect(await cliJson(command)).toMatchObject({ embedded: 0, reused: IMAGES });
    expect(resultHashes(run)).toEqual(resultHashes(begun));
  });

  it("of a part of a run's features never replaces that of the whole", async () => {
    rmSync(path.join(run, "features", "part-00000.parquet"));
    cpSync(path.join(begun, "features", "part-00000.parquet"), path.join(run, "features", "part-00000.parquet"));
    // An unfinished run: its manifest has more parts than stand.
    const file = readRun(run);
    writeFileSync(
      path.join(run, "run.json"),
      JSON.stringify({ ...file, state: "interrupted", manifest: { ...file.manifest, parts: 2 } }),
    );
    const before = snapshot(run);
    expect(await cliFailure(["pca", run, "--out", run])).toMatchObject({ code: "run/incomplete" });
    expect(snapshot(run)).toEqual(before);
  });
});

describe("images set aside", () => {
  const broken = (): string => photo(5);
  const cut = (): void => truncateSync(broken(), Math.floor(readFileSync(broken()).length * 0.6));

  it("are embedded by --tolerate-truncated and nothing else is", async () => {
    cut();
    expect(await cliJson(command, 3)).toMatchObject({ embedded: 0, reused: IMAGES - 1, setAside: 1 });
    expect(await readColumn(run, "errors", "code")).toEqual(["image/truncated"]);
    // Not tried again by itself.
    const before = snapshot(run);
    expect(await cliJson(command, 3)).toMatchObject({ embedded: 0, reused: IMAGES - 1, setAside: 1 });
    expect(snapshot(run)).toEqual(before);
    expect(await cliJson([...command, "--tolerate-truncated"])).toMatchObject({
      embedded: 1,
      reused: IMAGES - 1,
      setAside: 0,
    });
    expectFinished(run);
    expect(resultHashes(run)).toEqual(await freshHashes("--tolerate-truncated"));
  });

  it("are tried again by --retry, and stay aside while they are still bad", async () => {
    cut();
    await cliJson(command, 3);
    const before = resultHashes(run);
    expect(await cliJson([...command, "--retry"], 3)).toMatchObject({ embedded: 0, reused: IMAGES - 1, setAside: 1 });
    expect(resultHashes(run)).toEqual(before);
  });

  it("in a run that failed later are still tried again under the new rules", async () => {
    cut();
    await cliFailure([...command, "--components", "1000"]);
    expect(await readColumn(run, "errors", "code")).toEqual(["image/truncated"]);
    expect(await cliJson([...command, "--tolerate-truncated"])).toMatchObject({ embedded: 1, setAside: 0 });
    expect(resultHashes(run)).toEqual(await freshHashes("--tolerate-truncated"));
  });

  it("by a pixel limit come back with a higher one", async () => {
    const limited = [...command, "--fresh", "--pixel-limit", String(64 * 64 - 1)];
    const embed = ["embed", ...limited.slice(1)];
    expect(await cliJson(embed, 3)).toMatchObject({ embedded: 0, setAside: IMAGES });
    expect(new Set(await readColumn(run, "errors", "code"))).toEqual(new Set(["image/too-large"]));
    expect(await cliJson([...command, "--pixel-limit", String(64 * 64)])).toMatchObject({
      embedded: IMAGES,
      setAside: 0,
    });
    expect(resultHashes(run)).toEqual(resultHashes(begun));
  });
});
