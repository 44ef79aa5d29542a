/**
 * The unpacked desktop app, made around a stand-in for Electron (scripts/package/stand-in.mjs: Node's binary with
 * Electron's table of fuses): what is inside, whether it loads from its packed place, and how it is sealed.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FUSES } from "../../src-main/electron/fuses.js";
import { cliJson, repositoryRoot } from "../support/run-cli.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";
import { FOREIGN, has, outputOf, packageWith, tool } from "./package.js";

const BUDGET_BYTES = 120e6;
const LINUX = process.platform === "linux";

interface Asar {
  listPackage(archive: string, options: { isPack: boolean }): string[];
  statFile(archive: string, file: string): AsarEntry;
  extractAll(archive: string, folder: string): void;
}
interface AsarEntry {
  readonly files?: object;
  readonly size?: number;
  readonly unpacked?: boolean;
  readonly offset?: string;
  readonly integrity?: { algorithm: string; hash: string; blockSize: number; blocks: string[] };
}

interface Resedit {
  readonly NtExecutable: { from(bytes: Uint8Array): object };
  readonly NtExecutableResource: {
    from(executable: object): { entries: { type: unknown; id: unknown; bin: ArrayBuffer }[] };
  };
}

/** A module of scripts/package. */
async function scripts<T>(name: string): Promise<T> {
  return (await import(new URL(`../../scripts/package/${name}.mjs`, import.meta.url).href)) as T;
}

