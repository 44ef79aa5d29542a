/**
 * Runs the benchmarks.
 *
 *   npm run bench [-- name ...] [-- --json] [--quick | --full] [--pairs n] [--write docs/performance.md]
 *
 * Each measures its own limit in the same run and prints the ratio. None passes or fails: a figure that falls short is
 * marked, and the exit code stays 0.
 */
import { parseArgs } from "node:util";
import { BENCHES } from "./lib/benches.mjs";
import { commit, describeMachine, watchOthers } from "./lib/machine.mjs";
import { asText, writePage } from "./lib/report.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    pairs: { type: "string", default: "5" },
    preset: { type: "string", multiple: true },
    write: { type: "string" },
  },
});

const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
for (const name of names) {
  if (!(name in BENCHES)) {
    console.error(`Expected one of ${Object.keys(BENCHES).join(", ")}, but received ${name}.`);
    process.exit(2);
  }
}

const log = (line) => console.error(line);
const context = {
  log,
  pairs: values.quick ? 1 : Number(values.pairs),
  quick: values.quick,
  full: values.full,
  presets: values.preset,
};
const machine = await describeMachine();
const results = [];
for (const name of names) {
  const { title, run } = await BENCHES[name]();
  log(`\n${name}: ${title}`);
  const began = performance.now();
  const others = watchOthers();
  const { figures, details } = await run(context);
  const seconds = (performance.now() - began) / 1000;
  const result = { name, title, figures, details, commit: commit(), seconds, others: others() };
  results.push(result);
  if (!values.json) console.log(asText(result));
}
if (values.write) writePage(values.write, machine, results);
if (values.json) console.log(JSON.stringify({ machine, results }, null, 2));
