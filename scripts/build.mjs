// Bundles the TypeScript into dist/: the command line, the worker threads and the desktop app, ES modules for Node, and
// the window for browsers (dist/renderer).
//
//   node scripts/build.mjs [--watch]
//
// scripts/package builds the same into a folder of its own, without source maps.
//
// Code is split: what the entry points share and what a command imports at run time become chunks of their own, so
// `verger --help` reads only the command tree.
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build, context } from "esbuild";
import { buildRenderer } from "./lib/build-renderer.mjs";
import { root } from "./lib/project.mjs";

/** Every file that Node is started with. */
const entryPoints = [
  { in: "src-main/cli/main.ts", out: "cli/main" },
  // Worker threads
  { in: "src-main/core/embed/worker.ts", out: "workers/embed" },
  { in: "src-main/engine/jobs/thread.ts", out: "workers/job" },
  // The desktop app, and `verger --cli` of the packaged one
  { in: "src-main/electron/main.ts", out: "electron/main" },
  { in: "src-main/electron/engine-entry.ts", out: "electron/engine-entry" },
];

/** Packages with native code or files of their own, left in node_modules. */
export const EXTERNAL_PACKAGES = ["onnxruntime-node", "parquet-wasm"];

/** What a preload script runs in is CommonJS, and has nothing of Node but what Electron gives it. */
const preload = { in: "src-main/electron/preload.ts", out: "electron/preload" };

/**
 * Writes what has changed, each file beside its name and then renamed, and removes chunks of earlier builds: a command
 * that runs meanwhile sees the old files or the new ones.
 *
 * @param chunks the folder of the chunks, when this build makes any
 */
const writeChanged = (chunks) => ({
  name: "write-changed",
  setup(build) {
    build.onEnd(async (result) => {
      if (result.errors.length > 0) return;
      const files = new Map(result.outputFiles.map((file) => [file.path, file.contents]));
      for (const [file, contents] of files) {
        const old = await readFile(file).catch(() => undefined);
        if (old && Buffer.compare(old, contents) === 0) continue;
        await mkdir(path.dirname(file), { recursive: true });
        const temporary = `${file}.${process.pid}.tmp`;
        await writeFile(temporary, contents);
        await rename(temporary, file);
      }
      for (const name of chunks ? await readdir(chunks).catch(() => []) : []) {
        const file = path.join(chunks, name);
        if (!files.has(file) && !name.endsWith(".tmp")) await rm(file, { force: true });
      }
    });
  },
});

const options = (outdir, sourcemap) => ({
  absWorkingDir: root,
  entryPoints,
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  // The AWS SDK's ES modules, not its CommonJS: those keep their named exports behind a dynamic import(), and what
  // nobody calls is left out.
  mainFields: ["module", "main"],
  target: "node20.19",
  external: [...EXTERNAL_PACKAGES, "electron"],
  // Less to read at every start; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap,
  legalComments: "linked",
  // CommonJS packages inside an ES module call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "info",
  write: false,
  metafile: true,
  plugins: [writeChanged(path.join(outdir, "chunks"))],
});

const preloadOptions = (outdir, sourcemap) => ({
  absWorkingDir: root,
  entryPoints: [preload],
  outdir,
  outExtension: { ".js": ".cjs" },
  bundle: true,
  format: "cjs",
  platform: "browser",
  target: "chrome140",
  external: ["electron"],
  sourcemap,
  logLevel: "info",
  write: false,
  metafile: true,
  plugins: [writeChanged()],
});

/**
 * Bundles everything.
 *
 * @param outdir default: dist/ of the checkout
 * @param sourceMaps default true; what is shipped has none
 * @returns the files of node_modules that went into the bundles, relative to the project, with `/`, sorted
 */
export async function buildBundles({ outdir = path.join(root, "dist"), sourceMaps = true } = {}) {
  const maps = sourceMaps ? "linked" : false;
  const { metafile } = await build(options(outdir, maps));
  await build(preloadOptions(outdir, maps));
  const modules = await buildRenderer(path.join(outdir, "renderer"));
  // What tree shaking left nothing of is not shipped.
  const shipped = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  return [...new Set([...shipped, ...modules])].filter((file) => file.startsWith("node_modules/")).sort();
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const dist = path.join(root, "dist");
  if (process.argv.includes("--watch")) {
    for (const made of [options(dist, "linked"), preloadOptions(dist, "linked")]) await (await context(made)).watch();
  } else await buildBundles();
}
