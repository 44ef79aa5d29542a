// What the scripts share: paths, child processes, and stamps that say what is built already. Node's own modules only:
// these scripts run before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..");
const windows = process.platform === "win32";

/** A failure whose message is all that people need to see. */
export class Stop extends Error {}

/**
 * Runs a program in the project's folder with its output shown.
 *
 * @returns true when it ended with 0
 */
export function run(program, args, { env, cwd = root } = {}) {
  const result = spawnSync(program, args, { cwd, stdio: "inherit", env: { ...process.env, ...env } });
  if (result.error) console.error(`${program}: ${result.error.message}`);
  return result.status === 0;
}

/** Runs a program quietly; undefined when it is missing or fails. */
export function output(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, encoding: "utf8", ...options });
  return result.status === 0 ? result.stdout : undefined;
}

/** Runs a script of node_modules with this Node. */
export function runModule(script, args, options) {
  return run(process.execPath, [path.join(root, "node_modules", ...script.split("/")), ...args], options);
}

/** Runs npm: the one that started this script, else the one on the PATH. */
function npm(args, env) {
  const script = process.env.npm_execpath;
  if (script && /npm-cli\.[cm]?js$/.test(script)) return run(process.execPath, [script, ...args], { env });
  // npm is a batch file on Windows, which Node starts through a shell only.
  if (windows) return run(process.env.ComSpec ?? "cmd.exe", ["/d", "/s", "/c", `npm ${args.join(" ")}`], { env });
  return run("npm", args, { env });
}

/**
 * Installs a folder's packages as its lock file says. No package needs its install script: ONNX Runtime, esbuild, sharp and
 * Biome ship their binaries inside npm packages, Electron's is fetched when the app is first started, and recent versions of
 * npm would not run the scripts anyway. Some packages ask for a newer Node than they need (test/unit/lock-file.test.ts),
 * which npm would warn of at length.
 *
 * @param folder relative to the project; by default the project itself
 * @throws Stop
 */
export function installLocked(folder) {
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const place = folder === undefined ? [] : ["--prefix", folder];
  if (!npm(["ci", ...options, ...place], { ONNXRUNTIME_NODE_INSTALL: "skip" })) {
    throw new Stop(
      `Expected npm to install ${folder ?? "the packages"}, but it failed; see its message above and run again.`,
    );
  }
}

/** The first of these programs that is on the PATH, or undefined. */
export function which(...names) {
  const extensions = windows ? (process.env.PATHEXT ?? ".EXE;.CMD").split(";") : [""];
  for (const name of names) {
    for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
      for (const extension of extensions) {
        const file = path.join(folder, name + extension);
        try {
          accessSync(file, constants.X_OK);
          return file;
        } catch {
          // Not here.
        }
      }
    }
  }
  return undefined;
}

/** All files below these files and folders (relative to the project) that `keep` accepts, sorted, with `/`. */
export function filesBelow(places, keep = () => true) {
  const found = [];
  for (const place of places) {
    const absolute = path.join(root, place);
    if (!existsSync(absolute)) continue;
    const items = readdirOrFile(absolute);
    if (items === undefined) {
      found.push(place);
      continue;
    }
    for (const item of items) {
      if (!item.isFile()) continue;
      const folder = item.parentPath ?? item.path;
      found.push(path.relative(root, path.join(folder, item.name)).replaceAll(path.sep, "/"));
    }
  }
  return found.filter(keep).sort();
}

function readdirOrFile(place) {
  try {
    return readdirSync(place, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** One SHA-256 over names and contents of files (relative to the project) and over further words. */
export function hashOf(files, ...words) {
  const hash = createHash("sha256");
  for (const word of words) hash.update(`${word}\0`);
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update("\0");
  return hash.digest("hex");
}

const stampFile = (name) => path.join(root, ".cache", "stamps", name);

/** True when `outputs` exist and were made from what `hash` stands for. */
export function isFresh(name, hash, outputs = []) {
  if (!outputs.every((file) => existsSync(path.join(root, file)))) return false;
  try {
    return readFileSync(stampFile(name), "utf8") === hash;
  } catch {
    return false;
  }
}

/** Remembers that something was made from what `hash` stands for. */
export function stamp(name, hash) {
  mkdirSync(path.dirname(stampFile(name)), { recursive: true });
  writeFileSync(stampFile(name), hash);
}

/** Forgets a stamp, so that a step that fails half-way is done again. */
export function unstamp(name) {
  rmSync(stampFile(name), { force: true });
}

/** Runs a script's body: a Stop ends it with its sentence and exit code 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  }
}
