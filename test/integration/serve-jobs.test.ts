/** Jobs through the window's api: watched, stopped, resumed, killed; and the end of the server. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cliJson } from "../support/run-cli.js";
import { expectFinished, expectWhole, readRun, resultHashes } from "../support/run-folder.js";
import { copyRealPhotos, drawPhotos, imagesBelow, workFolder } from "../support/run-photos.js";
import { type Client, Served } from "../support/serve.js";

const work = workFolder("serve-jobs");
const photos = path.join(work.folder, "photos");
const home = path.join(work.folder, "home");
const inWork = (name: string): string => path.join(work.folder, name);
let served: Served;
let client: Client;
let images: number;
let expected: Record<string, string>;

/** One thread and small batches: slow enough to be stopped in the middle. */
const request = (out: string) => ({
  sources: [photos],
  out,
  preset: "exact" as const,
  sessions: 1,
  threads: 1,
  batch: 1,
});

beforeAll(async () => {
  images = copyRealPhotos(photos, 12, 20);
  if (images === 0) {
    images = 240;
    await drawPhotos(photos, images, 12);
  }
  const reference = inWork("reference");
  await cliJson(["run", photos, "--out", reference, "--preset", "exact"]);
  expected = resultHashes(reference);
  served = await Served.start([], home);
  client = await served.visit();
});

afterAll(async () => {
  client?.close();
  await served?.stop("SIGKILL");
  work.dispose();
});

const start = async (out: string): Promise<string> =>
  (await client.call("jobs.start", { kind: "run", request: request(out) })).id;

/** Waits until the job has embedded some images, but not all. */
const underWay = (id: string): Promise<void> =>
  client.until(() => {
    const job = client.job(id);
    return job?.progress?.stage === "embed" && job.progress.done > 0;
  });

const reach = (id: string, state: string): Promise<void> => client.until(() => client.job(id)?.state === state);

/** Linux: nice value by thread (proc(5), field 19 of stat). */
function niceOfThreads(pid: number): Map<number, number> {
  const tasks = `/proc/${pid}/task`;
  return new Map(
    readdirSync(tasks).map((thread) => {
      const stat = readFileSync(path.join(tasks, thread, "stat"), "utf8");
      // The second field is a name in brackets, which may hold spaces.
      return [Number(thread), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16])];
    }),
  );
}

describe("a probe", () => {
  it("counts, measures, and says what is there already", async () => {
    const counted = await client.call("jobs.probe", { probe: "count", sources: [photos], measure: false });
    expect(counted).toMatchObject({ images, labels: 12, imagesPerSecond: null, seconds: null, existing: null });
    expect(counted.bytes).toBeGreaterThan(images * 500);
    expect(client.events).toContainEqual({ type: "probe", probe: "count", images });
    const measured = await client.call("jobs.probe", {
      probe: "measure",
      sources: [photos],
      preset: "exact",
      out: inWork("reference"),
    });
    expect(measured.imagesPerSecond).toBeGreaterThan(0);
    expect(measured).toMatchObject({ seconds: 0, existing: { state: "done", done: images, images, problem: null } });
    expect(measured.existing?.reusable).toBe(images);
    const added = path.join(photos, "a new one.jpg");
    const known = readdirSync(photos).map((name) => path.join(photos, name))[0] as string;
    copyFileSync(path.join(known, readdirSync(known)[0] as string), added);
    try {
      const more = { probe: "more", sources: [photos], out: inWork("reference"), preset: "exact" as const };
      const { existing, ...found } = await client.call("jobs.probe", { ...more, measure: false });
      expect(found.images).toBe(images + 1);
      expect(existing).toMatchObject({ images, reusable: images, problem: null });
    } finally {
      rmSync(added);
    }
    const other = await client.call("jobs.probe", {
      probe: "other",
      sources: [photos],
      preset: "fast",
      out: inWork("reference"),
      measure: false,
    });
    expect(other.existing).toMatchObject({ reusable: 0, problem: { code: "run/mismatch" } });
    await expect(client.call("jobs.probe", { probe: "gone", sources: [inWork("nothing")] })).rejects.toMatchObject({
      code: "source/missing",
    });
  });
});

