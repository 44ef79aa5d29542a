import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** Each file with what it may not import, then what it may. */
const IMPORTS: readonly (readonly [file: string, refused: readonly string[], allowed: readonly string[]])[] = [
  [
    "src-main/core/run/x.ts",
    [
      "electron",
      "electron/main",
      "../../electron/window.js",
      "../../cli/main.js",
      "../../server/http.js",
      "../../engine/jobs.js",
      "../../storage/s3/client.js",
      "../../native/addon.js",
      "../../native/loader.js",
      "../../../build/Release/verger.node",
      "node:http",
      "node:net",
      "@aws-sdk/client-s3",
      "onnxruntime-node",
    ],
    ["node:fs", "../embed/embedder.js", "../../native/linalg.js", "../../storage/local.js"],
  ],
  ["src-main/core/x.ts", ["../cli/main.js", "../native/addon.js"], ["../native/linalg.js"]],
  ["src-main/core/embed/embedder.ts", ["onnxruntime-node"], ["./protocol.js"]],
  [
    "src-main/core/embed/worker.ts",
    ["@aws-sdk/client-s3", "../../native/addon.js", "electron", "../../storage/s3/client.js"],
    ["onnxruntime-node", "../../native/image.js"],
  ],
  [
    "src-main/cli/x.ts",
    ["../native/loader.js", "../native/addon.js", "@aws-sdk/client-s3", "electron", "../electron/window.js"],
    ["../core/run/index.js", "../native/system.js", "commander"],
  ],
  [
    "src-main/server/x.ts",
    ["@aws-sdk/lib-storage", "../native/addon.js", "electron", "../electron/ipc.js"],
    ["node:http"],
  ],
  [
    "src-main/engine/x.ts",
    ["electron", "electron/main", "../electron/engine-host.js", "../native/addon.js"],
    ["../core/run/index.js", "./dispatch.js"],
  ],
  ["src-main/storage/local.ts", ["@smithy/node-http-handler", "@aws-sdk/client-s3", "electron"], ["node:fs"]],
  ["src-main/storage/s3/x.ts", ["../../native/addon.js", "electron"], ["@aws-sdk/client-s3", "@smithy/types"]],
  ["src-main/models/x.ts", ["../native/addon.js"], ["node:fs"]],
  ["src-main/electron/x.ts", ["../native/addon.js", "@aws-sdk/client-s3"], ["electron", "./window.js"]],
  [
    "src-main/native/x.ts",
    ["../core/run/index.js", "@aws-sdk/client-s3", "electron"],
    ["./loader.js", "../core/errors.js"],
  ],
  ["src-main/api/x.ts", ["node:fs", "../core/errors.js", "electron"], ["zod", "./contract.js"]],
  [
    "src-renderer/app/x.ts",
    ["../../src-main/core/errors.js", "node:fs", "electron"],
    ["../../src-main/api/contract.js", "react"],
  ],
];

const FORMS: readonly ((from: string) => string)[] = [
  (from) => `import * as x from ${from};`,
  (from) => `import type { X } from ${from};`,
  (from) => `import ${from};`,
  (from) => `export * from ${from};`,
  (from) => `export const x = () => import(${from});`,
];

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), "verger-layers-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, source: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), source);
}

/** Lints everything below `root` by the project's own rules; gives `file:line` of each refused import. */
function refusedImports(): string[] {
  copyFileSync("biome.json", path.join(root, "biome.json"));
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      path.resolve("node_modules/@biomejs/biome/bin/biome"),
      "lint",
      "--only=style/noRestrictedImports",
      "--vcs-enabled=false",
      "--reporter=github",
      "--max-diagnostics=none",
    ],
    { cwd: root, encoding: "utf8" },
  );
  expect(stderr + stdout).toContain("noRestrictedImports");
  const found = stdout.matchAll(/^::error title=lint\/style\/noRestrictedImports,file=([^,]+),line=(\d+)/gm);
  return [...found]
    .map(([, file = "", line]) => `${path.relative(root, path.resolve(root, file)).replaceAll("\\", "/")}:${line}`)
    .sort();
}

describe("TypeScript layers", () => {
  it("refuse each import that crosses them and no other", () => {
    const expected: string[] = [];
    const specifierOf = new Map<string, string>();
    for (const [file, refused, allowed] of IMPORTS) {
      const specifiers = [...refused, ...allowed];
      write(file, specifiers.map((specifier) => `import ${JSON.stringify(specifier)};\n`).join(""));
      for (const [index, specifier] of specifiers.entries()) {
        specifierOf.set(`${file}:${index + 1}`, `${file} imports ${specifier}`);
        if (index < refused.length) expected.push(`${file} imports ${specifier}`);
      }
    }
    expect(
      refusedImports()
        .map((place) => specifierOf.get(place))
        .sort(),
    ).toEqual(expected.sort());
  });

  it("refuse every form of import", () => {
    write("src-main/core/x.ts", FORMS.map((form) => `${form('"electron"')}\n`).join(""));
    expect(refusedImports()).toEqual(FORMS.map((_, index) => `src-main/core/x.ts:${index + 1}`));
  });
});

describe("native layers", () => {
  function lint(file: string, source: string): { status: number | null; stderr: string } {
    write(file, source);
    return spawnSync(process.execPath, ["scripts/lint-native-layers.mjs", root], { encoding: "utf8" });
  }

  it.each([
    ["native/core/image/jpeg.cc", '#include "core/base/status.h"\n#include <napi.h>\n', ":2:"],
    ["native/core/image/jpeg.h", "#  include <node_api.h>\n", ":1:"],
    ["native/core/base/pool.cc", '#include "../../binding/addon_data.h"\n', "binding/"],
    ["native/core/base/pool.cc", '#include "core/image/jpeg.h"\n', "no other part"],
    ["native/test/jpeg_test.cc", '#include "binding/addon_data.h"\n', "binding/"],
    ["native/core/linalg/pca.cc", "void f() {\n  throw 1;\n}\n", ":2:"],
    ["native/core/linalg/pca.cc", 'void f() { std::printf("x"); }\n', "print"],
    ["native/core/linalg/pca.cc", "#include <iostream>\n", "print"],
  ])("refuse in %s: %j", (file, source, where) => {
    const { status, stderr } = lint(file, source);
    expect(stderr).toContain(file);
    expect(stderr).toContain(where);
    expect(status).toBe(1);
  });

  it("allow the rest", () => {
    lint("native/binding/addon.cc", '#include <napi.h>\n#include "binding/addon_data.h"\nvoid f() { throw 1; }\n');
    lint("native/core/base/pool.cc", '#include "core/base/status.h"\n');
    const { status, stderr } = lint(
      "native/core/image/jpeg.cc",
      '#include "core/base/status.h"\n// never throw;\nconst char* kText = "throw; printf(";\nint n = snprintf(nullptr, 0, "");\n',
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});
