/** Runs into a bucket that are killed, stopped, contended for or cut off, and how they end. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runFileSchema } from "../../src-main/api/contract.js";
import type { VergerError } from "../../src-main/core/errors.js";
import { runJob } from "../../src-main/core/run/index.js";
import { jobStorage } from "../../src-main/storage/run/index.js";
import { type HoldingProxy, startHoldingProxy } from "../support/holding-proxy.js";
import { startRecordingProxy } from "../support/recording-proxy.js";
import { CliProcess, cliFailure, cliJson } from "../support/run-cli.js";
import { expectWhole, filesBelow, resultHashes } from "../support/run-folder.js";
import { drawPhotos, imagesBelow, workFolder } from "../support/run-photos.js";
import { deleteKeys, getFolder, getObject, listKeys, putObject, remoteHashes } from "../support/s3-run.js";
import { type S3Server, startVersity } from "../support/s3-servers.js";

/** Three parts of features. */
const IMAGES = 2_100;
const KILLS = 4;
const FAST = ["--preset", "fast"];
const { folder, dispose } = workFolder("s3run-kill");
const photos = path.join(folder, "photos");
let server: S3Server;
let reference: Record<string, string>;
let proxy: HoldingProxy;
let homes = 0;

beforeAll(async () => {
  server = await startVersity();
  await server.createBucket("farm");
  proxy = await startHoldingProxy(
    server.endpoint,
    () => onRequest?.() === true,
    () => Promise.reject(new Error("killed")),
  );
  const drawn = path.join(folder, "drawn");
  await drawPhotos(drawn, 60, 4);
  const originals = imagesBelow(drawn);
  for (let index = 0; index < IMAGES; index += 1) {
    const from = originals[index % originals.length] as string;
    const to = path.join(photos, path.dirname(from), `${index}.jpg`);
    mkdirSync(path.dirname(to), { recursive: true });
    copyFileSync(path.join(drawn, from), to);
  }
  const local = path.join(folder, "reference");
  await cliJson(["run", photos, "--out", local, ...FAST]);
  reference = resultHashes(local);
});
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
  dispose();
});

/** A machine that knows nothing of the others. */
const newHome = (): string => path.join(folder, `home-${homes++}`);
const on = (home: string, more: Record<string, string> = {}) => ({
  env: { ...server.env, VERGER_HOME: home, ...more },
});

/** One address for all machines, through which a run's requests can be counted. */
const throughProxy = (home: string) => on(home, { AWS_ENDPOINT_URL_S3: proxy.endpoint });

/** Requests of a run that begins with nothing, about: locks, listings, parts, run.json. */
const REQUESTS = 18;
/** How many runs were really killed, and how many of them had something in the bucket by then. */
const kills = { all: 0, begun: 0 };
/** Told of every request of the run that shall be killed; true cuts it off before the server sees it. */
let onRequest: (() => boolean) | undefined;

/** Kills a command at a random request: before it arrives, or a random moment after it. False when it ended before. */
async function kill(args: readonly string[], home: string, prefix: string): Promise<boolean> {
  const process = new CliProcess(args, throughProxy(home));
  let left = 1 + Math.floor(Math.random() * REQUESTS);
  const lost = Math.random() < 0.5;
  onRequest = () => {
    left -= 1;
    if (left !== 0) return left < 0 && lost;
    if (lost) process.kill("SIGKILL");
    else setTimeout(() => process.kill("SIGKILL"), Math.random() * 200);
    return lost;
  };
  const { signal } = await process.ended;
  onRequest = undefined;
  if (signal !== "SIGKILL") return false;
  kills.all += 1;
  if ((await listKeys(server.client, "farm", prefix)).length > 0) kills.begun += 1;
  return true;
}

async function emptied(prefix: string): Promise<void> {
  await deleteKeys(server.client, "farm", await listKeys(server.client, "farm", prefix));
}

/** What stands in the bucket at this moment must be a state to go on from. */
async function expectWholeRemote(prefix: string): Promise<void> {
  const copy = path.join(folder, "look");
  rmSync(copy, { recursive: true, force: true });
  await getFolder(server.client, "farm", prefix, copy);
  await expectWhole(copy);
}

