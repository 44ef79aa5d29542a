// The Parquet code on the command line, for tests in other languages.
//   node parquet-dump.mjs write <columns.json> <out.parquet>
//   node parquet-dump.mjs read <file | folder | glob>        prints one JSON document
// columns.json: {"rows": n, "options": {...}, "columns": [{"name", "type", "nullable"?, "values": [...], "width"?,
// "offsets"?, "validity"?}]}; 64-bit integers as strings. Errors are printed as {"error": code, "message": ...}.
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The TypeScript sources as one module. It must lie in the checkout: from there it finds the addon. */
async function loadSources() {
  const folder = path.join(root, ".cache");
  const outfile = path.join(folder, `parquet-dump-${randomUUID()}.mjs`);
  mkdirSync(folder, { recursive: true });
  try {
    await build({
      stdin: {
        contents:
          'export { openFeatures } from "./core/features/index.ts"; export { writePart } from "./native/parquet.ts";',
        resolveDir: path.join(root, "src-main"),
        loader: "ts",
      },
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      outfile,
      logLevel: "error",
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile, { force: true });
  }
}

const ARRAYS = {
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(values, BigInt),
  timestamp: (values) => BigInt64Array.from(values, BigInt),
  "local-timestamp": (values) => BigInt64Array.from(values, BigInt),
  float64: (values) => Float64Array.from(values, (value) => value ?? Number.NaN),
  boolean: (values) => Uint8Array.from(values),
  "list<float32>": (values) => Float32Array.from(values, (value) => value ?? Number.NaN),
  string: (values) => values,
};

async function write(writePart, specFile, out) {
  const { rows, columns, options } = JSON.parse(readFileSync(specFile, "utf8"));
  const typed = columns.map((column) => ({
    ...column,
    values: ARRAYS[column.type](column.values),
    ...(column.offsets ? { offsets: Uint32Array.from(column.offsets) } : {}),
    ...(column.validity ? { validity: Uint8Array.from(column.validity) } : {}),
  }));
  return writePart(out, typed, rows, options);
}

async function read(openFeatures, input) {
  const source = await openFeatures(input);
  const document = { rows: source.rows, dimension: source.dimension, paths: [], labels: [], features: [] };
  for await (const block of source.blocks()) {
    document.paths.push(...block.paths);
    document.labels.push(...block.labels);
    const { buffer, byteOffset, byteLength } = block.features;
    document.features.push(Buffer.from(buffer, byteOffset, byteLength).toString("base64"));
  }
  return document;
}

const [command, ...rest] = process.argv.slice(2);
const { openFeatures, writePart } = await loadSources();
try {
  const result = command === "write" ? await write(writePart, ...rest) : await read(openFeatures, ...rest);
  process.stdout.write(JSON.stringify(result));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: error.code ?? "internal", message: error.message }));
}
