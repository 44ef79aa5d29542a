import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { CreateMultipartUploadCommand, UploadPartCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SweepSummary, SyncSummary } from "../../src-main/api/contract.js";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { CliProcess, cli, cliJson } from "../support/run-cli.js";
import { workFolder } from "../support/run-photos.js";
import { type S3Server, s3Servers, startMoto, startVersity } from "../support/s3-servers.js";
import {
  counts,
  digests,
  listKeys,
  noise,
  openMultiparts,
  putObjects,
  readFolder,
  sync,
  writeFiles,
} from "../support/sync.js";

const { folder, dispose } = workFolder("sync-hostile");
const home = path.join(folder, "home");
const source = path.join(folder, "source");
const target = path.join(folder, "deep", "target");
const MIB = 1024 * 1024;
const environment = { ...process.env };
afterAll(() => {
  process.env = environment;
  dispose();
});
beforeEach(() => {
  for (const side of [source, path.join(folder, "deep"), home]) rmSync(side, { recursive: true, force: true });
});

/** moto keeps every key as it is written; a server over a file system could not. */
describe("keys that no disk can hold", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startMoto();
    Object.assign(process.env, server.env, { VERGER_HOME: home });
    await server.createBucket("hostile");
  });
  afterAll(() => server.stop());

  const FINE = { "a b+c%20%é🍐.jpg": "1", "dir/": "", "dir/x": "2", "Photo.jpg": "3", file: "4", "q?<>|.jpg": "5" };
  const IMPOSSIBLE = {
    "../up.txt": "sync/name",
    "../../up.txt": "sync/name",
    "dir/../../up.txt": "sync/name",
    "/abs.txt": "sync/name",
    "a//b": "sync/name",
    "a/./b": "sync/name",
    "CON.jpg": "sync/name",
    "back\\slash": "sync/name",
    "dot.": "sync/name",
    "filled/": "sync/name",
    "file/below": "sync/collision",
    "photo.JPG": "sync/collision",
    [`${"x".repeat(256)}`]: "sync/name",
  };

  it("are reported, and never written outside the target", async () => {
    await putObjects(server.client, "hostile", FINE);
    for (const key of Object.keys(IMPOSSIBLE)) await putObjects(server.client, "hostile", { [key]: "evil" });
    const before = await listKeys(server.client, "hostile");
    expect(before).toHaveLength(Object.keys(FINE).length + Object.keys(IMPOSSIBLE).length);

    const summary = await cliJson<SyncSummary>(["sync", "s3://hostile", target], 3, { env: { VERGER_HOME: home } });
    const problems = summary.problems.map(({ key, code }) => [key, code]);
    expect(Object.fromEntries(problems)).toEqual(IMPOSSIBLE);
    expect(summary.conflicts.files).toBe(Object.keys(IMPOSSIBLE).length);
    expect(summary.failed.files).toBe(0);
    const { "dir/": _, ...files } = FINE;
    expect(readFolder(path.join(folder, "deep"))).toEqual(
      Object.fromEntries(Object.entries(digests(files)).map(([key, digest]) => [`target/${key}`, digest])),
    );
    expect(existsSync("/abs.txt")).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(["deep", "home"]);
    // They stand in the source: nothing there is extra in the target.
    writeFiles(target, { "CON.jpg": "mine" });
    const mirrored = await sync("s3://hostile", target, { delete: true });
    expect(counts(mirrored).deleted).toBeUndefined();
    expect(existsSync(path.join(target, "CON.jpg"))).toBe(true);
  });

  it.skipIf(process.platform !== "linux")("are fewer where only this machine's disk counts", async () => {
    const summary = await sync("s3://hostile", target, { names: "system" });
    expect(summary.problems.map(({ key }) => key)).not.toEqual(expect.arrayContaining(["CON.jpg"]));
    const written = Object.keys(readFolder(target));
    expect(written).toEqual(expect.arrayContaining(["CON.jpg", "back\\slash", "dot.", "photo.JPG", "Photo.jpg"]));
    expect(readdirSync(path.join(folder, "deep"))).toEqual(["target"]);
    expect(summary.problems.map(({ key }) => key).sort()).toEqual(
      Object.keys(IMPOSSIBLE)
        .filter((key) => !["CON.jpg", "back\\slash", "dot.", "photo.JPG"].includes(key))
        .sort(),
    );
  });

  it("go from bucket to bucket as they are", async () => {
    await server.createBucket("hostile-copy");
    const all = { ...FINE, ...Object.fromEntries(Object.keys(IMPOSSIBLE).map((key) => [key, "evil"])) };
    // A path with dots or double slashes is changed by what stands between; the engine's own tests say which.
    const plain = [{ include: false, glob: "*..*" }];
    const summary = await sync("s3://hostile", "s3://hostile-copy", { rules: plain });
    expect(summary.conflicts.files).toBe(0);
    expect(await listKeys(server.client, "hostile-copy")).toEqual(
      expect.arrayContaining(Object.keys(all).filter((key) => !key.includes("..") && !key.includes("//"))),
    );
  });
});

