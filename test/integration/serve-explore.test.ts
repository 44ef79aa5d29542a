/** `verger serve` on a run of real photos: who may ask, and what is answered. */
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { encodeFrame, FRAME_TYPE } from "../../src-main/api/binary.js";
import { imagePath, type Overview, type RunCard } from "../../src-main/api/channels.js";
import { RunData, writeSelectionCsv } from "../../src-main/core/explore/index.js";
import { encodeJpeg, probeImage } from "../../src-main/native/image.js";
import { openParquet } from "../../src-main/native/parquet.js";
import { withExif } from "../support/exif.js";
import { cliFailure, cliJson } from "../support/run-cli.js";
import { readColumn } from "../support/run-folder.js";
import { copyRealPhotos, drawPhotos, imagesBelow, workFolder } from "../support/run-photos.js";
import { type Client, Served } from "../support/serve.js";

const work = workFolder("serve");
const photos = path.join(work.folder, "photos");
const run = path.join(work.folder, "run");
const home = path.join(work.folder, "home");
let served: Served;
let client: Client;
let card: RunCard;
let overview: Overview;

beforeAll(async () => {
  if (copyRealPhotos(photos, 6, 9) === 0) await drawPhotos(photos, 54, 6);
  // One of twelve megapixels, and one that is no picture.
  const pixels = new Uint8Array(4_000 * 3_000 * 3).map((_, index) => (index * 7) % 251);
  mkdirSync(path.join(photos, "Phone"), { recursive: true });
  const taken = { DateTimeOriginal: "2026:05:01 10:20:30", OffsetTimeOriginal: "-03:30" };
  writeFileSync(path.join(photos, "Phone", "large.jpg"), withExif(await encodeJpeg(pixels, 4_000, 3_000, 80), taken));
  writeFileSync(path.join(photos, "Phone", "broken.jpg"), "no picture");
  await cliJson(["run", photos, "--out", run, "--preset", "fast"], 3);
  served = await Served.start([run], home);
  client = await served.visit();
  [card] = (await client.call("runs.recent", {})).runs as [RunCard];
  overview = await client.call("run.overview", { run: card.run });
});

afterAll(async () => {
  client?.close();
  await served?.stop("SIGKILL");
  work.dispose();
});

const rowOf = async (text: string): Promise<number> =>
  (await client.call("run.search", { run: card.run, text })).rows[0] as number;

