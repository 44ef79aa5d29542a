/** The main job from and to real S3 servers: the same results as from and to a disk. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Inspection } from "../../src-main/core/inspect/index.js";
import { dateFiles, timeOf } from "../support/exif.js";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { cliFailure, cliJson } from "../support/run-cli.js";
import { expectFinished, filesBelow, readColumn, readRun, resultHashes } from "../support/run-folder.js";
import { drawPhotos, imagesBelow, workFolder } from "../support/run-photos.js";
import { deleteKeys, getFolder, listKeys, putFolder, putObject, remoteHashes } from "../support/s3-run.js";
import { type S3Server, s3Servers } from "../support/s3-servers.js";

const IMAGES = 60;
const FAST = ["--preset", "fast"];

describe.each(s3Servers)("a run over $name", ({ start }) => {
  const { folder, dispose } = workFolder("s3run");
  const photos = path.join(folder, "photos");
  const local = path.join(folder, "local");
  let server: S3Server;
  let proxy: RecordingProxy;
  let env: Record<string, string>;

  beforeAll(async () => {
    server = await start();
    proxy = await startRecordingProxy(server.endpoint);
    env = { ...server.env, AWS_ENDPOINT_URL_S3: proxy.endpoint, VERGER_HOME: path.join(folder, "home") };
    await server.createBucket("farm");
    await drawPhotos(photos, IMAGES, 4);
    dateFiles(imagesBelow(photos).map((name) => path.join(photos, name)));
    await putFolder(server.client, "farm", "photos/", photos);
    await cliJson(["run", photos, "--out", local, ...FAST]);
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
    dispose();
  });

  const options = () => ({ env });
  /** Times and ETags are the store's. */
  const withoutManifest = (hashes: Record<string, string>) =>
    Object.fromEntries(Object.entries(hashes).filter(([name]) => !name.startsWith("manifest/")));

  it("reads photos from a bucket and writes the run to disk", async () => {
    const out = path.join(folder, "from-s3");
    const summary = await cliJson(["run", "s3://farm/photos", "--out", out, ...FAST], 0, options());
    expect(summary).toMatchObject({ images: IMAGES, embedded: IMAGES, setAside: 0, labels: 4, run: out });
    const run = expectFinished(out);
    expect(run.identity?.sources).toEqual(["s3://farm/photos"]);
    // Times and ETags are the bucket's; everything else is what the same files on a disk give.
    expect(withoutManifest(resultHashes(out))).toEqual(withoutManifest(resultHashes(local)));
    for (const column of ["path", "label", "size"]) {
      expect(await readColumn(out, "manifest", column)).toEqual(await readColumn(local, "manifest", column));
    }
    for (const etag of await readColumn(out, "manifest", "etag")) expect(etag).toMatch(/^[0-9a-f]{32}$/);
  });

  it("writes the run to a bucket, byte for byte as to a disk, and _SUCCESS last", async () => {
    proxy.clear();
    const summary = await cliJson(["run", photos, "--out", "s3://farm/runs/a/", ...FAST], 0, options());
    expect(summary).toMatchObject({ images: IMAGES, embedded: IMAGES, run: "s3://farm/runs/a" });
    expect(await remoteHashes(server.client, "farm", "runs/a/")).toEqual(resultHashes(local));
    expect(await listKeys(server.client, "farm", "runs/a/")).toEqual(
      filesBelow(local)
        .filter((name) => name !== ".lock")
        .map((name) => `runs/a/${name}`),
    );
    const written = proxy.calls.filter(({ method }) => method === "PUT").map(({ key }) => key);
    expect(written[0]).toBe("runs/a/.lock");
    expect(written[1]).toBe("runs/a/run.json");
    expect(written.at(-1)).toBe("runs/a/_SUCCESS");
    expect(written.at(-2)).toBe("runs/a/run.json");
    const copy = path.join(folder, "copy");
    await getFolder(server.client, "farm", "runs/a/", copy);
    expect(readRun(copy)).toMatchObject({ state: "done", failure: null });
  });

  it("carries label corrections: those of the bucket count, on every machine, and are never written", async () => {
    const args = ["run", photos, "--out", "s3://farm/runs/labels", ...FAST];
    await cliJson(args, 0, options());
    const name = imagesBelow(photos)[3] as string;
    const corrections = [
      { format: "verger labels", schemaVersion: 1 },
      { at: "2026-11-22T20:57:00.198Z", label: "Quince", paths: [name] },
    ];
    const text = corrections.map((line) => `${JSON.stringify(line)}\n`).join("");
    await putObject(server.client, "farm", "runs/labels/labels.jsonl", text);
    const corrected = async (from: string): Promise<unknown[]> => {
      const copy = path.join(folder, from);
      await getFolder(server.client, "farm", "runs/labels/", copy);
      expect(readFileSync(path.join(copy, "labels.jsonl"), "utf8")).toBe(text);
      return readColumn(copy, "pca", "label");
    };
    expect(await cliJson(args, 0, options())).toMatchObject({ embedded: 0, corrected: 1 });
    expect((await corrected("labels-1"))[3]).toBe("Quince");
    expect((await cliJson<Inspection>(["inspect", "s3://farm/runs/labels"], 0, options())).labels.corrected).toBe(1);
    // Another machine fetches them with the run; --fresh over the same photos keeps them.
    const elsewhere = { env: { ...env, VERGER_HOME: path.join(folder, "home-2") } };
    expect(await cliJson([...args, "--fresh"], 0, elsewhere)).toMatchObject({ embedded: IMAGES, corrected: 1 });
    expect((await corrected("labels-2"))[3]).toBe("Quince");
    // A PCA elsewhere starts from them.
    const out = path.join(folder, "labels-pca");
    await cliJson(["pca", "s3://farm/runs/labels", "--out", out], 0, options());
    expect((await readColumn(out, "pca", "label_original"))[3]).toBe("Quince");
    // Other photos: set aside in the bucket.
    const other = path.join(folder, "other-photos");
    await drawPhotos(other, 4, 2);
    await cliJson(["run", other, "--out", "s3://farm/runs/labels", "--fresh", ...FAST], 0, options());
    const keys = await listKeys(server.client, "farm", "runs/labels/labels");
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatch(/labels-\d{8}T\d{9}Z\.jsonl$/);
    // Taken away in the bucket, they are gone.
    await deleteKeys(server.client, "farm", keys);
    expect(await cliJson(["run", other, "--out", "s3://farm/runs/labels", ...FAST], 0, options())).toMatchObject({
      corrected: 0,
    });
  });

  it("does nothing but list when nothing has changed", async () => {
    const args = ["run", "s3://farm/photos", "--out", "s3://farm/runs/both", ...FAST];
    const first = await cliJson(args, 0, options());
    expect(first).toMatchObject({ embedded: IMAGES, reused: 0 });
    const before = await remoteHashes(server.client, "farm", "runs/both/");
    expect(withoutManifest(before)).toEqual(withoutManifest(resultHashes(local)));
    proxy.clear();
    const second = await cliJson(args, 0, options());
    expect(second).toMatchObject({ embedded: 0, reused: IMAGES, run: "s3://farm/runs/both" });
    expect(proxy.calls.map(({ method, key }) => `${method} ${key}`)).toEqual(["GET ", "GET "]);
    // Another machine knows nothing of it yet: it reads run.json.
    proxy.clear();
    const elsewhere = { env: { ...env, VERGER_HOME: path.join(folder, "home-2") } };
    expect(await cliJson(args, 0, elsewhere)).toMatchObject({ embedded: 0, reused: IMAGES });
    expect(proxy.calls.filter(({ key }) => key !== "").map(({ method, key }) => `${method} ${key}`)).toEqual([
      "GET runs/both/run.json",
    ]);
    expect(await remoteHashes(server.client, "farm", "runs/both/")).toEqual(before);
  });

  it("embeds only what changed, also on a machine that has never seen the run", async () => {
    const args = ["run", "s3://farm/growing", "--out", "s3://farm/runs/growing", ...FAST];
    await putFolder(server.client, "farm", "growing/", photos);
    await cliJson(args, 0, options());
    const [first, second, third] = imagesBelow(photos) as [string, string, string];
    await deleteKeys(server.client, "farm", [`growing/${first}`]);
    await putObject(server.client, "farm", `growing/${second}`, readFileSync(path.join(photos, third)));
    const elsewhere = { env: { ...env, VERGER_HOME: path.join(folder, "home-3") } };
    const changed = await cliJson(args, 0, elsewhere);
    expect(changed).toMatchObject({ images: IMAGES - 1, embedded: 1, reused: IMAGES - 2 });
    const fresh = path.join(folder, "growing-local");
    await cliJson(["run", "s3://farm/growing", "--out", fresh, ...FAST], 0, options());
    expect(await remoteHashes(server.client, "farm", "runs/growing/")).toEqual(resultHashes(fresh));
    expect((await listKeys(server.client, "farm", "runs/growing/")).filter((key) => /\/\.(?!lock)/.test(key))).toEqual(
      [],
    );
    // The first machine sees the other's work, and adds nothing to it.
    expect(await cliJson(args, 0, options())).toMatchObject({ embedded: 0, reused: IMAGES - 1 });
  });

  it("reads and replaces a PCA in a bucket, and inspects the run there", async () => {
    await cliJson(["embed", photos, "--out", "s3://farm/runs/features", ...FAST], 0, options());
    const local2 = path.join(folder, "local-k3");
    await cliJson(["pca", local, "--out", local2, "--components", "3"]);
    const away = await cliJson(
      ["pca", "s3://farm/runs/features/features", "--out", "s3://farm/runs/pca", "--components", "3"],
      0,
      options(),
    );
    expect(away).toMatchObject({ run: "s3://farm/runs/pca", images: IMAGES });
    expect(await remoteHashes(server.client, "farm", "runs/pca/")).toEqual(resultHashes(local2));
    const down = path.join(folder, "pca-down");
    await cliJson(["pca", "s3://farm/runs/features", "--out", down, "--components", "3"], 0, options());
    expect(resultHashes(down)).toEqual(resultHashes(local2));
    expect(readRun(down).featuresFrom).toBe("s3://farm/runs/features");
    // In place, on a machine that has to fetch the features first.
    const elsewhere = { env: { ...env, VERGER_HOME: path.join(folder, "home-4") } };
    await cliJson(
      ["pca", "s3://farm/runs/features/", "--out", "s3://farm/runs/features", "--components", "3"],
      0,
      elsewhere,
    );
    expect(await remoteHashes(server.client, "farm", "runs/features/", "pca/")).toEqual(resultHashes(local2));
    const dated = Array.from({ length: IMAGES }, (_, index) => timeOf(index).at).filter((time) => time !== null);
    const inspection = await cliJson<Inspection>(["inspect", "s3://farm/runs/features/"], 0, options());
    expect(inspection).toMatchObject({
      run: "s3://farm/runs/features",
      state: "done",
      counts: { images: IMAGES },
      captured: { photos: dated.length, first: "2026-05-01T00:20:30.250" },
      labels: { total: 4 },
      setAside: { files: "s3://farm/runs/features/errors" },
    });
    expect(inspection.pca?.components).toBe(3);
    expect(filesBelow(path.join(folder, "home", "cache", "scratch"))).toEqual([]);
  });

  it("refuses a prefix with other objects, a run of another preset, and an address that holds nothing", async () => {
    expect((await cliFailure(["run", photos, "--out", "s3://farm/photos", ...FAST], 1, options())).code).toBe(
      "run/not-empty",
    );
    expect(
      (await cliFailure(["run", photos, "--out", "s3://farm/runs/a", "--preset", "balanced"], 1, options())).code,
    ).toBe("run/mismatch");
    expect(
      (await cliFailure(["run", "s3://farm/nowhere", "--out", path.join(folder, "x"), ...FAST], 1, options())).code,
    ).toBe("source/missing");
    expect((await cliFailure(["inspect", "s3://farm/photos"], 1, options())).code).toBe("run/not-a-run");
    expect((await cliFailure(["pca", "s3://farm/photos", "--out", path.join(folder, "x")], 1, options())).code).toBe(
      "features/empty",
    );
    expect(existsSync(path.join(folder, "x"))).toBe(false);
  });
});