describe.skipIf(!LINUX)("the unpacked desktop app", () => {
  const work = workFolder("desktop");
  const app = path.join(work.folder, "linux-unpacked");
  const resources = path.join(app, "resources");
  const archive = path.join(resources, "app.asar");
  let asar: Asar;
  /** Files of the archive, relative, with `/`. */
  let files: readonly string[];

  beforeAll(async () => {
    packageWith(["--dir", "--stand-in", "--out", work.folder]);
    asar = await tool<Asar>("@electron/asar");
    files = asar
      .listPackage(archive, { isPack: false })
      .map((name) => name.slice(1).replaceAll("\\", "/"))
      .filter((name) => asar.statFile(archive, name).files === undefined);
  }, 300_000);
  afterAll(() => work.dispose());

  it("holds what the app starts with, and nothing that only developers need", () => {
    const needed = ["package.json", "dist/electron/main.js", "dist/electron/preload.cjs", "dist/renderer/index.html"];
    expect(files).toEqual(expect.arrayContaining([...needed, "dist/workers/embed.js", "dist/workers/job.js"]));
    expect(files.filter((file) => FOREIGN.test(file))).toEqual([]);
    const packages = new Set(files.flatMap((file) => /^node_modules\/((@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []));
    expect([...packages].sort()).toEqual(["onnxruntime-common", "onnxruntime-node", "parquet-wasm"]);
    const runtimes = new Set(files.flatMap((file) => /\/bin\/napi-v\d+\/(.+)\/[^/]+$/.exec(file)?.[1] ?? []));
    expect([...runtimes]).toEqual([`${process.platform}/${process.arch}`]);
    const icons = readdirSync(path.join(repositoryRoot, "resources", "tray")).map((name) => `resources/tray/${name}`);
    expect(files.filter((file) => file.startsWith("resources/")).sort()).toEqual(icons.sort());
    expect(readdirSync(path.join(resources, "models")).filter((name) => name.endsWith(".onnx"))).toHaveLength(2);
  });

  it("has no address to ask for updates unless it was made with one", () => {
    expect(readdirSync(resources)).not.toContain("app-update.yml");
  });

  it("takes at most 120 MB beside Electron", () => {
    const beside = [resources, path.join(app, "NOTICE.txt"), path.join(app, "LICENSE")];
    const bytes = beside.reduce((sum, place) => sum + sizeOf(place), 0);
    console.log(`beside Electron: ${(bytes / 1e6).toFixed(1)} MB of ${BUDGET_BYTES / 1e6} MB`);
    expect(bytes).toBeLessThanOrEqual(BUDGET_BYTES);
  });

  it("keeps outside the archive exactly what the system's loader opens", () => {
    const unpacked = files.filter((file) => asar.statFile(archive, file).unpacked);
    expect(unpacked).toContain("native/verger.node");
    expect(unpacked.filter((file) => !/\.(node|so(\.\d+)*)$/.test(file))).toEqual([]);
    expect(files.filter((file) => /\.(node|so(\.\d+)*)$/.test(file))).toEqual(unpacked);
    for (const file of unpacked) expect(statSync(path.join(`${archive}.unpacked`, file)).isFile()).toBe(true);
  });

  it("loads the addon from its packed place, with the libraries beside it and none of the system's", () => {
    const script = `
      require(${JSON.stringify(path.join(`${archive}.unpacked`, "native", "verger.node"))});
      const maps = require("node:fs").readFileSync("/proc/self/maps", "utf8");
      process.stdout.write(JSON.stringify([...new Set(maps.match(/\\/\\S+\\.so[.\\d]*$/gm))]));`;
    const loaded = JSON.parse(outputOf(path.join(app, "verger"), ["-e", script])) as string[];
    const ours = readdirSync(path.join(`${archive}.unpacked`, "native")).filter((name) => name.includes(".so"));
    const names = (list: readonly string[]) => list.map((file) => path.basename(file)).sort();
    const inside = loaded.filter((file) => file.startsWith(app));
    expect(names(inside)).toEqual(names(ours));
    const system = loaded.filter((file) => !file.startsWith(app));
    expect(
      system.filter((file) => !/\/(ld-linux[^/]*|lib(c|m|dl|pthread|rt|stdc\+\+|gcc_s))[.-][^/]*$/.test(file)),
    ).toEqual([]);
  });

  it("embeds photos from its packed place: the numbers are the checkout's", async () => {
    // Plain Node reads no archive. Everything in it is laid beside, and what is outside stays where it was packed.
    const place = path.join(work.folder, "opened");
    const opened = path.join(place, "app.asar");
    mkdirSync(place);
    asar.extractAll(archive, opened);
    for (const folder of ["native", path.join("node_modules", "onnxruntime-node", "bin")]) {
      rmSync(path.join(opened, folder), { recursive: true });
      symlinkSync(path.join(`${archive}.unpacked`, folder), path.join(opened, folder));
    }
    symlinkSync(path.join(resources, "models"), path.join(place, "models"));

    const photos = path.join(work.folder, "photos");
    await drawPhotos(photos, 6, 2, 96);
    const [here, there] = [path.join(work.folder, "here"), path.join(work.folder, "there")];
    await cliJson(["embed", photos, "--out", here, "--preset", "fast"]);
    const main = path.join(opened, "dist", "electron", "main.js");
    const said = outputOf(path.join(app, "verger"), [
      main,
      "--cli",
      "embed",
      photos,
      "--out",
      there,
      "--preset",
      "fast",
      "--json",
    ]);
    expect(JSON.parse(said)).toMatchObject({ images: 6, embedded: 6 });
    const part = (run: string) => readFileSync(path.join(run, "features", "part-00000.parquet"));
    expect(part(there).equals(part(here))).toBe(true);
  });

  it("is sealed: every file of the archive has the hashes that Electron will check", () => {
    const content = readFileSync(archive);
    // Pickle: 4 bytes of length 4, the header's size, the pickle's size, the JSON's length, the JSON.
    const base = 8 + content.readUInt32LE(4);
    expect(JSON.parse(content.subarray(16, 16 + content.readUInt32LE(12)).toString())).toHaveProperty("files");
    for (const file of files) {
      const { integrity, unpacked, offset, size = 0 } = asar.statFile(archive, file);
      if (unpacked) continue;
      const start = base + Number(offset);
      const bytes = content.subarray(start, start + size);
      const blockSize = integrity?.blockSize ?? 0;
      const blocks = Array.from({ length: Math.max(1, Math.ceil(size / blockSize)) }, (_, i) =>
        sha256(bytes.subarray(i * blockSize, (i + 1) * blockSize)),
      );
      expect.soft(integrity, file).toMatchObject({ algorithm: "SHA256", hash: sha256(bytes) });
      expect.soft(integrity?.blocks.slice(0, blocks.length), file).toEqual(blocks);
    }
  });

  it("carries the archive's own hash in a Windows binary, where Electron checks it", async () => {
    const { makeStandIn } = await scripts<{ makeStandIn(folder: string, platform: string): string }>("stand-in");
    const { toolPath } = await scripts<{ toolPath(...parts: string[]): string }>("tools");
    const out = path.join(work.folder, "windows");
    const settings = {
      "directories.output": out,
      electronDist: makeStandIn(path.join(work.folder, "electron-win32"), "win32"),
      electronVersion: JSON.parse(readFileSync(path.join(repositoryRoot, "package.json"), "utf8")).devDependencies
        .electron,
      // Icon and signature need programs of Windows.
      "win.signAndEditExecutable": false,
    };
    const options = Object.entries(settings).map(([name, value]) => `-c.${name}=${value}`);
    const builder = [toolPath("electron-builder", "cli.js"), "build", "--config", "electron-builder.yml"];
    outputOf(
      process.execPath,
      [...builder, "--publish", "never", "--win", "--x64", "--dir", ...options],
      repositoryRoot,
    );
    const { NtExecutable, NtExecutableResource } = await tool<Resedit>("resedit");
    const folder = path.join(out, "win-unpacked");
    const resource = NtExecutableResource.from(NtExecutable.from(readFileSync(path.join(folder, "Verger.exe"))));
    const entry = resource.entries.find(({ type, id }) => type === "INTEGRITY" && id === "ELECTRONASAR");
    const content = readFileSync(path.join(folder, "resources", "app.asar"));
    const header = content.subarray(16, 16 + content.readUInt32LE(12));
    expect(JSON.parse(Buffer.from(entry?.bin ?? new ArrayBuffer(0)).toString())).toEqual([
      { file: "resources\\app.asar", alg: "SHA256", value: sha256(header) },
    ]);
  }, 120_000);

  it("has the fuses of src-main/electron/fuses.ts blown into its binary", async () => {
    const { getCurrentFuseWire, FuseV1Options } = await tool<{
      getCurrentFuseWire(binary: string): Promise<Record<number, number>>;
      FuseV1Options: Record<string, number>;
    }>("@electron/fuses");
    const wire = await getCurrentFuseWire(path.join(app, "verger"));
    const blown = Object.fromEntries(
      Object.keys(FUSES).map((name) => {
        const option = FuseV1Options[name[0]?.toUpperCase() + name.slice(1)] ?? -1;
        return [name, wire[option] === "1".charCodeAt(0)];
      }),
    );
    expect(blown).toEqual(FUSES);
    expect(FUSES).toMatchObject({
      runAsNode: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
    });
  });

  it("names every component and its licence in NOTICE", () => {
    const notice = readFileSync(path.join(app, "NOTICE.txt"), "utf8");
    for (const name of ["onnxruntime-node", "parquet-wasm", "react", "@fontsource-variable/inter", "undici", "zod"]) {
      expect.soft(notice).toMatch(new RegExp(`^${name}  \\d`, "m"));
    }
    for (const name of [
      "libjpeg-turbo",
      "libpng",
      "libwebp",
      "Highway",
      "Zstandard",
      "zlib",
      "Snappy",
      "EfficientNet-Lite0",
    ]) {
      expect.soft(notice).toMatch(new RegExp(`^${name}.*  \\S`, "m"));
    }
    expect(notice).toContain("SIL OPEN FONT LICENSE");
    expect(notice).toContain("Independent JPEG Group");
  });

  it("comes with a bill of materials of what is inside, and of nothing else", () => {
    const name = readdirSync(work.folder).find((file) => file.endsWith(".cdx.json")) ?? "";
    const bill = JSON.parse(readFileSync(path.join(work.folder, name), "utf8")) as {
      bomFormat: string;
      components: { name: string; group?: string; "bom-ref": string; licenses: unknown[] }[];
      dependencies: { ref: string; dependsOn: string[] }[];
    };
    expect(bill.bomFormat).toBe("CycloneDX");
    const names = bill.components.map((component) => (component.group ? `${component.group}/` : "") + component.name);
    expect(names).toEqual(expect.arrayContaining(["react", "@base-ui/react", "onnxruntime-node", "libjpeg-turbo"]));
    expect(names).not.toEqual(expect.arrayContaining(["vitest"]));
    expect(names).not.toEqual(expect.arrayContaining(["electron-builder"]));
    expect(bill.components.filter(({ licenses }) => licenses.length === 0)).toEqual([]);
    const references = new Set(bill.components.map((component) => component["bom-ref"]));
    for (const { dependsOn } of bill.dependencies) for (const other of dependsOn) expect(references).toContain(other);
  });

  it.skipIf(!has("strip"))("was stripped of symbols", () => {
    const sections = outputOf("readelf", ["-SW", path.join(`${archive}.unpacked`, "native", "verger.node")]);
    expect(sections).not.toMatch(/\.(symtab|debug_info)\b/);
  });
});

describe.skipIf(!LINUX)("the icons", () => {
  const work = workFolder("icons");
  afterAll(() => work.dispose());

  it("are drawn in every size that the systems ask for", async () => {
    const { drawIcons, ICON_SIZES } = await scripts<{
      drawIcons(folder: string): Promise<void>;
      ICON_SIZES: readonly number[];
    }>("icons");
    await drawIcons(work.folder);
    for (const size of ICON_SIZES) {
      const png = readFileSync(path.join(work.folder, "icons", `${size}x${size}.png`));
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([size, size]);
    }
    const ico = readFileSync(path.join(work.folder, "icon.ico"));
    const sides = Array.from({ length: ico.readUInt16LE(4) }, (_, i) => ico[6 + 16 * i] || 256);
    expect(sides).toEqual(expect.arrayContaining([16, 24, 32, 48, 64, 256]));
    const icns = readFileSync(path.join(work.folder, "icon.icns"));
    const types: string[] = [];
    for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4)) types.push(icns.toString("latin1", at, at + 4));
    expect(types).toEqual(expect.arrayContaining(["ic07", "ic08", "ic09", "ic10"]));
  });
});