async function expectFinishedRemote(prefix: string, expected: Record<string, string>): Promise<void> {
  expect(await remoteHashes(server.client, "farm", prefix)).toEqual(expected);
  const others = (await listKeys(server.client, "farm", prefix)).filter((key) => !/\.parquet$|model\.json$/.test(key));
  expect(others).toEqual([`${prefix}_SUCCESS`, `${prefix}run.json`]);
  expect(await remoteRun(prefix)).toMatchObject({ state: "done", failure: null, rebuilding: null });
  const { Uploads } = await server.client.send(new ListMultipartUploadsCommand({ Bucket: "farm" }));
  expect(Uploads ?? []).toEqual([]);
}

async function remoteRun(prefix: string) {
  return runFileSchema.parse(
    JSON.parse(Buffer.from(await getObject(server.client, "farm", `${prefix}run.json`)).toString()),
  );
}

describe("SIGKILL at random moments", () => {
  it("leaves a bucket from which the same machine goes on, to the same bytes", async () => {
    const home = newHome();
    const args = ["run", photos, "--out", "s3://farm/same", ...FAST];
    for (let turn = 0; turn < KILLS; turn += 1) {
      // Done before its turn came: people remove the run and start over.
      if (!(await kill(args, home, "same/"))) await emptied("same/");
      await expectWholeRemote("same/");
    }
    await cliJson(args, 0, throughProxy(home));
    await expectFinishedRemote("same/", reference);
  });

  it("leaves a bucket from which another machine goes on", async () => {
    const args = ["run", photos, "--out", "s3://farm/other", ...FAST];
    for (let turn = 0; turn < KILLS; turn += 1) {
      if (!(await kill(args, newHome(), "other/"))) await emptied("other/");
      await expectWholeRemote("other/");
      // As if five minutes had gone by.
      await deleteKeys(server.client, "farm", ["other/.lock"]);
    }
    const last = newHome();
    await cliJson(args, 0, throughProxy(last));
    await expectFinishedRemote("other/", reference);
    // What was fetched in part was of no harm, and nothing of it is left half-written.
    expect(filesBelow(path.join(last, "runs")).filter((name) => /\.part$|\.tmp-/.test(name))).toEqual([]);
  });

  it("while a changed source is taken over, on this machine and on others", async () => {
    const changing = path.join(folder, "changing");
    for (const name of imagesBelow(photos).filter((_, index) => index % 2 === 0)) {
      mkdirSync(path.dirname(path.join(changing, name)), { recursive: true });
      copyFileSync(path.join(photos, name), path.join(changing, name));
    }
    const args = ["run", changing, "--out", "s3://farm/changing", ...FAST];
    let home = newHome();
    await cliJson(args, 0, throughProxy(home));
    const [first, second, ...rest] = imagesBelow(changing) as [string, string, ...string[]];
    rmSync(path.join(changing, first));
    writeFileSync(path.join(changing, second), readFileSync(path.join(changing, rest[7] as string)));
    for (let turn = 0; turn < KILLS; turn += 1) {
      if (!(await kill(args, home, "changing/"))) rmSync(path.join(changing, rest[turn + 10] as string));
      if (turn % 2 === 0) continue;
      home = newHome();
      await deleteKeys(server.client, "farm", ["changing/.lock"]);
    }
    await cliJson(args, 0, throughProxy(home));
    const local = path.join(folder, "changing-local");
    await cliJson(["run", changing, "--out", local, ...FAST]);
    await expectFinishedRemote("changing/", resultHashes(local));
  });

  it("came while something stood in the bucket", () => {
    expect(kills.all).toBeGreaterThanOrEqual(KILLS);
    expect(kills.begun).toBeGreaterThanOrEqual(KILLS / 2);
  });
});

/** Slow enough to be caught in the middle. */
const slow = (out: string): string[] => [
  "run",
  photos,
  "--out",
  out,
  "--preset",
  "exact",
  "--sessions",
  "1",
  "--threads",
  "1",
];

