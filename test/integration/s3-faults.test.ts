import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openS3, type S3Store, type Tuning } from "../../src-main/storage/s3/index.js";
import type { ObjectInfo, S3Options } from "../../src-main/storage/types.js";
import {
  type Fault,
  type FaultServer,
  type FaultServerOptions,
  type SeenRequest,
  startFaultServer,
} from "../support/fault-server.js";

const KIB = 1024;
const PART = 64 * KIB;
/** Everything a thousand times smaller and faster than in earnest. */
const QUICK: Partial<Tuning> = {
  attempts: 4,
  backoffBaseMs: 1,
  backoffCapMs: 20,
  retryAfterCapMs: 5_000,
  stallMs: 250,
  workMs: 400,
  attemptMs: 1_500,
  overallMs: 20_000,
  slowestRate: 1024 * 1024,
  partsInFlight: 3,
  partBytes: PART,
  multipartAbove: 2 * PART,
  rangeBytes: PART,
  rangesAbove: 2 * PART,
};

const SECRET = "planted+secret/key0of+forty0characters00";
const environment = { ...process.env };
let folder: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-s3-faults-"));
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: "PLANTEDACCESSKEY",
    AWS_SECRET_ACCESS_KEY: SECRET,
    AWS_CONFIG_FILE: path.join(folder, "config"),
    AWS_SHARED_CREDENTIALS_FILE: path.join(folder, "credentials"),
    AWS_EC2_METADATA_DISABLED: "true",
  });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, environment);
});

async function setUp(
  server: FaultServerOptions = {},
  options: S3Options = {},
  tuning: Partial<Tuning> = {},
): Promise<{ server: FaultServer; store: S3Store }> {
  const running = await startFaultServer(server);
  const store = openS3(
    "bucket",
    { endpoint: running.endpoint, region: "us-east-1", ...options },
    { ...QUICK, ...tuning },
  );
  closing.push(
    () => store.close(),
    () => running.stop(),
  );
  return { server: running, store };
}

const gets = (request: SeenRequest) => request.method === "GET" && request.key !== "";
const puts = (request: SeenRequest) => request.method === "PUT";
const parts = (request: SeenRequest) => request.method === "PUT" && request.query.has("partNumber");
const completes = (request: SeenRequest) => request.method === "POST" && request.query.has("uploadId");
const lists = (request: SeenRequest) => request.query.get("list-type") === "2";

/** Adds up progress; `minimum` is the lowest it ever stood, `drops` counts what was taken back. */
function meter() {
  const seen = { sum: 0, drops: 0, lowest: 0 };
  return {
    seen,
    onBytes: (bytes: number) => {
      seen.sum += bytes;
      seen.lowest = Math.min(seen.lowest, seen.sum);
      if (bytes < 0) seen.drops += 1;
    },
  };
}

async function failure(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; details: Record<string, unknown> }> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) throw new Error("it succeeded");
  return error as { code: string; message: string; details: Record<string, unknown> };
}

function objectOf(server: FaultServer, key: string): ObjectInfo {
  const object = server.objects.get(key);
  if (!object) throw new Error(`no ${key}`);
  return { key, size: object.bytes.length, etag: object.etag, modifiedMs: object.modified.getTime() };
}

/** What passes by itself, and what the sentence says when it does not. */
const PASSING: readonly [string, Fault, string, RegExp][] = [
  ["500", { status: 500, code: "InternalError" }, "s3/unavailable", /500 InternalError/],
  ["502 of a proxy, without a body", { status: 502 }, "s3/unavailable", /502/],
  ["503 SlowDown", { status: 503, code: "SlowDown" }, "s3/unavailable", /503 SlowDown/],
  ["504", { status: 504 }, "s3/unavailable", /504/],
  ["429", { status: 429, code: "TooManyRequests" }, "s3/unavailable", /429/],
  ["400 RequestTimeout", { status: 400, code: "RequestTimeout" }, "s3/refused", /RequestTimeout/],
  ["a reset before the answer", { loseAnswer: true }, "s3/unreachable", /closed the connection|ECONNRESET|EPIPE/],
  ["a reset in mid-body", { resetAfter: 1000 }, "s3/unreachable", /broke after \d+ of 100000 bytes|ECONNRESET/],
  ["a stall in mid-body", { stallAfter: 1000 }, "s3/unreachable", /nothing moved for 0\.25 seconds/],
  ["silence", { silent: true }, "s3/unreachable", /nothing moved for 0\.25 seconds/],
  ["a trickle", { trickle: 20 }, "s3/unreachable", /not done after/],
  ["a truncated body with 200", { truncateAfter: 1000 }, "s3/unreachable", /broke after \d+ of 100000 bytes/],
  ["a short body with 200 that says so", { shortBy: 1 }, "s3/damaged", /checksum/],
  ["a wrong byte", { corrupt: true }, "s3/damaged", /checksum/],
];

