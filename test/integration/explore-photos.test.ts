/** Where the window looks for the photos of a run. */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Channel, RequestOf, ResponseOf, RunCard } from "../../src-main/api/channels.js";
import { photoFacts } from "../../src-main/core/explore/photo.js";
import { photosOf } from "../../src-main/core/run/photos.js";
import { createEngine, type Engine } from "../../src-main/engine/index.js";
import { cliJson } from "../support/run-cli.js";
import { readRun } from "../support/run-folder.js";
import { drawPhotos, imagesBelow, workFolder } from "../support/run-photos.js";

const IMAGES = 12;
const { folder, dispose } = workFolder("photos");
const drawn = path.join(folder, "drawn");
const orchard = path.join(folder, "orchard");
const photos = path.join(orchard, "photos");
const run = path.join(orchard, "runs", "first");
const state = path.join(folder, "state");
let engine: Engine;

beforeAll(async () => {
  await drawPhotos(path.join(drawn, "photos"), IMAGES, 3);
  cpSync(drawn, orchard, { recursive: true, preserveTimestamps: true });
  await cliJson(["run", photos, "--out", run, "--preset", "fast"]);
  await cliJson(["pca", run, "--out", path.join(orchard, "runs", "of-first"), "--components", "2"]);
  renameSync(orchard, path.join(folder, "made"));
});
afterAll(dispose);

/** Every test begins with the folders where the run was made, and a window that knows nothing. */
beforeEach(async () => {
  cpSync(path.join(folder, "made"), orchard, { recursive: true, preserveTimestamps: true });
  engine = await open();
});
afterEach(async () => {
  await engine.close();
  for (const name of ["orchard", "state", "elsewhere"])
    rmSync(path.join(folder, name), { recursive: true, force: true });
});

const open = (): Promise<Engine> =>
  createEngine({ carrier: "http", stateFolder: state, cacheFolder: path.join(state, "cache"), checkResponses: true });

async function call<C extends Channel>(channel: C, request: RequestOf<C>): Promise<ResponseOf<C>> {
  return (await engine.call(channel, request, { signal: new AbortController().signal })) as ResponseOf<C>;
}

const card = (target = run): Promise<RunCard> => call("runs.open", { path: target });

/** The code of what is wrong with a photo; null when it is shown. */
const problem = async (id: string): Promise<string | null> =>
  (await call("run.image", { run: id, row: 5 })).problem?.code ?? null;

