/** Threads and processes that end in the middle of a fit end cleanly. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { packageRoot } from "../../src-main/native/root.js";

const script = fileURLToPath(new URL("../support/pca-teardown.mjs", import.meta.url));
const addon = path.join(packageRoot(), "build", "Release", "verger.node");

function run(...args: string[]) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, addon, ...args], {
    encoding: "utf8",
    timeout: 110_000,
  });
  return { status, signal, stdout, stderr };
}

test("worker.terminate() in mid-fit, 25 times", () => {
  expect(run("terminate", "25")).toEqual({ status: 0, signal: null, stdout: "survived 25\n", stderr: "" });
}, 120_000);

test("process.exit() of a worker in mid-fit, 10 times", () => {
  expect(run("leave", "10")).toEqual({ status: 0, signal: null, stdout: "survived 10\n", stderr: "" });
}, 120_000);

test.each(["5", "60", "200"])("process.exit() of the main thread %s ms into a fit", (delay) => {
  expect(run("exit", delay)).toEqual({ status: 7, signal: null, stdout: "", stderr: "" });
});
