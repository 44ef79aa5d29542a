import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  jpegClaiming,
  jpegWithCorruptExif,
  jpegWithCorruptIcc,
  pngBomb,
  soundJpeg,
  soundPng,
} from "../support/run-broken.js";
import { asOrdinaryUser, cliFailure, cliJson } from "../support/run-cli.js";
import { expectFinished, expectWhole, readColumn, readRun, resultHashes } from "../support/run-folder.js";
import { workFolder } from "../support/run-photos.js";

const { folder, dispose } = workFolder("bad-images");
const photos = path.join(folder, "photos");
const run = path.join(folder, "run");
afterAll(dispose);

interface BadImage {
  readonly name: string;
  readonly content: () => Promise<Buffer> | Buffer;
  readonly stage: "read" | "decode";
  readonly code: string;
}

const BAD: readonly BadImage[] = [
  { name: "zero bytes.jpg", content: () => Buffer.alloc(0), stage: "read", code: "image/empty" },
  {
    name: "truncated.jpg",
    content: async () => (await soundJpeg(4)).subarray(0, 600),
    stage: "decode",
    code: "image/truncated",
  },
  {
    name: "truncated.png",
    content: async () => (await soundPng()).subarray(0, 1200),
    stage: "decode",
    code: "image/truncated",
  },
  {
    name: "text.jpg",
    content: () => Buffer.from("Dear orchard, the photos are attached.\n"),
    stage: "decode",
    code: "image/unknown-format",
  },
  { name: "claims 50000.jpg", content: () => jpegClaiming(50_000), stage: "decode", code: "image/too-large" },
  { name: "bomb 20000.png", content: () => pngBomb(20_000), stage: "decode", code: "image/too-large" },
  {
    name: "only a header.jpg",
    content: () => Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
    stage: "decode",
    code: "image/truncated",
  },
];

const GOOD: Readonly<Record<string, () => Promise<Buffer>>> = {
  "sound 1.jpg": () => soundJpeg(10),
  "sound 2.jpg": () => soundJpeg(11),
  "sound 3.jpg": () => soundJpeg(12),
  "png in truth.jpg": soundPng,
  "jpeg in truth.png": () => soundJpeg(13),
  "corrupt icc.jpg": jpegWithCorruptIcc,
  "corrupt exif.jpg": jpegWithCorruptExif,
};

describe("bad images among good ones", () => {
  beforeAll(async () => {
    mkdirSync(photos);
    for (const { name, content } of BAD) writeFileSync(path.join(photos, name), await content());
    for (const [name, content] of Object.entries(GOOD)) writeFileSync(path.join(photos, name), await content());
  });

  it("are set aside, the rest is embedded, and the exit code is 3", async () => {
    const summary = await cliJson(["run", photos, "--out", run, "--preset", "fast"], 3);
    const images = BAD.length + Object.keys(GOOD).length;
    expect(summary).toMatchObject({
      images,
      embedded: images - BAD.length,
      setAside: BAD.length,
    });
    expect(summary.pca?.components).toBeGreaterThan(0);
    // The bomb and the false header were turned away before anything was allocated for them.
    expect(summary.peakRssBytes).toBeLessThan(1e9);
    expect(expectFinished(run).counts).toMatchObject({ images, setAside: BAD.length });
    await expectWhole(run);
  });

  it.each(BAD)("$name: stage $stage, code $code, one sentence", async ({ name, stage, code }) => {
    const rows = await errorRows(run);
    expect(rows[name]).toMatchObject({ stage, code });
    expect(rows[name]?.message).toMatch(/^Expected [^\n]+\.$/);
  });

  it.each(Object.keys(GOOD))("%s is embedded", async (name) => {
    expect(await readColumn(run, "features", "path")).toContain(name);
    expect(await errorRows(run)).not.toHaveProperty([name]);
  });

  it("keeps the true size of what it embeds, whatever EXIF claims", async () => {
    expect(new Set(await readColumn(run, "features", "width"))).toEqual(new Set([64]));
    expect(new Set(await readColumn(run, "features", "height"))).toEqual(new Set([48]));
  });

  it("gives the same features whether or not bad images stand in the same batch", async () => {
    const clean = path.join(folder, "clean");
    const cleanRun = path.join(folder, "clean-run");
    mkdirSync(clean);
    for (const name of Object.keys(GOOD)) cpSync(path.join(photos, name), path.join(clean, name));
    await cliJson(["run", clean, "--out", cleanRun, "--preset", "fast"]);
    expect(await readColumn(run, "features", "features")).toEqual(await readColumn(cleanRun, "features", "features"));
    // The same rows: the PCA does not know of what was set aside.
    expect(readRun(run).pca?.summary).toEqual(readRun(cleanRun).pca?.summary);
  });
});

async function errorRows(of: string): Promise<Record<string, { stage: unknown; code: unknown; message: string }>> {
  const column = (name: string) => readColumn(of, "errors", name);
  const [paths, stages, codes, messages] = await Promise.all([
    column("path"),
    column("stage"),
    column("code"),
    column("message"),
  ]);
  return Object.fromEntries(
    paths.map((name, row) => [name, { stage: stages[row], code: codes[row], message: String(messages[row]) }]),
  );
}

