/** What Verger is made of and where it keeps things: for people, and for bug reports. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { About } from "../api/about.js";
import { appVersion } from "../core/run/version.js";
import { userModelsFolder } from "../models/files.js";
import { listModels } from "../models/index.js";
import { imageLibraries, imageLibraryVersions } from "../native/image.js";
import { packageRoot } from "../native/root.js";
import { syncFolder } from "../storage/sync/state.js";

/** Of `process.versions`: what decides how Verger behaves. */
const RUNTIME: Readonly<Record<string, string>> = {
  node: "Node.js",
  v8: "V8",
  electron: "Electron",
  chrome: "Chromium",
};

/** @param folders of this engine */
export async function about(folders: { readonly state: string; readonly cache: string }): Promise<About> {
  return {
    ...(await components()),
    places: {
      settings: path.join(folders.state, "settings.json"),
      history: path.join(folders.state, "jobs"),
      models: userModelsFolder(),
      sync: syncFolder(),
      cache: folders.cache,
    },
  };
}

/**
 * Versions of everything that this Verger is made of; the document of `verger --version --json`.
 *
 * @throws VergerError `native/missing`
 */
export async function components(): Promise<Omit<About, "places">> {
  const { licence, libraries } = await manifest();
  return {
    version: appVersion(),
    licence,
    runtime: Object.entries(RUNTIME).flatMap(([key, name]) => {
      const version = process.versions[key];
      return version === undefined ? [] : [{ name, version }];
    }),
    native: [...imageLibraryVersions(), { name: "SIMD", version: imageLibraries().simdTarget }],
    libraries,
    models: (await listModels()).map(({ name, licence: terms, source, sha256, file }) => ({
      name,
      licence: terms,
      source,
      sha256,
      installed: file !== null,
    })),
  };
}

/**
 * Licence and pinned libraries of the program's own package.json. In a package most libraries are part of the bundles:
 * there `dependencies` names what is installed beside them, and `libraries` all of them.
 */
async function manifest(): Promise<{ licence: string; libraries: { name: string; version: string }[] }> {
  const parsed: unknown = JSON.parse(await readFile(path.join(packageRoot(), "package.json"), "utf8"));
  const { license, dependencies, libraries } = parsed as {
    license?: unknown;
    dependencies?: Record<string, string>;
    libraries?: Record<string, string>;
  };
  return {
    licence: typeof license === "string" ? license : "",
    libraries: Object.entries(libraries ?? dependencies ?? {}).map(([name, version]) => ({ name, version })),
  };
}
