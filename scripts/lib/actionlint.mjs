// The workflows of .github, checked by actionlint.
import path from "node:path";
import { buildGoProgram, GO_REQUIREMENTS } from "./go.mjs";
import { filesBelow, hashOf, isFresh, root, run, stamp, unstamp } from "./project.mjs";

const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";
const program = path.join(".cache", "actionlint", process.platform === "win32" ? "actionlint.exe" : "actionlint");

/**
 * Checks every workflow; actionlint is built when it is first needed.
 *
 * @returns true when it is content
 * @throws Stop when it cannot be built
 */
export function lintWorkflows() {
  const hash = hashOf([GO_REQUIREMENTS], ACTIONLINT, process.platform, process.arch);
  if (!isFresh("actionlint", hash, [program])) {
    unstamp("actionlint");
    buildGoProgram(ACTIONLINT, program);
    stamp("actionlint", hash);
  }
  return run(path.join(root, program), [...filesBelow([".github/workflows"])]);
}
