// The app's folder as it is shipped, built anew: the one place that says what a package holds.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { buildBundles, EXTERNAL_PACKAGES } from "../build.mjs";
import { filesBelow, output, root, Stop } from "../lib/project.mjs";
import { copySharedLibraries } from "./shared-libraries.mjs";
import { copyFile, filesOf } from "./tree.mjs";

/** Of the packages that are not bundled: the files that a running program reads. */
const RUNTIME_FILES = {
  "onnxruntime-node": [/^dist\/.*\.js$/, new RegExp(`^bin/napi-v\\d+/${process.platform}/${process.arch}/`)],
  "onnxruntime-common": [/^dist\/cjs\/(.*\.js|package\.json)$/],
  "parquet-wasm": [/^node\/(package\.json|parquet_wasm\.js|parquet_wasm_bg\.wasm)$/],
};
/** macOS: `libonnxruntime.1.30.0.dylib` is the same 45 MB as `libonnxruntime.1.dylib` where both are there. */
const LONG_NAME = /(\/libonnxruntime\.\d+)\.\d+\.\d+\.dylib$/;

/**
 * Builds the app's folder for this system and processor.
 *
 * @param folder emptied first
 * @param desktop with what only Electron starts
 * @returns what was put in, for NOTICE and SBOM: files of node_modules, and names of shared libraries
 * @throws Stop when the addon, the bundles or a file are missing
 */
export async function stageApp(folder, { desktop }) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  const modules = await buildBundles({ outdir: path.join(folder, "dist"), sourceMaps: false });
  if (!desktop) rmSync(path.join(folder, "dist", "electron"), { recursive: true, force: true });

  const addon = path.join(root, "build", "Release", "verger.node");
  if (!existsSync(addon)) throw new Stop('Expected the built addon, but there is none; run "npm run build:native".');
  const staged = path.join(folder, "native", "verger.node");
  copyFile(addon, staged);
  const libraries = copySharedLibraries(addon, path.dirname(staged));
  for (const [name, patterns] of Object.entries(RUNTIME_FILES)) modules.push(...copyPackage(name, patterns, folder));
  strip(
    filesOf(folder)
      .filter(isBinary)
      .map((file) => path.join(folder, file)),
  );
  const resources = [...modelFiles(), ...(desktop ? filesBelow(["resources/tray"]) : [])];
  for (const file of resources) copyFile(path.join(root, file), path.join(folder, file));
  writeManifest(folder, desktop);
  return { modules: modules.sort(), libraries };
}

/** The embedded models and their registry, relative to the project. */
export function modelFiles() {
  const { models } = JSON.parse(readFileSync(path.join(root, "resources", "models", "registry.json"), "utf8"));
  return ["registry.json", ...models.map(({ file }) => file)].map((name) => `resources/models/${name}`);
}

const isBinary = (file) => /\.(node|dylib|so(\.\d+)*)$/.test(file);

/** Removes symbols that only a debugger reads; what other objects link with stays. Windows keeps them in other files. */
export function strip(files) {
  if (process.platform === "win32") return;
  const options = process.platform === "darwin" ? ["-x"] : ["--strip-unneeded", "--remove-section=.comment"];
  if (output("strip", [...options, ...files]) === undefined) {
    throw new Stop(`Expected strip to remove the symbols of ${files.join(", ")}, but it failed.`);
  }
}

function copyPackage(name, patterns, folder) {
  const place = `node_modules/${name}`;
  const all = filesBelow([place]).filter((file) =>
    patterns.some((pattern) => pattern.test(file.slice(place.length + 1))),
  );
  const files = all.filter((file) => !LONG_NAME.test(file) || !all.includes(file.replace(LONG_NAME, "$1.dylib")));
  for (const pattern of patterns) {
    if (!files.some((file) => pattern.test(file.slice(place.length + 1)))) {
      throw new Stop(`Expected ${name} to hold files like ${pattern} for ${process.platform}-${process.arch}.`);
    }
  }
  for (const file of files) copyFile(path.join(root, file), path.join(folder, file));
  const { version, license, type, main, exports, dependencies = {} } = readPackage(name);
  // What a package needs only while it is being installed is not shipped, so it is no dependency of what is.
  const kept = Object.fromEntries(Object.entries(dependencies).filter(([other]) => other in RUNTIME_FILES));
  writeJson(path.join(folder, place, "package.json"), {
    name,
    version,
    license,
    type,
    main,
    exports,
    dependencies: kept,
  });
  return files;
}

function writeManifest(folder, desktop) {
  const { name, version, description, license, type, main, homepage, author, dependencies: libraries } = readPackage();
  const dependencies = Object.fromEntries(EXTERNAL_PACKAGES.map((other) => [other, readPackage(other).version]));
  const manifest = {
    name,
    productName: "Verger",
    version,
    description,
    license,
    homepage,
    author,
    type,
    dependencies,
    // An Intel Mac has another ONNX Runtime than package.json says.
    libraries: { ...libraries, ...dependencies },
  };
  writeJson(path.join(folder, "package.json"), desktop ? { ...manifest, main } : manifest);
}

/** package.json of the project or of a package in node_modules. */
export function readPackage(name) {
  const place = name === undefined ? root : path.join(root, "node_modules", name);
  return JSON.parse(readFileSync(path.join(place, "package.json"), "utf8"));
}

function writeJson(file, value) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}
