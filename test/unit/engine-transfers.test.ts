import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiEvent, Job } from "../../src-main/api/channels.js";
import { type SyncSummary, syncRequestSchema } from "../../src-main/api/contract.js";
import { createEngine, type Engine } from "../../src-main/engine/index.js";
import { systemReveal } from "../../src-main/engine/reveal.js";
import { moveToTrash } from "../../src-main/engine/trash.js";
import { Threads } from "../support/job-threads.js";

let folder: string;
let threads: Threads;
let events: ApiEvent[];
let engine: Engine;

const { signal } = new AbortController();
const call = <T>(channel: string, request: unknown): Promise<T> =>
  engine.call(channel, request, { signal }) as Promise<T>;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-transfers-"));
  threads = new Threads();
  events = [];
  engine = await createEngine({
    carrier: "http",
    stateFolder: path.join(folder, "state"),
    cacheFolder: path.join(folder, "cache"),
    spawn: threads.spawn,
    trash: (run) => moveToTrash(run, path.join(folder, "Trash")),
    reveal: async (run) => {
      revealed.push(run);
    },
    checkResponses: true,
  });
  engine.subscribe((event) => events.push(event));
});
afterEach(async () => {
  revealed.length = 0;
  // The queue may be writing its history.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
});

const revealed: string[] = [];
const none = { files: 0, bytes: 0 };

function summary(changes: Partial<SyncSummary> = {}): SyncSummary {
  return {
    ...{ from: "a", to: "b", dryRun: false, copied: none, unchanged: none, deleted: none, skipped: none },
    ...{ conflicts: none, failed: none, seconds: 1, bytesPerSecond: 0, resumedBytes: 0, problems: [] },
    ...changes,
  };
}

const toBucket = { from: "photos", to: "s3://orchard/photos" };

describe("a sync in the queue", () => {
  it("runs beside a run, one sync after the other", async () => {
    await call("jobs.start", { kind: "run", request: { sources: ["photos"], out: path.join(folder, "run") } });
    const first = await call<Job>("jobs.start", { kind: "sync", request: toBucket });
    const second = await call<Job>("jobs.start", { kind: "sync", request: { from: "s3://orchard/x", to: folder } });
    expect(threads.started.map(({ task }) => task.kind)).toEqual(["run", "sync"]);
    expect([first.out, second.out]).toEqual(["s3://orchard/photos", folder]);
    threads.last().say.message({ type: "transferred", summary: summary({ copied: { files: 3, bytes: 9 } }) });
    threads.last().say.end(null);
    const { jobs } = await call<{ jobs: Job[] }>("jobs.list", {});
    expect(jobs.map(({ state }) => state)).toEqual(["running", "done", "running"]);
    expect(jobs[1]).toMatchObject({ summary: null, transfer: { copied: { files: 3, bytes: 9 } } });
  });

  it("tells what is moved, not what is looked at meanwhile, and its rate from the moved bytes alone", async () => {
    const { id } = await call<Job>("jobs.start", { kind: "sync", request: toBucket });
    const { say } = threads.last();
    const compared = (done: number) =>
      say.message({ type: "event", event: { type: "progress", stage: "compare", done, total: 0, unit: "files" } });
    const moved = (done: number, files: number) =>
      say.message({
        type: "event",
        event: {
          ...{ type: "progress", stage: "transfer", done, total: 4_000, unit: "bytes" },
          also: { done: files, total: 4, unit: "files" },
        },
      });
    compared(1_000_000);
    moved(0, 0);
    await new Promise((resolve) => setTimeout(resolve, 600));
    moved(1_000, 1);
    compared(2_000_000);
    const { jobs } = await call<{ jobs: Job[] }>("jobs.list", {});
    const { progress } = jobs.find((job) => job.id === id) as Job;
    expect(progress).toMatchObject({ stage: "transfer", done: 1_000, unit: "bytes", also: { done: 1, total: 4 } });
    expect((progress?.rate as number) * (progress?.secondsLeft as number)).toBeCloseTo(3_000, 6);
    expect(progress?.rate).toBeLessThan(2_000);
  });

  it("is paused and goes on with the same request", async () => {
    const work = { kind: "sync", request: { ...toBucket, delete: true }, agreed: { files: 2, bytes: 20 } };
    const { id } = await call<Job>("jobs.start", work);
    await call("jobs.pause", { job: id });
    threads.cancelled();
    await call("jobs.resume", { job: id });
    expect(threads.started).toHaveLength(2);
    expect(threads.last().task).toEqual({ ...work, request: syncRequestSchema.parse(work.request) });
  });

  it("tries again what it set aside, and deletes nothing then", async () => {
    const { id } = await call<Job>("jobs.start", { kind: "sync", request: { ...toBucket, delete: true } });
    threads.last().say.message({ type: "transferred", summary: summary({ failed: { files: 1, bytes: 1 } }) });
    threads.last().say.end(null);
    await call("jobs.retry", { job: id });
    expect(threads.last().task).toMatchObject({ kind: "sync", request: { ...toBucket, delete: false } });
    expect(threads.last().task).not.toHaveProperty("agreed");
  });

  it("carries how S3 is reached to a run and a probe, and no secret", async () => {
    const s3 = { profile: "field", endpoint: "http://127.0.0.1:9000" };
    await call("jobs.start", {
      kind: "run",
      request: { sources: ["s3://orchard/photos"], out: path.join(folder, "run") },
      s3: { ...s3, secretAccessKey: "never" },
    });
    expect(threads.last().task).toMatchObject({ s3 });
    expect(JSON.stringify(threads.last().task)).not.toContain("never");
  });
});

