/** The S3 section of README.md, typed in as it stands; only its scratch folder is another one. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { repositoryRoot } from "../support/run-cli.js";
import { noAwsSettings } from "../support/s3-servers.js";

const work = mkdtempSync(path.join(tmpdir(), "verger-readme-"));
const [, section = ""] = readFileSync(path.join(repositoryRoot, "README.md"), "utf8").split("\n## S3\n");
const blocks = [...(section.split("\n## ")[0] ?? "").matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) =>
  block.replaceAll("verger-try/", `${work}/`),
);

let server: ChildProcess | undefined;
afterAll(async () => {
  if (server?.pid !== undefined && server.exitCode === null) {
    const closed = new Promise((resolve) => server?.once("close", resolve));
    // As Ctrl-C does: npm, the script and the server.
    process.kill(-server.pid, "SIGINT");
    await closed;
  }
  rmSync(work, { recursive: true, force: true });
});

function shell(script: string, detached: boolean): { child: ChildProcess; text: () => string } {
  let text = "";
  const child = spawn("sh", ["-e", "-c", script], {
    cwd: repositoryRoot,
    detached,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...noAwsSettings(), VERGER_HOME: path.join(work, "home"), NO_COLOR: "1" },
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
  }
  return { child, text: () => text };
}

async function typed(script: string): Promise<string> {
  const { child, text } = shell(script, false);
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code, text()).toBe(0);
  return text();
}

it("works as it is written, twice", async () => {
  expect(blocks).toHaveLength(2);
  const [start = "", commands = ""] = blocks;
  const started = shell(start, true);
  server = started.child;
  while (!started.text().includes("Ctrl-C stops it")) {
    expect(server.exitCode, started.text()).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const first = await typed(commands);
  expect(first).toContain("Verger can work here.");
  const run = path.join(work, "first");
  expect(readdirSync(run).sort()).toEqual(["_SUCCESS", "features", "manifest", "pca", "run.json"]);
  const { counts } = JSON.parse(readFileSync(path.join(run, "run.json"), "utf8")) as { counts: { images: number } };
  expect(counts.images).toBe(600);
  const features = readFileSync(path.join(run, "features", "part-00000.parquet"));
  // The photos stay as they are: the second time there is nothing to send, embed or fetch.
  await typed(commands);
  expect(readFileSync(path.join(run, "features", "part-00000.parquet")).equals(features)).toBe(true);
  expect(existsSync(path.join(work, "s3", "buckets", "orchard", "runs", "first", "_SUCCESS"))).toBe(true);
});
