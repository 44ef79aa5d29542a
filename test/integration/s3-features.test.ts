/** Features in a bucket, looked at and imported by the window's engine: what is fetched, how far it is, and how it ends. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ApiEvent, Job, RequestOf, ResponseOf } from "../../src-main/api/channels.js";
import { createEngine, type Engine } from "../../src-main/engine/index.js";
import { type Column, writePart } from "../../src-main/native/parquet.js";
import { type FaultServer, startFaultServer } from "../support/fault-server.js";
import { correlatedRows } from "../support/features.js";
import { readRun } from "../support/run-folder.js";

const ROWS = 40;
const WIDTH = 6;
const KEYS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "us-east-1" };
const before = { ...process.env };
let folder: string;
let bucket: FaultServer;
let engine: Engine;
let events: ApiEvent[];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-s3-features-"));
  Object.assign(process.env, KEYS, { VERGER_HOME: path.join(folder, "home") });
  bucket = await startFaultServer({ bucket: "farm" });
  await part("spark/part-00000.parquet", 0, 1);
  await part("spark/part-00001.parquet", ROWS, 2);
  await part("spark/part-00002.parquet", ROWS, 3);
  bucket.store("spark/_SUCCESS", Buffer.alloc(0));
  await part("one.parquet", ROWS, 4, "embedding");
});
afterAll(async () => {
  await bucket.stop();
  process.env = before;
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  events = [];
  bucket.requests.length = 0;
  engine = await createEngine({
    carrier: "http",
    stateFolder: path.join(folder, "state"),
    cacheFolder: path.join(folder, "cache"),
    checkResponses: true,
  });
  engine.subscribe((event) => events.push(event));
});
afterEach(() => engine.close());

/** Puts a part of features into the bucket, as others would write it. */
async function part(key: string, rows: number, seed: number, features = "features"): Promise<void> {
  const columns: Column[] = [
    { name: "path", type: "string", values: Array.from({ length: rows }, (_, row) => `${seed}/${row}.jpg`) },
    { name: "label", type: "string", values: Array.from({ length: rows }, (_, row) => `v${row % 3}`) },
    { name: features, type: "list<float32>", width: WIDTH, values: correlatedRows(rows, WIDTH, seed) },
  ];
  const file = path.join(folder, "part.parquet");
  await writePart(file, columns, rows);
  bucket.store(key, readFileSync(file));
}

type Look = RequestOf<"features.inspect">;

function look(request: Look, signal = new AbortController().signal): Promise<ResponseOf<"features.inspect">> {
  const asked = { s3: { endpoint: bucket.endpoint }, ...request };
  return engine.call("features.inspect", asked, { signal }) as Promise<ResponseOf<"features.inspect">>;
}

const gets = (key: string): number => bucket.count((seen) => seen.method === "GET" && seen.key === key);
const kept = (): string[] =>
  readdirSync(path.join(folder, "cache", "looks"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".parquet"),
  );

describe("a look at features in a bucket", () => {
  it("reads the first file that holds rows, once, whichever columns are tried", async () => {
    const report = await look({ path: "s3://farm/spark" });
    const bytes = [0, 1, 2].reduce(
      (sum, at) => sum + (bucket.objects.get(`spark/part-0000${at}.parquet`)?.bytes.length ?? 0),
      0,
    );
    expect(report).toMatchObject({ files: 3, bytes, rows: null, dimension: WIDTH, problem: null });
    expect(report.chosen).toEqual({ path: "path", label: "label", features: "features" });
    expect(await look({ path: "s3://farm/spark/", columns: { label: null } })).toMatchObject({
      chosen: { label: null },
    });
    expect([0, 1, 2].map((at) => gets(`spark/part-0000${at}.parquet`))).toEqual([2, 1, 0]);
    expect(kept()).toHaveLength(1);
    await engine.close();
    expect(readdirSync(path.join(folder, "cache", "looks"))).toEqual([]);
  });

  it("knows all rows of a single file, and says by its address what does not fit", async () => {
    expect(await look({ path: "s3://farm/one.parquet", columns: { features: "embedding" } })).toMatchObject({
      ...{ files: 1, rows: ROWS, dimension: WIDTH },
    });
    const { problem, columns } = await look({ path: "s3://farm/one.parquet" });
    expect(problem).toMatchObject({ code: "features/columns" });
    expect(problem?.message).toContain("in s3://farm/one.parquet, but features is missing");
    expect(columns.map(({ name }) => name)).toEqual(["path", "label", "embedding"]);
  });

  it.each([
    ["s3://farm/nothing", "features/not-found"],
    ["s3://other/spark", "s3/no-bucket"],
    ["s3://", "s3/url"],
    ["ftp://farm/spark", "source/unsupported"],
  ])("of %s fails with %s", async (address, code) => {
    await expect(look({ path: address })).rejects.toMatchObject({ code });
  });

  it("tells how far it is, and ends when nobody waits any more", async () => {
    const large = Buffer.alloc(3_000_000, 7);
    bucket.store("large.parquet", large);
    const giveUp = new AbortController();
    // Slow enough that there is a middle.
    const s3 = { endpoint: bucket.endpoint, maxBandwidth: 600_000 };
    const told = new Promise<Extract<ApiEvent, { type: "look" }>>((resolve) => {
      engine.subscribe((event) => {
        if (event.type === "look" && event.done > 0) resolve(event);
      });
    });
    const looking = look({ path: "s3://farm/large.parquet", s3, look: "mine" }, giveUp.signal);
    const failed = expect(looking).rejects.toMatchObject({ code: "cancelled" });
    expect(await told).toMatchObject({ look: "mine", total: large.length });
    giveUp.abort();
    await failed;
    expect(kept()).toEqual([]);
  });
});

describe("a PCA of features in a bucket", () => {
  it("fetches them as a stage of its job", async () => {
    const out = path.join(folder, "pca");
    const request = { features: "s3://farm/spark", out, components: 3 };
    const ended = new Promise<Job>((resolve) => {
      engine.subscribe((event) => {
        if (event.type === "job" && ["done", "failed"].includes(event.job.state)) resolve(event.job);
      });
    });
    const start = { kind: "pca", request, s3: { endpoint: bucket.endpoint } };
    await engine.call("jobs.start", start, { signal: new AbortController().signal });
    const job = await ended;
    expect(job).toMatchObject({ state: "done", failure: null, summary: { images: 2 * ROWS, labels: 3 } });
    expect(job.stages.map(({ stage }) => stage)).toEqual(["fetch", "fit", "transform"]);
    expect(job.notices).toMatchObject([{ code: "features/fetching", details: { count: 3, from: "s3://farm/spark" } }]);
    const run = readRun(out);
    expect(run.featuresFrom).toBe("s3://farm/spark");
    expect(Object.keys(run.timings).sort()).toEqual(["fetch", "fit", "total", "transform"]);
  });

  it("that cannot read them names the bucket, not this machine's copy", async () => {
    const out = path.join(folder, "none");
    const ended = new Promise<Job>((resolve) => {
      engine.subscribe((event) => {
        if (event.type === "job" && event.job.state === "failed") resolve(event.job);
      });
    });
    const request = { features: "s3://farm/one.parquet", out, components: 3 };
    const start = { kind: "pca", request, s3: { endpoint: bucket.endpoint } };
    await engine.call("jobs.start", start, { signal: new AbortController().signal });
    const { failure } = await ended;
    expect(failure?.code).toBe("features/columns");
    expect(failure?.message).toContain("in s3://farm/one.parquet, but");
  });
});
