/** What a figure was taken on, and how much of the machine others used meanwhile. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { onnxruntimeVersion } from "./bare.mjs";
import { nativeModules } from "./native.mjs";
import { ROOT } from "./process.mjs";

/** Facts that every figure depends on, by name. */
export async function describeMachine() {
  const { simdTarget, simdTargets: _compiled, ...libraries } = (await nativeModules()).imageLibraries();
  return {
    CPU: cpus()[0]?.model.trim() || "unknown",
    processors: String(availableParallelism()),
    "SIMD target": simdTarget,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    system: `${process.platform}-${process.arch}, kernel ${release()}`,
    Node: process.versions.node,
    "ONNX Runtime": onnxruntimeVersion(),
    libraries: Object.entries(libraries)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
  };
}

/** The commit that is measured; `+` when the tree holds changes that are in no commit. */
export function commit() {
  const git = (...args) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no", "--", "native", "src-main", "resources");
    return git("rev-parse", "--short", "HEAD") + (changed ? "+" : "");
  } catch {
    return "unknown";
  }
}

/** User and system clock ticks of a process, those of its ended children included: /proc/<pid>/stat, fields 14 to 17. */
function ownTicks(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, the command's name, may hold spaces and brackets: count from the last bracket.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
}

/** Clock ticks of all processors since boot; stolen ones count as busy. */
function machineTicks() {
  const fields = readFileSync("/proc/stat", "utf8").split("\n", 1)[0].trim().split(/\s+/).slice(1, 9).map(Number);
  const all = fields.reduce((sum, ticks) => sum + ticks, 0);
  return { all, busy: all - fields[3] - fields[4] };
}

/**
 * Starts to watch what other processes take from the machine. Children still alive at the end count as others: stop
 * them before.
 *
 * @returns {() => number | undefined} ends the watch: the share of all processors that neither this process nor its
 *   children used; undefined where /proc is missing
 */
export function watchOthers() {
  const read = () => {
    try {
      return { ...machineTicks(), own: ownTicks(process.pid) };
    } catch {
      return undefined;
    }
  };
  const before = read();
  return () => {
    const after = read();
    if (!before || !after || after.all === before.all) return undefined;
    const others = after.busy - before.busy - (after.own - before.own);
    return Math.max(0, others / (after.all - before.all));
  };
}
