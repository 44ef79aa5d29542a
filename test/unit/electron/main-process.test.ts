import path from "node:path";
import { build } from "esbuild";
import { expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../../..");

/** Everything of ours that a module loads, and what it loads of others. */
async function loadedBy(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    write: false,
    metafile: true,
  });
  const packages = Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.flatMap((item) => (item.external && !item.path.startsWith("node:") ? [item.path] : [])),
  );
  return [...new Set([...Object.keys(metafile.inputs), ...packages])];
}

it("the main process loads neither the addon, nor the engine, nor what they need", async () => {
  const loaded = await loadedBy("src-main/electron/app.ts");
  const heavy =
    /^src-main\/(core\/(run|embed|explore|features|thumbnails)|engine\/index|storage|models|cli)|native\/(addon|loader)/;
  expect(loaded.filter((name) => heavy.test(name))).toEqual([]);
  // Electron comes in by an argument: see `ElectronModule`.
  // The updater is loaded when somebody asks for updates.
  expect(loaded.filter((name) => !name.startsWith("src-main/")).sort()).toEqual(["electron-updater", "zod"]);
  expect(loaded).toContain("src-main/electron/engine-host.ts");
});

it("a command loads nothing of Electron", async () => {
  const loaded = await loadedBy("src-main/cli/main.ts");
  expect(loaded.filter((name) => /electron/.test(name))).toEqual([]);
});