describe("the photos of a run", () => {
  it("stand where run.json says, also in a PCA of its features and in runs of earlier versions", async () => {
    expect(readRun(run).photos).toEqual({ root: photos, relative: "../../photos" });
    for (const name of ["first", "of-first"]) {
      const target = path.join(orchard, "runs", name);
      const { run: id, mosaic } = await card(target);
      expect((await call("run.overview", { run: id })).root).toBe(photos);
      expect(await problem(id)).toBeNull();
      expect(mosaic.length).toBeGreaterThan(0);
      const file = path.join(target, "run.json");
      const { photos: _, ...older } = JSON.parse(readFileSync(file, "utf8"));
      writeFileSync(file, JSON.stringify(older));
      expect((await call("run.overview", { run: id })).root).toBe(photos);
    }
  });

  it("are found beside a run that was moved or copied with them", async () => {
    const elsewhere = path.join(folder, "elsewhere");
    renameSync(orchard, elsewhere);
    for (const name of ["first", "of-first"]) {
      const { run: id } = await card(path.join(elsewhere, "runs", name));
      expect((await call("run.overview", { run: id })).root).toBe(path.join(elsewhere, "photos"));
      expect(await problem(id)).toBeNull();
    }
    // Where both stand, those that the run was made from.
    cpSync(path.join(folder, "made"), orchard, { recursive: true });
    const { run: id } = await card(path.join(elsewhere, "runs", "first"));
    expect((await call("run.overview", { run: id })).root).toBe(photos);
  });

  it("that were moved alone are located by the folder itself, the one above or one below, and stay so", async () => {
    const elsewhere = path.join(folder, "elsewhere", "photos");
    mkdirSync(path.dirname(elsewhere));
    renameSync(photos, elsewhere);
    const first = await card();
    const overview = await call("run.overview", { run: first.run });
    expect(overview.problems.map(({ code }) => code)).toContain("photo/missing");
    expect(await problem(first.run)).toBe("photo/missing");
    const label = path.dirname(imagesBelow(elsewhere)[0] as string);
    const located = { root: elsewhere, found: IMAGES, total: IMAGES };
    for (const chosen of [path.dirname(elsewhere), path.join(elsewhere, label), elsewhere]) {
      const looked = await call("runs.locate", { run: first.run, folder: chosen, save: false });
      expect(looked).toEqual({ ...located, saved: false });
    }
    expect(await problem(first.run)).toBe("photo/missing");

    const events: string[] = [];
    engine.subscribe(({ type }) => events.push(type));
    expect(await call("runs.locate", { run: first.run, folder: elsewhere })).toEqual({ ...located, saved: true });
    expect(events).toEqual(expect.arrayContaining(["runs", "run.changed"]));
    expect(await problem(first.run)).toBeNull();
    const now = await call("run.overview", { run: first.run });
    expect(now.problems.map(({ code }) => code)).not.toContain("photo/missing");
    // Pictures that a browser keeps are those of the old place.
    expect(now.card.version).not.toBe(first.version);
    expect([first.located, now.card.located]).toEqual([null, elsewhere]);
    await expect(engine.image(first.run, first.version, 0, 64)).rejects.toMatchObject({ code: "run/changed" });
    expect(await engine.image(first.run, now.card.version, 0, "full")).toMatchObject({ format: "jpeg" });

    await engine.close();
    engine = await open();
    const again = await card();
    expect(await problem(again.run)).toBeNull();
    expect(again.version).toBe(now.card.version);
    expect(await call("runs.locate", { run: again.run, folder: null })).toMatchObject({ root: photos, saved: true });
    expect(await problem(again.run)).toBe("photo/missing");
    expect((await card()).located).toBeNull();
  });

  it("that are not in a folder are not taken for found, and some of them are counted", async () => {
    const { run: id } = await card();
    const nothing = path.join(folder, "elsewhere");
    mkdirSync(nothing);
    expect(await call("runs.locate", { run: id, folder: nothing })).toEqual({
      root: nothing,
      found: 0,
      total: IMAGES,
      saved: false,
    });
    expect((await call("run.overview", { run: id })).root).toBe(photos);
    await expect(call("runs.locate", { run: id, folder: path.join(folder, "none") })).rejects.toMatchObject({
      code: "photo/no-folder",
      details: { path: path.join(folder, "none") },
    });
    const some = path.join(folder, "elsewhere", "some");
    const [kept, ...gone] = imagesBelow(photos);
    cpSync(photos, some, { recursive: true });
    for (const name of gone) rmSync(path.join(some, name));
    expect(await call("runs.locate", { run: id, folder: some })).toMatchObject({ root: some, found: 1, saved: true });
    expect((await call("run.image", { run: id, row: 0 })).file).toBe(path.join(some, kept as string));
  });
});

it("a bucket has no way from the run folder, and sources without a common folder no root", () => {
  expect(photosOf("s3://farm/photos/", folder)).toEqual({ root: "s3://farm/photos/", relative: null });
  expect(photosOf(photos, undefined)).toEqual({ root: photos, relative: null });
  expect(photosOf("", folder)).toBeNull();
});

describe("what EXIF says of a photo", () => {
  it("comes as text, choices by their numbers too, places with their side of the equator", async () => {
    const file = path.join(folder, "phone.jpg");
    await sharp({ create: { width: 30, height: 20, channels: 3, background: "#a33" } })
      .jpeg()
      .withExif({
        IFD0: { Make: "Fuji" },
        IFD2: { FNumber: "28/10", Flash: "16" },
        IFD3: {
          GPSLatitude: "33/1 30/1 0/1",
          GPSLatitudeRef: "S",
          GPSLongitude: "151/1 15/1 0/1",
          GPSLongitudeRef: "E",
        },
      })
      .toFile(file);
    const { exif } = await photoFacts(folder, "phone.jpg");
    const known = Object.fromEntries(exif.map(({ tag, value, code }) => [tag, code ?? value]));
    expect(known).toMatchObject({ Make: "Fuji", FNumber: "f/2.8", Flash: 16 });
    expect(known).toMatchObject({ GPSLatitude: "-33.5", GPSLongitude: "151.25" });
    expect(known).not.toHaveProperty("GPSLatitudeRef");
    rmSync(file);
  });
});