async function startEmbedding(out: string, home: string): Promise<CliProcess> {
  const process = new CliProcess(slow(out), on(home));
  expect(await process.until(() => process.stderr.includes("load: done"))).toBe(true);
  const key = `${out.slice("s3://farm/".length)}/run.json`;
  while ((await listKeys(server.client, "farm", key)).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return process;
}

describe("a run that is under way", () => {
  it("says in the bucket that it was interrupted, and lets others go on", async () => {
    const running = await startEmbedding("s3://farm/stopped", newHome());
    expect(await listKeys(server.client, "farm", "stopped/")).toContain("stopped/.lock");
    running.kill("SIGINT");
    const result = await running.ended;
    expect(result.code).toBe(130);
    expect(result.stderr).toContain("s3://farm/stopped");
    expect(await remoteRun("stopped/")).toMatchObject({ state: "interrupted", failure: null });
    expect(await listKeys(server.client, "farm", "stopped/")).not.toContain("stopped/.lock");
  });

  it("keeps another machine out, also for a while after it was killed, but not its own", async () => {
    const home = newHome();
    const other = newHome();
    const running = await startEmbedding("s3://farm/held", home);
    const refused = await cliFailure(slow("s3://farm/held"), 1, on(other));
    expect(refused.code).toBe("run/in-use");
    const twice = await cliFailure(slow("s3://farm/held"), 1, on(home));
    expect(twice.code).toBe("run/in-use");
    expect(twice.message).toContain("s3://farm/held");
    running.kill("SIGKILL");
    await running.ended;
    expect((await cliFailure(slow("s3://farm/held"), 1, on(other))).code).toBe("run/in-use");
    const again = new CliProcess(slow("s3://farm/held"), on(home));
    expect(await again.until(() => again.stderr.includes("load: done"))).toBe(true);
    again.kill("SIGINT");
    expect((await again.ended).code).toBe(130);
  });

  it("stops when the link is lost, and continues when it is back", async () => {
    let cut = false;
    const cutting = await startHoldingProxy(
      server.endpoint,
      (method, name) => {
        cut ||= method === "PUT" && name.endsWith("features/part-00001.parquet");
        return cut;
      },
      () => Promise.reject(new Error("cut")),
    );
    const out = "s3://farm/cut";
    vi.stubEnv("VERGER_HOME", newHome());
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    const storage = await jobStorage(out, {
      s3: { endpoint: cutting.endpoint },
      cacheBytes: 0,
      onNotice: () => {},
      tuning: { attempts: 3, backoffBaseMs: 5 },
    });
    const job = runJob(
      { sources: [photos], out, preset: "fast" },
      { signal: new AbortController().signal, onEvent: () => {}, ...storage.job },
    );
    const failure = await job.then(
      () => undefined,
      (error: VergerError) => error,
    );
    await storage.close();
    await cutting.stop();
    vi.unstubAllEnvs();
    expect(failure?.code).toBe("s3/unreachable");
    expect(await listKeys(server.client, "farm", "cut/features/")).toEqual(["cut/features/part-00000.parquet"]);
    expect(await listKeys(server.client, "farm", "cut/_SUCCESS")).toEqual([]);
    await deleteKeys(server.client, "farm", ["cut/.lock"]);
    // Another address of the same server is another machine's view: what had arrived is fetched, the rest embedded.
    const resumed = await cliJson(["run", photos, "--out", out, ...FAST], 0, on(newHome()));
    expect(resumed).toMatchObject({ images: IMAGES });
    expect(resumed.reused).toBeGreaterThanOrEqual(1024);
    await expectFinishedRemote("cut/", reference);
  });

  it("discards a run in the bucket with --fresh, and leaves what is not its own", async () => {
    const home = newHome();
    const small = path.join(folder, "drawn");
    const args = ["run", small, "--out", "s3://farm/fresh", ...FAST];
    await cliJson([...args, "--components", "3"], 0, on(home));
    await putObject(server.client, "farm", "fresh/README.txt", "mine");
    const recording = await startRecordingProxy(server.endpoint);
    await cliJson(
      [...args, "--components", "2", "--fresh"],
      0,
      on(home, { AWS_ENDPOINT_URL_S3: recording.endpoint }),
    ).finally(() => recording.stop());
    // The mark of a finished run is the first to go.
    const deleted = recording.calls.filter(({ permissions }) =>
      permissions.some(({ action }) => action === "s3:DeleteObject"),
    );
    expect(deleted[0]?.permissions.map(({ resource }) => resource)).toEqual(["arn:aws:s3:::farm/fresh/_SUCCESS"]);
    expect(await remoteRun("fresh/")).toMatchObject({ state: "done", pca: { summary: { components: 2 } } });
    expect(Buffer.from(await getObject(server.client, "farm", "fresh/README.txt")).toString()).toBe("mine");
  });
});
