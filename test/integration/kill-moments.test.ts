import { cpSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliProcess, cliJson } from "../support/run-cli.js";
import { expectFinished, expectWhole, readRun, resultHashes } from "../support/run-folder.js";
import { drawPhotos, imagesBelow, touch, workFolder } from "../support/run-photos.js";

/**
 * Killed at random moments of every stage, over several parts, several times in a row. Complements kill-changes, which
 * is exhaustive but knows only what the main thread writes, one part at a time.
 */
const DRAWN = 260;
const COPIES = 10;
const IMAGES = DRAWN * COPIES;
const KILLS_IN_A_ROW = 3;
const { folder, dispose } = workFolder("moments");
const photos = path.join(folder, "photos");
const run = path.join(folder, "run");
const finished = path.join(folder, "finished");
const command = ["run", photos, "--out", run, "--preset", "fast"];

beforeAll(async () => {
  await drawPhotos(path.join(photos, "0"), DRAWN, 13);
  for (let copy = 1; copy < COPIES; copy += 1) {
    cpSync(path.join(photos, "0"), path.join(photos, String(copy)), { recursive: true });
  }
  await cliJson(["run", photos, "--out", finished, "--preset", "fast"]);
});
afterAll(dispose);

/** What must have been said before the clock of a moment starts, and how long it may run. */
const STAGES = [
  { stage: "start", after: "", within: 500 },
  { stage: "scan", after: "scan: done", within: 60 },
  { stage: "load", after: "load: done", within: 200 },
  { stage: "embed", after: "load: done", within: 2000 },
  { stage: "fit", after: "embed: done", within: 150 },
  { stage: "transform", after: "fit: done", within: 100 },
] as const;

let kills = 0;

/** Kills the command at one moment of `stage`. False when it had ended before. */
async function killIn(
  { stage, after, within }: (typeof STAGES)[number],
  moments: string[],
  exit: number,
): Promise<boolean> {
  const running = new CliProcess(command);
  const delay = Math.random() * within;
  if (await running.until(() => running.stderr.includes(after))) {
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
  running.kill("SIGKILL");
  const { signal, code, stderr } = await running.ended;
  moments.push(`${stage} + ${delay.toFixed(1)} ms: ${signal ?? code}`);
  if (signal === null) {
    expect(code, stderr).toBe(exit);
    return false;
  }
  kills += 1;
  return true;
}

/** Kills in `KILLS_IN_A_ROW` stages beginning with the `first`, then lets the run end with `exit` and compares. */
async function killAndResume(first: number, reference: Record<string, string>, exit: number): Promise<void> {
  const moments: string[] = [];
  try {
    for (let next = 0; next < KILLS_IN_A_ROW; next += 1) {
      const stage = STAGES[(first + next * 2) % STAGES.length];
      if (stage && !(await killIn(stage, moments, exit))) break;
      await expectWhole(run);
    }
    const summary = await cliJson(command, exit);
    expect(summary.embedded + summary.reused + summary.setAside).toBe(summary.images);
    expectFinished(run);
    expect(resultHashes(run)).toEqual(reference);
  } catch (error) {
    throw new Error(`killed at ${moments.join(", ")}`, { cause: error });
  }
}

describe("killed with SIGKILL at random moments, a run resumes to the same bytes", () => {
  it.each(STAGES.map(({ stage }, index) => [stage, index] as const))(
    "when it is the first, beginning with %s",
    async (_, first) => {
      rmSync(run, { recursive: true, force: true });
      await killAndResume(first, resultHashes(finished), 0);
    },
  );

  describe("when the source has changed", () => {
    let reference: Record<string, string> = {};
    beforeAll(async () => {
      const names = imagesBelow(photos);
      // In every part: some newer, some gone, one more, and one that can no longer be read.
      for (let at = 5; at < IMAGES; at += 100) touch(path.join(photos, names[at] ?? ""), 3);
      for (let at = 50; at < IMAGES; at += 500) rmSync(path.join(photos, names[at] ?? ""));
      cpSync(path.join(photos, names[700] ?? ""), path.join(photos, "0", "0 new.jpg"));
      writeFileSync(path.join(photos, names[1500] ?? ""), "");
      const fresh = path.join(folder, "fresh");
      await cliJson(["run", photos, "--out", fresh, "--preset", "fast"], 3);
      reference = resultHashes(fresh);
    });

    it.each(STAGES.map(({ stage }, index) => [stage, index] as const))("beginning with %s", async (_, first) => {
      rmSync(run, { recursive: true, force: true });
      cpSync(finished, run, { recursive: true, preserveTimestamps: true });
      await killAndResume(first, reference, 3);
    });
  });

  it("was really killed that often", () => {
    console.info(`${kills} kills`);
    expect(kills).toBeGreaterThanOrEqual(20);
    expect(readRun(run).manifest?.parts).toBe(Math.ceil((IMAGES - 5) / 1024));
  });
});
