// Everything between a fresh clone and a program that runs: system packages, npm packages, the native addon, the bundles.
// What stands already is skipped.
//
//   node scripts/bootstrap.mjs [--check]     --check: also what the checks need
import "./lib/node-version.mjs";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { installIntelMacRuntime, isIntelMac } from "./lib/intel-mac.mjs";
import { filesBelow, hashOf, installLocked, isFresh, main, root, run, Stop, stamp, unstamp } from "./lib/project.mjs";
import { ensureS3Servers } from "./lib/s3-servers.mjs";
import { installSystemPackages } from "./lib/system.mjs";

/**
 * Prepares the checkout.
 *
 * @param check also what the checks need
 * @throws Stop with a sentence that says what failed and what to do
 */
export function bootstrap({ check = false } = {}) {
  // A preset's libraries are vcpkg's.
  if (!process.env.VERGER_PRESET) installSystemPackages(check);
  installModules();
  buildAddon();
  buildBundles();
  if (check) ensureS3Servers();
}

/** Runs `npm ci` unless node_modules is what the lock file says. */
export function installModules() {
  if (!modulesMatchLock()) {
    console.log("Installing npm packages ...");
    installLocked();
  }
  if (isIntelMac()) installIntelMacRuntime();
}

/** Compares npm's own record of what it installed with the lock file. */
function modulesMatchLock() {
  const record = path.join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages ?? {};
  const locked = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(locked).every(([place, { version, optional, devOptional, link }]) => {
    if (place === "" || link) return true;
    const present = installed[place];
    // Packages for other systems are in the lock file and not on disk.
    if (present === undefined) return optional === true || devOptional === true;
    return present.version === version && existsSync(path.join(root, place));
  });
}

/**
 * Builds build/Release/verger.node unless it was built from these sources: with the system's libraries, or as the preset
 * of CMakePresets.json that VERGER_PRESET names.
 */
export function buildAddon() {
  const preset = process.env.VERGER_PRESET;
  const presets = preset ? ["CMakePresets.json", "vcpkg.json"] : [];
  const sources = filesBelow(["native/core", "native/binding", "CMakeLists.txt", "package-lock.json", ...presets]);
  const hash = hashOf(sources, process.platform, process.arch, ...(preset ? [preset] : []));
  if (isFresh("addon", hash, ["build/Release/verger.node"])) return;
  console.log("Building the native addon ...");
  unstamp("addon");
  if (!run(process.execPath, ["scripts/build-native.mjs", ...(preset ? ["--preset", preset] : [])])) {
    throw new Stop("Expected the native addon to build, but it failed; the first error above says where.");
  }
  stamp("addon", hash);
}

/** Bundles the TypeScript into dist/ unless it was built from these sources. */
export function buildBundles() {
  const sources = filesBelow(
    [
      "src-main",
      "src-renderer",
      "scripts/build.mjs",
      "scripts/lib/build-renderer.mjs",
      "package.json",
      "package-lock.json",
      "tsconfig.base.json",
    ],
    (file) => !file.endsWith(".md"),
  );
  const hash = hashOf(sources);
  if (isFresh("bundles", hash, ["dist/cli/main.js", "dist/electron/preload.cjs", "dist/renderer/index.html"])) return;
  console.log("Bundling the TypeScript ...");
  unstamp("bundles");
  if (!run(process.execPath, ["scripts/build.mjs"])) {
    throw new Stop("Expected the TypeScript to bundle, but it failed; the first error above says where.");
  }
  stamp("bundles", hash);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(() => bootstrap({ check: process.argv.includes("--check") }));
}
