import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiEvent, Job } from "../../src-main/api/channels.js";
import { runRequestSchema } from "../../src-main/api/contract.js";
import { notice } from "../../src-main/core/notices.js";
import { Events } from "../../src-main/engine/events.js";
import { createEngine } from "../../src-main/engine/index.js";
import { JobQueue } from "../../src-main/engine/jobs/queue.js";
import { RunRegistry } from "../../src-main/engine/runs.js";
import { moveToTrash } from "../../src-main/engine/trash.js";
import { Threads } from "../support/job-threads.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-queue-"));
});
// The history of a job that was left under way may still be written.
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }));

function open(): { queue: JobQueue; threads: Threads; events: ApiEvent[] } {
  const emitter = new Events();
  const events: ApiEvent[] = [];
  emitter.subscribe((event) => events.push(event));
  const threads = new Threads();
  const runs = new RunRegistry(folder, emitter, undefined);
  return { queue: new JobQueue({ stateFolder: folder, events: emitter, runs, spawn: threads.spawn }), threads, events };
}

const work = (out: string, fresh = false) => ({
  kind: "run" as const,
  request: runRequestSchema.parse({ sources: ["photos"], out: path.join(folder, out), fresh }),
});

const byId = async (queue: JobQueue, id: string): Promise<Job> => {
  const job = (await queue.list()).find((entry) => entry.id === id);
  if (!job) throw new Error(`no job ${id}`);
  return job;
};

/** What the history on the disk says of a job. */
const savedState = (id: string): unknown =>
  JSON.parse(readFileSync(path.join(folder, "jobs", `${id}.json`), "utf8")).job.state;

describe("the queue", () => {
  it("runs one job after the other", async () => {
    const { queue, threads } = open();
    const first = await queue.start(work("a"));
    const second = await queue.start(work("b"));
    expect([first.number, second.number]).toEqual([1, 2]);
    expect(threads.started).toHaveLength(1);
    threads.last().say.message({ type: "failed", code: "source/empty", message: "Expected images." });
    threads.last().say.end(null);
    expect((await byId(queue, first.id)).failure).toEqual({ code: "source/empty", message: "Expected images." });
    expect(threads.started).toHaveLength(2);
    expect((await byId(queue, second.id)).state).toBe("running");
  });

  it("begins and answers only when a kill would leave the job in the history", async () => {
    const { queue, threads } = open();
    const { id } = await queue.start(work("a"));
    // At once: nothing else may have had a turn.
    expect(savedState(id)).toBe("queued");
    expect(threads.started).toHaveLength(1);
    threads.cancelled();
    await queue.stop((await queue.start(work("b"))).id, "pause");
    threads.cancelled();
    await queue.resume(id);
    expect(savedState(id)).toBe("queued");
    await queue.stop(id, "pause");
    expect(savedState(id)).toBe("stopping");
  });

  it("runs a job that cannot be remembered all the same", async () => {
    writeFileSync(path.join(folder, "jobs"), "no folder");
    const { queue, threads } = open();
    expect((await queue.start(work("a"))).state).toBe("running");
    expect(threads.started).toHaveLength(1);
  });

  it("takes a thread that ends without a word for a failure, and goes on", async () => {
    const { queue, threads } = open();
    const first = await queue.start(work("a"));
    await queue.start(work("b"));
    threads.last().say.end("it ran out of memory");
    const failed = await byId(queue, first.id);
    expect(failed).toMatchObject({ state: "failed", failure: { code: "job/crashed" } });
    expect(failed.failure?.message).toContain("it ran out of memory");
    expect(threads.started).toHaveLength(2);
    await queue.resume(first.id);
    expect((await byId(queue, first.id)).state).toBe("queued");
  });

  it("tells stages, counts, rate and time left", async () => {
    const { queue, threads, events } = open();
    const { id } = await queue.start(work("a"));
    const { say } = threads.last();
    say.message({ type: "event", event: { type: "stage", stage: "scan", state: "start" } });
    say.message({ type: "event", event: { type: "stage", stage: "scan", state: "done", seconds: 0.5 } });
    say.message({ type: "event", event: { type: "stage", stage: "embed", state: "start", total: 100 } });
    say.message({ type: "event", event: { type: "progress", stage: "embed", done: 0, total: 100, unit: "images" } });
    await new Promise((resolve) => setTimeout(resolve, 600));
    say.message({
      type: "event",
      event: { type: "progress", stage: "embed", done: 30, total: 100, unit: "images", setAside: 2 },
    });
    const { stages, progress } = await byId(queue, id);
    expect(stages).toEqual([
      { stage: "scan", state: "done", seconds: 0.5 },
      { stage: "embed", state: "running", seconds: null },
    ]);
    expect(progress).toMatchObject({ done: 30, total: 100, setAside: 2 });
    expect((progress?.rate as number) * (progress?.secondsLeft as number)).toBeCloseTo(70, 6);
    expect(events.filter((event) => event.type === "job").at(-1)).toMatchObject({ job: { progress: { done: 30 } } });
  });

  it("never discards what a stopped job has done, even one begun with `fresh`", async () => {
    const { queue, threads } = open();
    const { id } = await queue.start(work("a", true));
    expect(threads.last().task).toMatchObject({ request: { fresh: true } });
    await queue.stop(id, "cancel");
    expect(threads.last().stops).toBe(1);
    threads.cancelled();
    expect((await byId(queue, id)).state).toBe("cancelled");
    await queue.resume(id);
    expect(threads.last().task).toMatchObject({ request: { fresh: false } });
  });

  it("is stopped as a whole so that all of it can be resumed by a later one", async () => {
    const { queue, threads } = open();
    const running = await queue.start(work("a"));
    const waiting = await queue.start(work("b"));
    const closing = queue.close();
    await expect.poll(() => threads.last().stops).toBe(1);
    threads.cancelled();
    await closing;
    expect(threads.started).toHaveLength(1);
    const later = open();
    const jobs = await later.queue.list();
    expect(jobs.map(({ id, state }) => [id, state])).toEqual([
      [running.id, "interrupted"],
      [waiting.id, "interrupted"],
    ]);
    await later.queue.resume(waiting.id);
    expect(later.threads.last().task).toMatchObject({ request: { out: waiting.out } });
    expect((await later.queue.start(work("c"))).number).toBe(3);
  });

  it("keeps what a person has paused apart from what Verger's own end has stopped", async () => {
    const { queue, threads } = open();
    const paused = await queue.start(work("a"));
    await queue.stop(paused.id, "pause");
    threads.cancelled();
    await queue.close();
    const later = open();
    expect(await byId(later.queue, paused.id)).toMatchObject({ state: "paused", notices: [] });
    await later.queue.resume(paused.id);
    expect((await byId(later.queue, paused.id)).state).toBe("running");
  });

  it("takes over what a process that is gone has left, and leaves alone what another one does", async () => {
    const first = open();
    const { id } = await first.queue.start(work("a"));
    const file = path.join(folder, "jobs", `${id}.json`);
    // The queue's own last word, or it would be written over what follows.
    await expect.poll(() => savedState(id)).toBe("running");
    const job = await byId(first.queue, id);
    // Process 1 is alive, and another's; without the run's lock it is not at this job.
    writeFileSync(file, JSON.stringify({ pid: 1, job }));
    const taken = await byId(open().queue, id);
    expect(taken.state).toBe("interrupted");
    expect(taken.notices).toEqual([notice("job/interrupted", {})]);
    writeFileSync(file, JSON.stringify({ pid: 1, job: { ...job, state: "queued" } }));
    expect(await open().queue.list()).toEqual([]);
    writeFileSync(file, "{ damaged");
    expect(await open().queue.list()).toEqual([]);
  });

  it("says what cannot be done", async () => {
    const { queue, threads } = open();
    const { id } = await queue.start(work("a"));
    await expect(queue.resume(id)).rejects.toMatchObject({ code: "job/state" });
    await expect(queue.retry(id)).rejects.toMatchObject({ code: "job/state" });
    await expect(queue.forget(id)).rejects.toMatchObject({ code: "job/state" });
    await expect(queue.stop("nothing", "cancel")).rejects.toMatchObject({ code: "job/unknown" });
    await queue.stop(id, "pause");
    threads.cancelled();
    await queue.forget(id);
    expect(await queue.list()).toEqual([]);
    expect(readdirSync(path.join(folder, "jobs"))).toEqual([]);
  });
});

