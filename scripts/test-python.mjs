// The Python interop tests: pyarrow, pandas, DuckDB and Polars read what Verger wrote.
//
//   node scripts/test-python.mjs [pytest arguments]
import "./lib/node-version.mjs";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { main, root, run, Stop } from "./lib/project.mjs";
import { ensurePython } from "./lib/python.mjs";
import { reportFile } from "./lib/report.mjs";

await main(() => {
  const program = ensurePython("test/python/requirements.txt");
  const report = path.join(root, reportFile("python", "xml"));
  mkdirSync(path.dirname(report), { recursive: true });
  const args = ["-m", "pytest", "test/python", "-q", "-rs", `--junitxml=${report}`, ...process.argv.slice(2)];
  // The tests call bin/verger with the Node that runs this.
  if (!run(program("python"), args, { env: { NODE: process.execPath, PYTHONDONTWRITEBYTECODE: "1" } })) {
    throw new Stop("Python tests failed.");
  }
});