describe("who may ask", () => {
  const call = { method: "POST", body: "{}" };
  const json = { "content-type": "application/json" };

  it("the token opens the door once and leaves the address", async () => {
    const { pathname, search } = new URL(served.url);
    const first = await served.ask(pathname + search);
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe("/");
    expect(first.headers["set-cookie"]?.[0]).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
    expect((await served.ask("/?token=wrong")).status).toBe(401);
    expect(served.token).toMatch(/^[\w-]{43}$/);
  });

  it("no call, picture or event without the token", async () => {
    const { origin } = served;
    for (const headers of [
      { origin },
      { origin, cookie: `verger-${served.port}=wrong` },
      { authorization: "Bearer wrong", origin },
    ]) {
      expect((await served.ask("/api/app.info", { ...call, headers: { ...json, ...headers } })).status).toBe(401);
      expect((await served.ask(`/${imagePath(card.run, card.version, 0, 64)}`, { headers })).status).toBe(401);
    }
    expect(await refusedSocket({ origin })).toBe(401);
    const bearer = { ...json, authorization: `Bearer ${served.token}` };
    expect((await served.ask("/api/app.info", { ...call, headers: bearer })).status).toBe(200);
  });

  it("no other page, with the cookie or not", async () => {
    for (const origin of ["http://evil.example", `http://127.0.0.1:${served.port + 1}`, "null"]) {
      const headers = { ...json, cookie: client.cookie, origin };
      expect((await served.ask("/api/app.info", { ...call, headers })).status, origin).toBe(403);
      expect(await refusedSocket({ origin, cookie: client.cookie })).toBe(403);
    }
    const unstated = { ...json, cookie: client.cookie };
    expect((await served.ask("/api/app.info", { ...call, headers: unstated })).status).toBe(403);
    const picture = imagePath(card.run, card.version, 0, 64);
    expect((await client.picture(picture, { "sec-fetch-site": "same-site" })).status).toBe(403);
  });

  it("no name that was pointed at this machine", async () => {
    const headers = {
      ...json,
      cookie: client.cookie,
      host: `evil.example:${served.port}`,
      origin: `http://evil.example:${served.port}`,
    };
    expect((await served.ask("/api/app.info", { ...call, headers })).status).toBe(421);
    expect((await served.ask("/", { headers: { host: `evil.example:${served.port}` } })).status).toBe(421);
    expect(
      (await served.ask(`/?token=${served.token}`, { headers: { host: `evil.example:${served.port}` } })).status,
    ).toBe(421);
  });

  it("every answer carries the headers that keep strangers out", async () => {
    for (const target of ["/", "/nothing", `/?token=${served.token}`, "/api/app.info"]) {
      const { headers } = await served.ask(target);
      expect(headers["content-security-policy"], target).toContain("default-src 'none'");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["cross-origin-resource-policy"]).toBe("same-origin");
      expect(headers["x-frame-options"]).toBe("DENY");
      expect(headers["referrer-policy"]).toBe("no-referrer");
    }
  });

  it("a path leads nowhere but to the window's own files", async () => {
    for (const target of [
      "/../package.json",
      "/..%2fpackage.json",
      "/%2e%2e/package.json",
      "/assets/../../cli/main.js",
      "//etc/passwd",
      "/%00",
      "/package.json",
    ]) {
      const answer = await client.picture(target.slice(1));
      expect(answer.status, target).toBe(404);
    }
    for (const target of [
      "images/../../run.json",
      `images/${card.run}/${card.version}/0/full/../../x`,
      `images/${card.run}/${card.version}/-1/64`,
      `images/${card.run}/${card.version}/0/63`,
    ]) {
      expect((await client.picture(target)).status, target).toBe(404);
    }
  });

  it("no more than 16 MiB, and nothing that is no call", async () => {
    const ask = (headers: Record<string, string>, body: Uint8Array | string) =>
      served.ask("/api/app.info", { method: "POST", headers: { ...client.headers, ...headers }, body });
    expect((await ask({}, new Uint8Array(17 * 2 ** 20))).status).toBe(413);
    expect((await ask({ "transfer-encoding": "chunked" }, new Uint8Array(17 * 2 ** 20))).status).toBe(413);
    expect((await ask({ "content-type": "text/plain" }, "{}")).status).toBe(400);
    expect((await ask({ "content-type": "application/json" }, "{")).status).toBe(400);
    expect((await ask({}, "no frame")).status).toBe(400);
    for (const method of ["GET", "HEAD", "PUT", "OPTIONS"]) {
      const headers = { ...client.headers, "content-type": "application/json" };
      expect((await served.ask("/api/app.info", { method, headers })).status, method).toBe(405);
    }
    await expect(client.call("nothing.here" as "app.info", {})).rejects.toMatchObject({
      code: "request/unknown-channel",
    });
  });
});