describe("a probe", () => {
  it("is told while it counts, and stopped when nobody waits for it any more", async () => {
    const threads = new Threads();
    const engine = await createEngine({
      carrier: "http",
      stateFolder: folder,
      cacheFolder: folder,
      spawn: threads.spawn,
    });
    const events: ApiEvent[] = [];
    engine.subscribe((event) => events.push(event));
    const gone = new AbortController();
    const answer = engine.call("jobs.probe", { probe: "p", sources: ["photos"] }, { signal: gone.signal });
    const refused = expect(answer).rejects.toMatchObject({ code: "cancelled" });
    await expect.poll(() => threads.started.length).toBe(1);
    threads.last().say.message({ type: "counted", images: 7 });
    expect(events).toContainEqual({ type: "probe", probe: "p", images: 7 });
    gone.abort();
    expect(threads.last().stops).toBe(1);
    threads.cancelled();
    await refused;
  });

  it("whose thread ends without a word fails", async () => {
    const threads = new Threads();
    const engine = await createEngine({
      carrier: "http",
      stateFolder: folder,
      cacheFolder: folder,
      spawn: threads.spawn,
    });
    const { signal } = new AbortController();
    const answer = engine.call("jobs.probe", { probe: "p", sources: ["photos"] }, { signal });
    const refused = expect(answer).rejects.toMatchObject({ code: "job/crashed" });
    await expect.poll(() => threads.started.length).toBe(1);
    threads.last().say.end("it ended with 134");
    await refused;
  });
});

describe("the trash", () => {
  it("gives names that are taken a number, and leaves nothing behind where it fails", async () => {
    const trash = path.join(folder, "Trash");
    for (const parent of ["one", "two"]) {
      const run = path.join(folder, parent, "a run");
      mkdirSync(run, { recursive: true });
      // Two hours ahead of UTC: the specification wants the time that a clock shows.
      const now = Object.assign(new Date("2026-11-22T10:30:00Z"), { getTimezoneOffset: () => -120 });
      await moveToTrash(run, trash, now);
      expect(existsSync(run)).toBe(false);
    }
    expect(readdirSync(path.join(trash, "files")).sort()).toEqual(["a run", "a run.2"]);
    const info = readFileSync(path.join(trash, "info", "a run.trashinfo"), "utf8");
    expect(info).toMatch(/\nDeletionDate=2026-11-22T12:30:00\n$/);
    await expect(moveToTrash(path.join(folder, "gone"), trash)).rejects.toMatchObject({ code: "run/no-trash" });
    expect(readdirSync(path.join(trash, "info")).sort()).toEqual(["a run.2.trashinfo", "a run.trashinfo"]);
  });
});
