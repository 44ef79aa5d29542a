import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const CODE = /"([a-z][a-z0-9]*\/[a-z][a-z-]*[a-z])"/g;
/** String literals of the same shape that are no error codes. */
const OTHER =
  /^(node|fs|dist|cli|workers|commander|apache-arrow|parquet-wasm|verger|core|binding|hwy|image|application)\/(js|json|octet-stream|wasm|x-verger-frame|x-icon|onnx|promises|esm|jpeg|png|webp|csv|base|linalg|image|parquet|main|highway)$/;

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(folder, name))
    .filter((file) => /\.(ts|cc|h)$/.test(file) && statSync(file).isFile());
}

/** Codes that the product can raise: every literal of the form area/reason outside of #include and import lines. */
function raised(): Set<string> {
  const codes = new Set<string>();
  for (const file of ["src-main", "native/core", "native/binding"].flatMap((name) => sources(path.join(root, name)))) {
    for (const line of readFileSync(file, "utf8").split("\n")) {
      if (/^\s*(#include|import|export .* from)/.test(line) || /from "/.test(line)) continue;
      for (const match of line.matchAll(CODE)) if (match[1] && !OTHER.test(match[1])) codes.add(match[1]);
    }
  }
  return codes;
}

const page = readFileSync(path.join(root, "docs/errors.md"), "utf8");
const documented = new Set([...page.matchAll(/`([a-z][a-z0-9]*\/[a-z][a-z-]*)`/g)].map((match) => match[1]));

describe("docs/errors.md", () => {
  it("names every error code of the source", () => {
    expect([...raised()].filter((code) => !documented.has(code)).sort()).toEqual([]);
  });

  it("names no code that the source does not raise", () => {
    const codes = raised();
    expect([...documented].filter((code) => code !== undefined && !codes.has(code)).sort()).toEqual([]);
  });
});