function refusedSocket(headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${served.port}/events`, { headers });
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
    socket.on("open", () => resolve(undefined));
    socket.on("error", () => {});
  });
}

describe("what a run is", () => {
  it("says what it holds, in numbers that are the run's own", async () => {
    const paths = (await readColumn(run, "features", "path")) as string[];
    expect(card).toMatchObject({ path: run, state: "done", setAside: 1, preset: "fast", images: paths.length + 1 });
    expect(card.mosaic).toHaveLength(8);
    expect(overview).toMatchObject({ rows: paths.length, root: photos, problems: [] });
    expect(overview.labels.reduce((sum, { rows }) => sum + rows, 0)).toBe(paths.length);
    expect(overview.pca?.explainedVariance).toHaveLength(overview.pca?.components as number);
    const { rows } = await client.call("run.rows", { run: card.run, rows: Uint32Array.of(5, 0) });
    expect(rows.map((entry) => entry.path)).toEqual([paths[5], paths[0]]);
  });

  it("gives the scores of any two or three components as they stand on disk", async () => {
    const scores = (await readColumn(run, "pca", "pca")) as number[];
    const k = overview.pca?.components as number;
    const { axes, ranges, labels } = await client.call("run.coordinates", { run: card.run, components: [2, 0, 1] });
    for (const [position, component] of [2, 0, 1].entries()) {
      const expected = Array.from({ length: overview.rows }, (_, row) => scores[row * k + component]);
      expect(Array.from(axes[position] as Float32Array)).toEqual(expected);
      expect(ranges[position]).toEqual([Math.min(...(expected as number[])), Math.max(...(expected as number[]))]);
    }
    const names = await readColumn(run, "features", "label");
    expect(Array.from(labels, (id) => overview.labels[id]?.name)).toEqual(names);
    await expect(client.call("run.coordinates", { run: card.run, components: [k] })).rejects.toMatchObject({
      status: 400,
    });
  });

  it("gives a column of every kind", async () => {
    const { columns } = await client.call("run.columns", {
      run: card.run,
      names: ["size", "modified", "captured", "width", "height"],
    });
    const row = await rowOf("large.jpg");
    const image = await client.call("run.image", { run: card.run, row });
    expect(image).toMatchObject({ width: 4_000, height: 3_000, format: "jpeg", label: "Phone", problem: null });
    expect([columns.width?.[row], columns.height?.[row], columns.size?.[row]]).toEqual([4_000, 3_000, image.bytes]);
    // One photo says when it was taken; the others have the dates of their files.
    expect(overview.columns).toEqual(["width", "height", "size", "captured", "modified", "outlier"]);
    expect(image).toMatchObject({ capturedAt: Date.UTC(2026, 4, 1, 10, 20, 30), capturedOffset: -210 });
    expect(columns.captured?.[row]).toBe(image.capturedAt);
    expect(columns.captured?.filter((time) => !Number.isNaN(time))).toHaveLength(1);
    expect(await client.call("run.image", { run: card.run, row: row === 0 ? 1 : 0 })).toMatchObject({
      capturedAt: null,
      capturedOffset: null,
    });
    // Microseconds in the manifest, milliseconds from Node's stat, which rounds.
    expect(Math.abs((columns.modified?.[row] as number) - Date.parse(image.modifiedAt as string))).toBeLessThan(1);
  });

  it("gives neighbours, outliers and ends that agree with each other", async () => {
    const near = await client.call("run.neighbours", { run: card.run, row: 3, k: 5 });
    expect(near.rows).toHaveLength(5);
    expect(near.compared).toBe(overview.rows - 1);
    expect(near.rows).not.toContain(3);
    const { scores } = await client.call("run.outliers", { run: card.run });
    expect(scores).toHaveLength(overview.rows);
    const { axes } = await client.call("run.coordinates", { run: card.run, components: [1] });
    const ends = await client.call("run.ends", { run: card.run, component: 1, count: 4 });
    const sorted = Float32Array.from(axes[0] as Float32Array).sort();
    expect(Array.from(ends.lowScores)).toEqual(Array.from(sorted.slice(0, 4)));
    expect(ends.highScores[0]).toBe(sorted.at(-1));
    const { loadings } = await client.call("run.loadings", { run: card.run, components: [0] });
    expect(Math.hypot(...(loadings[0] as Float32Array))).toBeCloseTo(1, 4);
  });

  it("lists what was set aside with its reason", async () => {
    const { total, reasons, items } = await client.call("run.setAside", { run: card.run, offset: 0, limit: 10 });
    expect(total).toBe(1);
    expect(reasons).toEqual([{ stage: items[0]?.stage, code: "image/unknown-format", images: 1 }]);
    expect(items[0]?.path).toBe("Phone/broken.jpg");
    expect((await client.call("run.setAside", { run: card.run, offset: 1, limit: 10 })).items).toEqual([]);
  });
});

describe("pictures", () => {
  it("of small photos are the photos; of large ones, small JPEG that keep their shape", async () => {
    const small = await client.picture(imagePath(card.run, card.version, 0, 256));
    const { path: name } = (await client.call("run.rows", { run: card.run, rows: Uint32Array.of(0) })).rows[0] as {
      path: string;
    };
    expect(small.body.equals(readFileSync(path.join(photos, name)))).toBe(true);
    const row = await rowOf("large.jpg");
    const thumbnail = await client.picture(imagePath(card.run, card.version, row, 256));
    expect(thumbnail.headers["content-type"]).toBe("image/jpeg");
    expect(await probeImage(thumbnail.body)).toMatchObject({ ok: true, width: 256, height: 192 });
    const again = await client.picture(imagePath(card.run, card.version, row, 256));
    expect(again.body.equals(thumbnail.body)).toBe(true);
    const full = await client.picture(imagePath(card.run, card.version, row, "full"));
    expect(full.body.equals(readFileSync(path.join(photos, "Phone/large.jpg")))).toBe(true);
  });

  it("may be kept by the browser as long as the run is what it is", async () => {
    const address = imagePath(card.run, card.version, 1, 128);
    const { headers } = await client.picture(address);
    expect(headers["cache-control"]).toContain("immutable");
    expect((await client.picture(address, { "if-none-match": headers.etag as string })).status).toBe(304);
    expect((await client.picture(imagePath(card.run, "abcdef", 1, 128))).status).toBe(409);
  });

  it("never show a file outside of the run's sources", async () => {
    const row = 2;
    const { path: name } = (await client.call("run.rows", { run: card.run, rows: Uint32Array.of(row) })).rows[0] as {
      path: string;
    };
    const file = path.join(photos, name);
    const secret = path.join(work.folder, "secret.jpg");
    writeFileSync(secret, readFileSync(file));
    renameSync(file, `${file}.away`);
    try {
      const address = imagePath(card.run, card.version, row, "full");
      const gone = await client.picture(address);
      expect([gone.status, JSON.parse(gone.body.toString()).error.code]).toEqual([404, "photo/missing"]);
      expect((await client.call("run.image", { run: card.run, row })).problem?.code).toBe("photo/missing");
      symlinkSync(secret, file);
      const outside = await client.picture(address);
      expect([outside.status, JSON.parse(outside.body.toString()).error.code]).toEqual([404, "photo/outside"]);
      rmSync(file);
      writeFileSync(file, "text, whatever its name says");
      expect((await client.picture(address)).status).toBe(422);
    } finally {
      rmSync(file, { force: true });
      renameSync(`${file}.away`, file);
    }
  });
});

describe("labels", () => {
  it("are corrected, told to other tabs, undone and redone", async () => {
    const other = await served.visit();
    const rows = Uint32Array.of(0, 1, 2);
    const before = await client.call("run.labels", { run: card.run });
    const edited = await client.call("labels.edit", { run: card.run, rows, label: "Quince" });
    expect(edited.edits).toEqual({ rows: 3, canUndo: true, canRedo: false });
    const quince = edited.labels.findIndex(({ name }) => name === "Quince");
    expect(Array.from(edited.ids.slice(0, 4))).toEqual([quince, quince, quince, before.ids[3]]);
    // Ids that clients hold stay what they were.
    expect(edited.labels.slice(0, before.labels.length).map(({ name }) => name)).toEqual(
      before.labels.map(({ name }) => name),
    );
    await other.until(() =>
      other.events.some((event) => event.type === "run.changed" && event.revision === edited.revision),
    );
    expect((await other.call("run.search", { run: card.run, text: "quince" })).rows).toEqual(rows);

    const undone = await other.call("labels.undo", { run: card.run });
    expect(undone.ids).toEqual(before.ids);
    await expect(client.call("labels.undo", { run: card.run })).rejects.toMatchObject({
      code: "labels/nothing-to-undo",
    });
    const redone = await client.call("labels.redo", { run: card.run });
    expect(redone.ids).toEqual(edited.ids);
    const none = await client.call("labels.edit", { run: card.run, rows: Uint32Array.of(0), label: null });
    expect(none.labels[none.ids[0] as number]?.name).toBeNull();
    expect(existsSync(path.join(run, "labels.jsonl"))).toBe(true);
    await expect(
      client.call("labels.edit", { run: card.run, rows: Uint32Array.of(overview.rows), label: "x" }),
    ).rejects.toMatchObject({ code: "request/invalid" });
    other.close();
  });

  it("have revisions that go on when the run was dropped from memory, or windows would miss a change", async () => {
    const label = "Pe\u0302che";
    const first = await client.call("labels.edit", { run: card.run, rows: Uint32Array.of(5), label });
    // Composed, as the labels of sources are.
    expect(first.labels[first.ids[5] as number]?.name).toBe("P\u00eache");
    const others = await Promise.all(
      ["one", "two", "three"].map(async (name) => {
        const copy = path.join(work.folder, `others-${name}`);
        cpSync(run, copy, { recursive: true });
        return client.call("runs.open", { path: copy });
      }),
    );
    for (const other of others) await client.call("run.overview", { run: other.run });
    const undone = await client.call("labels.undo", { run: card.run });
    expect(undone.revision).toBeGreaterThan(first.revision);
    for (const other of others) await client.call("runs.forget", { run: other.run });
  });

  it("are not given to other photos when the run was made anew under the window, which is told of it", async () => {
    const copy = path.join(work.folder, "renewed");
    cpSync(run, copy, { recursive: true });
    const { run: id, version } = await client.call("runs.open", { path: copy });
    await client.call("run.overview", { run: id });
    writeFileSync(path.join(copy, "run.json"), `${readFileSync(path.join(copy, "run.json"), "utf8")}\n`);
    const rows = Uint32Array.of(0);
    const refused = { code: "run/changed" };
    await expect(client.call("labels.edit", { run: id, version, rows, label: "Quince" })).rejects.toMatchObject(
      refused,
    );
    await expect(
      client.call("selection.export", { run: id, version, rows, format: "csv", coordinates: false, features: false }),
    ).rejects.toMatchObject(refused);
    const { card: now } = await client.call("run.overview", { run: id });
    await client.until(() =>
      client.events.some((event) => event.type === "run.changed" && event.run === id && event.what === "content"),
    );
    const edited = await client.call("labels.edit", { run: id, version: now.version, rows, label: "Quince" });
    expect(edited.edits.rows).toBeGreaterThan(0);
    await client.call("runs.forget", { run: id });
  });

  it("stand in every export, beside those of the run", async () => {
    const rows = Uint32Array.of(2, 0);
    const { bytes } = await client.call("selection.export", { run: card.run, rows, format: "csv", coordinates: false });
    const lines = new TextDecoder()
      .decode(bytes as Uint8Array)
      .trimEnd()
      .split("\n");
    const names = (await client.call("run.rows", { run: card.run, rows })).rows.map((entry) => entry.path);
    expect(lines[0]).toBe("path,label,label_original,width,height,size,modified,captured_at");
    expect(lines[1]?.startsWith(`${names[0]},Quince,`)).toBe(true);
    expect(lines[2]?.startsWith(`${names[1]},,`)).toBe(true);
    expect(lines).toHaveLength(3);

    const parquet = path.join(work.folder, "selection.parquet");
    await client.call("selection.export", { run: card.run, rows, format: "parquet", to: parquet });
    const file = await openParquet(parquet);
    const group = await file.readRowGroup(0, ["path", "label", "pca"]);
    await file.close();
    expect(group.path).toEqual(names);
    expect(group.label).toEqual(["Quince", null]);
    const { axes } = await client.call("run.coordinates", { run: card.run, components: [0] });
    const k = overview.pca?.components as number;
    expect([group.pca?.[0], group.pca?.[k]]).toEqual([axes[0]?.[2], axes[0]?.[0]]);
    await expect(
      client.call("selection.export", { run: card.run, rows, format: "csv", to: parquet }),
    ).rejects.toMatchObject({ code: "export/exists" });

    const copies = path.join(work.folder, "copies");
    const answer = await client.call("selection.export", { run: card.run, rows, format: "copies", to: copies });
    expect(answer).toMatchObject({ rows: 2, missing: [] });
    expect(imagesBelow(copies)).toEqual(
      [`Quince/${path.basename(names[0] as string)}`, `no label/${path.basename(names[1] as string)}`].sort(),
    );
    await expect(
      client.call("selection.export", { run: card.run, rows, format: "copies", to: copies }),
    ).rejects.toMatchObject({ code: "export/exists" });

    const links = path.join(work.folder, "links");
    await client.call("selection.export", { run: card.run, rows, format: "links", to: links });
    expect(imagesBelow(links)).toEqual(imagesBelow(copies));
    const link = path.join(links, "Quince", path.basename(names[0] as string));
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(link)).toEqual(readFileSync(path.join(copies, "Quince", path.basename(names[0] as string))));
  });

  it("come with feature vectors and coordinates as asked, the same in CSV and Parquet", async () => {
    const rows = Uint32Array.of(5, 1, 3);
    const request = { run: card.run, rows, coordinates: true, features: true } as const;
    const csv = path.join(work.folder, "all.csv");
    await client.call("selection.export", { ...request, format: "csv", to: csv, export: "mine" });
    const told = () => client.events.flatMap((event) => (event.type === "export" ? [event] : []));
    await client.until(() => told().length > 0);
    expect(told()).toEqual([{ type: "export", export: "mine", done: rows.length }]);
    const parquet = path.join(work.folder, "all.parquet");
    await client.call("selection.export", { ...request, format: "parquet", to: parquet });
    const file = await openParquet(parquet);
    const group = await file.readRowGroup(0, ["path", "pca", "features"]);
    await file.close();
    const [head = [], ...lines] = readFileSync(csv, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => line.split(","));
    const numbers = (first: string, count: number) => {
      const at = head.indexOf(first);
      return Float32Array.from(lines.flatMap((line) => line.slice(at, at + count).map(Number)));
    };
    expect(lines.map((line) => line[0])).toEqual(group.path);
    expect(numbers("pca1", overview.pca?.components as number)).toEqual(group.pca);
    expect(numbers("f1", 1_280)).toEqual(group.features);
    // What another program wrote is compared: the run's own features, in its own order.
    const own = await openParquet(path.join(card.path, "features", "part-00000.parquet"));
    const { features } = await own.readRowGroup(0, ["features"]);
    await own.close();
    expect((group.features as Float32Array).slice(0, 1_280)).toEqual(
      (features as Float32Array).slice(5 * 1_280, 6 * 1_280),
    );
  });

  it("leave nothing behind when they fail, and say what to do", async () => {
    const nowhere = path.join(work.folder, "not there", "x.csv");
    await expect(
      client.call("selection.export", { run: card.run, rows: Uint32Array.of(0), format: "csv", to: nowhere }),
    ).rejects.toMatchObject({ code: "export/no-folder" });
    const folder = path.join(work.folder, "given up");
    mkdirSync(folder);
    const stop = new AbortController();
    const data = await RunData.open(card.path);
    const rows = Uint32Array.from({ length: data.rows }, (_, row) => row);
    const options = { features: true, signal: stop.signal, onProgress: () => stop.abort() };
    await expect(writeSelectionCsv(data, rows, path.join(folder, "all.csv"), options)).rejects.toMatchObject({
      code: "cancelled",
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("runs", () => {
  it("are known by folder, forgotten, and moved to the trash", async () => {
    const copy = path.join(work.folder, "second");
    await cliJson([
      "run",
      path.join(photos, readdirSync(photos).sort()[0] as string),
      "--out",
      copy,
      "--preset",
      "fast",
    ]);
    const opened = await client.call("runs.open", { path: copy });
    expect((await client.call("runs.recent", {})).runs.map((entry) => entry.run)).toEqual([opened.run, card.run]);
    await client.call("runs.forget", { run: opened.run });
    await expect(client.call("run.overview", { run: opened.run })).rejects.toMatchObject({
      code: "run/unknown",
      status: 404,
    });
    expect(existsSync(path.join(copy, "run.json"))).toBe(true);
    if (process.platform !== "linux") return;
    await client.call("runs.open", { path: copy });
    await client.call("runs.trash", { run: opened.run });
    expect(existsSync(copy)).toBe(false);
    expect(existsSync(path.join(home, "data/Trash/files/second/run.json"))).toBe(true);
    expect(readFileSync(path.join(home, "data/Trash/info/second.trashinfo"), "utf8")).toContain(`Path=${copy}\n`);
    expect((await client.call("runs.recent", {})).runs.map((entry) => entry.run)).toEqual([card.run]);
  });

  it("of features alone show the photos of the run these come from, or say that they know of none", async () => {
    const second = path.join(work.folder, "second-pca");
    await cliJson(["pca", path.join(run, "features"), "--out", second, "--components", "3"]);
    const { run: id, version, mosaic } = await client.call("runs.open", { path: second });
    const pca = await client.call("run.overview", { run: id });
    expect(pca).toMatchObject({ root: photos, rows: overview.rows, problems: [], pca: { components: 3 } });
    expect(mosaic).toHaveLength(8);
    expect((await client.picture(imagePath(id, version, 0, 128))).status).toBe(200);
    const near = await client.call("run.neighbours", { run: id, row: 3, k: 5 });
    expect(near).toEqual(await client.call("run.neighbours", { run: card.run, row: 3, k: 5 }));

    const spark = path.join(work.folder, "spark-pca");
    const given = path.join(import.meta.dirname, "data/spark/array-parts");
    await cliJson(["pca", given, "--out", spark, "--components", "2"]);
    const other = await client.call("runs.open", { path: spark });
    expect(other.mosaic).toEqual([]);
    expect((await client.call("run.overview", { run: other.run })).root).toBeNull();
    expect((await client.call("run.image", { run: other.run, row: 0 })).problem?.code).toBe("photo/missing");
    const picture = await client.picture(imagePath(other.run, other.version, 0, 128));
    expect(picture.status).toBe(404);
    for (const known of [id, other.run]) await client.call("runs.forget", { run: known });
  });

  it("that are not finished are shown as far as they are", async () => {
    const half = path.join(work.folder, "half");
    cpSync(run, half, { recursive: true });
    rmSync(path.join(half, "pca"), { recursive: true });
    const file = JSON.parse(readFileSync(path.join(half, "run.json"), "utf8"));
    writeFileSync(path.join(half, "run.json"), JSON.stringify({ ...file, state: "interrupted", pca: null }));
    const { run: id } = await client.call("runs.open", { path: half });
    const unfinished = await client.call("run.overview", { run: id });
    expect(unfinished).toMatchObject({ rows: overview.rows, pca: null, card: { state: "interrupted" } });
    expect(unfinished.problems.map(({ code }) => code)).toEqual(["run/incomplete"]);
    await expect(client.call("run.coordinates", { run: id, components: [0] })).rejects.toMatchObject({
      code: "run/no-pca",
    });
    await expect(client.call("run.outliers", { run: id })).rejects.toMatchObject({ code: "run/no-pca" });
    // The PCA of another state of the run must not be drawn over these rows.
    cpSync(path.join(run, "pca"), path.join(half, "pca"), { recursive: true });
    rmSync(path.join(half, "features"), { recursive: true });
    mkdirSync(path.join(half, "features"));
    writeFileSync(path.join(half, "run.json"), JSON.stringify({ ...file, state: "running" }));
    const empty = await client.call("run.overview", { run: id });
    expect(empty).toMatchObject({ rows: 0, pca: null });
    expect(empty.problems.map(({ code }) => code)).toEqual(["run/incomplete", "run/no-pca"]);
    expect((await client.call("run.search", { run: id, text: "a" })).rows).toHaveLength(0);
    await client.call("runs.forget", { run: id });
  });

  it("that are newer, damaged or none are said to be so", async () => {
    const folder = path.join(work.folder, "strange");
    mkdirSync(folder);
    await expect(client.call("runs.open", { path: folder })).rejects.toMatchObject({ code: "run/not-a-run" });
    writeFileSync(path.join(folder, "run.json"), JSON.stringify({ schemaVersion: 99 }));
    await expect(client.call("runs.open", { path: folder })).rejects.toMatchObject({ code: "run/newer" });
    writeFileSync(path.join(folder, "run.json"), "{}");
    await expect(client.call("runs.open", { path: folder })).rejects.toMatchObject({ code: "run/corrupt" });
    const listing = await client.call("files.browse", { path: work.folder });
    expect(listing.entries.find(({ name }) => name === "run")?.kind).toBe("run");
    expect(listing.entries.find(({ name }) => name === "photos")?.kind).toBe("folder");
    await expect(client.call("files.browse", { path: "/nowhere" })).rejects.toMatchObject({
      code: "files/not-readable",
    });
  });

  it("are opened to other machines only by a word that says so", async () => {
    const refused = await cliFailure(["serve", "--host", "0.0.0.0"]);
    expect(refused.code).toBe("server/remote");
    expect((await cliFailure(["serve", "--port", String(served.port)])).code).toBe("server/port");
  });
});

it("settings are kept and told to every tab", async () => {
  expect((await client.call("settings.get", {})).theme).toBe("system");
  const other = await served.visit();
  await client.call("settings.set", { theme: "dark" });
  await other.until(() => other.events.some((event) => event.type === "settings" && event.settings.theme === "dark"));
  other.close();
  const frame = encodeFrame({ language: "fr" });
  const answer = await served.ask("/api/settings.set", {
    method: "POST",
    headers: { authorization: `Bearer ${served.token}`, "content-type": FRAME_TYPE },
    body: frame,
  });
  expect(answer.status).toBe(200);
  expect(JSON.parse(readFileSync(path.join(home, "window/settings.json"), "utf8"))).toMatchObject({
    theme: "dark",
    language: "fr",
  });
});
