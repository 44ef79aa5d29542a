import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SyncSummary } from "../../src-main/api/contract.js";
import { isTransferTemporary } from "../../src-main/storage/temporary.js";
import { type Call, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { CliProcess, cliJson } from "../support/run-cli.js";
import { workFolder } from "../support/run-photos.js";
import { type S3Server, startVersity } from "../support/s3-servers.js";
import { noise, openMultiparts, readFolder, writeFiles } from "../support/sync.js";

/**
 * SIGKILL at random moments of a sync of files of many sizes, again and again until the moments are used up, in each
 * direction. VERGER_SYNC_KILL=full takes the size that docs/development.md states.
 */
const FULL = process.env.VERGER_SYNC_KILL === "full";
const MIB = 1024 * 1024;
const FILES = 200;
const BYTES = FULL ? 2048 * MIB : 60 * MIB;
const KILLS = FULL ? 50 : 8;
/** Of uploads: the least that S3 takes. Of downloads: so small that most files have several. */
const PART = 5 * MIB;
const RANGE = FULL ? 5 * MIB : MIB / 4;
const CONCURRENCY = 4;
/** Of the bytes: in a few files of several parts, in files of one part, in photos. */
const LARGE = { files: FULL ? 12 : 3, share: 0.7 };
const MEDIUM = { files: 20, share: 0.25 };

const { folder, dispose } = workFolder("sync-kill");
const source = path.join(folder, "source");
const target = path.join(folder, "target");
const BUCKET = "orchard-kill";
let server: S3Server;
let proxy: RecordingProxy;
let expected: ReturnType<typeof readFolder>;

/** Some 200 files; the last byte of a size differs from file to file, so that none ends on a border of parts. */
function drawFiles(): void {
  const block = noise(8 * MIB, 1);
  for (let index = 0; index < FILES; index += 1) {
    const kind = index < LARGE.files ? LARGE : index < LARGE.files + MEDIUM.files ? MEDIUM : undefined;
    const rest = BYTES * (1 - LARGE.share - MEDIUM.share);
    const size = Math.round(
      (kind ? (BYTES * kind.share) / kind.files : rest / (FILES - LARGE.files - MEDIUM.files)) + index,
    );
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; at += block.length) block.copy(bytes, at);
    bytes.writeUInt32LE(index, 0);
    bytes.writeUInt32LE(index, size - 4);
    writeFiles(source, { [`${index % 10}/${kind ? "large" : "small"} ${index}.bin`]: bytes });
  }
}

beforeAll(async () => {
  server = await startVersity();
  proxy = await startRecordingProxy(server.endpoint);
  await server.createBucket(BUCKET);
  drawFiles();
  expected = readFolder(source);
  expect(Object.keys(expected)).toHaveLength(FILES);
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
  dispose();
});

const env = (home: string): Record<string, string> => ({
  ...server.env,
  AWS_ENDPOINT_URL_S3: proxy.endpoint,
  VERGER_HOME: path.join(folder, home),
});

interface Outcome {
  readonly kills: number;
  readonly moments: readonly string[];
  readonly summary: SyncSummary;
}

/** Kills the command at moments spread over the time it takes, then lets it end. */
async function killed(args: readonly string[], home: string, moved: () => number, check: () => void): Promise<Outcome> {
  const moments: string[] = [];
  let kills = 0;
  try {
    for (let moment = 0; moment < KILLS; moment += 1) {
      const before = moved();
      // By bytes, not by time: whatever the machine is at, each moment falls into what is still to be moved.
      const wanted = Math.random() * ((BYTES - Math.min(before, BYTES)) / (KILLS - moment)) * 2;
      const running = new CliProcess(args, { env: env(home) });
      await running.until(() => moved() - before >= wanted);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      running.kill("SIGKILL");
      const { signal, code, stderr } = await running.ended;
      moments.push(`after ${((moved() - before) / MIB).toFixed(1)} MiB: ${signal ?? code}`);
      if (signal === null) {
        expect(code, stderr).toBe(0);
        break;
      }
      kills += 1;
      check();
    }
    return { kills, moments, summary: await cliJson<SyncSummary>(args, 0, { env: env(home) }) };
  } catch (error) {
    throw new Error(`killed ${moments.join(", ")}`, { cause: error });
  }
}

