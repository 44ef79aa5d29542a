// A real S3 server on this machine, for trying things without a bucket in the cloud: Versity S3 Gateway over a folder,
// reachable from this machine only. Runs until Ctrl-C; what it holds stays and is there at the next start.
//
//   npm run s3-server [-- <folder>]
import "./lib/node-version.mjs";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { main, root, Stop } from "./lib/project.mjs";
import { ensureVersity } from "./lib/s3-servers.mjs";

const PORT = 7070;
const BUCKET = "orchard";
const START_LIMIT_MS = 30_000;

await main(async () => {
  const program = ensureVersity();
  const folder = path.resolve(root, process.argv[2] ?? path.join("verger-try", "s3"));
  const buckets = path.join(folder, "buckets");
  // A folder inside is a bucket.
  mkdirSync(path.join(buckets, BUCKET), { recursive: true });
  const { accessKey, secretKey } = readOrDrawKeys(path.join(folder, "keys.json"));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn(program, ["--port", `127.0.0.1:${port}`, "--quiet", "--keep-alive", "posix", buckets], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
  });
  const ended = new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      stopping = true;
      child.kill("SIGTERM");
    });
  }
  process.once("exit", () => child.kill("SIGKILL"));
  await answers(endpoint, ended);
  const env = path.join(folder, "env");
  writeFileSync(
    env,
    [
      `export AWS_ENDPOINT_URL_S3=${endpoint}`,
      "export AWS_REGION=us-east-1",
      `export AWS_ACCESS_KEY_ID=${accessKey}`,
      `export AWS_SECRET_ACCESS_KEY=${secretKey}`,
      "unset AWS_SESSION_TOKEN AWS_PROFILE",
      "",
    ].join("\n"),
    { mode: 0o600 },
  );
  const relative = path.relative(root, env);
  const shown = relative.startsWith("..") ? env : relative;
  console.log(`
S3 server at ${endpoint}, bucket s3://${BUCKET}, objects in ${path.join(buckets, BUCKET)}.
In another terminal, this gives it to Verger and to every other S3 program:
  . ${shown}
Ctrl-C stops it.`);
  const code = await ended;
  if (!stopping) throw new Stop(`Expected the S3 server to run until Ctrl-C, but it ended with ${code}; see above.`);
});

/** The keys of this folder's server: drawn once, readable by their owner alone. */
function readOrDrawKeys(file) {
  if (!existsSync(file)) {
    const keys = {
      accessKey: `LOCAL${randomBytes(8).toString("hex").toUpperCase()}`,
      secretKey: randomBytes(20).toString("hex"),
    };
    writeFileSync(file, JSON.stringify(keys), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(file, "utf8"));
}

/** The usual port, or another one where that is taken. */
async function freePort() {
  for (const port of [PORT, 0]) {
    const server = createServer();
    const found = await new Promise((resolve) => {
      server.once("error", () => resolve(undefined));
      server.listen(port, "127.0.0.1", () => resolve(server.address().port));
    });
    if (found === undefined) continue;
    await new Promise((resolve) => server.close(resolve));
    return found;
  }
  throw new Stop("Expected a free port on 127.0.0.1 for the S3 server, but none could be opened; see the firewall.");
}

async function answers(endpoint, ended) {
  let over = false;
  const end = () => {
    over = true;
  };
  ended.then(end, end);
  const limit = Date.now() + START_LIMIT_MS;
  while (!over && Date.now() < limit) {
    try {
      await (await fetch(endpoint)).arrayBuffer();
      return;
    } catch {
      await sleep(50);
    }
  }
  throw new Stop(`Expected the S3 server to answer at ${endpoint}, but it did not; see its message above.`);
}