describe("reading a small object", () => {
  it.each(PASSING)("succeeds after %s, and takes back progress", async (_name, fault) => {
    const { server, store } = await setUp();
    const bytes = randomBytes(100_000);
    server.store("photo", bytes);
    server.fail(gets, fault, fault);
    const progress = meter();
    const got = await store.get("photo", progress);
    expect(Buffer.compare(got.bytes, bytes)).toBe(0);
    expect(progress.seen).toMatchObject({ sum: bytes.length, lowest: 0 });
    expect(server.count(gets)).toBe(3);
  });

  it.each(PASSING)("ends in one sentence when %s does not pass", async (_name, fault, code, said) => {
    const { server, store } = await setUp();
    server.store("photo", randomBytes(100_000));
    server.fail(gets, fault, fault, fault, fault);
    const progress = meter();
    const error = await failure(store.get("photo", progress));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(said);
    expect(error.message).toMatch(
      /^Expected to read s3:\/\/bucket\/photo[^\n]*4 attempts[^\n]*\.$|^Expected[^\n]*RequestTimeout[^\n]*\.$/,
    );
    expect(progress.seen.sum).toBe(0);
    expect(server.unmet).toBe(0);
  });

  it.each(PASSING)("downloads a small object after %s", async (_name, fault) => {
    const { server, store } = await setUp();
    const bytes = randomBytes(100_000);
    server.store("photo", bytes);
    server.fail(gets, fault, fault);
    const progress = meter();
    await store.download(objectOf(server, "photo"), path.join(folder, "photo"), progress);
    expect(Buffer.compare(readFileSync(path.join(folder, "photo")), bytes)).toBe(0);
    expect(readdirSync(folder)).toEqual(["photo"]);
    expect(progress.seen).toMatchObject({ sum: bytes.length, lowest: 0 });
  });

  it("checks by the MD5 that the ETag is where the server keeps no CRC-32", async () => {
    const { server, store } = await setUp({ withoutChecksums: true });
    const bytes = randomBytes(50_000);
    server.store("photo", bytes);
    server.fail(gets, { corrupt: true }, { corrupt: true });
    expect(Buffer.compare((await store.get("photo")).bytes, bytes)).toBe(0);
    server.fail(gets, { corrupt: true });
    await store.download(objectOf(server, "photo"), path.join(folder, "photo"));
    expect(Buffer.compare(readFileSync(path.join(folder, "photo")), bytes)).toBe(0);
    expect(server.unmet).toBe(0);
  });

  it("gives up when nobody listens, and says so", async () => {
    const { server, store } = await setUp();
    await server.stop();
    const error = await failure(store.get("photo"));
    expect(error).toMatchObject({ code: "s3/unreachable" });
    expect(error.message).toMatch(/ECONNREFUSED/);
    await server.listen();
  });

  it("succeeds when the server comes up meanwhile", async () => {
    const { server, store } = await setUp({}, {}, { attempts: 20, backoffBaseMs: 50, backoffCapMs: 50 });
    const { port } = server;
    server.store("photo", Buffer.from("late"));
    await server.stop();
    const pending = store.get("photo");
    setTimeout(() => void server.listen(port), 100);
    expect(Buffer.from((await pending).bytes).toString()).toBe("late");
  });
});

