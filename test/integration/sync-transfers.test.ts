import { existsSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { transferTemporaries } from "../../src-main/storage/temporary.js";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { cliFailure, cliJson } from "../support/run-cli.js";
import { workFolder } from "../support/run-photos.js";
import { type S3Server, s3Servers } from "../support/s3-servers.js";
import {
  counts,
  deleteObject,
  digests,
  forgetSyncs,
  listKeys,
  noise,
  putObjects,
  readBucket,
  readFolder,
  sync,
  writeFiles,
} from "../support/sync.js";

const MIB = 1024 * 1024;
const FILES = {
  "apple/1.jpg": noise(5000, 1),
  "apple/2.jpg": noise(6000, 2),
  "apple.txt": "beside a folder of nearly the same name",
  "big.bin": noise(11 * MIB, 3),
  "pear/with space + plus %41 é 🍐.jpg": noise(100, 4),
  "pear/empty": "",
  ".hidden": "not left out",
};
const KEYS = Object.keys(FILES).length;
/** Small parts, so that big.bin takes the way of the large ones. */
const S3 = { partBytes: 5 * MIB };

describe.each(s3Servers)("sync with $name", ({ start }) => {
  const { folder, dispose } = workFolder("sync");
  const home = path.join(folder, "home");
  const source = path.join(folder, "source");
  const target = path.join(folder, "target");
  let server: S3Server;
  let proxy: RecordingProxy;
  let bucket = "";
  let number = 0;
  let environment: NodeJS.ProcessEnv;
  /** For processes. */
  const env = (): Record<string, string> => ({
    ...server.env,
    AWS_ENDPOINT_URL_S3: proxy.endpoint,
    VERGER_HOME: home,
  });

  beforeAll(async () => {
    server = await start();
    proxy = await startRecordingProxy(server.endpoint);
    environment = { ...process.env };
    Object.assign(process.env, env());
  });
  afterAll(async () => {
    process.env = environment;
    await proxy.stop();
    await server.stop();
    dispose();
  });
  beforeEach(async () => {
    bucket = `orchard-${++number}`;
    await server.createBucket(bucket);
    forgetSyncs(home);
    for (const side of [source, target]) rmSync(side, { recursive: true, force: true });
    writeFiles(source, FILES);
    proxy.permit(undefined);
    proxy.clear();
  });

  it("brings a folder to S3 and back, and then has nothing to do", async () => {
    const up = await sync(source, `s3://${bucket}/photos`, { s3: S3 });
    expect(counts(up)).toEqual({ copied: KEYS });
    expect(await readBucket(server.client, bucket, "photos/")).toEqual(digests(FILES));
    proxy.clear();
    expect(counts(await sync(source, `s3://${bucket}/photos`, { s3: S3 }))).toEqual({ unchanged: KEYS });
    expect(proxy.actions()).toEqual(["s3:ListBucket"]);

    const down = await sync(`s3://${bucket}/photos/`, target, { s3: S3 });
    expect(counts(down)).toEqual({ copied: KEYS });
    expect(down.copied.bytes).toBe(up.copied.bytes);
    expect(readFolder(target)).toEqual(digests(FILES));
    proxy.clear();
    expect(counts(await sync(`s3://${bucket}/photos`, target, { s3: S3 }))).toEqual({ unchanged: KEYS });
    expect(proxy.actions()).toEqual(["s3:ListBucket"]);
  });

  it("takes content as proof where nothing is remembered, in both directions", async () => {
    await sync(source, `s3://${bucket}`, { s3: S3 });
    await sync(`s3://${bucket}`, target, { s3: S3 });
    forgetSyncs(home);
    // Other times prove nothing; other bytes of the same size are a difference.
    for (const side of [source, target]) {
      utimesSync(path.join(side, "apple/1.jpg"), 1000, 1000);
      writeFileSync(path.join(side, "apple/2.jpg"), noise(6000, 99));
    }
    proxy.clear();
    expect(counts(await sync(source, `s3://${bucket}`, { s3: { partBytes: 8 * MIB } }))).toEqual({
      copied: 1,
      unchanged: KEYS - 1,
    });
    expect(proxy.calls.filter(({ method }) => method === "PUT").map(({ key }) => key)).toEqual(["apple/2.jpg"]);
    await putObjects(server.client, bucket, { "apple/2.jpg": FILES["apple/2.jpg"] });
    expect(counts(await sync(`s3://${bucket}`, target))).toEqual({ copied: 1, unchanged: KEYS - 1 });
    expect(readFolder(target)).toEqual(digests(FILES));
  });

  it("sees a newer object of the same size, and a newer file of the same size", async () => {
    await sync(source, `s3://${bucket}`);
    await sync(`s3://${bucket}`, target);
    const other = noise(5000, 50);
    await putObjects(server.client, bucket, { "apple/1.jpg": other });
    expect(counts(await sync(`s3://${bucket}`, target))).toEqual({ copied: 1, unchanged: KEYS - 1 });
    expect(readFolder(target)).toEqual(digests({ ...FILES, "apple/1.jpg": other }));

    // The other side has changed: the source counts, whichever is newer.
    expect(counts(await sync(source, `s3://${bucket}`))).toEqual({ copied: 1, unchanged: KEYS - 1 });
    const edited = noise(6000, 51);
    writeFileSync(path.join(source, "apple/2.jpg"), edited);
    expect(counts(await sync(source, `s3://${bucket}`))).toEqual({ copied: 1, unchanged: KEYS - 1 });
    expect(await readBucket(server.client, bucket)).toEqual(digests({ ...FILES, "apple/2.jpg": edited }));
  });

  it("decides in a dry run, and changes neither side", async () => {
    await putObjects(server.client, bucket, { "apple/1.jpg": FILES["apple/1.jpg"], "apple.txt": "other", extra: "x" });
    const before = await readBucket(server.client, bucket);
    proxy.clear();
    const request = { dryRun: true, delete: true, listActions: true };
    const summary = await sync(source, `s3://${bucket}`, request);
    expect(counts(summary)).toEqual({ copied: KEYS - 1, unchanged: 1, deleted: 1 });
    expect(summary.actions).toContainEqual({ action: "copy", key: "apple.txt", bytes: 39, reason: "changed" });
    expect(summary.actions).toContainEqual({ action: "copy", key: "big.bin", bytes: 11 * MIB, reason: "new" });
    expect(summary.actions).toContainEqual({ action: "delete", key: "extra", bytes: 1, reason: "extra" });
    expect(summary.actions).toHaveLength(KEYS);
    expect(proxy.actions()).toEqual(["s3:ListBucket"]);
    expect(await readBucket(server.client, bucket)).toEqual(before);

    const missing = path.join(folder, "not-made");
    expect(counts(await sync(`s3://${bucket}`, missing, { dryRun: true }))).toEqual({ copied: 3 });
    expect(existsSync(missing)).toBe(false);
  });

  it("deletes on request, inside the filter only, and not more than half", async () => {
    await sync(source, `s3://${bucket}`);
    await sync(`s3://${bucket}`, target);
    for (const key of ["apple/1.jpg", "pear/empty"]) await deleteObject(server.client, bucket, key);
    const keep = { delete: true, rules: [{ include: false, glob: "pear/" }] };
    expect(counts(await sync(`s3://${bucket}`, target, keep))).toEqual({ unchanged: KEYS - 3, deleted: 1 });
    expect(Object.keys(readFolder(target))).toContain("pear/empty");
    expect(existsSync(path.join(target, "apple/1.jpg"))).toBe(false);
    expect(counts(await sync(`s3://${bucket}`, target, { delete: true }))).toEqual({ unchanged: KEYS - 2, deleted: 1 });
    expect(readFolder(target)).toEqual(await readBucket(server.client, bucket));

    for (const key of ["apple.txt", "big.bin", "apple/2.jpg"]) rmSync(path.join(target, key));
    await expect(sync(target, `s3://${bucket}`, { delete: true })).rejects.toMatchObject({
      code: "sync/too-many-deletions",
    });
    expect(await listKeys(server.client, bucket)).toHaveLength(KEYS - 2);
    const forced = await sync(target, `s3://${bucket}`, { delete: true, forceDelete: true });
    expect(counts(forced)).toEqual({ unchanged: KEYS - 5, deleted: 3 });
    expect(await readBucket(server.client, bucket)).toEqual(readFolder(target));
    // What was emptied by deleting is gone, what was not stays.
    rmSync(path.join(target, "pear"), { recursive: true });
    writeFiles(target, { "a/b/c.jpg": "c", "a/d.jpg": "d" });
    await sync(target, `s3://${bucket}`);
    await deleteObject(server.client, bucket, "a/b/c.jpg");
    await sync(`s3://${bucket}`, target, { delete: true });
    expect(existsSync(path.join(target, "a/b"))).toBe(false);
    expect(existsSync(path.join(target, "a/d.jpg"))).toBe(true);
  });

  it("leaves what stands in the target with --no-overwrite", async () => {
    await putObjects(server.client, bucket, { "apple.txt": "another text", "big.bin": "short" });
    const kept = { overwrite: false, s3: S3 };
    expect(counts(await sync(source, `s3://${bucket}`, kept))).toEqual({ copied: KEYS - 2, skipped: 2 });
    expect(await readBucket(server.client, bucket)).toEqual(
      digests({ ...FILES, "apple.txt": "another text", "big.bin": "short" }),
    );
    writeFiles(target, { "apple/1.jpg": "mine" });
    expect(counts(await sync(`s3://${bucket}`, target, kept))).toEqual({ copied: KEYS - 1, skipped: 1 });
    expect(readFolder(target)["apple/1.jpg"]).toBe(digests({ a: "mine" }).a);
  });

  it("copies between buckets on the server's side", async () => {
    await sync(source, `s3://${bucket}/from`, { s3: S3 });
    const other = `${bucket}-copy`;
    await server.createBucket(other);
    proxy.clear();
    expect(counts(await sync(`s3://${bucket}/from`, `s3://${other}/to`))).toEqual({ copied: KEYS });
    expect(await readBucket(server.client, other, "to/")).toEqual(digests(FILES));
    expect(Math.max(...proxy.calls.map(({ sent }) => sent))).toBeLessThan(100_000);
    expect(proxy.calls.filter(({ method, key }) => method === "GET" && key !== "")).toEqual([]);
    expect(counts(await sync(`s3://${bucket}/from`, `s3://${other}/to`))).toEqual({ unchanged: KEYS });
    forgetSyncs(home);
    // big.bin was uploaded in parts and copied in one: its ETag differs, and nothing else could prove it the same.
    const again = counts(await sync(`s3://${bucket}/from`, `s3://${other}/to`));
    expect(again.unchanged).toBeGreaterThanOrEqual(KEYS - 1);
    await putObjects(server.client, bucket, { "from/apple.txt": "x".repeat(39) });
    expect(counts(await sync(`s3://${bucket}/from`, `s3://${other}/to`))).toEqual({ copied: 1, unchanged: KEYS - 1 });
  });

  it("sets one key aside when access to it is denied, and goes on", async () => {
    proxy.permit(({ resource }) => !resource.endsWith("apple/1.jpg"));
    const result = await cliJson(["sync", source, `s3://${bucket}`], 3, { env: env() });
    expect(result).toMatchObject({ copied: { files: KEYS - 1 }, failed: { files: 1, bytes: 5000 } });
    expect(result).toMatchObject({ problems: [{ key: "apple/1.jpg", code: "s3/access-denied" }] });
    proxy.permit(undefined);
    expect(counts(await sync(source, `s3://${bucket}`))).toEqual({ copied: 1, unchanged: KEYS - 1 });
    proxy.permit(({ resource, action }) => action !== "s3:GetObject" || !resource.endsWith("big.bin"));
    const down = await sync(`s3://${bucket}`, target);
    expect(counts(down)).toEqual({ copied: KEYS - 1, failed: 1 });
    expect(Object.keys(readFolder(target))).not.toContain("big.bin");
  });

  it("makes folders of empty objects with a slash at their end, and finds them again", async () => {
    await putObjects(server.client, bucket, { "p/": "", "p/empty folder/": "", "p/sub/": "", "p/sub/a.jpg": "a" });
    expect((await sync(`s3://${bucket}/p`, target)).failed.files).toBe(0);
    expect(existsSync(path.join(target, "empty folder"))).toBe(true);
    expect(readFolder(target)).toEqual(digests({ "sub/a.jpg": "a" }));
    expect(counts(await sync(`s3://${bucket}/p`, target, { delete: true }))).toEqual({ unchanged: 3 });
    // Upwards they stay as long as the folder is there.
    const up = await sync(target, `s3://${bucket}/p`, { delete: true });
    expect(counts(up)).toEqual({ unchanged: 1 });
    rmSync(path.join(target, "empty folder"), { recursive: true });
    expect(counts(await sync(target, `s3://${bucket}/p`, { delete: true }))).toEqual({ unchanged: 1, deleted: 1 });
  });

  it("never writes or deletes through a link in the target", async () => {
    const outside = path.join(folder, "outside");
    writeFiles(outside, { "keep.jpg": "precious", "same.jpg": "precious" });
    mkdirSync(target);
    symlinkSync(outside, path.join(target, "apple"));
    symlinkSync(path.join(outside, "keep.jpg"), path.join(target, "apple.txt"));
    await sync(source, `s3://${bucket}`);
    const summary = await sync(`s3://${bucket}`, target, { delete: true });
    expect(counts(summary)).toEqual({ copied: KEYS - 3, conflicts: 3 });
    expect(summary.problems.map(({ code }) => code)).toEqual(["sync/link", "sync/link", "sync/link"]);
    expect(readFolder(outside)).toEqual(digests({ "keep.jpg": "precious", "same.jpg": "precious" }));
    rmSync(outside, { recursive: true });
  });

  it("follows links of the source, reports loops and what is no file, and deletes nothing for them", async () => {
    const elsewhere = path.join(folder, "elsewhere");
    writeFiles(elsewhere, { "linked.jpg": "linked" });
    symlinkSync(elsewhere, path.join(source, "link"));
    symlinkSync(path.join(elsewhere, "linked.jpg"), path.join(source, "one.jpg"));
    symlinkSync(source, path.join(source, "pear/loop"));
    symlinkSync("/nowhere", path.join(source, "dangling"));
    await putObjects(server.client, bucket, { "pear/loop/old.jpg": "old" });
    const summary = await sync(source, `s3://${bucket}`, { delete: true });
    expect(counts(summary)).toEqual({ copied: KEYS + 2, failed: 2 });
    expect(summary.problems.map(({ key, code }) => `${key} ${code}`).sort()).toEqual([
      "dangling sync/unreadable",
      "pear/loop/ sync/loop",
    ]);
    expect(await readBucket(server.client, bucket)).toEqual(
      digests({ ...FILES, "link/linked.jpg": "linked", "one.jpg": "linked", "pear/loop/old.jpg": "old" }),
    );
    rmSync(elsewhere, { recursive: true });
  });

  it("neither uploads temporary files of downloads nor takes them for files of the target", async () => {
    const { part, journal } = transferTemporaries(path.join(source, "apple.txt"), bucket, "apple.txt");
    for (const file of [part, journal]) writeFileSync(file, "half");
    expect(counts(await sync(source, `s3://${bucket}`))).toEqual({ copied: KEYS });
    expect(await listKeys(server.client, bucket)).toHaveLength(KEYS);
    // A journal whose file is gone serves nobody.
    rmSync(part);
    await sync(`s3://${bucket}`, source, { delete: true });
    expect(existsSync(journal)).toBe(false);
  });

  it("refuses in one sentence what cannot be", async () => {
    const bare = (args: string[], exit = 1) => cliFailure(["sync", ...args], exit, { env: env() });
    expect((await bare([source, target])).code).toBe("sync/two-folders");
    expect((await bare([path.join(folder, "none"), `s3://${bucket}`])).code).toBe("sync/source-missing");
    expect((await bare([path.join(source, "apple.txt"), `s3://${bucket}`])).code).toBe("sync/not-a-folder");
    expect((await bare([`s3://${bucket}/a`, `s3://${bucket}/a/b`])).code).toBe("sync/overlap");
    expect((await bare([source, "s3://no-such-bucket-here"])).code).toBe("s3/no-bucket");
    expect((await bare([source, `s3://${bucket}`, "--delete"], 2)).code).toBe("usage/missing-option");
    expect((await bare([source], 2)).code).toBe("usage/missing-argument");
    expect((await bare(["--sweep", source])).code).toBe("sync/sweep-target");
  });
});
