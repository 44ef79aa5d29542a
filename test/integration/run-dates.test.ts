import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunCard } from "../../src-main/api/channels.js";
import { numbersOf } from "../../src-main/core/embed/photo-facts.js";
import { RunData, writeSelectionCsv, writeSelectionParquet } from "../../src-main/core/explore/index.js";
import { listParts, partName } from "../../src-main/core/run/index.js";
import { overviewOf } from "../../src-main/engine/overview.js";
import { type Column, openParquet, writePart } from "../../src-main/native/parquet.js";
import { dateFile, dateFiles, timeOf } from "../support/exif.js";
import { cli, cliJson } from "../support/run-cli.js";
import { expectFinished, expectWhole, readColumn, readRun, resultHashes, snapshot } from "../support/run-folder.js";
import { drawPhotos, imagesBelow, touch, workFolder } from "../support/run-photos.js";

/** Enough for a second part. */
const DRAWN = 60;
const COPIES = 18;
const IMAGES = DRAWN * COPIES;
const FIRST_PART = 1024;
const { folder, dispose } = workFolder("dates");
const photos = path.join(folder, "photos");
const fresh = path.join(folder, "fresh");
const before = path.join(folder, "before");
const run = path.join(folder, "run");
const command = (out: string, source = photos): string[] => ["run", source, "--out", out, "--preset", "fast"];

beforeAll(async () => {
  await drawPhotos(path.join(photos, "00"), DRAWN, 6);
  for (let copy = 1; copy < COPIES; copy += 1) {
    cpSync(path.join(photos, "00"), path.join(photos, String(copy).padStart(2, "0")), { recursive: true });
  }
  dateFiles(imagesBelow(photos).map((name) => path.join(photos, name)));
  await cliJson(command(fresh));
  cpSync(fresh, before, { recursive: true, preserveTimestamps: true });
  await forgetTimes(before);
});
afterAll(dispose);
beforeEach(() => rmSync(run, { recursive: true, force: true }));

/** Makes of a run what a version without times of capture would have written. */
async function forgetTimes(target: string): Promise<void> {
  for (const part of listParts(path.join(target, "features"))) {
    const file = path.join(target, "features", partName(part));
    const parquet = await openParquet(file);
    const kept = parquet.columns.filter(({ name }) => !name.startsWith("captured_"));
    const values = await parquet.readRowGroup(
      0,
      kept.map(({ name }) => name),
    );
    const more = parquet.rowGroups.length;
    await parquet.close();
    expect(more).toBe(1);
    const columns = kept.map(({ name, type, nullable }) => {
      const list = type === "list<float32>" ? { width: (values[name]?.length ?? 0) / parquet.rows } : {};
      return { name, type, nullable, values: values[name], ...list } as Column;
    });
    await writePart(file, columns, parquet.rows, { compression: "zstd" });
  }
  const { captured, ...file } = readRun(target);
  expect(captured).not.toBeNull();
  writeFileSync(path.join(target, "run.json"), JSON.stringify(file));
}

/** A run as one that was stopped after its first part leaves it. */
function stopAfterFirstPart(from: string): void {
  cpSync(from, run, { recursive: true, preserveTimestamps: true });
  for (const name of ["_SUCCESS", "pca", path.join("features", partName(1))]) {
    rmSync(path.join(run, name), { recursive: true });
  }
  const file = JSON.parse(readFileSync(path.join(run, "run.json"), "utf8"));
  writeFileSync(
    path.join(run, "run.json"),
    JSON.stringify({ ...file, state: "interrupted", pca: null, captured: null }),
  );
}

