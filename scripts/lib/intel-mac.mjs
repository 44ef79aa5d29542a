// Macs with Intel processors: ONNX Runtime makes no library for them since 1.24, so there the last that has one takes the
// place of the package that the lock file names. packaging/intel-mac pins it; its JavaScript comes along.
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { installLocked, root } from "./project.mjs";

const FOLDER = "packaging/intel-mac";
const PACKAGES = ["onnxruntime-common", "onnxruntime-node"];

/** True on a Mac with an Intel processor. */
export function isIntelMac(platform = process.platform, arch = process.arch) {
  return platform === "darwin" && arch === "x64";
}

/**
 * Installs packaging/intel-mac as its lock file says and puts its ONNX Runtime into `modules`, unless it is there.
 *
 * @param modules a node_modules folder; by default the project's
 * @returns the version that is there now
 * @throws Stop when npm fails
 */
export function installIntelMacRuntime(modules = path.join(root, "node_modules")) {
  const source = path.join(root, FOLDER, "node_modules");
  const { packages } = JSON.parse(readFileSync(path.join(root, FOLDER, "package-lock.json"), "utf8"));
  const wanted = packages["node_modules/onnxruntime-node"].version;
  if (PACKAGES.every((name) => versionOf(path.join(modules, name)) === wanted)) return wanted;
  if (!PACKAGES.every((name) => versionOf(path.join(source, name)) === wanted)) {
    console.log(`Installing ONNX Runtime ${wanted} ...`);
    installLocked(FOLDER);
  }
  for (const name of PACKAGES) replaceFolder(path.join(source, name), path.join(modules, name));
  return wanted;
}

/** Never half of a package under its name: an interrupted copy is begun anew. */
function replaceFolder(source, target) {
  const fresh = `${target}.new`;
  rmSync(fresh, { recursive: true, force: true });
  cpSync(source, fresh, { recursive: true });
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
}

function versionOf(folder) {
  const file = path.join(folder, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).version : undefined;
}
