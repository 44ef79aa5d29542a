/** Threads and processes that end in the middle of a native batch end cleanly. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeJpeg } from "../../src-main/native/image.js";
import { packageRoot } from "../../src-main/native/root.js";

const script = fileURLToPath(new URL("../support/image-teardown.mjs", import.meta.url));
const addon = path.join(packageRoot(), "build", "Release", "verger.node");
let folder: string;
let image: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-teardown-"));
  image = path.join(folder, "image.jpg");
  const rgb = Uint8Array.from({ length: 300 * 200 * 3 }, (_, i) => (i * 37) % 251);
  writeFileSync(image, await encodeJpeg(rgb, 300, 200, 90));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, addon, image, ...args], {
    encoding: "utf8",
    timeout: 110_000,
  });
  return { status, signal, stdout, stderr };
}

test("worker.terminate() in mid-batch, 50 times", () => {
  expect(run("terminate", "50")).toEqual({ status: 0, signal: null, stdout: "survived 50\n", stderr: "" });
}, 120_000);

test("process.exit() of a worker in mid-batch, 20 times", () => {
  expect(run("leave", "20")).toEqual({ status: 0, signal: null, stdout: "survived 20\n", stderr: "" });
}, 120_000);

test.each(["0", "1", "5", "20"])("process.exit() in mid-batch after %s ms", (delay) => {
  expect(run("exit", delay)).toEqual({ status: 7, signal: null, stdout: "", stderr: "" });
});

test("an uncaught error in mid-batch", () => {
  const { status, signal, stderr } = run("throw", "5");
  expect({ status, signal }).toEqual({ status: 1, signal: null });
  expect(stderr).toContain("on purpose");
});

test("a batch under way keeps the process alive until it is done", () => {
  expect(run("finish")).toEqual({ status: 0, signal: null, stdout: "finished 64\n", stderr: "" });
});
