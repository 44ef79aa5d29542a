// Builds the addon into build/Release/verger.node through cmake-js, on as many cores as there are.
//
//   node scripts/build-native.mjs [--preset <name>] [cmake-js options]
//
// A preset of CMakePresets.json, e.g. release-linux-x64, gives its variables and toolchain to cmake-js, which knows no
// presets.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { root } from "./lib/project.mjs";

const given = process.argv.slice(2);
const at = given.indexOf("--preset");
const preset = at < 0 ? undefined : given.splice(at, 2)[1];
const cmakeJs = path.join(root, "node_modules", "cmake-js", "bin", "cmake-js");
const args = [
  cmakeJs,
  "compile",
  "--out",
  "build",
  "--parallel",
  String(availableParallelism()),
  ...presetOptions(preset),
  ...given,
];
const result = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
process.exitCode = result.status ?? 1;

/** A preset's variables, with those it inherits, as options of cmake-js. */
function presetOptions(name) {
  if (name === undefined) return [];
  const { configurePresets } = JSON.parse(readFileSync(path.join(root, "CMakePresets.json"), "utf8"));
  const { toolchainFile, cacheVariables } = resolve(name, configurePresets);
  const variables = { ...cacheVariables, ...(toolchainFile && { CMAKE_TOOLCHAIN_FILE: expand(toolchainFile) }) };
  return Object.entries(variables).map(([variable, value]) => `--CD${variable}=${value}`);
}

function resolve(name, presets) {
  const preset = presets.find((candidate) => candidate.name === name);
  if (preset === undefined) throw new Error(`Expected a preset of CMakePresets.json, but received "${name}".`);
  const base = preset.inherits === undefined ? {} : resolve(preset.inherits, presets);
  return { ...base, ...preset, cacheVariables: { ...base.cacheVariables, ...preset.cacheVariables } };
}

function expand(text) {
  return text.replaceAll(/\$env\{(\w+)\}/g, (_, name) => {
    const value = process.env[name];
    if (!value) throw new Error(`Expected the environment to say where ${name} is, but it does not.`);
    return value;
  });
}
