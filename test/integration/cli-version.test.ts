import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { cli, cliJson, repositoryRoot } from "../support/run-cli.js";

const manifest = JSON.parse(readFileSync(path.join(repositoryRoot, "package.json"), "utf8")) as {
  version: string;
  dependencies: Record<string, string>;
};

interface Named {
  readonly name: string;
  readonly version: string;
}

describe("verger --version", () => {
  it("prints the version", async () => {
    const { code, stdout } = await cli(["--version"]);
    expect(code).toBe(0);
    expect(stdout).toBe(`${manifest.version}\n`);
  });

  it("with --json names what this Verger is made of", async () => {
    const made = await cliJson<
      Record<"runtime" | "native" | "libraries", Named[]> & { version: string; models: unknown[] }
    >(["--version"]);
    expect(made.version).toBe(manifest.version);
    expect(made.runtime).toContainEqual({ name: "Node.js", version: process.versions.node });
    expect(made.native.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["libjpeg-turbo", "libpng", "libwebp", "Highway", "SIMD"]),
    );
    expect(made.native.every(({ version }) => version.length > 0)).toBe(true);
    const { "onnxruntime-node": onnxruntime } = manifest.dependencies;
    expect(made.libraries).toContainEqual({ name: "onnxruntime-node", version: onnxruntime });
    expect(made.models).toContainEqual(
      expect.objectContaining({
        name: "efficientnet-lite0-int8",
        installed: true,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      }),
    );
  });
});
