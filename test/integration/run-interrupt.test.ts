import { existsSync, renameSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dateFiles } from "../support/exif.js";
import { CliProcess, cli, cliJson } from "../support/run-cli.js";
import { expectFinished, expectWhole, filesBelow, readRun, resultHashes, snapshot } from "../support/run-folder.js";
import { drawPhotos, imagesBelow, workFolder } from "../support/run-photos.js";

const IMAGES = 320;
const { folder, dispose } = workFolder("interrupt");
const photos = path.join(folder, "photos");
const reference = path.join(folder, "reference");

beforeAll(async () => {
  await drawPhotos(photos, IMAGES, 8);
  dateFiles(imagesBelow(photos).map((name) => path.join(photos, name)));
  await cliJson(["run", photos, "--out", reference, "--preset", "exact"]);
});
afterAll(dispose);

/** Slow enough to be caught in the middle: fp32, one session, one image a batch. */
const slow = (out: string): string[] => [
  ...["run", photos, "--out", out, "--preset", "exact"],
  ...["--sessions", "1", "--threads", "1", "--batch", "1"],
];

/** Starts a run and waits until it has begun to embed. */
async function startEmbedding(out: string, ...options: string[]): Promise<CliProcess> {
  const process = new CliProcess([...slow(out), ...options]);
  expect(await process.until(() => process.stderr.includes("load: done"))).toBe(true);
  expect(await process.until(() => existsSync(path.join(out, "features")))).toBe(true);
  return process;
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe.each(["SIGINT", "SIGTERM"] as const)("%s while embedding", (signal) => {
  it("ends with 130, keeps what is done, says how to go on, and the next run goes on from there", async () => {
    const out = path.join(folder, signal);
    const running = await startEmbedding(out);
    await pause(1_000);
    running.kill(signal);
    const result = await running.ended;
    expect(result).toMatchObject({ code: 130, signal: null, stdout: "" });
    expect(result.stderr).toMatch(/again to (continue|resume)/i);
    expect(result.stderr).not.toMatch(/^\s+at /m);

    expect(readRun(out)).toMatchObject({ state: "interrupted", failure: null });
    expect(existsSync(path.join(out, "_SUCCESS"))).toBe(false);
    expect(filesBelow(path.join(out, ".checkpoint"))).toEqual(["part-00000.parquet"]);
    await expectWhole(out);

    const resumed = await cliJson(slow(out));
    expect(resumed).toMatchObject({ images: IMAGES, setAside: 0 });
    expect(resumed.embedded).toBeGreaterThan(0);
    expect(resumed.embedded).toBeLessThan(IMAGES);
    expect(resumed.embedded + resumed.reused).toBe(IMAGES);
    expectFinished(out);
    expect(resultHashes(out)).toEqual(resultHashes(reference));
  });
});

describe("a folder of photos that goes while it is read", () => {
  it("stops the run, sets nothing aside, and the run goes on when it is back", async () => {
    const out = path.join(folder, "unplugged");
    const elsewhere = path.join(folder, "elsewhere");
    const running = await startEmbedding(out);
    renameSync(photos, elsewhere);
    const result = await running.ended;
    renameSync(elsewhere, photos);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("[source/gone]");
    expect(readRun(out)).toMatchObject({ state: "failed", failure: { code: "source/gone" } });
    expect(filesBelow(path.join(out, "errors"))).toEqual([]);
    expect(await cliJson(slow(out))).toMatchObject({ images: IMAGES, setAside: 0 });
    expectFinished(out);
    expect(resultHashes(out)).toEqual(resultHashes(reference));
  });
});

describe("SIGINT", () => {
  it("twice ends at once, with nothing half-written under a final name", async () => {
    const out = path.join(folder, "twice");
    const running = await startEmbedding(out);
    await pause(200);
    running.kill("SIGINT");
    await running.until(() => running.stderr.includes("again to stop at once"));
    const again = setInterval(() => running.kill("SIGINT"), 2);
    const result = await running.ended;
    clearInterval(again);
    // By itself, or by the system when it had just stopped listening: a shell sees 130 either way. Never by a crash of
    // the inference threads, which are in the middle of something.
    expect(result.signal ?? result.code).toSatisfy((end) => end === 130 || end === "SIGINT");
    expect(result.stderr).not.toMatch(/terminate called|FATAL/);
    await expectWhole(out);
    await cliJson(slow(out));
    expect(resultHashes(out)).toEqual(resultHashes(reference));
  });

  it("again and again loses nothing: every attempt goes on from the last", { timeout: 150_000 }, async () => {
    const out = path.join(folder, "again");
    let attempts = 0;
    for (;;) {
      const running = await startEmbedding(out);
      await pause(1_000);
      running.kill("SIGINT");
      const result = await running.ended;
      if (result.code === 0) break;
      expect(result.code).toBe(130);
      await expectWhole(out);
      attempts += 1;
      // Each embeds for a second, which is not enough for all: without its predecessors' work none would ever be done.
      expect(attempts).toBeLessThan(60);
    }
    expect(attempts).toBeGreaterThan(0);
    expectFinished(out);
    expect(resultHashes(out)).toEqual(resultHashes(reference));
  });

  it("before anything was done leaves no folder behind, and with --json one document", async () => {
    const out = path.join(folder, "early");
    const running = new CliProcess([...slow(out), "--json"]);
    await running.until(() => existsSync(out));
    running.kill("SIGINT");
    const result = await running.ended;
    expect(result.code).toBe(130);
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: "cancelled" } });
    if (existsSync(out)) await expectWhole(out);
  });

  it("while a changed source is taken over neither loses the old features nor mixes them", async () => {
    const out = path.join(folder, "changed");
    await cliJson(["run", photos, "--out", out, "--preset", "exact"]);
    const labelled = [...slow(out), "--label-from", "filename:^(.)"];
    const running = new CliProcess(labelled);
    await running.until(() => readRunState(out) !== "done");
    running.kill("SIGINT");
    const result = await running.ended;
    expect([0, 130]).toContain(result.code);
    await expectWhole(out);
    expect(await cliJson(labelled)).toMatchObject({ images: IMAGES, embedded: 0, reused: IMAGES });
    expectFinished(out);
    const before = snapshot(out);
    expect(await cli(labelled)).toMatchObject({ code: 0 });
    expect(snapshot(out)).toEqual(before);
  });
});

function readRunState(out: string): string {
  return readRun(out).state;
}
