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

/** Seconds of each stage when nothing disturbs it: the moments to kill at are spread over them. */
type Timings = Readonly<Record<string, number>>;
let firstTimings: Timings = {};

beforeAll(async () => {
  await drawPhotos(path.join(photos, "0"), DRAWN, 13);
  for (let copy = 1; copy < COPIES; copy += 1) {
    cpSync(path.join(photos, "0"), path.join(photos, String(copy)), { recursive: true });
  }
  firstTimings = (await cliJson(["run", photos, "--out", finished, "--preset", "fast"])).timings;
});
afterAll(dispose);

/** Where a moment falls: its clock starts when `after` has been said, and runs for a part of the stage's time. */
const STAGES = [
  { stage: "start", after: "" },
  { stage: "scan", after: "" },
  { stage: "load", after: "scan: done" },
  { stage: "embed", after: "load: done" },
  { stage: "fit", after: "embed: done" },
  { stage: "transform", after: "fit: done" },
] as const;
/** Start-up of the process before its first stage. */
const START_MS = 150;

let kills = 0;

/** Kills the command at one moment of `stage`. False when it had ended before. */
async function killIn(
  { stage, after }: (typeof STAGES)[number],
  timings: Timings,
  moments: string[],
  exit: number,
): Promise<boolean> {
  const running = new CliProcess(command);
  const before = stage === "scan" ? START_MS : 0;
  const delay = before + Math.random() * (stage === "start" ? START_MS : (timings[stage] ?? 0) * 1000);
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

interface Scenario {
  /** Makes the state that every chain of kills starts from. */
  readonly begin: () => void;
  readonly timings: Timings;
  readonly reference: Record<string, string>;
  readonly exit: number;
}

/** Kills in a row, in `KILLS_IN_A_ROW` stages beginning with the `first`; then lets the run end, and compares. */
async function killAndResume(first: number, { begin, timings, reference, exit }: Scenario): Promise<void> {
  const moments: string[] = [];
  try {
    begin();
    for (let next = 0; next < KILLS_IN_A_ROW; next += 1) {
      const stage = STAGES[(first + next * 2) % STAGES.length];
      const killed = stage && (await killIn(stage, timings, moments, exit));
      await expectWhole(run);
      if (killed) continue;
      expect(resultHashes(run)).toEqual(reference);
      begin();
    }
    const summary = await cliJson(command, exit);
    expect(summary.embedded + summary.reused + summary.setAside).toBe(summary.images);
    expectFinished(run);
    expect(resultHashes(run)).toEqual(reference);
  } catch (error) {
    throw new Error(`killed at ${moments.join(", ")}`, { cause: error });
  }
}

const chains = STAGES.map(({ stage }, index) => [stage, index] as const);

describe("killed with SIGKILL at random moments, a run resumes to the same bytes", () => {
  it.each(chains)("when it is the first, beginning with %s", async (_, first) => {
    await killAndResume(first, {
      begin: () => rmSync(run, { recursive: true, force: true }),
      timings: firstTimings,
      reference: resultHashes(finished),
      exit: 0,
    });
  });

  describe("when the source has changed", () => {
    let scenario: Scenario;
    beforeAll(async () => {
      const names = imagesBelow(photos);
      // In every part: some newer, some gone, one more, and one that can no longer be read.
      for (let at = 5; at < IMAGES; at += 100) touch(path.join(photos, names[at] ?? ""), 3);
      for (let at = 50; at < IMAGES; at += 500) rmSync(path.join(photos, names[at] ?? ""));
      cpSync(path.join(photos, names[700] ?? ""), path.join(photos, "0", "0 new.jpg"));
      writeFileSync(path.join(photos, names[1500] ?? ""), "");
      const fresh = path.join(folder, "fresh");
      await cliJson(["run", photos, "--out", fresh, "--preset", "fast"], 3);
      const begin = (): void => {
        rmSync(run, { recursive: true, force: true });
        cpSync(finished, run, { recursive: true, preserveTimestamps: true });
      };
      begin();
      const { timings } = await cliJson(command, 3);
      scenario = { begin, timings, reference: resultHashes(fresh), exit: 3 };
    });

    it.each(chains)("beginning with %s", (_, first) => killAndResume(first, scenario));
  });

  it("was really killed that often", () => {
    console.info(`${kills} kills`);
    expect(kills).toBeGreaterThanOrEqual(20);
    expect(readRun(run).manifest?.parts).toBe(Math.ceil((IMAGES - 5) / 1024));
  });
});