describe.each(s3Servers)("a process, with $name", ({ start }) => {
  let server: S3Server;
  let proxy: RecordingProxy;
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await start();
    proxy = await startRecordingProxy(server.endpoint);
    await server.createBucket("orchard");
    env = { ...server.env, AWS_ENDPOINT_URL_S3: proxy.endpoint, VERGER_HOME: home };
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  it("that is interrupted ends with 130, leaves no half file, and goes on when it is run again", async () => {
    writeFiles(source, { "large.bin": noise(24 * MIB, 1), "small.bin": noise(1000, 2) });
    for (const [from, to] of [
      [source, "s3://orchard/stop"],
      ["s3://orchard/stop", target],
    ] as const) {
      proxy.clear();
      const slow = new CliProcess(
        ["sync", from, to, "--part-size", "5Mi", "--concurrency", "2", "--max-bandwidth", "8M", "--json"],
        { env },
      );
      await slow.until(() => proxy.calls.reduce((sum, { sent, received }) => sum + sent + received, 0) > 13 * MIB);
      slow.kill("SIGINT");
      const { code, stdout, stderr } = await slow.ended;
      expect(code, stderr).toBe(130);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: "cancelled" } });
      if (to === target) expect(Object.keys(readFolder(target))).not.toContain("large.bin");
      const rest = await cliJson<SyncSummary>(["sync", from, to, "--part-size", "5Mi"], 0, { env });
      expect(rest.resumedBytes).toBeGreaterThan(0);
      expect(rest.failed.files + rest.conflicts.files).toBe(0);
    }
    expect(readFolder(target)).toEqual(readFolder(source));
    expect(await openMultiparts(server.client, "orchard")).toEqual([]);
  });
});

