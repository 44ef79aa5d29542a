/** Builds and runs the C++ benchmarks in native/bench. */

import { availableParallelism } from "node:os";
import path from "node:path";
import { execute, ROOT } from "./process.mjs";
import { summarise } from "./stats.mjs";

const FOLDER = path.join(ROOT, "build-bench", "native");
/** Runs of a benchmark; each takes medians over rounds of its own. */
const RUNS = 3;

/**
 * Runs a benchmark several times. It prints with --json: `{ measures: [{ name, unit, limit, ours, ratio, reach?,
 * atLeast? }] }`, the ratio being ours / limit.
 *
 * @param {string} target name of its .cc file
 * @param {readonly string[]} args
 * @param {import("./benches.mjs").Context} context
 */
export async function nativeBench(target, args, { log, quick }) {
  log(`building ${target}`);
  await execute("cmake", [
    "-S",
    ROOT,
    "-B",
    FOLDER,
    "-DCMAKE_BUILD_TYPE=Release",
    "-DVERGER_ADDON=OFF",
    "-DVERGER_BENCH=ON",
  ]);
  await execute("cmake", ["--build", FOLDER, "--target", target, "--parallel", String(availableParallelism())]);
  const runs = [];
  for (let run = 0; run < (quick ? 1 : RUNS); run += 1) {
    const { stdout } = await execute(path.join(FOLDER, target), ["--json", ...args]);
    runs.push(JSON.parse(stdout).measures);
    log(`${target}: run ${run + 1} of ${quick ? 1 : RUNS}`);
  }
  const details = {};
  const figures = runs[0].map((measure, index) => {
    const all = runs.map((measures) => measures[index]);
    const { median: limit } = summarise(all.map((one) => one.limit));
    const { median: ours } = summarise(all.map((one) => one.ours));
    details[measure.name] = `${ours.toPrecision(3)} ${measure.unit} against ${limit.toPrecision(3)} ${measure.unit}`;
    return {
      measure: measure.name,
      unit: "x",
      ...(measure.reach ? { reach: { at: measure.atLeast ? "least" : "most", value: measure.reach } } : {}),
      summary: summarise(all.map((one) => one.ratio)),
    };
  });
  return { figures, details };
}
