// Builds the addon into build/Release/verger.node through cmake-js, on as many cores as there are.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cmakeJs = path.join(root, "node_modules", "cmake-js", "bin", "cmake-js");
const args = [
  cmakeJs,
  "compile",
  "--out",
  "build",
  "--parallel",
  String(availableParallelism()),
  ...process.argv.slice(2),
];
const result = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
process.exitCode = result.status ?? 1;