describe("a job", () => {
  it("is watched to its end by every tab, and its run is then known", async () => {
    const other = await served.visit();
    const out = inWork("watched");
    const id = await start(out);
    await Promise.all([reach(id, "done"), other.until(() => other.job(id)?.state === "done")]);
    const job = client.job(id);
    expect(job).toMatchObject({ out, failure: null, progress: null, summary: { images, setAside: 0 } });
    expect(job?.stages.map(({ stage, state }) => `${stage} ${state}`).sort()).toEqual(
      ["embed", "fit", "load", "scan", "transform"].map((stage) => `${stage} done`),
    );
    const seen = client.events.flatMap((event) =>
      event.type === "job" && event.job.progress?.stage === "embed" ? [event.job.progress.done] : [],
    );
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    // Told after the job's end.
    await client.until(() =>
      client.events.some((event) => event.type === "run.changed" && event.run === job?.run && event.what === "content"),
    );
    expect((await client.call("runs.recent", {})).runs.map((card) => card.run)).toContain(job?.run);
    expect(resultHashes(out)).toEqual(expected);
    expectFinished(out);
    other.close();
  });

  it("goes on when every tab is closed, at a lower priority than what answers people", async () => {
    const out = inWork("closed");
    const id = await start(out);
    await underWay(id);
    if (process.platform === "linux") {
      const nice = niceOfThreads(served.process.pid);
      expect(nice.get(served.process.pid)).toBe(getPriority());
      // The job's own thread, the session's, and its decoder's.
      expect([...nice.values()].filter((value) => value === Math.max(10, getPriority())).length).toBeGreaterThanOrEqual(
        3,
      );
    }
    client.close();
    const state = async (): Promise<string | undefined> => {
      client = await served.visit();
      const { jobs } = await client.call("jobs.list", {});
      return jobs.find((job) => job.id === id)?.state;
    };
    expect(await state()).toBe("running");
    await client.until(() => client.job(id)?.state === "done");
    expectFinished(out);
  });

  it("is paused and cancelled, resumed, and ends with the bytes of one never stopped", async () => {
    const out = inWork("stopped");
    const id = await start(out);
    await underWay(id);
    expect((await client.call("jobs.pause", { job: id })).state).toBe("stopping");
    await reach(id, "paused");
    expect(readRun(out).state).toBe("interrupted");
    const paused = client.job(id);
    expect(paused?.endedAt).not.toBeNull();
    await expect(client.call("jobs.pause", { job: id })).rejects.toMatchObject({ code: "job/state" });

    await client.call("jobs.resume", { job: id });
    await client.until(() => client.job(id)?.state === "running" && client.job(id)?.progress?.stage === "embed");
    await client.call("jobs.cancel", { job: id });
    await client.until(() => /cancelled|done/.test(client.job(id)?.state ?? ""));
    expect(client.job(id)?.state).toBe("cancelled");
    await client.call("jobs.resume", { job: id });
    await reach(id, "done");
    expect(client.job(id)?.seconds).toBeGreaterThan(paused?.seconds as number);
    expect(resultHashes(out)).toEqual(expected);
    expectFinished(out);
  });

  it("waits for the one before it, and can be taken out of the line", async () => {
    const first = await start(inWork("line-1"));
    const second = await start(inWork("line-2"));
    expect((await client.call("jobs.list", {})).jobs.find((job) => job.id === second)?.state).toBe("queued");
    expect((await client.call("jobs.cancel", { job: second })).state).toBe("cancelled");
    await client.call("jobs.cancel", { job: first });
    await reach(first, "cancelled");
    expect(existsSync(inWork("line-2"))).toBe(false);
    await client.call("jobs.forget", { job: second });
    expect(client.events).toContainEqual({ type: "job.removed", job: second });
    await expect(client.call("jobs.resume", { job: second })).rejects.toMatchObject({ code: "job/unknown" });
  });

  it("that fails says why; one with images set aside tries them again", async () => {
    const failed = (
      await client.call("jobs.start", { kind: "run", request: { sources: [inWork("none")], out: inWork("f") } })
    ).id;
    await reach(failed, "failed");
    expect(client.job(failed)?.failure).toMatchObject({
      code: "source/missing",
      message: expect.stringMatching(/^Expected /),
    });

    const some = inWork("some");
    mkdirSync(some);
    copyRealPhotos(some, 1, 4) || (await drawPhotos(some, 4, 1));
    const broken = path.join(some, "broken.jpg");
    writeFileSync(broken, "no picture");
    const out = inWork("aside");
    const { id } = await client.call("jobs.start", { kind: "run", request: { sources: [some], out, preset: "fast" } });
    await reach(id, "done");
    expect(client.job(id)?.summary?.setAside).toBe(1);
    const again = await client.call("jobs.retry", { job: id });
    expect(again.number).toBeGreaterThan(client.job(id)?.number as number);
    await reach(again.id, "done");
    expect(client.job(again.id)?.summary).toMatchObject({ setAside: 1, reused: 4 });
    // Mended meanwhile: embedded, and nothing is set aside any more.
    copyFileSync(path.join(some, imagesBelow(some).find((name) => name !== "broken.jpg") as string), broken);
    const mended = await client.call("jobs.retry", { job: again.id });
    await reach(mended.id, "done");
    expect(client.job(mended.id)?.summary).toMatchObject({ setAside: 0, embedded: 1, reused: 4 });
    const { run } = client.job(mended.id) as { run: string };
    expect((await client.call("run.setAside", { run, offset: 0, limit: 10 })).total).toBe(0);

    const pca = await client.call("jobs.start", { kind: "pca", request: { features: out, out, components: 2 } });
    await reach(pca.id, "done");
    expect(client.job(pca.id)?.summary?.pca?.components).toBe(2);
  });
});

