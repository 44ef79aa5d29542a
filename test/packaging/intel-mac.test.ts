/**
 * ONNX Runtime for Macs with Intel processors. This is no such Mac: what can be seen here is that the pinned package holds
 * a library for them, that it takes the newer one's place, and, by the same version's library for this system, that
 * Verger's code and models work with it.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cliJson, repositoryRoot } from "../support/run-cli.js";
import { readColumn, readRun } from "../support/run-folder.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";
import { outputOf } from "./package.js";

interface IntelMac {
  isIntelMac(platform: string, arch: string): boolean;
  installIntelMacRuntime(modules: string): string;
}

describe("ONNX Runtime for Macs with Intel processors", () => {
  const work = workFolder("intel-mac");
  const place = path.join(work.folder, "verger");
  const modules = path.join(place, "node_modules");
  let script: IntelMac;
  let version: string;

  beforeAll(async () => {
    script = (await import(new URL("../../scripts/lib/intel-mac.mjs", import.meta.url).href)) as IntelMac;
    for (const name of ["onnxruntime-node", "onnxruntime-common"]) {
      mkdirSync(path.join(modules, name), { recursive: true });
      const manifest = path.join(name, "package.json");
      cpSync(path.join(repositoryRoot, "node_modules", manifest), path.join(modules, manifest));
    }
    version = script.installIntelMacRuntime(modules);
  }, 300_000);
  afterAll(() => work.dispose());

  it("is for them alone", () => {
    expect(script.isIntelMac("darwin", "x64")).toBe(true);
    expect(script.isIntelMac("darwin", "arm64")).toBe(false);
    expect(script.isIntelMac("linux", "x64")).toBe(false);
  });

  it("takes the newer one's place, with a library for their processors", () => {
    for (const name of ["onnxruntime-node", "onnxruntime-common"]) {
      expect(JSON.parse(readFileSync(path.join(modules, name, "package.json"), "utf8")).version).toBe(version);
    }
    for (const name of ["onnxruntime_binding.node", `libonnxruntime.${version}.dylib`]) {
      const header = readFileSync(path.join(modules, "onnxruntime-node", "bin", "napi-v6", "darwin", "x64", name));
      // mach-o/loader.h: MH_MAGIC_64, then CPU_TYPE_X86_64.
      expect([header.readUInt32LE(0), header.readUInt32LE(4)]).toEqual([0xfeedfacf, 0x0100_0007]);
    }
  });

  it.each(["fast", "exact"])("embeds with this project's models: preset %s", async (preset) => {
    for (const name of ["dist", "bin", "package.json"]) {
      cpSync(path.join(repositoryRoot, name), path.join(place, name), { recursive: true });
    }
    for (const name of ["build", "resources", path.join("node_modules", "parquet-wasm")]) {
      const link = path.join(place, name);
      if (!existsSync(link)) symlinkSync(path.join(repositoryRoot, name), link);
    }
    const photos = path.join(work.folder, `photos-${preset}`);
    await drawPhotos(photos, 6, 2, 96);
    const [here, there] = [path.join(work.folder, `here-${preset}`), path.join(work.folder, `there-${preset}`)];
    await cliJson(["embed", photos, "--out", here, "--preset", preset]);
    const command = ["bin/verger", "embed", photos, "--out", there, "--preset", preset, "--json"];
    expect(JSON.parse(outputOf(process.execPath, command, place))).toMatchObject({ images: 6, embedded: 6 });
    expect(readRun(there).runtime?.onnxruntime).toBe(version);
    expect(readRun(here).runtime?.onnxruntime).not.toBe(version);
    const [newer, older] = await Promise.all([here, there].map((run) => readColumn(run, "features", "features")));
    expect(older).toHaveLength(6 * 1280);
    expect(cosine(older as number[], newer as number[])).toBeGreaterThan(0.9999);
  });
});

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
