/** What can be named as a source in S3, and what becomes of photos that cannot be read. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readErrorsPart } from "../../src-main/core/run/index.js";
import { startHoldingProxy } from "../support/holding-proxy.js";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { cli, cliFailure, cliJson } from "../support/run-cli.js";
import { expectFinished, filesBelow, readColumn, resultHashes } from "../support/run-folder.js";
import { drawPhotos, imagesBelow, workFolder } from "../support/run-photos.js";
import { deleteKeys, putFolder, putObject } from "../support/s3-run.js";
import { type S3Server, startMoto } from "../support/s3-servers.js";

const IMAGES = 48;
const FAST = ["--preset", "fast"];
const { folder, dispose } = workFolder("s3run-sources");
const photos = path.join(folder, "photos");
const home = path.join(folder, "home");
let server: S3Server;
let proxy: RecordingProxy;
let env: Record<string, string>;
let outs = 0;

beforeAll(async () => {
  // It keeps keys as they are, those that no file system could hold included.
  server = await startMoto();
  proxy = await startRecordingProxy(server.endpoint);
  env = { ...server.env, AWS_ENDPOINT_URL_S3: proxy.endpoint, VERGER_HOME: home };
  await server.createBucket("farm");
  await server.createBucket("other");
  await drawPhotos(photos, IMAGES, 4);
  await putFolder(server.client, "farm", "photos/", photos);
});
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
  dispose();
});

const newOut = (): string => path.join(folder, `out-${outs++}`);
const image = (index: number): Buffer => readFileSync(path.join(photos, imagesBelow(photos)[index] as string));

/** Paths and labels of the images of a run over these sources. */
async function found(...args: string[]): Promise<[path: unknown, label: unknown][]> {
  const out = newOut();
  await cliJson(["embed", ...args, "--out", out, ...FAST], 0, { env });
  const labels = await readColumn(out, "manifest", "label");
  return (await readColumn(out, "manifest", "path")).map((name, row) => [name, labels[row]]);
}