/** Uploads send bodies by PUT, downloads receive those of objects. */
function transfers(of: "sent" | "received"): Call[] {
  return proxy.calls.filter(({ method, key }) => (of === "sent" ? method === "PUT" : method === "GET" && key !== ""));
}

function bytesOf(calls: readonly Call[], of: "sent" | "received"): number {
  return calls.reduce((sum, call) => sum + call[of], 0);
}

/** Every file that stands under its final name is whole. */
function expectWholeFiles(): void {
  if (!existsSync(target)) return;
  for (const [key, digest] of Object.entries(readFolder(target))) {
    if (!isTransferTemporary(path.basename(key))) expect(digest, key).toBe(expected[key]);
  }
}

/**
 * What moved twice: what kills have cut, at most one part for each request under way; and of what had arrived whole, at
 * most `forgotten` bytes a kill, since a process may die between the last byte and the note of it.
 */
function expectLittleTwice(
  of: "sent" | "received",
  part: number,
  forgotten: number,
  { kills, moments }: Outcome,
): void {
  const calls = transfers(of);
  const cut = calls.filter(({ status }) => status === 0);
  const [lost, whole] = [bytesOf(cut, of), bytesOf(calls, of) - bytesOf(cut, of)];
  const mib = (bytes: number): string => (bytes / MIB).toFixed(1);
  console.info(
    `${kills} kills of ${mib(BYTES)} MiB: ${cut.length} requests cut, ${mib(lost)} MiB in them; ${mib(whole - BYTES)} MiB moved again after they had arrived`,
  );
  expect(cut.length, moments.join(", ")).toBeLessThanOrEqual(kills * CONCURRENCY);
  // A file of up to two parts goes in one.
  for (const call of cut) expect(call[of]).toBeLessThanOrEqual(2 * part);
  expect(whole - BYTES, moments.join(", ")).toBeLessThanOrEqual(kills * forgotten + 0.005 * BYTES);
}

const options = (part: number) => ["--part-size", `${part}`, "--concurrency", `${CONCURRENCY}`, "--quiet"];
/** Fewer would mean that the process ended before it could be killed. */
const ENOUGH = Math.ceil(KILLS / 2);

describe("killed with SIGKILL at random moments, a sync goes on to the same bytes", {
  timeout: FULL ? 1_800_000 : 60_000,
}, () => {
  it("from a folder to S3", async () => {
    proxy.clear();
    const args = ["sync", source, `s3://${BUCKET}/up`, ...options(PART)];
    const outcome = await killed(
      args,
      "home-up",
      () => bytesOf(transfers("sent"), "sent"),
      () => {},
    );
    expect(outcome.kills).toBeGreaterThanOrEqual(ENOUGH);
    const { copied, unchanged, failed, conflicts } = outcome.summary;
    expect({ files: copied.files + unchanged.files, failed, conflicts }).toEqual({
      files: FILES,
      failed: { files: 0, bytes: 0 },
      conflicts: { files: 0, bytes: 0 },
    });
    expect(readFolder(path.join(server.folder as string, BUCKET, "up"))).toEqual(expected);
    expect(await openMultiparts(server.client, BUCKET)).toEqual([]);
    expect(readFolder(source)).toEqual(expected);
    // Parts that the server holds are never sent again.
    expectLittleTwice("sent", PART, 0, outcome);
    expect(stateLeft("home-up")).toEqual([]);
  });

  it("from S3 to a folder", async () => {
    const bucket = path.join(server.folder as string, BUCKET, "down");
    if (!existsSync(bucket))
      await cliJson(["sync", source, `s3://${BUCKET}/down`, "--quiet"], 0, { env: env("home-seed") });
    proxy.clear();
    const args = ["sync", `s3://${BUCKET}/down`, target, ...options(RANGE)];
    const outcome = await killed(args, "home-down", () => bytesOf(transfers("received"), "received"), expectWholeFiles);
    expect(outcome.kills).toBeGreaterThanOrEqual(ENOUGH);
    expect(outcome.summary.failed.files + outcome.summary.conflicts.files).toBe(0);
    // Temporary files would show up here.
    expect(readFolder(target)).toEqual(expected);
    expectLittleTwice("received", RANGE, CONCURRENCY * 2 * RANGE, outcome);
    expect(stateLeft("home-down")).toEqual([]);
  });
});

/** Files of the state that only an unfinished sync has. */
function stateLeft(home: string): string[] {
  return readdirSync(path.join(folder, home, "sync"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /upload-|\.tmp$/.test(name),
  );
}
