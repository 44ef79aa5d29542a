/** Transfers through the window's api, against a real S3 server: previewed, carried out, stopped, resumed. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RequestOf } from "../../src-main/api/channels.js";
import { workFolder } from "../support/run-photos.js";
import { type S3Server, startMoto } from "../support/s3-servers.js";
import { type Client, Served } from "../support/serve.js";
import { digests, noise, openMultiparts, putObjects, readBucket, readFolder, writeFiles } from "../support/sync.js";

const work = workFolder("serve-transfers");
const inWork = (name: string): string => path.join(work.folder, name);
let server: S3Server;
let served: Served;
let client: Client;

beforeAll(async () => {
  server = await startMoto();
  await server.createBucket("orchard");
  served = await Served.start([], inWork("home"), server.env);
  client = await served.visit();
});

afterAll(async () => {
  client?.close();
  await served?.stop("SIGKILL");
  await server?.stop();
  work.dispose();
});

type Sync = RequestOf<"transfers.preview">["request"];

const preview = (request: Sync) => client.call("transfers.preview", { preview: "p", request });
/** Waits for something of a job; one that ends otherwise says why. */
async function until(id: string, condition: () => boolean): Promise<void> {
  await client.until(() => condition() || client.job(id)?.state === "failed");
  if (!condition()) throw new Error(client.job(id)?.failure?.message);
}

const reach = (id: string, state: string): Promise<void> => until(id, () => client.job(id)?.state === state);

/** Previews, agrees to what it says, and waits for the end. */
async function carryOut(request: Sync) {
  const { summary } = await preview(request);
  const { id } = await client.call("jobs.start", { kind: "sync", request, agreed: summary.deleted });
  await client.until(() => !["queued", "running", "stopping"].includes(client.job(id)?.state ?? "queued"));
  return { summary, job: client.job(id) };
}

const FILES = {
  "apple/1.jpg": noise(1_000, 1),
  "apple/2.jpg": noise(2_000, 2),
  "pear/1.jpg": noise(3_000, 3),
  "pear/note.txt": "ripe",
};