describe("sources in S3", () => {
  it("takes keys as they are, in the order of their bytes, and leaves out what is no photo", async () => {
    const names = [
      "Apple Red/é 1.jpg",
      "Apple Red/e\u0301 1.jpg",
      "Pear/50%+1.jpg",
      "Pear/a+b.jpg",
      "Pear/a%20b.jpg",
      "Pear//double.jpg",
      "りんご/🍎.png.jpg",
      "top.JPG",
    ];
    for (const [index, name] of names.entries()) await putObject(server.client, "farm", `odd/${name}`, image(index));
    for (const name of ["", "Pear/", "Pear/notes.txt", ".trash/1.jpg", "Pear/.hidden.jpg", "table.csv.gz"]) {
      await putObject(server.client, "farm", `odd/${name}`, "");
    }
    const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const labels: Record<string, string> = { "top.JPG": "odd", "Pear//double.jpg": "" };
    expect(await found("s3://farm/odd")).toEqual(
      sorted.map((name) => [name, (labels[name] ?? name.split("/")[0]) || null]),
    );
    expect(await found("S3://farm/odd/", "--label-from", "filename:^(.)")).toEqual(
      // Labels are composed, keys stay as they are.
      sorted.map((name) => [name, [...(name.split("/").at(-1) as string).normalize("NFC")][0]]),
    );
  });

  it("takes globs, single objects, lists and tables, in S3 and here, in any mixture", async () => {
    const all = imagesBelow(photos);
    const training = all.filter((name) => name.startsWith("Training/"));
    expect((await found("s3://farm/photos/Training/**/*.jpg")).map(([name]) => name)).toEqual(
      training.map((name) => name.slice("Training/".length)),
    );
    expect(training.length).toBeGreaterThan(0);
    const [first, second, third] = all as [string, string, string];
    const label = (name: string): string => name.split("/").at(-2) as string;
    expect(await found(`s3://farm/photos/${first}`)).toEqual([[path.posix.basename(first), label(first)]]);

    await putObject(
      server.client,
      "farm",
      "photos/some.csv",
      `path,label\n${first},one\ns3://farm/photos/${second},two\n`,
    );
    await putObject(server.client, "farm", "photos/lists/some.txt", `../${third}\n`);
    expect(await found("s3://farm/photos/some.csv")).toEqual([
      [first, "one"],
      [second, "two"],
    ]);
    expect(await found("s3://farm/photos/lists/some.txt")).toEqual([[third, label(third)]]);

    const table = path.join(folder, "mixed.csv");
    writeFileSync(table, `path,label\nphotos/${first},here\ns3://farm/photos/${second},there\n`);
    expect(await found(table)).toEqual([
      [`${photos}/${first}`, "here"],
      [`s3://farm/photos/${second}`, "there"],
    ]);
    const both = await found(photos, "s3://farm/photos");
    expect(both).toHaveLength(2 * IMAGES);
    expect(both.map(([name]) => name)).toContain(`s3://farm/photos/${first}`);
    expect(both.map(([name]) => name)).toContain(`${photos}/${first}`);
    await putObject(server.client, "other", "one/x.jpg", image(0));
    expect(await found("s3://farm/photos/Training", "s3://other/one", "s3://farm/photos/Test")).toContainEqual([
      "s3://other/one/x.jpg",
      "one",
    ]);
    expect((await found("s3://farm/photos/Training", "s3://farm/photos/Test")).map(([name]) => name)).toEqual(all);
  });

  it("says nothing on stderr but its own lines", async () => {
    const { stderr } = await cli(["embed", "s3://farm/photos", "--out", newOut(), "--no-cache", ...FAST], { env });
    expect(stderr.split("\n").filter((line) => line !== "" && !line.startsWith("verger: "))).toEqual([]);
  });

  it("says what a source lacks in one sentence with a code", async () => {
    const failure = async (source: string): Promise<string> =>
      (await cliFailure(["embed", source, "--out", newOut(), ...FAST], 1, { env })).code;
    expect(await failure("s3://farm/none")).toBe("source/missing");
    expect(await failure("s3://farm/photos/none.jpg")).toBe("source/missing");
    expect(await failure("s3://farm/odd/table.csv.gz")).toBe("source/unsupported");
    expect(await failure("s3://farm/photos/lists/*.txt")).toBe("source/empty");
    expect(await failure("s3://missing-bucket/x")).toBe("s3/no-bucket");
    expect(await failure("s3://")).toBe("s3/url");
    expect(await failure("gs://farm/photos")).toBe("source/unsupported");
  });

  it("sets aside a photo that may not be read and one that a list names in vain, and goes on", async () => {
    const out = newOut();
    const [first, second] = imagesBelow(photos) as [string, string];
    proxy.permit(({ resource }) => !resource.endsWith(`/photos/${first}`));
    try {
      const summary = await cliJson(["run", "s3://farm/photos", "--out", out, "--no-cache", ...FAST], 3, { env });
      expect(summary).toMatchObject({ images: IMAGES, embedded: IMAGES - 1, setAside: 1 });
    } finally {
      proxy.permit(undefined);
    }
    expectFinished(out);
    const [aside] = await readErrorsPart(path.join(out, "errors", "part-00000.parquet"));
    expect(aside).toMatchObject({ path: first, stage: "read", code: "s3/access-denied" });
    expect(aside?.message).toMatch(/^Expected .*\.$/);
    expect(await cliJson(["run", "s3://farm/photos", "--out", out, "--retry", ...FAST], 0, { env })).toMatchObject({
      embedded: 1,
      reused: IMAGES - 1,
      setAside: 0,
    });

    const table = path.join(folder, "missing.csv");
    writeFileSync(table, `path\ns3://farm/photos/${first}\ns3://farm/photos/gone.jpg\ns3://farm/photos/${second}\n`);
    const listed = newOut();
    await cliJson(["embed", table, "--out", listed, ...FAST], 3, { env });
    expect(await readErrorsPart(path.join(listed, "errors", "part-00000.parquet"))).toMatchObject([
      { path: "gone.jpg", code: "source/missing" },
    ]);
  });

  it("stops when no photo may be read at all, and says which right is missing", async () => {
    proxy.permit(({ action }) => action !== "s3:GetObject");
    try {
      const failure = await cliFailure(["run", "s3://farm/photos", "--out", newOut(), "--no-cache", ...FAST], 1, {
        env,
      });
      expect(failure.code).toBe("s3/access-denied");
      expect(failure.message).toContain("s3:GetObject");
    } finally {
      proxy.permit(undefined);
    }
  });

  it("sets aside a photo that is replaced, or removed, between the listing and its turn", async () => {
    // The proxy holds the photos back until the listing is through and two of them have changed.
    const out = newOut();
    const all = imagesBelow(photos);
    const prefix = "replaced/";
    await putFolder(server.client, "farm", prefix, photos);
    let changed: Promise<void> | undefined;
    const change = async (): Promise<void> => {
      await putObject(server.client, "farm", prefix + all[3], image(4));
      await deleteKeys(server.client, "farm", [prefix + all[5]]);
    };
    const holding = await startHoldingProxy(
      server.endpoint,
      (_, name) => name.endsWith(".jpg"),
      () => {
        changed ??= change();
        return changed;
      },
    );
    const summary = await cliJson(["run", "s3://farm/replaced", "--out", out, "--no-cache", ...FAST], 3, {
      env: { ...env, AWS_ENDPOINT_URL_S3: holding.endpoint },
    }).finally(() => holding.stop());
    expect(summary).toMatchObject({ images: IMAGES, setAside: 2 });
    expect(await readErrorsPart(path.join(out, "errors", "part-00000.parquet"))).toMatchObject([
      { path: all[3], stage: "read", code: "s3/changed" },
      { path: all[5], stage: "read", code: "s3/no-key" },
    ]);
    // The next run sees the new photo and no longer the removed one.
    expect(await cliJson(["run", "s3://farm/replaced", "--out", out, ...FAST], 0, { env })).toMatchObject({
      images: IMAGES - 1,
      embedded: 1,
      reused: IMAGES - 2,
    });
  });
});

