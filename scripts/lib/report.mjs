// Counts from the reports that test runners write.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./project.mjs";

/** Where a suite's report stands, relative to the project. */
export const reportFile = (suite, extension) => `.cache/check/${suite}.${extension}`;

/**
 * Counts of a JUnit report (ctest, pytest).
 *
 * @returns passed, failed and the names of what was skipped; undefined when there is no report
 */
export function junitCounts(suite) {
  const file = path.join(root, reportFile(suite, "xml"));
  if (!existsSync(file)) return undefined;
  const counts = { passed: 0, failed: 0, skipped: [] };
  for (const [, attributes, body = ""] of readFileSync(file, "utf8").matchAll(
    /<testcase\b((?:[^>"]|"[^"]*")*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const name = /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "?";
    if (/<(failure|error)\b/.test(body) || /\bstatus="fail"/.test(attributes)) counts.failed++;
    else if (/<skipped\b/.test(body) || /\bstatus="(notrun|disabled)"/.test(attributes)) counts.skipped.push(name);
    else counts.passed++;
  }
  return counts;
}

/** Counts of a Vitest JSON report; a file that could not even be loaded counts as one failure. */
export function vitestCounts(suite) {
  const file = path.join(root, reportFile(suite, "json"));
  if (!existsSync(file)) return undefined;
  const { testResults } = JSON.parse(readFileSync(file, "utf8"));
  const counts = { passed: 0, failed: 0, skipped: [] };
  for (const { status, assertionResults } of testResults) {
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) counts.failed++;
    for (const test of assertionResults) {
      if (test.status === "passed") counts.passed++;
      else if (test.status === "failed") counts.failed++;
      else counts.skipped.push(test.fullName);
    }
  }
  return counts;
}
