import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { GetObjectCommand, ListMultipartUploadsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { type S3Server, startVersity } from "../support/s3-servers.js";

const MIB = 1024 * 1024;
const PART = 5 * MIB;
const PARTS_IN_FLIGHT = 3;
const SIZE = 60 * MIB + 12_345;
const KILLS = 6;
/** Few enough that no attempt can end before all have been killed. */
const MOST_BETWEEN_KILLS = 8 * MIB;

describe("one large transfer, killed at random moments", () => {
  let server: S3Server;
  let proxy: RecordingProxy;
  let folder: string;
  let built: string;
  let program: string;

  beforeAll(async () => {
    server = await startVersity();
    await server.createBucket("photos");
    proxy = await startRecordingProxy(server.endpoint);
    folder = mkdtempSync(path.join(tmpdir(), "verger-s3-kill-"));
    // In the checkout, above which the addon is looked for.
    const cache = path.join(import.meta.dirname, "../../.cache");
    mkdirSync(cache, { recursive: true });
    built = mkdtempSync(path.join(cache, "s3-kill-"));
    program = path.join(built, "transfer.mjs");
    await build({
      entryPoints: [path.join(import.meta.dirname, "../support/s3-transfer.ts")],
      outfile: program,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20.19",
      mainFields: ["module", "main"],
      banner: {
        js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
      },
      logLevel: "error",
    });
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
    for (const made of [folder, built]) rmSync(made, { recursive: true, force: true });
  });

  /**
   * @param killed asked all the time; the process is killed when it says so
   * @returns false when it was killed
   */
  async function attempt(args: readonly string[], killed: () => boolean): Promise<boolean> {
    const child = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env.PATH, ...server.env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += String(chunk);
    });
    const timer = setInterval(() => {
      if (killed()) child.kill("SIGKILL");
    }, 2);
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.once("close", (...end) => resolve(end)),
    );
    clearInterval(timer);
    if (signal === "SIGKILL") return false;
    if (code !== 0) throw new Error(`Expected the transfer to end well, but it ended with ${code}: ${said}`);
    return true;
  }

  /** Kills each attempt when it has moved a random number of bytes, then lets one end. @returns how many were killed */
  async function killAndFinish(args: readonly string[], moved: () => number): Promise<number> {
    for (let kills = 0; ; kills += 1) {
      const limit = moved() + Math.random() * MOST_BETWEEN_KILLS;
      if (await attempt(args, () => kills < KILLS && moved() > limit)) return kills;
      // What the dead process had asked for passes through the proxy before the next begins.
      await pause(50);
    }
  }

  const bound = (kills: number) => SIZE + kills * PARTS_IN_FLIGHT * PART;

  it("download: continues, and fetches at most the ranges in flight again", async () => {
    const bytes = randomBytes(SIZE);
    await server.client.send(
      new PutObjectCommand({ Bucket: "photos", Key: "down", Body: bytes, ChecksumAlgorithm: "CRC32" }),
    );
    const listed = await server.client.send(new GetObjectCommand({ Bucket: "photos", Key: "down" }));
    const object = {
      key: "down",
      size: SIZE,
      etag: listed.ETag?.replaceAll('"', ""),
      modifiedMs: listed.LastModified?.getTime(),
    };
    (listed.Body as { destroy?: () => void } | undefined)?.destroy?.();
    const target = path.join(folder, "target");
    proxy.clear();
    const received = () =>
      proxy.calls.filter((call) => call.method === "GET").reduce((sum, call) => sum + call.received, 0);
    const file = path.join(target, "down.bin");
    mkdirSync(target);
    const kills = await killAndFinish(["download", proxy.endpoint, file, folder, JSON.stringify(object)], received);
    expect(kills).toBe(KILLS);
    expect(Buffer.compare(readFileSync(file), bytes)).toBe(0);
    expect(readdirSync(target)).toEqual(["down.bin"]);
    expect(received()).toBeLessThanOrEqual(bound(kills));
  });

  it("upload: continues, and sends at most the parts in flight again", async () => {
    const bytes = randomBytes(SIZE);
    const file = path.join(folder, "up.bin");
    writeFileSync(file, bytes);
    const state = path.join(folder, "state");
    proxy.clear();
    const sent = () => proxy.calls.filter((call) => call.method === "PUT").reduce((sum, call) => sum + call.sent, 0);
    const kills = await killAndFinish(["upload", proxy.endpoint, file, state, JSON.stringify({ key: "up" })], sent);
    expect(kills).toBe(KILLS);
    const { Body } = await server.client.send(new GetObjectCommand({ Bucket: "photos", Key: "up" }));
    expect(Buffer.compare(Buffer.from((await Body?.transformToByteArray()) ?? []), bytes)).toBe(0);
    const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket: "photos" }));
    expect(Uploads).toEqual([]);
    expect(readdirSync(state)).toEqual([]);
    expect(sent()).toBeLessThanOrEqual(bound(kills));
  });
});