describe("a process", () => {
  let server: S3Server;
  let proxy: RecordingProxy;
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await startVersity();
    proxy = await startRecordingProxy(server.endpoint);
    await server.createBucket("orchard");
    env = { ...server.env, AWS_ENDPOINT_URL_S3: proxy.endpoint, VERGER_HOME: home };
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  it("asks nobody where nobody can answer: --delete needs --yes", async () => {
    writeFiles(source, { a: "1", b: "2", c: "3" });
    await cliJson(["sync", source, "s3://orchard/asked"], 0, { env });
    rmSync(path.join(source, "a"));
    const refused = await cli(["sync", source, "s3://orchard/asked", "--delete"], { env });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--yes");
    expect(await listKeys(server.client, "orchard", "asked/")).toHaveLength(3);
    const dry = await cliJson<SyncSummary>(["sync", source, "s3://orchard/asked", "--delete", "--dry-run"], 0, { env });
    expect(dry.actions).toEqual([{ action: "delete", key: "a", bytes: 1, reason: "extra" }]);
    const done = await cliJson<SyncSummary>(["sync", source, "s3://orchard/asked", "--delete", "--yes"], 0, { env });
    expect(done.deleted).toEqual({ files: 1, bytes: 1 });
    expect(await listKeys(server.client, "orchard", "asked/")).toEqual(["asked/b", "asked/c"]);
  });

  it("takes rules in their order", async () => {
    writeFiles(source, { "a.jpg": "1", "b.txt": "2", "raw/c.jpg": "3", "raw/keep/d.jpg": "4" });
    const rules = ["--include", "*.jpg", "--exclude", "raw/", "--include", "raw/keep/"];
    const summary = await cliJson<SyncSummary>(["sync", source, "s3://orchard/rules", ...rules], 0, { env });
    expect(summary.copied.files).toBe(2);
    expect(await listKeys(server.client, "orchard", "rules/")).toEqual(["rules/a.jpg", "rules/raw/keep/d.jpg"]);
  });

  it("keeps credentials out of everything it writes", async () => {
    writeFiles(source, { a: "1", "big.bin": noise(11 * MIB, 5) });
    const text: string[] = [];
    for (const args of [
      ["sync", source, "s3://orchard/secret", "--part-size", "5Mi"],
      ["sync", "s3://orchard/secret", target, "--json"],
      ["sync", source, "s3://no-such-bucket-here", "--json"],
    ]) {
      const { stdout, stderr } = await cli(args, { env: { ...env, VERGER_DEBUG: "1" } });
      text.push(stdout, stderr);
    }
    const said = text.join("\n");
    expect(said).toContain("s3/no-bucket");
    for (const secret of [server.secretKey, server.accessKey]) {
      expect(said).not.toContain(secret);
      for (const [name, contents] of filesBelow(home)) expect(contents.includes(secret), name).toBe(false);
    }
  });

  it("sweeps orphaned uploads of its prefix, and those alone", async () => {
    const begin = async (Key: string): Promise<string> => {
      const { UploadId } = await server.client.send(new CreateMultipartUploadCommand({ Bucket: "orchard", Key }));
      await server.client.send(
        new UploadPartCommand({ Bucket: "orchard", Key, UploadId, PartNumber: 1, Body: noise(100, 1) }),
      );
      return UploadId ?? "";
    };
    const ours = await begin("swept/a b.bin");
    await begin("other/c.bin");
    // One of an interrupted sync: it will go on.
    writeFiles(source, { "held.bin": noise(24 * MIB, 9) });
    proxy.clear();
    const args = ["sync", source, "s3://orchard/swept", "--part-size", "5Mi"];
    const running = new CliProcess([...args, "--max-bandwidth", "6M"], { env });
    await running.until(() => proxy.calls.some(({ method, sent }) => method === "PUT" && sent > MIB));
    running.kill("SIGKILL");
    await running.ended;

    const young = await cliJson<SweepSummary>(["sync", "--sweep", "s3://orchard/swept"], 0, { env });
    expect(young).toMatchObject({ aborted: 0, kept: 2, olderThan: 86_400 });
    const dry = await cliJson<SweepSummary>(
      ["sync", "--sweep", "s3://orchard/swept", "--older-than", "0s", "--dry-run"],
      0,
      {
        env,
      },
    );
    expect(dry.uploads.map(({ key, outcome }) => `${key} ${outcome}`).sort()).toEqual([
      "swept/a b.bin abort",
      "swept/held.bin held",
    ]);
    expect((await openMultiparts(server.client, "orchard")).length).toBe(3);
    const swept = await cliJson<SweepSummary>(["sync", "--sweep", "s3://orchard/swept", "--older-than", "0s"], 0, {
      env,
    });
    expect(swept).toMatchObject({ aborted: 1, kept: 1, failed: 0 });
    expect(swept.uploads.find(({ outcome }) => outcome === "abort")?.uploadId).toBe(ours);
    expect((await openMultiparts(server.client, "orchard")).sort()).toEqual(["other/c.bin", "swept/held.bin"]);
    const resumed = await cliJson<SyncSummary>(args, 0, { env });
    expect(resumed.copied.files).toBe(1);
    expect(await openMultiparts(server.client, "orchard")).toEqual(["other/c.bin"]);
  });
});

function filesBelow(root: string): [string, Buffer][] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => path.join(item.parentPath, item.name))
    .map((file) => [file, readFileSync(file)]);
}
