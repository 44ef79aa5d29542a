// Everything that must hold before a change lands: set-up, lint, types, build, and every suite of tests. Goes on after a
// failure, so that one run names them all; the last line is "N passed, N failed".
import "./lib/node-version.mjs";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { buildAddon, buildBundles, installModules } from "./bootstrap.mjs";
import { main, root, run, runModule, Stop } from "./lib/project.mjs";
import { junitCounts, reportFile, vitestCounts } from "./lib/report.mjs";
import { ensureS3Servers } from "./lib/s3-servers.mjs";
import { installSystemPackages } from "./lib/system.mjs";
import { ensureTools } from "./package/tools.mjs";

const PROJECTS = ["src-main", "src-renderer", "test", "test/e2e", "test/electron"];

const results = [];

/** Runs one step; `count` reads the report of a suite, a step without one counts as one check. */
async function step(name, action, count) {
  console.log(`\n== ${name}`);
  const start = performance.now();
  let passed = false;
  try {
    passed = (await action()) !== false;
  } catch (error) {
    console.error(error instanceof Stop ? error.message : error);
  }
  const counts = count?.() ?? { passed: passed ? 1 : 0, failed: 0, skipped: [] };
  // A suite that ended badly without a failed test (it crashed, or could not be built) has failed all the same.
  if (!passed && counts.failed === 0) counts.failed = 1;
  results.push({ name, ...counts, seconds: (performance.now() - start) / 1000 });
}

const vitest =
  (suite, tests = suite) =>
  () =>
    runModule("vitest/vitest.mjs", [
      "run",
      `test/${tests}`,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportFile(suite, "json")}`,
    ]);
const script =
  (name, ...args) =>
  () =>
    run(process.execPath, [`scripts/${name}`, ...args]);

await main(async () => {
  const start = performance.now();
  installSystemPackages(true);
  installModules();
  // The linters' module is read only now: everything before needs nothing but Node.
  const { LINTERS } = await import("./lint.mjs");
  const reports = path.join(root, ".cache", "check");
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });

  await step("build: native addon", buildAddon);
  await step("build: bundles", buildBundles);
  await step("set-up: S3 servers of the tests", ensureS3Servers);
  for (const [name, lint] of Object.entries(LINTERS)) await step(`lint: ${name}`, lint);
  for (const project of PROJECTS) {
    await step(`types: ${project}`, () => runModule("typescript/bin/tsc", ["-p", project]));
  }
  await step("unit tests", vitest("unit"), () => vitestCounts("unit"));
  await step("native tests", script("test-native.mjs"), () => junitCounts("native"));
  await step("native tests, sanitized, and fuzz corpora", script("test-native.mjs", "--sanitize"), () =>
    junitCounts("native-sanitized"),
  );
  await step("integration tests", vitest("integration"), () => vitestCounts("integration"));
  await step("end-to-end tests of the window", script("test-e2e.mjs"), () => junitCounts("e2e"));
  await step("desktop app in Electron", script("test-electron.mjs"), () => junitCounts("electron"));
  await step("set-up: packaging tools", ensureTools);
  // The headless package and its clean Debian take minutes: npm run test:packaging.
  await step("tests of the packaged desktop app", vitest("packaging", "packaging/desktop.test.ts"), () =>
    vitestCounts("packaging"),
  );
  await step("Python interop tests", script("test-python.mjs"), () => junitCounts("python"));

  console.log("");
  for (const { name, passed, failed, skipped, seconds } of results) {
    const mark = failed > 0 ? "FAILED" : "ok";
    const left = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
    console.log(
      `${mark.padEnd(7)}${name.padEnd(44)}${`${passed} passed, ${failed} failed${left}`.padEnd(36)}${seconds.toFixed(1).padStart(7)} s`,
    );
  }
  for (const { name, skipped } of results) for (const test of skipped) console.log(`skipped: ${name}: ${test}`);
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  console.log(`\nin ${((performance.now() - start) / 1000).toFixed(0)} s`);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
  if (sum("failed") > 0) process.exitCode = 1;
});
