import { cpSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dateFiles } from "../support/exif.js";
import { cliJson } from "../support/run-cli.js";
import { expectFinished, expectWhole, resultHashes } from "../support/run-folder.js";
import { type Change, KillAt, whyNoKillAt } from "../support/run-kill-at.js";
import { drawPhotos, imagesBelow, touch, workFolder } from "../support/run-photos.js";

/**
 * Killed at every single change that a run makes to its folder: each mkdir, rename and removal, and half-way through the
 * last write of each file. What is left must be whole, and the next run must end as if nothing had happened.
 */
const why = whyNoKillAt();
if (why) console.warn(`SKIPPED: killing at every change of the run folder: ${why}`);

const { folder: created, dispose } = workFolder("changes");
const folder = realpathSync(created);
const photos = path.join(folder, "photos");
const kept = path.join(folder, "kept");
const commandFor = (run: string): string[] => ["run", photos, "--out", run, "--preset", "fast", "--components", "3"];

beforeAll(async () => {
  await drawPhotos(photos, 12, 3);
  dateFiles(imagesBelow(photos).map((name) => path.join(photos, name)));
});
afterAll(dispose);

/** Every change but the earlier writes to a file, which leave the same as the last: a part of a temporary file. */
function worthKilling(changes: readonly Change[]): Change[] {
  const lastWrite = new Map(changes.filter(({ call }) => call === "write").map(({ file, number }) => [file, number]));
  return changes.filter(({ call, file, number }) => call !== "write" || lastWrite.get(file) === number);
}

/**
 * Kills the run at each change in turn, always from the state that `begin` makes in a folder, resumes, and compares.
 *
 * @returns what the changes were
 */
async function killEverywhere(exit: number, begin: (run: string) => void): Promise<Change[]> {
  const recorded = path.join(folder, "recorded");
  begin(recorded);
  const changes = await new KillAt(folder, recorded).record(commandFor(recorded), exit);
  expectFinished(recorded);
  const reference = resultHashes(recorded);
  const left = worthKilling(changes);
  // Two at a time: most of each is start-up.
  const worker = async (run: string): Promise<void> => {
    const killer = new KillAt(folder, run);
    for (let change = left.shift(); change; change = left.shift()) {
      const { number, call, file } = change;
      begin(run);
      const killed = await killer.killAt(commandFor(run), number);
      const context = `killed at ${number}, ${call} ${file}`;
      expect(killed.signal, `${context}\n${killed.stderr}`).toBe("SIGKILL");
      await expectWhole(run);
      await cliJson(commandFor(run), exit);
      expectFinished(run);
      expect(resultHashes(run), context).toEqual(reference);
    }
  };
  await Promise.all(["run a", "run b"].map((name) => worker(path.join(folder, name))));
  return changes;
}

describe.skipIf(why !== undefined)("killed at every change of the run folder, a run resumes to the same bytes", () => {
  it("when it is the first", { timeout: 120_000 }, async () => {
    const changes = await killEverywhere(0, (run) => rmSync(run, { recursive: true, force: true }));
    const made = changes.map(({ call, file }) => `${call} ${file}`);
    for (const expected of ["mkdir ", "rename run.json", "rename features/part-00000.parquet", "rename _SUCCESS"]) {
      expect(made).toContain(expected);
    }
  });

  it("when the source has changed and earlier features are taken over", { timeout: 120_000 }, async () => {
    const names = imagesBelow(photos);
    // One that is set aside before and after: its record must be taken over as well.
    writeFileSync(path.join(photos, names[2] ?? ""), "no image");
    await cliJson(commandFor(kept), 3);
    touch(path.join(photos, names[0] ?? ""), 5);
    rmSync(path.join(photos, names[7] ?? ""));
    const changes = await killEverywhere(3, (run) => {
      rmSync(run, { recursive: true, force: true });
      cpSync(kept, run, { recursive: true, preserveTimestamps: true });
    });
    expect(changes).toContainEqual(expect.objectContaining({ call: "rename", file: ".previous/0/features" }));
  });
});