describe("a run over dated photos", () => {
  it("says when each was taken, by the camera's clock, and of the others that they do not say", async () => {
    const expected = Array.from({ length: IMAGES }, (_, index) => timeOf(index));
    expect(await readColumn(fresh, "features", "captured_at")).toEqual(expected.map(({ at }) => at));
    expect(await readColumn(fresh, "features", "captured_offset")).toEqual(expected.map(({ offset }) => offset));
    const known = expected.map(({ at }) => at).filter((at) => at !== null);
    expect(known.length).toBeGreaterThan(IMAGES / 2);
    expect(known.length).toBeLessThan(IMAGES);
    const first = "2026-05-01T00:20:30.250";
    const { captured } = readRun(fresh);
    expect(captured).toEqual({
      photos: known.length,
      first,
      last: expect.stringMatching(/^2026-05-28T\d\d:20:30\.\d{3}$/),
    });

    const { stdout } = await cli(["inspect", fresh]);
    const missing = (IMAGES - known.length).toLocaleString("en");
    expect(stdout).toMatch(
      new RegExp(`taken +2026-05-01 00:20 to 2026-05-28 2\\d:20 +${missing} photos without a date`),
    );
    expect(await cliJson(["inspect", fresh])).toMatchObject({ captured });
  });

  it("keeps its dates when photos are copied anew, where their files' dates are lost", async () => {
    const copies = path.join(folder, "copies");
    cpSync(path.join(photos, "00"), copies, { recursive: true });
    const times = Array.from({ length: DRAWN }, (_, index) => timeOf(index).at);
    for (const [index, name] of imagesBelow(copies).entries()) if (!times[index]) rmSync(path.join(copies, name));
    await cliJson(command(run, copies));
    expect(await readColumn(run, "features", "captured_at")).toEqual(times.filter((time) => time !== null));
    // Where every photo says when it was taken, nobody is offered the date of a copy.
    const { columns } = overviewOf({} as RunCard, await RunData.open(run));
    expect(columns).toEqual(["width", "height", "size", "captured", "outlier"]);

    // A camera's clock that was put right afterwards.
    const [name = ""] = imagesBelow(copies);
    dateFile(path.join(copies, name), { DateTimeOriginal: "2020:01:01 00:00:00" });
    touch(path.join(copies, name), 5);
    expect(await cliJson(command(run, copies))).toMatchObject({ embedded: 1 });
    const [corrected] = await readColumn(run, "features", "captured_at");
    expect(corrected).toBe(BigInt(Date.UTC(2020, 0, 1)) * 1000n);
  });

  it("goes on after it was stopped, to the same bytes", async () => {
    stopAfterFirstPart(fresh);
    expect(await cliJson(command(run))).toMatchObject({ embedded: IMAGES - FIRST_PART, reused: FIRST_PART });
    expect(expectFinished(run).captured).toEqual(readRun(fresh).captured);
    expect(resultHashes(run)).toEqual(resultHashes(fresh));
  });
});

