import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ApiEvent, Job } from "../../src-main/api/channels.js";
import { EngineHost } from "../../src-main/electron/engine-host.js";
import { forkEngine } from "../support/fork-engine.js";
import { cliJson, repositoryRoot } from "../support/run-cli.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";

const { folder, dispose } = workFolder("desktop");
const photos = path.join(folder, "photos");
const run = path.join(folder, "run");
const IMAGES = 24;
/** Enough to be in the middle of when a job is stopped. */
const many = path.join(folder, "many");
const MANY = 120;

beforeAll(async () => {
  await drawPhotos(photos, IMAGES, 3);
  await drawPhotos(many, MANY, 4);
  await cliJson(["run", photos, "--out", run, "--preset", "fast"]);
});
afterAll(dispose);

describe("the engine in a process of its own", () => {
  let host: EngineHost;
  let child: ReturnType<typeof forkEngine>;
  const wishes: string[] = [];

  function start(home = path.join(folder, "home")): ApiEvent[] {
    const events: ApiEvent[] = [];
    host = new EngineHost({
      fork: () => {
        child = forkEngine(home);
        return child;
      },
      wishes: {
        trash: async (target) => void wishes.push(`trash ${target}`),
        reveal: async (target) => void wishes.push(`reveal ${target}`),
      },
    });
    host.subscribe((news) => {
      if (news.type === "event") events.push(news.event);
    });
    host.start();
    return events;
  }
  afterEach(() => host.close());

  /** Waits until a job is as wanted; one that has ended otherwise fails the test. */
  const jobThat = async (id: string, isWanted: (job: Job) => boolean): Promise<Job> => {
    for (;;) {
      const { jobs } = await host.request("jobs.list", {});
      const job = jobs.find((known) => known.id === id);
      if (job && isWanted(job)) return job;
      if (!job || !["queued", "running", "stopping"].includes(job.state)) {
        throw new Error(`expected another state, but the job is ${job?.state}: ${job?.failure?.message ?? ""}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const jobIn = (id: string, state: Job["state"]): Promise<Job> => jobThat(id, (job) => job.state === state);
  const embedding = (id: string): Promise<Job> => jobThat(id, ({ progress }) => progress?.stage === "embed");

  it("serves a run: its numbers as typed arrays, its pictures as bytes", async () => {
    start();
    const { run: id, version } = await host.request("runs.open", { path: run });
    const { axes, rows } = await host.request("run.coordinates", { run: id, components: [0, 1] });
    expect(rows).toBe(IMAGES);
    expect(axes.map((axis) => [axis.constructor.name, axis.length])).toEqual([
      ["Float32Array", IMAGES],
      ["Float32Array", IMAGES],
    ]);
    const full = await host.image(id, version, 0, "full");
    expect("file" in full && existsSync(full.file)).toBe(true);
    const { file } = await host.request("run.image", { run: id, row: 0 });
    expect("file" in full && full.file).toBe(file);
    expect(await host.request("app.info", {})).toMatchObject({ carrier: "electron", canTrash: true, canReveal: true });
    await host.request("runs.reveal", { run: id });
    await host.request("runs.trash", { run: id });
    expect(wishes).toEqual([`reveal ${run}`, `trash ${run}`]);
  });

  it("runs jobs, and saves one that is under way before it ends", async () => {
    const events = start();
    const out = path.join(folder, "made");
    const work = { kind: "run" as const, request: { sources: [many], out, preset: "exact" as const } };
    const { id } = await host.request("jobs.start", work);
    await embedding(id);
    await host.close();
    expect(events.map(({ type }) => type)).toContain("bye");
    expect(child.process.exitCode ?? child.process.signalCode).not.toBeNull();
    start();
    await jobIn(id, "interrupted");
    await host.request("jobs.resume", { job: id });
    expect((await jobIn(id, "done")).summary).toMatchObject({ images: MANY, setAside: 0 });
  });

  it("that is killed loses nothing: the next one goes on with the job", async () => {
    start();
    const out = path.join(folder, "killed");
    const work = { kind: "run" as const, request: { sources: [many], out, preset: "exact" as const } };
    const { id } = await host.request("jobs.start", work);
    await embedding(id);
    child.process.kill("SIGKILL");
    await once(child.process, "exit");
    // Asked while nobody is there: answered by the next one.
    await jobIn(id, "interrupted");
    await host.request("jobs.resume", { job: id });
    expect((await jobIn(id, "done")).summary).toMatchObject({ images: MANY });
  });
});

describe("the desktop app's own entry", () => {
  const entry = path.join(repositoryRoot, "dist", "electron", "main.js");
  const env = { ...process.env, NO_COLOR: "1", VERGER_HOME: path.join(folder, "cli") };
  // No display, on whatever machine this is.
  for (const name of ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"]) delete env[name as keyof typeof env];
  const both = (...args: string[]) =>
    [[path.join(repositoryRoot, "bin", "verger")], [entry, "--cli"]].map((start) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [...start, ...args], { encoding: "utf8", env });
      return { status, stdout, stderr };
    });

  it.each([
    [["--version"], 0],
    [["--help"], 0],
    [["inspect", run, "--json"], 0],
    [["inspect", path.join(folder, "nothing")], 1],
    [["run"], 2],
    [["--no-such-option"], 2],
  ])("with --cli does what bin/verger does: %j", (args, status) => {
    const [plain, desktop] = both(...args);
    expect(desktop).toEqual(plain);
    expect(desktop?.status).toBe(status);
  });

  it("without --cli starts the app, sandboxed, and hands its folders to the one that is open", () => {
    const shim = pathToFileURL(path.join(repositoryRoot, "test", "support", "second-start.mjs")).href;
    const { stdout, stderr } = spawnSync(process.execPath, ["--import", shim, entry, "runs/first"], {
      encoding: "utf8",
      env,
      cwd: folder,
    });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      name: "Verger",
      userData: path.join(folder, "cli", "desktop"),
      sandbox: true,
      schemes: ["verger"],
      handedOver: { paths: [path.join(realpathSync(folder), "runs", "first")] },
    });
  });

  it("without --cli says what plain Node cannot do", () => {
    const { status, stderr } = spawnSync(process.execPath, [entry], { encoding: "utf8", env });
    expect(stderr).toContain("[desktop/not-electron]");
    expect(status).toBe(1);
  });
});