describe("the icons beside the clock", () => {
  const work = workFolder("tray-icons");
  afterAll(() => work.dispose());

  it("are those of the drawing", async () => {
    const { drawTrayIcons } = await scripts<{ drawTrayIcons(folder: string): Promise<void> }>("icons");
    await drawTrayIcons(work.folder);
    const kept = path.join(repositoryRoot, "resources", "tray");
    expect(readdirSync(kept).sort()).toEqual(readdirSync(work.folder).sort());
    for (const name of readdirSync(kept)) {
      const [here, there] = await Promise.all(
        [kept, work.folder].map((folder) => sharp(path.join(folder, name)).raw().toBuffer({ resolveWithObject: true })),
      );
      expect.soft(here?.info, name).toEqual(there?.info);
      // Another version of the library that draws may round an edge otherwise.
      const least = Buffer.from(there?.data ?? []);
      const off = here?.data.reduce((most, value, at) => Math.max(most, Math.abs(value - (least[at] ?? 0))), 0);
      expect.soft(off, name).toBeLessThanOrEqual(8);
    }
  });
});

function sizeOf(place: string): number {
  if (!statSync(place).isDirectory()) return statSync(place).size;
  return readdirSync(place).reduce((sum, name) => sum + sizeOf(path.join(place, name)), 0);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
