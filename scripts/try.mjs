// From a fresh clone to a result: sets up, draws a small set of fruit, embeds it, and says what to do next.
//
//   node scripts/try.mjs [verger run options]
import "./lib/node-version.mjs";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { bootstrap } from "./bootstrap.mjs";
import { main, root, run, Stop } from "./lib/project.mjs";

const verger = (...args) => run(process.execPath, [path.join("bin", "verger"), ...args]);

await main(() => {
  bootstrap();
  const photos = path.join("verger-try", "photos");
  const out = path.join("verger-try", "run");
  if (!existsSync(path.join(root, photos))) {
    // Drawn beside its final name: a set that was cut short is drawn again.
    const unfinished = `${photos}.unfinished`;
    rmSync(path.join(root, unfinished), { recursive: true, force: true });
    mkdirSync(path.join(root, "verger-try"), { recursive: true });
    if (!verger("sample", unfinished)) throw new Stop("The sample could not be drawn; see above.");
    renameSync(path.join(root, unfinished), path.join(root, photos));
  }
  if (!verger("run", photos, "--out", out, ...process.argv.slice(2))) {
    throw new Stop("The run did not finish; see above. The same command goes on where it stopped.");
  }
  const command = path.join("bin", "verger");
  console.log(`
The result is in ${path.join(root, out)}: features and PCA as Parquet, run.json says how they came about.

What to do next:
  ${command} inspect ${out}                       counts, timings, explained variance
  ${command} run <your photos> --out <folder>     your own photos; one folder per label
  ${command} --help                               everything else
  python3 -c "import polars; print(polars.read_parquet('${out.replaceAll("\\", "/")}/pca/part-*.parquet'))"
                                                  the same table in Python (also Spark, DuckDB, pandas)
`);
});