describe("retrying", () => {
  it("waits as long as Retry-After asks", async () => {
    const { server, store } = await setUp();
    server.store("photo", Buffer.from("x"));
    server.fail(gets, { status: 503, code: "SlowDown", headers: { "retry-after": "1" } });
    await store.get("photo");
    const [first, second] = server.requests.filter(gets);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it("does not wait for a Retry-After of an hour", async () => {
    const { server, store } = await setUp();
    server.store("photo", Buffer.from("x"));
    server.fail(gets, { status: 503, code: "SlowDown", headers: { "retry-after": "3600" } });
    expect(await failure(store.get("photo"))).toMatchObject({ code: "s3/unavailable" });
    expect(server.count(gets)).toBe(1);
  });

  it("ends when the time for all attempts is used up", async () => {
    const { server, store } = await setUp({}, {}, { attempts: 1000, overallMs: 600 });
    server.store("photo", randomBytes(1000));
    server.fail(gets, ...Array.from({ length: 50 }, () => ({ stallAfter: 10 })));
    expect(await failure(store.get("photo"))).toMatchObject({ code: "s3/unreachable" });
    expect(server.count(gets)).toBeLessThan(6);
  });

  it.each([
    ["in mid-body", { stallAfter: 10 }],
    ["before the answer", { silent: true }],
    ["while it waits to try again", { status: 503, headers: { "retry-after": "4" } }],
  ])("ends at once when it is cancelled %s", async (_name, fault) => {
    const { server, store } = await setUp({}, {}, { stallMs: 60_000 });
    server.store("photo", randomBytes(1000));
    server.fail(gets, fault);
    const stop = new AbortController();
    const pending = failure(store.get("photo", { signal: stop.signal }));
    while (server.count(gets) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    expect(await pending).toMatchObject({ code: "cancelled" });
    expect(server.count(gets)).toBe(1);
  });
});

describe("credentials, clock and region", () => {
  function credentialProcess(token: string): void {
    const file = path.join(folder, "token.json");
    const credentials = { Version: 1, AccessKeyId: "PLANTEDACCESSKEY", SecretAccessKey: SECRET, SessionToken: token };
    writeFileSync(file, JSON.stringify(credentials));
    writeFileSync(path.join(folder, "config"), `[profile expiring]\ncredential_process = cat ${file}\n`);
  }

  /** A server and a store whose credentials come from a program. */
  async function setUpExpiring() {
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
    credentialProcess("first");
    const { server, store } = await setUp({}, { profile: "expiring" });
    server.sessionToken = "first";
    return { server, store };
  }

  it("asks the SDK's chain for new credentials when they expire in mid-transfer", async () => {
    const { server, store } = await setUpExpiring();
    const bytes = randomBytes(8 * PART);
    server.store("large", bytes);
    let expired = false;
    await store.download(objectOf(server, "large"), path.join(folder, "large"), {
      onBytes: () => {
        if (expired) return;
        expired = true;
        server.sessionToken = "second";
        credentialProcess("second");
      },
    });
    expect(Buffer.compare(readFileSync(path.join(folder, "large")), bytes)).toBe(0);
    expect(server.requests.some((request) => request.status === 400)).toBe(true);

    server.sessionToken = "third";
    credentialProcess("third");
    const file = path.join(folder, "up");
    writeFileSync(file, bytes);
    await store.upload(file, "up", { stateFolder: folder });
    expect(Buffer.compare(server.objects.get("up")?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
  });

  it("asks for new ones when all that it hears is the 400 of a HEAD, and for all requests under way", async () => {
    const { server, store } = await setUpExpiring();
    server.store("photo", Buffer.from("x"));
    await store.get("photo");
    server.sessionToken = "second";
    credentialProcess("second");
    expect(await store.head("photo")).toMatchObject({ size: 1 });

    server.sessionToken = "third";
    credentialProcess("third");
    // Refused together, told one after the other: the second when the first has mended it already.
    server.fail(gets, { status: 400, code: "ExpiredToken" }, { status: 400, code: "ExpiredToken", delay: 150 });
    const both = await Promise.all([store.get("photo"), store.get("photo")]);
    expect(both.map(({ bytes }) => bytes.length)).toEqual([1, 1]);
  });

  it("says so when the chain has no newer ones", async () => {
    const { server, store } = await setUp();
    server.sessionToken = "never";
    server.store("photo", Buffer.from("x"));
    expect(await failure(store.get("photo"))).toMatchObject({ code: "s3/credentials" });
    expect(server.count(gets)).toBeLessThan(4);
  });

  it("says so when there are none at all", async () => {
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
    const { server, store } = await setUp();
    const error = await failure(store.get("photo"));
    expect(error).toMatchObject({ code: "s3/credentials" });
    expect(error.message).toMatch(/--profile/);
    expect(await failure(store.openUploads(""))).toMatchObject({ code: "s3/credentials" });
    expect(server.requests).toEqual([]);
  });

  it.each([-3_600_000, 3_600_000])(
    "corrects a clock that is %i ms off, for the SDK's calls too",
    async (clockOffsetMs) => {
      const { server, store } = await setUp({ clockOffsetMs });
      server.store("photo", Buffer.from("x"));
      expect((await store.get("photo")).bytes).toHaveLength(1);
      expect(server.requests.map((request) => request.status)).toEqual([403, 200]);
      expect(await store.openUploads("")).toEqual([]);
      expect(server.requests.map((request) => request.status)).toEqual([403, 200, 200]);
    },
  );

  it("tells the server's time, also where the difference is too small to be refused", async () => {
    const { server, store } = await setUp({ clockOffsetMs: 600_000 });
    server.store("photo", Buffer.from("x"));
    await store.get("photo");
    expect(Math.abs(store.now() - Date.now() - 600_000)).toBeLessThan(60_000);
  });

  it("says so when the clock cannot be corrected", async () => {
    const { server, store } = await setUp();
    server.store("photo", Buffer.from("x"));
    server.fail(gets, ...Array.from({ length: 4 }, () => ({ status: 403, code: "RequestTimeTooSkewed" })));
    expect(await failure(store.get("photo"))).toMatchObject({ code: "s3/clock" });
  });

  const region = (request: SeenRequest | undefined) =>
    /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request?.headers.authorization ?? "")?.[1];

  it.each([
    ["a redirect", { status: 301, code: "PermanentRedirect", headers: { "x-amz-bucket-region": "eu-west-3" } }],
    [
      "a malformed header",
      { status: 400, code: "AuthorizationHeaderMalformed", headers: { "x-amz-bucket-region": "eu-west-3" } },
    ],
  ])("follows %s to the bucket's region, and remembers it", async (_name, fault) => {
    const { server, store } = await setUp();
    server.store("photo", Buffer.from("x"));
    server.fail(gets, fault);
    await store.get("photo");
    await store.head("photo");
    await store.openUploads("");
    expect(server.requests.map(region)).toEqual(["us-east-1", "eu-west-3", "eu-west-3", "eu-west-3"]);
  });

  it("follows the SDK's calls and those without a body too", async () => {
    const { server, store } = await setUp();
    server.store("photo", Buffer.from("x"));
    server.fail((request) => request.method === "HEAD", {
      status: 400,
      headers: { "x-amz-bucket-region": "eu-west-3" },
    });
    await store.head("photo");
    expect(server.requests.map(region)).toEqual(["us-east-1", "eu-west-3"]);
    const other = await setUp();
    other.server.fail(() => true, {
      status: 301,
      code: "PermanentRedirect",
      headers: { "x-amz-bucket-region": "eu-west-3" },
    });
    await other.store.openUploads("");
    expect(region(other.server.requests.at(-1))).toBe("eu-west-3");
  });

  it("follows with all requests under way, and corrects the clock for all", async () => {
    const { server, store } = await setUp();
    server.store("photo", Buffer.from("x"));
    const moved = { status: 301, code: "PermanentRedirect", headers: { "x-amz-bucket-region": "eu-west-3" } };
    server.fail(gets, moved, { ...moved, delay: 150 });
    await Promise.all([store.get("photo"), store.get("photo")]);
    expect(server.requests.map(region)).toEqual(["us-east-1", "us-east-1", "eu-west-3", "eu-west-3"]);

    const late = await setUp({ clockOffsetMs: 3_600_000 });
    late.server.store("photo", Buffer.from("x"));
    const skewed = { status: 403, code: "RequestTimeTooSkewed" };
    late.server.fail(gets, skewed, { ...skewed, delay: 150 });
    const both = await Promise.all([late.store.get("photo"), late.store.get("photo")]);
    expect(both.map(({ bytes }) => bytes.length)).toEqual([1, 1]);
  });

  it("does not go round in circles", async () => {
    const { server, store } = await setUp();
    server.store("photo", Buffer.from("x"));
    const to = (name: string) => ({ status: 301, code: "PermanentRedirect", headers: { "x-amz-bucket-region": name } });
    server.fail(gets, to("eu-west-3"), to("us-east-1"), to("eu-west-3"), to("us-east-1"));
    expect(await failure(store.get("photo"))).toMatchObject({ code: "s3/region" });
    expect(server.count(gets)).toBe(3);
  });
});

describe("refusals", () => {
  it("are understood however long a page a proxy writes about them", async () => {
    const { server, store } = await setUp();
    server.store("photo", Buffer.from("x"));
    server.fail(gets, { status: 403, text: `<html>${"no ".repeat(50_000)}</html>` });
    expect(await failure(store.get("photo"))).toMatchObject({ code: "s3/access-denied" });
    expect(server.count(gets)).toBe(1);
  });

  it("names key and action where access is denied, and does not try again", async () => {
    const { server, store } = await setUp();
    server.store("photo", Buffer.from("x"));
    server.fail(gets, { status: 403, code: "AccessDenied" });
    const error = await failure(store.get("photo"));
    expect(error).toMatchObject({ code: "s3/access-denied", details: { key: "photo", action: "s3:GetObject" } });
    expect(error.message).toContain("s3:GetObject");
    expect(server.requests).toHaveLength(1);
    // The rest goes on.
    expect((await store.get("photo")).bytes).toHaveLength(1);
  });

  it("tells a missing bucket from a missing key", async () => {
    const { store } = await setUp({ bucket: "another" });
    expect(await failure(store.get("photo"))).toMatchObject({ code: "s3/no-bucket" });
    expect(await failure(store.put("photo", Buffer.from("x")))).toMatchObject({ code: "s3/no-bucket" });
    expect(await failure(store.openUploads(""))).toMatchObject({ code: "s3/no-bucket" });
    expect(await failure(store.delete(["a"]))).toMatchObject({ code: "s3/no-bucket" });
  });

  it("never tells credentials", async () => {
    process.env.AWS_SESSION_TOKEN = "planted-session-token";
    const faults: Fault[] = [
      { status: 403, code: "AccessDenied" },
      { status: 403, code: "SignatureDoesNotMatch" },
      { status: 400, code: "ExpiredToken" },
      { status: 418, code: "Odd" },
      { loseAnswer: true },
      { silent: true },
    ];
    for (const fault of faults) {
      const { server, store } = await setUp();
      server.store("photo", randomBytes(1000));
      server.fail(() => true, ...Array.from({ length: 20 }, () => fault));
      for (const call of [
        () => store.get("photo"),
        () => store.openUploads(""),
        () => store.put("a", Buffer.from("a")),
      ]) {
        const error = await failure(call());
        const everything = [error, (error as { cause?: unknown }).cause].map((one) =>
          one instanceof Error ? [one.stack, JSON.stringify(one), String(one.message)].join("\n") : JSON.stringify(one),
        );
        expect(everything.join("\n")).not.toMatch(/PLANTEDACCESSKEY|planted|AWS4-HMAC/);
      }
      await store.close();
    }
  });
});

describe("a large download", () => {
  const size = 6 * PART + 777;

  it.each(PASSING.filter(([, fault]) => !("shortBy" in fault)))("goes on after %s", async (name, fault) => {
    const { server, store } = await setUp();
    const bytes = randomBytes(size);
    server.store("large", bytes);
    server.fail((request) => gets(request) && request.headers.range !== undefined, fault, fault);
    const progress = meter();
    await store.download(objectOf(server, "large"), path.join(folder, "large"), progress);
    expect(Buffer.compare(readFileSync(path.join(folder, "large")), bytes)).toBe(0);
    expect(readdirSync(folder)).toEqual(["large"]);
    expect(progress.seen.sum).toBe(size);
    // Only a wrong byte is found at the end alone, by the checksum of the whole.
    expect(progress.seen.drops > 0).toBe(name === "a wrong byte");
  });

  it("asks again only for what has not arrived", async () => {
    const { server, store } = await setUp();
    const bytes = randomBytes(size);
    server.store("large", bytes);
    server.fail((request) => gets(request) && request.headers.range === `bytes=0-${PART - 1}`, {
      truncateAfter: 10_000,
    });
    await store.download(objectOf(server, "large"), path.join(folder, "large"));
    const ranges = server.requests
      .map((request) => request.headers.range)
      .filter((range) => range?.endsWith(`-${PART - 1}`));
    expect(ranges).toEqual([`bytes=0-${PART - 1}`, `bytes=10000-${PART - 1}`]);
    expect(Buffer.compare(readFileSync(path.join(folder, "large")), bytes)).toBe(0);
  });

  it("begins anew once when the object is replaced between two ranges", async () => {
    const { server, store } = await setUp();
    server.store("large", randomBytes(size));
    const newer = randomBytes(size + 5);
    const old = objectOf(server, "large");
    server.fail((request) => gets(request) && request.headers.range?.startsWith(`bytes=${4 * PART}-`) === true, {
      replace: newer,
    });
    const progress = meter();
    const info = await store.download(old, path.join(folder, "large"), progress);
    expect(info).toEqual(objectOf(server, "large"));
    expect(Buffer.compare(readFileSync(path.join(folder, "large")), newer)).toBe(0);
    expect(readdirSync(folder)).toEqual(["large"]);
    expect(progress.seen.sum).toBe(newer.length);
  });

  it("says so when it is replaced again and again, and leaves nothing", async () => {
    const { server, store } = await setUp();
    server.store("large", randomBytes(size));
    const middle = (request: SeenRequest) =>
      gets(request) && request.headers.range?.startsWith(`bytes=${4 * PART}-`) === true;
    server.fail(middle, { replace: randomBytes(size) }, { replace: randomBytes(size) });
    const progress = meter();
    expect(
      await failure(store.download(objectOf(server, "large"), path.join(folder, "large"), progress)),
    ).toMatchObject({
      code: "s3/changed",
    });
    expect(readdirSync(folder)).toEqual([]);
    expect(progress.seen.sum).toBe(0);
  });

  it("says so when the bytes are wrong twice, and leaves nothing", async () => {
    const { server, store } = await setUp();
    server.store("large", randomBytes(size));
    const first = (request: SeenRequest) => gets(request) && request.headers.range?.startsWith("bytes=0-") === true;
    server.fail(first, { corrupt: true }, { corrupt: true });
    expect(await failure(store.download(objectOf(server, "large"), path.join(folder, "large")))).toMatchObject({
      code: "s3/damaged",
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("finds a wrong byte by the MD5 where the server keeps no CRC-32", async () => {
    const { server, store } = await setUp({ withoutChecksums: true });
    const bytes = randomBytes(size);
    server.store("large", bytes);
    server.fail((request) => request.headers.range !== undefined, { corrupt: true });
    await store.download(objectOf(server, "large"), path.join(folder, "large"));
    expect(Buffer.compare(readFileSync(path.join(folder, "large")), bytes)).toBe(0);
  });

  it("keeps what is verified when it is cancelled, and what a power cut has spoilt is read again", async () => {
    const { server, store } = await setUp({}, {}, { partsInFlight: 1 });
    const bytes = randomBytes(size);
    server.store("large", bytes);
    const stop = new AbortController();
    const progress = meter();
    const pending = store.download(objectOf(server, "large"), path.join(folder, "large"), {
      signal: stop.signal,
      onBytes: (count) => {
        progress.onBytes(count);
        if (progress.seen.sum > 3.5 * PART) stop.abort();
      },
    });
    expect(await failure(pending)).toMatchObject({ code: "cancelled" });
    const names = readdirSync(folder);
    expect(names).toHaveLength(2);
    const part = path.join(folder, names.find((name) => name.endsWith(".part")) ?? "");
    const content = readFileSync(part);
    content.fill(0, PART, PART + 100);
    writeFileSync(part, content);
    server.requests.length = 0;
    let resumed = 0;
    await store.download(objectOf(server, "large"), path.join(folder, "large"), {
      onResumed: (count) => {
        resumed += count;
      },
    });
    expect(resumed).toBe(2 * PART);
    expect(server.requests.filter(gets).map((request) => request.headers.range?.split("-")[0])).toEqual(
      [1, 3, 4, 5, 6].map((number) => `bytes=${number * PART}`),
    );
    expect(Buffer.compare(readFileSync(path.join(folder, "large")), bytes)).toBe(0);
    expect(readdirSync(folder)).toEqual(["large"]);
  });

  it("says so when the folder is not there", async () => {
    const { server, store } = await setUp();
    server.store("large", randomBytes(size));
    server.store("small", randomBytes(10));
    for (const key of ["large", "small"]) {
      expect(await failure(store.download(objectOf(server, key), path.join(folder, "none", key)))).toMatchObject({
        code: "s3/not-writable",
        details: { reason: "ENOENT" },
      });
    }
  });
});

describe("writing", () => {
  const UPLOADS: readonly [string, Fault][] = [
    ...PASSING.filter(([, fault]) => "status" in fault || "silent" in fault || "loseAnswer" in fault).map(
      ([name, fault]) => [name, fault] as [string, Fault],
    ),
    ["a reset while the body is sent", { resetUploadAfter: 20_000 }],
    ["a body that arrived damaged", { status: 400, code: "BadDigest" }],
  ];

  it.each(UPLOADS)("puts bytes after %s", async (_name, fault) => {
    const { server, store } = await setUp();
    const bytes = randomBytes(100_000);
    server.fail(puts, fault, fault);
    const progress = meter();
    await store.put("photo", bytes, progress);
    expect(Buffer.compare(server.objects.get("photo")?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
    expect(progress.seen).toMatchObject({ sum: bytes.length, lowest: 0 });
  });

  it.each(UPLOADS)("uploads a file in parts after %s", async (_name, fault) => {
    const { server, store } = await setUp();
    const bytes = randomBytes(5 * PART + 1);
    const file = path.join(folder, "file");
    writeFileSync(file, bytes);
    server.fail(parts, fault, fault);
    const progress = meter();
    await store.upload(file, "large", { stateFolder: path.join(folder, "state"), ...progress });
    expect(Buffer.compare(server.objects.get("large")?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
    expect(progress.seen.sum).toBe(bytes.length);
    expect(server.uploads.size).toBe(0);
    expect(readdirSync(path.join(folder, "state"))).toEqual([]);
  });

  it("sends a stream's parts again, too", async () => {
    const { server, store } = await setUp({}, {}, { partBytes: 5 * 1024 * KIB, slowestRate: 1024 * 1024 });
    const bytes = randomBytes(11 * 1024 * KIB);
    server.fail(parts, { status: 503, code: "SlowDown" }, { resetUploadAfter: 100_000 }, { loseAnswer: true });
    async function* stream() {
      yield bytes;
    }
    await store.uploadStream(stream(), "stream");
    expect(Buffer.compare(server.objects.get("stream")?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
    expect(server.unmet).toBe(0);
  });

  it("aborts the parts of a stream when it is cancelled", async () => {
    const { server, store } = await setUp({}, {}, { partBytes: 5 * 1024 * KIB });
    const stop = new AbortController();
    async function* stream() {
      yield randomBytes(11 * 1024 * KIB);
      while (server.count(parts) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      stop.abort();
      yield randomBytes(11 * 1024 * KIB);
    }
    expect(await failure(store.uploadStream(stream(), "stream", { signal: stop.signal }))).toMatchObject({
      code: "cancelled",
    });
    expect(server.uploads.size).toBe(0);
    expect(server.objects.size).toBe(0);
  });

  it.each([{}, { withoutChecksums: true }])(
    "knows its own object when the answer to the last call was lost (%j)",
    async (kind) => {
      const { server, store } = await setUp(kind);
      const bytes = randomBytes(4 * PART);
      const file = path.join(folder, "file");
      writeFileSync(file, bytes);
      server.fail(completes, { loseAnswer: true });
      const info = await store.upload(file, "large", { stateFolder: folder, noOverwrite: true });
      expect(info).toEqual(objectOf(server, "large"));
      server.fail(puts, { loseAnswer: true });
      expect((await store.put("small", Buffer.from("x"), { noOverwrite: true })).etag).toBe(
        objectOf(server, "small").etag,
      );
      expect(server.unmet).toBe(0);
    },
  );

  it("does not take another's object for its own", async () => {
    const { server, store } = await setUp();
    server.fail(puts, { loseAnswer: true, replace: Buffer.from("theirs") });
    expect(await failure(store.put("small", Buffer.from("ours"), { noOverwrite: true }))).toMatchObject({
      code: "s3/exists",
    });
    expect(server.objects.get("small")?.bytes.toString()).toBe("theirs");
  });

  it("does not complete what someone else has written meanwhile, and clears up", async () => {
    const { server, store } = await setUp();
    const file = path.join(folder, "file");
    writeFileSync(file, randomBytes(4 * PART));
    server.fail(completes, { replace: Buffer.from("theirs") });
    expect(await failure(store.upload(file, "large", { stateFolder: folder, noOverwrite: true }))).toMatchObject({
      code: "s3/exists",
    });
    expect(server.objects.get("large")?.bytes.toString()).toBe("theirs");
    expect(server.uploads.size).toBe(0);
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  it("takes the error in an answer of 200 for one", async () => {
    const { server, store } = await setUp();
    const bytes = randomBytes(4 * PART);
    const file = path.join(folder, "file");
    writeFileSync(file, bytes);
    // Complete sends its 200 before it is done; then the body tells.
    server.fail(completes, {
      status: 200,
      headers: { "content-type": "application/xml" },
      code: "InternalError",
    });
    await store.upload(file, "large", { stateFolder: folder });
    expect(Buffer.compare(server.objects.get("large")?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
    expect(server.count(completes)).toBe(2);
  });

  it("begins anew when the server has forgotten the upload", async () => {
    const { server, store } = await setUp({}, {}, { partsInFlight: 1 });
    const bytes = randomBytes(4 * PART);
    const file = path.join(folder, "file");
    writeFileSync(file, bytes);
    server.fail((request) => parts(request) && request.query.get("partNumber") === "3", {
      status: 403,
      code: "AccessDenied",
    });
    expect(await failure(store.upload(file, "large", { stateFolder: folder }))).toMatchObject({
      code: "s3/access-denied",
    });
    expect(server.uploads.size).toBe(1);
    server.uploads.clear();
    await store.upload(file, "large", { stateFolder: folder });
    expect(Buffer.compare(server.objects.get("large")?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
  });

  it("sends again a part that the server holds with other bytes", async () => {
    const { server, store } = await setUp({}, {}, { partsInFlight: 1 });
    const bytes = randomBytes(4 * PART);
    const file = path.join(folder, "file");
    writeFileSync(file, bytes);
    server.fail((request) => parts(request) && request.query.get("partNumber") === "3", {
      status: 403,
      code: "AccessDenied",
    });
    await failure(store.upload(file, "large", { stateFolder: folder }));
    for (const upload of server.uploads.values()) upload.parts.set(2, randomBytes(PART));
    let resumed = 0;
    await store.upload(file, "large", {
      stateFolder: folder,
      onResumed: (count) => {
        resumed += count;
      },
    });
    expect(resumed).toBe(PART);
    expect(Buffer.compare(server.objects.get("large")?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
  });
});

describe("listing", () => {
  it("goes through faults of every page", async () => {
    const { server, store } = await setUp({}, {}, { pageKeys: 10, attempts: 8 });
    const keys = Array.from({ length: 35 }, (_, index) => `k/${String(index).padStart(3, "0")} +%é`);
    for (const key of keys) server.store(key, Buffer.from("x"));
    server.fail(
      lists,
      { status: 503, code: "SlowDown" },
      { truncateAfter: 100 },
      { stallAfter: 100 },
      { shortBy: 40 },
      { resetAfter: 200 },
    );
    const found: string[] = [];
    for await (const page of store.list("k/")) found.push(...page.map((object) => object.key));
    expect(found).toEqual(keys);
    expect(server.unmet).toBe(0);
  });

  it("goes on behind the last key where the server does not say how", async () => {
    const { server, store } = await setUp({ withoutTokens: true }, {}, { pageKeys: 10 });
    const keys = Array.from({ length: 35 }, (_, index) => `k${String(index).padStart(2, "0")}`);
    for (const key of keys) server.store(key, Buffer.from(key));
    const found: string[] = [];
    for await (const page of store.list("")) found.push(...page.map(({ key }) => key));
    expect(found).toEqual(keys);

    const more = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
    server.fail(lists, ...Array.from({ length: 4 }, () => ({ body: more })));
    expect(await failure(store.list("")[Symbol.asyncIterator]().next())).toMatchObject({ code: "s3/damaged" });
  });

  it("goes on when the listing changes while it is read", async () => {
    const { server, store } = await setUp({}, {}, { pageKeys: 10 });
    for (let index = 0; index < 40; index += 1) server.store(`k/${String(index).padStart(3, "0")}`, Buffer.from("x"));
    const found: string[] = [];
    for await (const page of store.list("k/")) {
      found.push(...page.map((object) => object.key));
      for (let index = 0; index < 40; index += 2) server.objects.delete(`k/${String(index).padStart(3, "0")}`);
      server.store("k/999", Buffer.from("new"));
      server.store("k/0005", Buffer.from("behind us"));
    }
    expect(found).toEqual([...found].sort());
    expect(new Set(found).size).toBe(found.length);
    expect(found).toContain("k/999");
    for (let index = 1; index < 40; index += 2) expect(found).toContain(`k/${String(index).padStart(3, "0")}`);
  });

  it("goes on behind the last key when the server has forgotten its token", async () => {
    const { server, store } = await setUp({}, {}, { pageKeys: 10 });
    for (let index = 10; index < 40; index += 1) server.store(`k/${index}`, Buffer.from("x"));
    server.fail((request) => lists(request) && request.query.has("continuation-token"), {
      status: 400,
      code: "InvalidArgument",
    });
    const found: string[] = [];
    for await (const page of store.list("k/")) found.push(...page.map((object) => object.key));
    expect(found).toHaveLength(30);
  });

  it("says so when the server does not sort", async () => {
    const { server, store } = await setUp();
    const entry = (key: string) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`;
    server.fail(lists, { body: `<ListBucketResult>${entry("b")}${entry("a")}</ListBucketResult>` });
    const error = await failure(store.list("").next());
    expect(error).toMatchObject({ code: "s3/listing" });
  });

  it("says so when the answer is no listing", async () => {
    const { server, store } = await setUp();
    server.fail(
      lists,
      ...Array.from({ length: 4 }, () => ({ body: "<html>Please sign in to the hotel's network<br></html>" })),
    );
    expect(await failure(store.list("").next())).toMatchObject({ code: "s3/damaged" });
  });

  it("leaves no request behind when its reader stops early", async () => {
    const { server, store } = await setUp({}, {}, { pageKeys: 10, stallMs: 60_000 });
    for (let index = 10; index < 40; index += 1) server.store(`k/${index}`, Buffer.from("x"));
    server.fail((request) => lists(request) && request.query.has("continuation-token"), { silent: true });
    for await (const page of store.list("k/")) {
      expect(page).toHaveLength(10);
      break;
    }
    // The place of the request that was given up is free again.
    expect(await store.head("k/11")).toBeDefined();
  });
});

it.each([{ closing: false }, { closing: true }])("keeps to the bandwidth, in both directions (%j)", async (kind) => {
  const { server, store } = await setUp(kind, { maxBandwidth: 400_000 }, { stallMs: 100 });
  const bytes = randomBytes(200_000);
  server.store("photo", bytes);
  const began = performance.now();
  const [got] = await Promise.all([store.get("photo"), store.put("other", bytes)]);
  expect(Buffer.compare(got.bytes, bytes)).toBe(0);
  // A lower bound, which no slow machine breaks: a tenth of a second's worth passes at once, then 400,000 a second.
  expect(performance.now() - began).toBeGreaterThan(800);
});

it("survives a connection that breaks off while the transfer waits for its bandwidth", async () => {
  const { server, store } = await setUp({ closing: true }, { maxBandwidth: 2_000_000 });
  const bytes = randomBytes(6 * PART);
  server.store("large", bytes);
  server.fail((request) => request.headers.range !== undefined, { truncateAfter: 30_000 }, { resetAfter: 30_000 });
  await store.download(objectOf(server, "large"), path.join(folder, "large"));
  expect(Buffer.compare(readFileSync(path.join(folder, "large")), bytes)).toBe(0);
});

it("clears up an upload whose id it never learnt", async () => {
  const { server, store } = await setUp();
  const file = path.join(folder, "file");
  const bytes = randomBytes(4 * PART);
  writeFileSync(file, bytes);
  const creates = (request: SeenRequest) => request.method === "POST" && request.query.has("uploads");
  server.fail(creates, ...Array.from({ length: 4 }, () => ({ loseAnswer: true })));
  expect(await failure(store.upload(file, "large", { stateFolder: folder }))).toMatchObject({ code: "s3/unreachable" });
  expect(server.uploads.size).toBe(4);
  await store.upload(file, "large", { stateFolder: folder });
  expect(Buffer.compare(server.objects.get("large")?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
  expect(server.uploads.size).toBe(0);
});