describe("a run of a version that did not look", () => {
  it("opens, and knows no time", async () => {
    const data = await RunData.open(before);
    expect(data.columns).toEqual(["width", "height", "size", "modified"]);
    expect(data.capturedMsOf(0)).toBeNull();
    expect(await cliJson(["inspect", before])).toMatchObject({ captured: null });
    expect((await cli(["inspect", before])).stdout).not.toContain("taken");
  });

  it("is left as it is when nothing has changed", async () => {
    cpSync(before, run, { recursive: true, preserveTimestamps: true });
    const known = snapshot(run);
    expect(await cliJson(command(run))).toMatchObject({ embedded: 0, reused: IMAGES });
    expect(snapshot(run)).toEqual(known);
  });

  it("goes on after it was stopped, in parts of one schema, and embeds nothing twice", async () => {
    stopAfterFirstPart(before);
    expect(await cliJson(command(run))).toMatchObject({ embedded: IMAGES - FIRST_PART, reused: FIRST_PART });
    expectFinished(run);
    expect(resultHashes(run)).toEqual(resultHashes(fresh));
  });

  it("is not continued from a checkpoint without times", async () => {
    stopAfterFirstPart(fresh);
    const parquet = await openParquet(path.join(before, "features", partName(1)));
    const { features } = await parquet.readRowGroup(0, ["features"]);
    await parquet.close();
    const rows = IMAGES - FIRST_PART;
    const facts = new Int32Array(rows).fill(1);
    const file = path.join(run, ".checkpoint", partName(1));
    cpSync(path.join(run, "features"), path.dirname(file), { recursive: true });
    await writePart(
      file,
      [
        { name: "row", type: "int32", values: Int32Array.from(facts, (_, row) => row) },
        { name: "width", type: "int32", values: facts },
        { name: "height", type: "int32", values: facts },
        { name: "features", type: "list<float32>", values: features as Float32Array, width: 1280 },
      ],
      rows,
      { metadata: { "verger.manifest": readRun(run).manifest?.digest ?? "" } },
    );
    expect(await cliJson(command(run))).toMatchObject({ embedded: rows });
    expect(existsSync(file)).toBe(false);
    expect(resultHashes(run)).toEqual(resultHashes(fresh));
  });

  // The last of those that run over these photos: the time of one is another from here on.
  it("gives its features to a changed source, whose times are read from the photos' headers", async () => {
    cpSync(before, run, { recursive: true, preserveTimestamps: true });
    touch(path.join(photos, imagesBelow(photos)[3] ?? ""), 5);
    expect(await cliJson(command(run))).toMatchObject({ embedded: 1, reused: IMAGES - 1 });
    await expectWhole(run);
    expect(expectFinished(run).captured).toEqual(readRun(fresh).captured);
    for (const kind of ["features", "pca"]) expect(resultHashes(run, kind)).toEqual(resultHashes(fresh, kind));
  });
});

describe("what is made of the dates", () => {
  it("is a column by the camera's clock, whatever the time zone here", async () => {
    const data = await RunData.open(fresh);
    expect(data.columns).toEqual(["width", "height", "size", "captured", "modified"]);
    const milliseconds = Array.from({ length: IMAGES }, (_, index) => Number(timeOf(index).at ?? Number.NaN) / 1000);
    expect(Array.from(await data.column("captured"))).toEqual(milliseconds);
    expect(new Date(data.capturedMsOf(0) as number).toISOString()).toBe("2026-05-01T00:20:30.250Z");
    expect(data.capturedMsOf(4)).toBeNull();
  });

  it("stands in exports: CSV as spreadsheets take it, Parquet as a timestamp without a time zone", async () => {
    const data = await RunData.open(fresh);
    const rows = Uint32Array.of(4, 1, 0);
    const csv = path.join(folder, "dates.csv");
    await writeSelectionCsv(data, rows, csv, { coordinates: false });
    const [head, ...lines] = readFileSync(csv, "utf8").trimEnd().split("\n");
    expect(head).toBe("path,label,label_original,width,height,size,modified,captured_at");
    expect(lines.map((line) => line.split(",").at(-1))).toEqual([
      "",
      "2026-05-01 01:20:30.000",
      "2026-05-01 00:20:30.250",
    ]);

    const file = path.join(folder, "dates.parquet");
    await writeSelectionParquet(data, rows, file, { coordinates: false });
    const parquet = await openParquet(file);
    expect(parquet.columns).toContainEqual(expect.objectContaining({ name: "captured_at", type: "local-timestamp" }));
    const { captured_at } = await parquet.readRowGroup(0, ["captured_at"]);
    await parquet.close();
    expect(Array.from(numbersOf(captured_at, 3))).toEqual([4, 1, 0].map((row) => Number(timeOf(row).at ?? Number.NaN)));
  });

  it("is left out of exports of a run that does not know", async () => {
    const csv = path.join(folder, "undated.csv");
    await writeSelectionCsv(await RunData.open(before), Uint32Array.of(0), csv, { coordinates: false });
    expect(readFileSync(csv, "utf8")).toMatch(/^path,label,label_original,width,height,size,modified\n/);
  });
});
