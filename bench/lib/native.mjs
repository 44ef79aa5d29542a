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

async function bundle() {
  const outfile = path.join(ROOT, "build-bench", "native.mjs");
  await build({
    stdin: {
      contents: ["image", "linalg", "parquet", "system"].map((name) => `export * from "./${name}.js";`).join("\n"),
      resolveDir: path.join(ROOT, "src-main", "native"),
      loader: "ts",
    },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    logLevel: "error",
  });
  return import(pathToFileURL(outfile).href);
}