describe("a list that names what is not there", () => {
  it("sets that aside at stage read and embeds the rest", async () => {
    const list = path.join(folder, "list.txt");
    writeFileSync(list, "photos/sound 1.jpg\nphotos/nowhere.jpg\nphotos/sound 2.jpg\nphotos\n");
    const out = path.join(folder, "listed");
    expect(await cliJson(["embed", list, "--out", out, "--preset", "fast"], 3)).toMatchObject({
      images: 4,
      embedded: 2,
      setAside: 2,
    });
    const rows = await errorRows(out);
    expect(rows["photos/nowhere.jpg"]).toMatchObject({ stage: "read", code: "source/missing" });
    expect(rows.photos).toMatchObject({ stage: "read", code: "source/not-a-file" });
  });
});

describe("a PNG within the pixel limit that unpacks to a thousand times its size", () => {
  it("is embedded in little memory", async () => {
    const bombs = path.join(folder, "bombs");
    mkdirSync(bombs);
    const side = 12_000;
    writeFileSync(path.join(bombs, "black.png"), pngBomb(side));
    const summary = await cliJson(["embed", bombs, "--out", path.join(folder, "bombs-run"), "--preset", "fast"]);
    expect(summary).toMatchObject({ embedded: 1, setAside: 0 });
    expect(await readColumn(summary.run, "features", "width")).toEqual([side]);
    // The picture alone has 432 MB of RGB; it is never held as a whole.
    expect(summary.peakRssBytes).toBeLessThan(400e6);
  });
});

const user = asOrdinaryUser();
if (!user) console.warn("SKIPPED: unreadable images: nobody to start a process as (setpriv is missing)");

describe.skipIf(!user)("an image without permission to read it", () => {
  it("is set aside, and embedded by --retry once it may be read", async () => {
    const locked = path.join(folder, "locked");
    const home = path.join(folder, "home");
    const out = path.join(home, "run");
    for (const made of [locked, home]) mkdirSync(made);
    // The parents are this process's own; the child may pass through them and write in one.
    chmodSync(folder, 0o755);
    chmodSync(home, 0o777);
    for (const name of ["a.jpg", "b.jpg", "c.jpg"])
      writeFileSync(path.join(locked, name), await soundJpeg(name.charCodeAt(0)));
    chmodSync(path.join(locked, "b.jpg"), 0o000);
    const command = ["embed", locked, "--out", out, "--preset", "fast"];
    expect(await cliJson(command, 3, user)).toMatchObject({ embedded: 2, setAside: 1 });
    expect(await errorRows(out)).toMatchObject({ "b.jpg": { stage: "read", code: "image/unreadable" } });
    chmodSync(path.join(locked, "b.jpg"), 0o644);
    expect(await cliJson([...command, "--retry"], 0, user)).toMatchObject({ embedded: 1, reused: 2, setAside: 0 });
    expectFinished(out);
  });
});

describe("nothing but bad images", () => {
  const bad = path.join(folder, "bad");
  beforeAll(async () => {
    mkdirSync(bad);
    for (const { name, content } of BAD.filter((image) => image.name.endsWith(".jpg"))) {
      writeFileSync(path.join(bad, name), await content());
    }
  });

  it("lets `embed` end with 3 and an empty but readable features part", async () => {
    const out = path.join(folder, "all-bad");
    expect(await cliJson(["embed", bad, "--out", out, "--preset", "fast"], 3)).toMatchObject({
      embedded: 0,
      setAside: 5,
    });
    expectFinished(out);
    await expectWhole(out);
    expect(await readColumn(out, "features", "path")).toEqual([]);
    // And once more: nothing is tried again.
    const before = resultHashes(out);
    expect(await cliJson(["embed", bad, "--out", out], 3)).toMatchObject({ embedded: 0, reused: 0, setAside: 5 });
    expect(resultHashes(out)).toEqual(before);
  });

  it("lets `run` fail with a sentence, the reasons kept", async () => {
    const out = path.join(folder, "all-bad-run");
    const failure = await cliFailure(["run", bad, "--out", out, "--preset", "fast"]);
    expect(failure).toMatchObject({ code: "pca/too-few-rows", message: expect.stringContaining("set aside") });
    expect(await readColumn(out, "errors", "path")).toHaveLength(5);
    expect(readRun(out)).toMatchObject({ state: "failed", failure: { code: "pca/too-few-rows" } });
    // One that is mended brings the run to its end.
    for (const name of ["a.jpg", "b.jpg", "c.jpg"]) {
      writeFileSync(path.join(bad, name), readFileSync(path.join(photos, "sound 1.jpg")));
    }
    writeFileSync(path.join(bad, "text.jpg"), readFileSync(path.join(photos, "sound 2.jpg")));
    expect(await cliJson(["run", bad, "--out", out], 3)).toMatchObject({ embedded: 4, setAside: 4 });
  });
});
