import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type PullOptions, pullModel, resolveModel } from "../../src-main/models/index.js";
import type { DownloadEntry } from "../../src-main/models/schema.js";
import { bytesOf, tinyClassifier } from "../support/models-graphs.js";

// Large enough to travel in many pieces.
const content = (() => {
  const model = tinyClassifier();
  model.docString = "padding ".repeat(100_000);
  return bytesOf(model);
})();
const half = Math.floor(content.length / 2);

let folder: string;
let server: Server;
let requests: (string | undefined)[];
let answer: RequestListener;
let options: PullOptions;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-pull-"));
  vi.stubEnv("VERGER_HOME", folder);
  requests = [];
  answer = serve;
  server = createServer((request, response) => {
    requests.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tiny.onnx`;
  const entry: DownloadEntry = {
    name: "tiny",
    description: "",
    url,
    sha256: createHash("sha256").update(content).digest("hex"),
    bytes: content.length,
    cut: "before-classifier",
    input: {
      layout: "nchw",
      channels: "rgb",
      size: 16,
      mean: [1, 2, 3],
      std: [4, 5, 6],
      filter: "bilinear",
      fit: "stretch",
    },
    licence: "Apache-2.0",
    source: "test",
  };
  options = { entry };
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** Answers as a good server does, ranges included. */
const serve: RequestListener = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200, {
    "content-length": content.length - start,
    ...(start > 0 ? { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
  });
  response.end(content.subarray(start));
};

/** Sends the first half of what is asked for, then cuts the connection. */
const cutHalfway: RequestListener = (_, response) => {
  response.writeHead(200, { "content-length": content.length });
  response.write(content.subarray(0, half), () => response.destroy());
};

const partial = () => path.join(folder, "models", "tiny.download");
const installed = () => existsSync(path.join(folder, "models", "tiny.json"));

describe("pullModel", () => {
  it("fetches, checks, exposes the features and registers", async () => {
    const seen: number[] = [];
    const pulled = await pullModel("tiny", { ...options, onProgress: ({ received }) => seen.push(received) });
    expect(pulled.entry).toMatchObject({
      name: "tiny",
      output: { name: "vector", dimension: 4 },
      licence: "Apache-2.0",
    });
    expect(await resolveModel({ model: "tiny" })).toMatchObject({
      dimension: 4,
      width: 16,
      mean: [1, 2, 3],
      std: [4, 5, 6],
      filter: "bilinear",
    });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(content.length);
    expect(readdirSync(path.join(folder, "models")).sort()).toEqual(["tiny.json", "tiny.onnx"]);
    await expect(pullModel("tiny", options)).rejects.toMatchObject({ code: "model/exists" });
    expect(requests).toHaveLength(1);
  });

  it("goes on where a broken connection left off", async () => {
    answer = (request, response) => (requests.length === 1 ? cutHalfway : serve)(request, response);
    await pullModel("tiny", options);
    expect(requests).toHaveLength(2);
    expect(requests[0]).toBeUndefined();
    const from = Number(/^bytes=(\d+)-$/.exec(requests[1] ?? "")?.[1]);
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(half);
    expect(installed()).toBe(true);
  });

  it("continues in a later call, keeping what had come", async () => {
    answer = (request, response) =>
      requests.length === 1 ? cutHalfway(request, response) : response.writeHead(503).end("later");
    await expect(pullModel("tiny", options)).rejects.toMatchObject({ code: "model/download" });
    const kept = statSync(partial()).size;
    expect(kept).toBeGreaterThan(0);
    expect(readFileSync(partial())).toEqual(Buffer.from(content.subarray(0, kept)));
    expect(installed()).toBe(false);
    answer = serve;
    requests = [];
    await pullModel("tiny", options);
    expect(requests).toEqual([`bytes=${kept}-`]);
  });

  it("starts anew with a server that knows no ranges", async () => {
    answer = (request, response) => {
      if (requests.length === 1) return cutHalfway(request, response);
      response.writeHead(200).end(content);
    };
    await pullModel("tiny", options);
    expect(installed()).toBe(true);
  });

  it("starts anew once when what it continued was another file's beginning", async () => {
    mkdirSync(path.dirname(partial()), { recursive: true });
    writeFileSync(partial(), Buffer.alloc(1000, 1));
    await pullModel("tiny", options);
    expect(requests).toEqual(["bytes=1000-", undefined]);
    expect(installed()).toBe(true);
  });

  it("refuses other content, by hash, and installs nothing", async () => {
    const other = Buffer.from(content);
    other[100] = (other[100] ?? 0) ^ 1;
    answer = (_, response) => response.writeHead(200, { "content-length": other.length }).end(other);
    await expect(pullModel("tiny", options)).rejects.toMatchObject({
      code: "model/hash",
      message: expect.stringContaining(options.entry?.sha256 ?? "?"),
    });
    expect(requests).toHaveLength(1);
    expect(installed()).toBe(false);
    expect(existsSync(partial())).toBe(false);
  });

  it("refuses more than was promised without filling the disk", async () => {
    answer = (_, response) => {
      response.on("error", () => {});
      response.writeHead(200).end(Buffer.concat([content, content]));
    };
    await expect(pullModel("tiny", options)).rejects.toMatchObject({ code: "model/hash" });
    expect(existsSync(partial())).toBe(false);
  });

  it("reports a body that always ends early, saying how to go on", async () => {
    answer = (_, response) => {
      response.writeHead(200);
      response.end(content.subarray(0, half));
    };
    await expect(pullModel("tiny", options)).rejects.toMatchObject({
      code: "model/download",
      message: expect.stringMatching(/verger models pull tiny/),
    });
    expect(installed()).toBe(false);
  });

  it("gives up on a server that falls silent", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 10_000));
    };
    await expect(pullModel("tiny", { ...options, stallTimeout: 300 })).rejects.toMatchObject({
      code: "model/download",
      message: expect.stringContaining("nothing came"),
    });
  });

  it("says offline when nobody answers, and that the rest works without", async () => {
    // A port that has just been free.
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(pullModel("tiny", { ...options, url: `http://127.0.0.1:${port}/x` })).rejects.toMatchObject({
      code: "model/offline",
      message: expect.stringMatching(/ECONNREFUSED.*embedded models work offline/),
    });
  });

  it.each([404, 403, 500])("reports status %i", async (status) => {
    answer = (_, response) => response.writeHead(status).end();
    await expect(pullModel("tiny", options)).rejects.toMatchObject({ code: "model/download", details: { status } });
    expect(requests).toHaveLength(1);
  });

  it("stops when cancelled, keeping what has come", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, half));
    };
    const abort = new AbortController();
    const onProgress = () => abort.abort();
    await expect(pullModel("tiny", { ...options, signal: abort.signal, onProgress })).rejects.toMatchObject({
      code: "cancelled",
    });
    expect(statSync(partial()).size).toBeGreaterThan(0);
    expect(installed()).toBe(false);
  });

  it("knows what can be pulled", async () => {
    await expect(pullModel("mobilnet")).rejects.toMatchObject({
      code: "model/unknown",
      message: expect.stringContaining("mobilenetv2"),
    });
  });
});