describe("the history", () => {
  it("outlives the server, with durations and stages, until a job is taken off it", async () => {
    const before = (await client.call("jobs.list", {})).jobs;
    const done = before.filter(({ state }) => state === "done");
    expect(done.length).toBeGreaterThan(3);
    for (const { seconds, startedAt, endedAt, stages } of done) {
      const lasted = (Date.parse(endedAt as string) - Date.parse(startedAt as string)) / 1_000;
      expect(seconds).toBeGreaterThan(0);
      // Pauses do not count; dates are whole milliseconds.
      expect(seconds).toBeLessThan(lasted + 0.01);
      const spent = stages.reduce((sum, stage) => sum + (stage.seconds ?? Number.NaN), 0);
      expect(spent).toBeGreaterThan(0);
    }
    expect((await served.stop("SIGINT")).code).toBe(0);
    served = await Served.start([], home);
    client = await served.visit();
    expect((await client.call("jobs.list", {})).jobs).toEqual(before);
    const [first, ...others] = before;
    await client.call("jobs.forget", { job: first?.id as string });
    expect((await client.call("jobs.list", {})).jobs).toEqual(others);
  });
});

describe("the end of the server", () => {
  it("by a kill in the middle of a job leaves one that another server resumes", async () => {
    const out = inWork("killed");
    const id = await start(out);
    const waiting = await start(inWork("killed-waiting"));
    await underWay(id);
    await served.stop("SIGKILL");
    await expectWhole(out);
    served = await Served.start([], home);
    client = await served.visit();
    const job = (await client.call("jobs.list", {})).jobs.find((entry) => entry.id === id);
    expect(job).toMatchObject({ state: "interrupted", failure: null });
    expect(job?.notices.at(-1)?.code).toBe("job/interrupted");
    const queued = (await client.call("jobs.list", {})).jobs.find((entry) => entry.id === waiting);
    expect(queued).toMatchObject({ state: "interrupted", startedAt: null, seconds: 0 });
    // Nothing goes on before somebody says so, and what was only waiting can be called off.
    expect((await client.call("jobs.cancel", { job: waiting })).state).toBe("cancelled");
    await client.call("jobs.resume", { job: id });
    await reach(id, "done");
    expect(resultHashes(out)).toEqual(expected);
    expectFinished(out);
  });

  it("by Ctrl-C saves the job under way, says goodbye, and asks nothing", async () => {
    const out = inWork("interrupted");
    const id = await start(out);
    await underWay(id);
    const result = await served.stop("SIGINT");
    expect(result).toMatchObject({ code: 0, signal: null });
    expect(client.events.at(-1)?.type === "bye" || client.events.some(({ type }) => type === "bye")).toBe(true);
    expect(client.job(id)?.state).toBe("interrupted");
    expect(readRun(out).state).toBe("interrupted");
    expect(readdirSync(path.join(home, "window/jobs")).length).toBeGreaterThan(0);

    served = await Served.start([], home);
    client = await served.visit();
    expect((await client.call("jobs.list", {})).jobs.find((job) => job.id === id)?.state).toBe("interrupted");
    await client.call("jobs.resume", { job: id });
    await reach(id, "done");
    expect(resultHashes(out)).toEqual(expected);
  });
});