describe("the cache of photos", () => {
  it("spares the second run every GET, unless --no-cache or another ETag says otherwise", async () => {
    const reads = () => proxy.calls.filter(({ method, key }) => method === "GET" && key !== "").length;
    const alone = { env: { ...env, VERGER_HOME: path.join(folder, "cache-home") } };
    const run = async (...more: string[]): Promise<Record<string, string>> => {
      const out = newOut();
      proxy.clear();
      await cliJson(["embed", "s3://farm/photos", "--out", out, ...FAST, ...more], 0, alone);
      return resultHashes(out);
    };
    const cold = await run("--no-cache");
    expect(reads()).toBe(IMAGES);
    expect(filesBelow(path.join(folder, "cache-home", "cache")).filter((name) => /dat$/.test(name))).toEqual([]);
    expect(await run()).toEqual(cold);
    expect(reads()).toBe(IMAGES);
    expect(await run()).toEqual(cold);
    expect(reads()).toBe(0);
    expect(await run("--no-cache")).toEqual(cold);
    expect(reads()).toBe(IMAGES);
    const [first] = imagesBelow(photos) as [string];
    const before = image(0);
    await putObject(server.client, "farm", `photos/${first}`, image(1));
    await run();
    expect(reads()).toBe(1);
    await putObject(server.client, "farm", `photos/${first}`, before);
  });

  it("stays within --cache-size", async () => {
    const large = path.join(folder, "large");
    await drawPhotos(large, 40, 4, 512);
    await putFolder(server.client, "farm", "large/", large);
    const all = imagesBelow(large).reduce((sum, name) => sum + readFileSync(path.join(large, name)).length, 0);
    expect(all).toBeGreaterThan(1_000_000);
    const small = path.join(folder, "small-home");
    const args = ["embed", "s3://farm/large", "--out", newOut(), ...FAST, "--cache-size", "1M"];
    await cliJson(args, 0, { env: { ...env, VERGER_HOME: small } });
    const cache = path.join(small, "cache");
    const bytes = filesBelow(cache).reduce((sum, name) => sum + readFileSync(path.join(cache, name)).length, 0);
    expect(bytes).toBeGreaterThan(400_000);
    expect(bytes).toBeLessThanOrEqual(1_000_000);
  });

  it("is no reason to stop when it cannot be used", async () => {
    const blocked = path.join(folder, "blocked");
    writeFileSync(blocked, "a file where the folder should be");
    const args = ["embed", "s3://farm/photos", "--out", newOut(), ...FAST];
    expect(await cliJson(args, 0, { env: { ...env, VERGER_HOME: blocked } })).toMatchObject({ embedded: IMAGES });
  });
});
