import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runRequestSchema } from "../../src-main/api/contract.js";
import type { ProviderCandidate } from "../../src-main/core/embed/provider.js";
import { loadSessions } from "../../src-main/core/run/session.js";
import { resolveModel } from "../../src-main/models/index.js";
import { cliJson } from "../support/run-cli.js";
import { expectFinished, resultHashes } from "../support/run-folder.js";
import { copyRealPhotos, drawPhotos, workFolder } from "../support/run-photos.js";

const { folder, dispose } = workFolder("compute");
const photos = path.join(folder, "photos");

beforeAll(async () => {
  await drawPhotos(photos, 44, 4);
  if (copyRealPhotos(path.join(photos, "real"), 5, 2) === 0) {
    console.warn("SKIPPED in part: the real photos are absent (VERGER_PHOTOS); drawn ones only");
  }
});
afterAll(dispose);

/**
 * Sessions x threads x batch. The number of images is no multiple of 3, 4 or 8, so that the last batch is short; a
 * resumed run composes its batches differently from an uninterrupted one, and must not give other bits.
 */
const PLANS = [
  [1, 1, 1],
  [2, 1, 4],
  [1, 2, 4],
  [2, 1, 3],
  [1, 2, 8],
  [3, 2, 5],
] as const;

describe.each(["fast", "balanced", "exact"])("preset %s", (preset) => {
  it("gives the same bytes for any number of sessions, threads and images per batch", async () => {
    const hashes: Record<string, Record<string, string>> = {};
    for (const [sessions, threads, batch] of PLANS) {
      const name = `${sessions} x ${threads}, batch ${batch}`;
      const out = path.join(folder, `${preset} ${name}`);
      await cliJson([
        ...["run", photos, "--out", out, "--preset", preset],
        ...["--sessions", `${sessions}`, "--threads", `${threads}`, "--batch", `${batch}`],
      ]);
      expect(expectFinished(out).runtime).toMatchObject({ sessions, threadsPerSession: threads, batch });
      hashes[name] = resultHashes(out);
    }
    const [reference] = Object.values(hashes);
    for (const [name, hash] of Object.entries(hashes)) expect(hash, name).toEqual(reference);
  });
});

describe("a model that cannot be loaded", () => {
  it("is told with advice that can help: not to try the processor that has just been tried", async () => {
    const file = path.join(folder, "garbage.onnx");
    writeFileSync(file, "no model at all");
    const model = { ...(await resolveModel({ provider: "cpu" })), file };
    const request = runRequestSchema.parse({ sources: [photos], out: path.join(folder, "never"), sessions: 1 });
    const load = (...providers: ProviderCandidate[]) => loadSessions({ model, providers }, request, () => {});
    await expect(load({ provider: "cpu" })).rejects.toMatchObject({
      code: "provider/unavailable",
      message: expect.not.stringContaining("--provider cpu"),
    });
    await expect(load({ provider: "cuda", unavailable: "no card" })).rejects.toMatchObject({
      message: expect.stringContaining("cuda: no card; try --provider cpu"),
    });
  });
});