describe("a preview", () => {
  it("is told while it compares, and answers with what would be done", async () => {
    const answer = call<object>("transfers.preview", { preview: "p", request: toBucket });
    await expect.poll(() => threads.started.length).toBe(1);
    expect(threads.last().task).toMatchObject({ kind: "preview", request: { preview: "p" } });
    threads.last().say.message({ type: "counted", images: 41 });
    expect(events).toContainEqual({ type: "preview", preview: "p", files: 41 });
    threads.last().say.message({ type: "previewed", result: { summary: summary({ dryRun: true }), moreActions: 0 } });
    threads.last().say.end(null);
    expect(await answer).toMatchObject({ summary: { dryRun: true }, moreActions: 0 });
  });
});

describe("a run folder", () => {
  async function makeRun(): Promise<{ run: string; place: string }> {
    const place = path.join(folder, "runs", "one");
    mkdirSync(place, { recursive: true });
    writeFileSync(path.join(place, "run.json"), JSON.stringify(RUN));
    const { run } = await call<{ run: string }>("runs.open", { path: place });
    return { run, place };
  }

  it("comes back from the trash, but not over what has taken its place", async () => {
    const { run, place } = await makeRun();
    expect(await call("runs.trash", { run })).toEqual({ undo: true });
    expect(await call("runs.recent", {})).toEqual({ runs: [] });
    mkdirSync(place);
    await expect(call("runs.restore", { run })).rejects.toMatchObject({ code: "run/not-restored" });
    rmSync(place, { recursive: true });
    expect(await call("runs.restore", { run })).toMatchObject({ run, path: place, state: "done" });
    expect(await call("runs.recent", {})).toMatchObject({ runs: [{ run }] });
    await expect(call("runs.restore", { run })).rejects.toMatchObject({ code: "run/unknown" });
  });

  it("is shown in the file manager when it is one that was opened", async () => {
    const { run, place } = await makeRun();
    expect(await call("app.info", {})).toMatchObject({ canReveal: true });
    await call("runs.reveal", { run });
    expect(revealed).toEqual([place]);
    await expect(call("runs.reveal", { run: "0123456789abcdef" })).rejects.toMatchObject({ code: "run/unknown" });
    expect(revealed).toHaveLength(1);
  });
});

describe("the file manager of this system", () => {
  const bin = (): string => {
    const place = path.join(folder, "bin");
    mkdirSync(place, { recursive: true });
    return place;
  };

  it("is none without a display or a program", () => {
    writeFileSync(path.join(bin(), "xdg-open"), "#!/bin/sh\n", { mode: 0o755 });
    expect(systemReveal({ PATH: bin() }, "linux")).toBeUndefined();
    expect(systemReveal({ DISPLAY: ":0", PATH: folder }, "linux")).toBeUndefined();
    expect(systemReveal({ DISPLAY: ":0", PATH: bin() }, "linux")).toBeDefined();
  });

  it.skipIf(process.platform === "win32")("gets the folder, and its complaint is told", async () => {
    const said = path.join(folder, "said");
    writeFileSync(path.join(bin(), "xdg-open"), `#!/bin/sh\necho "$1" > "${said}"\ntest "$1" != "${folder}"\n`, {
      mode: 0o755,
    });
    const reveal = systemReveal({ WAYLAND_DISPLAY: "wayland-0", PATH: bin() }, "linux");
    await expect(reveal?.(bin())).resolves.toBeUndefined();
    await expect(reveal?.(folder)).rejects.toMatchObject({ code: "run/no-reveal" });
    await expect(reveal?.(path.join(folder, "gone"))).rejects.toMatchObject({ code: "run/no-reveal" });
  });
});

describe("about", () => {
  it("names versions, licences and the places of this engine", async () => {
    const answer = await call<{ licence: string; models: { name: string; licence: string }[]; places: object }>(
      "app.about",
      {},
    );
    expect(answer.licence).toBe("Apache-2.0");
    expect(answer.models.map(({ name }) => name)).toContain("efficientnet-lite0-int8");
    expect(answer.places).toMatchObject({ settings: path.join(folder, "state", "settings.json") });
  });
});

const RUN = {
  ...{ schemaVersion: 1, kind: "pca", app: { name: "verger", version: "0.1.0" }, state: "done" },
  ...{ createdAt: "2026-11-22T10:00:00Z", updatedAt: "2026-11-22T10:00:00Z" },
  ...{ identity: null, labelFrom: null, decode: null, manifest: null, runtime: null, pca: null },
  ...{ counts: { images: 0, embedded: 0, reused: 0, setAside: 0, labels: 0 }, timings: {} },
  ...{ imagesPerSecond: 0, peakRssBytes: 0 },
};
