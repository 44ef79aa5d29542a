/**
 * docs/s3.md says which call needs which permission, and has policies to copy. Here the commands that a policy is for run
 * with nothing but that policy: whatever it does not allow is refused as S3 refuses it, and whatever it allows must be used.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Policy, policyAllows } from "../support/iam.js";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { CliProcess, cliFailure, cliJson, repositoryRoot } from "../support/run-cli.js";
import { type S3Server, startVersity } from "../support/s3-servers.js";

const BUCKET = "orchard";
const page = readFileSync(path.join(repositoryRoot, "docs", "s3.md"), "utf8");
const ROOT = `s3://${BUCKET}`;
const work = mkdtempSync(path.join(tmpdir(), "verger-permissions-"));

const sample = path.join(work, "sample");

/** The policy under a heading of docs/s3.md. */
function policyUnder(heading: string): Policy {
  const [, section = ""] = page.split(`\n### ${heading}\n`);
  const json = /```json\n([\s\S]*?)```/.exec(section)?.[1];
  if (json === undefined) throw new Error(`docs/s3.md has no policy under "${heading}"`);
  return JSON.parse(json) as Policy;
}

const actionsOf = (policy: Policy): readonly string[] =>
  [...new Set(policy.Statement.flatMap(({ Action }) => Action))].sort();
/** Actions that the table of calls names. */
const documented = new Set(
  [...page.matchAll(/^\|[^|\n]*\|[^|\n]*\| (.*) \|$/gm)].flatMap(([, cell]) =>
    [...(cell ?? "").matchAll(/`(s3:\w+)`/g)].map(([, action]) => action),
  ),
);

let server: S3Server;
let proxy: RecordingProxy;
let env: Record<string, string>;
let home = 0;

beforeAll(async () => {
  server = await startVersity();
  await server.createBucket(BUCKET);
  proxy = await startRecordingProxy(server.endpoint);
  await cliJson(["sample", sample, "--images", "40", "--labels", "4"]);
});
beforeEach(() => {
  proxy.permit(undefined);
  proxy.clear();
  freshMachine();
});
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
  rmSync(work, { recursive: true, force: true });
});

/** What Verger remembers of earlier commands is gone, as on another machine. */
function freshMachine(): void {
  home += 1;
  env = { ...server.env, AWS_ENDPOINT_URL_S3: proxy.endpoint, VERGER_HOME: path.join(work, `home-${home}`) };
}

const verger = (args: readonly string[]) => cliJson<Record<string, unknown>>(args, 0, { env });

/**
 * Uploads one large file, is killed when some of its parts stand, and goes on: with what it was sending, or with another
 * file of that name.
 */
async function uploadTwice(to: string, change: boolean): Promise<void> {
  const folder = mkdtempSync(path.join(work, "large-"));
  const file = path.join(folder, "large.bin");
  writeFileSync(file, Buffer.alloc(40 << 20, "verger"));
  const args = ["sync", folder, to, "--part-size", "5Mi"];
  const before = proxy.calls.length;
  const first = new CliProcess([...args, "--max-bandwidth", "20Mi"], { env });
  const stored = () =>
    proxy.calls.slice(before).filter(({ query, status }) => query.has("partNumber") && status === 200).length;
  expect(await first.until(() => stored() >= 2)).toBe(true);
  first.kill("SIGKILL");
  await first.ended;
  if (change) writeFileSync(file, Buffer.alloc(41 << 20, "another"));
  await verger(args);
}

/** Runs the commands with nothing but the policy under this heading. */
async function under(heading: string, commands: () => Promise<void>): Promise<void> {
  const policy = policyUnder(heading);
  proxy.clear();
  freshMachine();
  proxy.permit((permission) => policyAllows(policy, permission));
  await commands();
  // A HEAD is a look that Verger can do without, and docs/s3.md says so; it counts as made where it is allowed.
  const needed = proxy.calls.filter(({ method, status }) => method !== "HEAD" || status !== 403);
  const refused = needed.filter(({ status }) => status === 403);
  expect(refused.map(({ method, key, query }) => `${method} ${key}?${query}`)).toEqual([]);
  const actions = new Set(needed.flatMap(({ permissions }) => permissions.map(({ action }) => action)));
  expect([...actions].sort()).toEqual(actionsOf(policy));
  expect([...actions].filter((action) => !documented.has(action))).toEqual([]);
}

