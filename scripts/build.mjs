// Bundles the TypeScript into dist/: the command line and the worker threads, ES modules for Node, and the window for
// browsers (dist/renderer).
//
//   node scripts/build.mjs [--watch]
//
// Code is split: what the entry points share and what a command imports at run time become chunks of their own, so
// `verger --help` reads only the command tree.
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";
import { buildRenderer } from "./lib/build-renderer.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const outdir = path.join(root, "dist");

/** Every file that Node is started with. */
const entryPoints = [
  { in: "src-main/cli/main.ts", out: "cli/main" },
  // Worker threads
  { in: "src-main/core/embed/worker.ts", out: "workers/embed" },
  { in: "src-main/engine/jobs/thread.ts", out: "workers/job" },
];

/** Packages with native code or files of their own, left in node_modules. */
const external = ["onnxruntime-node", "parquet-wasm", "apache-arrow"];

/**
 * Writes what has changed, each file beside its name and then renamed, and removes chunks of earlier builds: a command
 * that runs meanwhile sees the old files or the new ones.
 */
const writeChanged = {
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
      const chunks = path.join(outdir, "chunks");
      for (const name of await readdir(chunks).catch(() => [])) {
        const file = path.join(chunks, name);
        if (!files.has(file) && !name.endsWith(".tmp")) await rm(file, { force: true });
      }
    });
  },
};

const options = {
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
  external,
  // Less to read at every start; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: "linked",
  legalComments: "linked",
  // CommonJS packages inside an ES module call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "info",
  write: false,
  plugins: [writeChanged],
};

if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  await build(options);
  await buildRenderer();
}
