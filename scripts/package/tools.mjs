// The tools of packaging/tools: big, needed by few, and partly for one system only, so not in the project's own lock file.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { hashOf, installLocked, isFresh, root, run, Stop, stamp, unstamp } from "../lib/project.mjs";

const folder = path.join(root, "packaging", "tools");

/**
 * Installs the packaging tools as their lock file says, unless that is done.
 *
 * @throws Stop
 */
export function ensureTools() {
  const hash = hashOf(["packaging/tools/package-lock.json"], process.platform, process.arch);
  if (isFresh("packaging-tools", hash, ["packaging/tools/node_modules"])) return;
  console.log("Installing the packaging tools ...");
  unstamp("packaging-tools");
  installLocked("packaging/tools");
  stamp("packaging-tools", hash);
}

/** A module of packaging/tools. */
export function requireTool(name) {
  return createRequire(path.join(folder, "package.json"))(name);
}

/** A file or folder of packaging/tools/node_modules, by absolute path. */
export function toolPath(...parts) {
  return path.join(folder, "node_modules", ...parts);
}

/**
 * Runs a script of packaging/tools with this Node.
 *
 * @returns true when it ended with 0
 */
export function runTool(script, args, options) {
  return run(process.execPath, [toolPath(...script.split("/")), ...args], options);
}

/**
 * The folder of the Node runtime that the command for servers ships.
 *
 * @throws Stop when there is none for this system
 */
export function nodeRuntime() {
  const name = `node-${process.platform}-${process.arch}`;
  const place = toolPath(name);
  if (!existsSync(path.join(place, "bin", "node"))) {
    throw new Stop(
      `Expected packaging/tools to hold a Node runtime for ${process.platform}-${process.arch}, but it has none.`,
    );
  }
  return place;
}