describe("the policy", () => {
  it("read-only in serves run, pca, inspect and sync down", async () => {
    await verger(["sync", sample, `${ROOT}/photos`]);
    await verger(["run", sample, "--out", `${ROOT}/photos/run`]);
    await under("Read-only in", async () => {
      await verger(["run", `${ROOT}/photos/Training`, `${ROOT}/photos/Test`, "--out", path.join(work, "run")]);
      await verger(["pca", `${ROOT}/photos/run`, "--out", path.join(work, "pca")]);
      await verger(["inspect", `${ROOT}/photos/run`]);
      await verger(["sync", `${ROOT}/photos`, path.join(work, "down")]);
      await verger(["doctor", `${ROOT}/photos`, "--read-only"]);
    });
  });

  it("write-only out serves run and pca into the bucket, and sync up, also when they continue", async () => {
    await verger(["run", sample, "--out", path.join(work, "features")]);
    await under("Write-only out", async () => {
      await verger(["run", sample, "--out", `${ROOT}/runs/out`]);
      await verger(["pca", path.join(work, "features"), "--out", `${ROOT}/runs/pca`]);
      await uploadTwice(`${ROOT}/runs/large`, false);
      await uploadTwice(`${ROOT}/runs/changed`, true);
    });
  });

  it("both serves a run from bucket to bucket that another machine takes up with other sources", async () => {
    await verger(["sync", sample, `${ROOT}/photos`]);
    await under("Both", async () => {
      await verger(["run", `${ROOT}/photos/Training`, "--out", `${ROOT}/runs/both`]);
      freshMachine();
      await verger(["run", `${ROOT}/photos/Training`, "--out", `${ROOT}/runs/both`]);
      await verger(["pca", `${ROOT}/runs/both`, "--out", `${ROOT}/runs/both`, "--components", "3"]);
      await uploadTwice(`${ROOT}/runs/both-large`, false);
      await uploadTwice(`${ROOT}/runs/both-changed`, true);
    });
  });

  it("sync with --delete serves both directions, copies, and the sweep", async () => {
    const folder = path.join(work, "mirror");
    cpSync(sample, folder, { recursive: true });
    await under("Sync with --delete", async () => {
      await verger(["sync", folder, `${ROOT}/photos/mirror`]);
      await verger(["sync", `${ROOT}/photos/mirror`, `${ROOT}/photos/copy`]);
      rmSync(path.join(folder, "Test"), { recursive: true });
      await verger(["sync", folder, `${ROOT}/photos/mirror`, "--delete", "--yes"]);
      await verger(["sync", `${ROOT}/photos/copy`, folder, "--delete", "--yes"]);
      await uploadTwice(`${ROOT}/photos/large`, false);
      await verger(["sync", "--sweep", `${ROOT}/photos`]);
      await uploadTwice(`${ROOT}/photos/changed`, true);
    });
  });
});

it("what a policy does not allow is missed by the commands it is not for", async () => {
  const policy = policyUnder("Read-only in");
  proxy.permit((permission) => policyAllows(policy, permission));
  const up = await cliFailure(["run", sample, "--out", `${ROOT}/photos/refused`], 1, { env });
  expect(up).toMatchObject({ code: "s3/access-denied", details: { action: "s3:PutObject" } });
  const elsewhere = await cliFailure(["inspect", `${ROOT}/runs/out`], 1, { env });
  expect(elsewhere).toMatchObject({ code: "s3/access-denied", details: { action: "s3:ListBucket" } });
});
