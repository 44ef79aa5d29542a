/**
 * Real S3 servers on loopback, one process each, set up by scripts/setup-s3-servers.mjs: moto keeps objects in memory and
 * takes any credentials; Versity S3 Gateway keeps them as files and verifies every signature.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";

/** A server that is running. */
export interface S3Server {
  readonly name: string;
  /** `http://127.0.0.1:port`; buckets stand in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** The bucket folders of a server that keeps its objects as files; undefined for one that keeps them in memory. */
  readonly folder?: string;
  /** The bare SDK, for putting a test's objects there and for looking at what came of it. */
  readonly client: S3Client;
  /** For a `verger` process: reaches this server, and no credentials or settings of the machine. */
  readonly env: Readonly<Record<string, string>>;
  createBucket(name: string): Promise<void>;
  /** What the server itself printed. */
  log(): string;
  /** Stops the server and removes its data; a second call does nothing. */
  stop(): Promise<void>;
}

interface Setup {
  readonly moto: string;
  readonly versity: string;
}

const REGION = "us-east-1";
const ACCESS_KEY = "VERGERTESTACCESSKEY1";
const SECRET_KEY = "verger/test+secret0key/of+forty0characters";
/** A machine under load; both servers take about a second otherwise. */
const START_LIMIT_MS = 60_000;
const GUARD = fileURLToPath(new URL("./until-parent-ends.mjs", import.meta.url));

/** For `describe.each`: the same tests over both servers. */
export const s3Servers: readonly { readonly name: string; readonly start: () => Promise<S3Server> }[] = [
  { name: "moto", start: () => startMoto() },
  { name: "versitygw", start: () => startVersity() },
];

/** Starts moto on a free port. */
export async function startMoto(): Promise<S3Server> {
  const { moto } = await setup();
  return start("moto", undefined, (port) => ({ program: moto, args: ["-H", "127.0.0.1", "-p", String(port)] }));
}

/** Starts Versity S3 Gateway on a free port, over a temporary folder. */
export async function startVersity(): Promise<S3Server> {
  const { versity } = await setup();
  const folder = mkdtempSync(path.join(tmpdir(), "verger-versitygw-"));
  const buckets = path.join(folder, "buckets");
  mkdirSync(buckets);
  return start("versitygw", { buckets, remove: folder }, (port) => ({
    program: versity,
    args: ["--port", `127.0.0.1:${port}`, "--region", REGION, "--keep-alive", "--quiet", "posix", buckets],
    env: { ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
  }));
}

async function setup(): Promise<Setup> {
  // Named by a variable: the scripts are plain JavaScript, without types.
  const module = new URL("../../scripts/lib/s3-servers.mjs", import.meta.url).href;
  const { findS3Servers } = (await import(module)) as { findS3Servers: () => Setup | undefined };
  const found = findS3Servers();
  if (!found) {
    throw new Error(
      'Expected the S3 servers of the tests, but they are not set up; run "node scripts/setup-s3-servers.mjs".',
    );
  }
  return found;
}

interface Program {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

async function start(
  name: string,
  data: { readonly buckets: string; readonly remove: string } | undefined,
  programFor: (port: number) => Program,
): Promise<S3Server> {
  // Another process may take the port between our look and the server's start.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const running = new Running(programFor(port));
    const endpoint = `http://127.0.0.1:${port}`;
    try {
      await running.answers(endpoint);
    } catch (error) {
      await running.stop();
      if (attempt < 3) continue;
      if (data) rmSync(data.remove, { recursive: true, force: true });
      throw new Error(`Expected ${name} to start, but ${String(error)}\n${running.log}`);
    }
    return describeServer(name, endpoint, running, data);
  }
}

function describeServer(
  name: string,
  endpoint: string,
  running: Running,
  data: { readonly buckets: string; readonly remove: string } | undefined,
): S3Server {
  const client = new S3Client({
    endpoint,
    region: REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
  });
  return {
    name,
    endpoint,
    region: REGION,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    ...(data && { folder: data.buckets }),
    client,
    env: {
      ...noAwsSettings(),
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_S3: endpoint,
    },
    createBucket: async (bucket) => {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    },
    log: () => running.log,
    stop: async () => {
      client.destroy();
      await running.stop();
      if (data) rmSync(data.remove, { recursive: true, force: true });
    },
  };
}

/** An environment in which the SDK finds nothing of this machine: neither variables, nor profiles, nor a metadata service. */
export function noAwsSettings(): Record<string, string> {
  const nothing: Record<string, string> = {};
  // An empty variable counts as absent for the SDK; spawn's environment cannot remove one.
  for (const name of Object.keys(process.env)) {
    if (name.startsWith("AWS_") && !name.startsWith("AWS_SDK_JS_")) nothing[name] = "";
  }
  return {
    ...nothing,
    AWS_CONFIG_FILE: "/nonexistent/config",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent/credentials",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** A server's process, which ends with this one. */
class Running {
  log = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #over = false;

  constructor({ program, args, env }: Program) {
    this.#child = spawn(process.execPath, [GUARD, program, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        // The last part says why a server stopped; all of it would grow with every request.
        this.log = (this.log + text).slice(-100_000);
      });
    }
    this.#ended = new Promise((resolve) => {
      this.#child.once("close", () => {
        this.#over = true;
        resolve();
      });
    });
  }

  /** Resolves when the server answers, with whatever status. */
  async answers(endpoint: string): Promise<void> {
    const limit = Date.now() + START_LIMIT_MS;
    for (;;) {
      if (this.#over) throw new Error("it ended");
      if (Date.now() > limit) throw new Error("it did not answer");
      try {
        await (await fetch(endpoint, { signal: AbortSignal.timeout(5_000) })).arrayBuffer();
        if (!this.#over) return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