describe("a transfer", () => {
  const folder = inWork("photos");
  const to = "s3://orchard/photos";

  it("is previewed without a change, then carried out, and found done", async () => {
    writeFiles(folder, FILES);
    const request = { from: folder, to, rules: [{ include: true, glob: "*.jpg" }] };
    const { summary, moreActions } = await preview(request);
    expect(summary).toMatchObject({ dryRun: true, copied: { files: 3, bytes: 6_000 }, deleted: { files: 0 } });
    expect(summary.actions?.map(({ key, reason }) => [key, reason])).toEqual([
      ["apple/1.jpg", "new"],
      ["apple/2.jpg", "new"],
      ["pear/1.jpg", "new"],
    ]);
    expect(moreActions).toBe(0);
    expect(await readBucket(server.client, "orchard", "photos/")).toEqual({});

    const { job } = await carryOut(request);
    expect(job).toMatchObject({ state: "done", out: to, run: null, transfer: { copied: { files: 3, bytes: 6_000 } } });
    expect(job?.stages.map(({ stage }) => stage).sort()).toEqual(["compare", "transfer"]);
    const { "pear/note.txt": _, ...photos } = FILES;
    expect(await readBucket(server.client, "orchard", "photos/")).toEqual(digests(photos));
    expect((await preview(request)).summary).toMatchObject({ copied: { files: 0 }, unchanged: { files: 3 } });
  });

  it("deletes what was agreed to, and nothing when there is more by then", async () => {
    const target = inWork("mirror");
    const request = { from: to, to: target, delete: true };
    await carryOut({ from: to, to: target });
    writeFiles(target, { "old.jpg": "old" });
    const { job, summary } = await carryOut(request);
    expect(summary.deleted).toEqual({ files: 1, bytes: 3 });
    expect(job).toMatchObject({ state: "done", transfer: { deleted: { files: 1 } } });
    expect(existsSync(path.join(target, "old.jpg"))).toBe(false);

    writeFiles(target, { "new.jpg": "mine" });
    const { id } = await client.call("jobs.start", { kind: "sync", request, agreed: { files: 0, bytes: 0 } });
    await reach(id, "failed");
    expect(client.job(id)?.failure?.code).toBe("sync/not-confirmed");
    expect(existsSync(path.join(target, "new.jpg"))).toBe(true);
  });

  it("goes from one bucket to another, with what is extra there deleted", async () => {
    await server.createBucket("archive");
    await putObjects(server.client, "archive", { "2026/old.jpg": "old", "kept.txt": "kept" });
    const request = { from: to, to: "s3://archive/2026", delete: true, forceDelete: true };
    const { job, summary } = await carryOut(request);
    expect(summary).toMatchObject({
      dryRun: true,
      copied: { files: 3, bytes: 6_000 },
      deleted: { files: 1, bytes: 3 },
    });
    expect(job).toMatchObject({ state: "done", out: "s3://archive/2026", transfer: { copied: { files: 3 } } });
    expect(await readBucket(server.client, "archive", "2026/")).toEqual(
      await readBucket(server.client, "orchard", "photos/"),
    );
    expect(Object.keys(await readBucket(server.client, "archive", ""))).toContain("kept.txt");
    await expect(preview({ from: to, to: `${to}/inside` })).rejects.toMatchObject({ code: "sync/overlap" });
  });

  it("is stopped, and goes on where it stood", async () => {
    const large = inWork("large");
    const bytes = noise(24 * 2 ** 20, 9);
    writeFiles(large, { "video.bin": bytes });
    const request: Sync = {
      from: large,
      to: "s3://orchard/large",
      // One part after the other, slowly: there is a middle to stop in, with a part that is done.
      s3: { partBytes: 5 * 2 ** 20, maxBandwidth: 12 * 2 ** 20, concurrency: 1 },
    };
    const { id } = await client.call("jobs.start", { kind: "sync", request });
    await until(id, () => (client.job(id)?.progress?.done ?? 0) > 6 * 2 ** 20);
    expect(client.job(id)?.progress).toMatchObject({ stage: "transfer", unit: "bytes", total: bytes.length });
    await client.call("jobs.pause", { job: id });
    await reach(id, "paused");
    expect(await openMultiparts(server.client, "orchard")).toEqual(["large/video.bin"]);
    const { uploads } = await client.call("transfers.openUploads", { target: "s3://orchard/large", olderThan: 0 });
    expect(uploads).toMatchObject([{ key: "large/video.bin", outcome: "held" }]);
    await client.call("jobs.resume", { job: id });
    await reach(id, "done");
    expect(client.job(id)?.transfer?.resumedBytes).toBeGreaterThan(0);
    expect(await readBucket(server.client, "orchard", "large/")).toEqual(digests({ "video.bin": bytes }));
  });

  it("says what could not be taken, and tries that again", async () => {
    const from = inWork("some");
    writeFiles(from, { "a.txt": "a", "b.txt": "b" });
    const target = inWork("some-again");
    await carryOut({ from, to: "s3://orchard/some" });
    // A folder stands where a file has to go.
    mkdirSync(path.join(target, "b.txt", "inside"), { recursive: true });
    writeFileSync(path.join(target, "b.txt", "inside", "file"), "mine");
    const { job } = await carryOut({ from: "s3://orchard/some", to: target });
    expect(job).toMatchObject({ state: "done", transfer: { copied: { files: 1 } } });
    const set = (job?.transfer?.conflicts.files ?? 0) + (job?.transfer?.failed.files ?? 0);
    expect(set).toBe(1);
    expect(job?.transfer?.problems[0]).toMatchObject({ key: "b.txt" });
    rmSync(path.join(target, "b.txt"), { recursive: true });
    const { id } = await client.call("jobs.retry", { job: job?.id ?? "" });
    await reach(id, "done");
    expect(readFolder(target)).toEqual(digests({ "a.txt": "a", "b.txt": "b" }));
  });

  it("fails with the reason, and can be looked at again later", async () => {
    await expect(preview({ from: "s3://nobody-has-this-bucket/x", to: inWork("never") })).rejects.toMatchObject({
      code: expect.stringMatching(/^s3\//),
    });
    expect(existsSync(inWork("never"))).toBe(false);
    // Not even by its message does a password come back.
    const secret = { endpoint: "https://ana:secret@s3.example.org" };
    const refused = await preview({ from: folder, to, s3: secret }).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: "request/invalid", message: expect.not.stringContaining("secret") });
    await expect(preview({ from: folder, to: inWork("other") })).rejects.toMatchObject({ code: "sync/two-folders" });
  });

  it("that was put into the bucket by others is found by its run folder", async () => {
    await putObjects(server.client, "orchard", { "run/run.json": "{}" });
    const target = inWork("fetched");
    const { job } = await carryOut({ from: "s3://orchard/run", to: target });
    expect(job).toMatchObject({ state: "done", out: target });
    // What was fetched is a run folder by its name, if a broken one: the job leads there.
    expect(job?.run).toMatch(/^[0-9a-f]{16}$/);
    expect(readdirSync(target)).toEqual(["run.json"]);
    const { runs } = await client.call("runs.recent", {});
    expect(runs.map(({ path: folder }) => folder)).toContain(target);
  });
});
