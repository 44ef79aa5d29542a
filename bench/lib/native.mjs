/** Verger's own modules, bundled for a benchmark: what `src-main/native` exports, for JavaScript. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { ROOT } from "./process.mjs";

let loaded;

/** @returns {Promise<typeof import("../../src-main/native/image.js") & typeof import("../../src-main/native/parquet.js") & typeof import("../../src-main/native/linalg.js")>} */
export function nativeModules() {
  loaded ??= bundle();
  return loaded;
}

function bundle() {
  const contents = ["image", "linalg", "parquet", "system"].map((name) => `export * from "./${name}.js";`).join("\n");
  return bundled("native", { contents, resolveDir: path.join(ROOT, "src-main", "native"), loader: "ts" });
}

/**
 * One module of `src-main` by its path there, with all that it imports.
 *
 * @param {string} file as `core/explore/neighbours.ts`
 */
export function sourceModule(file) {
  const resolveDir = path.join(ROOT, "src-main");
  const contents = `export * from "./${file.replace(/\.ts$/, ".js")}";`;
  return bundled(path.basename(file, ".ts"), { contents, resolveDir, loader: "ts" });
}

async function bundled(name, stdin) {
  const outfile = path.join(ROOT, "build-bench", `${name}.mjs`);
  await build({
    stdin,
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    // As in scripts/build.mjs: packages with native code stay where they are, CommonJS calls require().
    external: ["onnxruntime-node", "parquet-wasm", "apache-arrow"],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "error",
  });
  return import(pathToFileURL(outfile).href);
}
