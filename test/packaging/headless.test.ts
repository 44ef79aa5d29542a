/** The command for servers: the same bytes each time, complete on a bare Debian, and gone without a trace. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cliJson } from "../support/run-cli.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";
import { type CleanRoot, cleanRoot, whyNoCleanRoot } from "./clean-root.js";
import { FOREIGN, has, outputOf, packageWith } from "./package.js";

const LINUX = process.platform === "linux";
const LIMIT_MS = 900_000;

describe.skipIf(!LINUX)("the headless package", () => {
  const work = workFolder("headless");
  const first = path.join(work.folder, "first");
  let archive = "";
  let deb = "";

  beforeAll(() => {
    packageWith(["--headless", "--out", first]);
    for (const name of readdirSync(first)) {
      if (name.endsWith(".tar.gz")) archive = path.join(first, name);
      if (name.endsWith(".deb")) deb = path.join(first, name);
    }
  }, LIMIT_MS);
  afterAll(() => work.dispose());

  it(
    "has the same bytes when it is made again, by another user's habits",
    () => {
      const second = path.join(work.folder, "second");
      const umask = process.umask(0o077);
      try {
        packageWith(["--headless", "--out", second], { TZ: "Asia/Kathmandu", LC_ALL: "C" });
      } finally {
        process.umask(umask);
      }
      for (const name of readdirSync(first)) {
        const same = readFileSync(path.join(first, name)).equals(readFileSync(path.join(second, name)));
        expect.soft(same, name).toBe(true);
      }
      expect(
        readdirSync(first)
          .map((name) => path.extname(name))
          .sort(),
      ).toEqual([".deb", ".gz", ".json"]);
    },
    LIMIT_MS,
  );

  it("holds nothing but what runs", () => {
    const files = outputOf("tar", ["tzf", archive]).trim().split("\n");
    const name = path.basename(archive, ".tar.gz");
    expect(files.every((file) => file.startsWith(`${name}/`))).toBe(true);
    const inside = files.map((file) => file.slice(name.length + 1)).filter((file) => file && !file.endsWith("/"));
    expect(inside).toContain("lib/verger/native/verger.node");
    expect(inside.filter((file) => FOREIGN.test(file))).toEqual(["README.md"]);
    expect(inside.filter((file) => /(darwin|win32)\//.test(file))).toEqual([]);
    const packages = new Set(inside.flatMap((file) => /^lib\/verger\/node_modules\/([^/]+)/.exec(file)?.[1] ?? []));
    expect([...packages].sort()).toEqual(["onnxruntime-common", "onnxruntime-node", "parquet-wasm"]);
    // Beside Node, whose size is its own.
    const sizes = outputOf("tar", ["tzvf", archive]).trim().split("\n");
    const bytes = sizes.reduce(
      (sum, line) => sum + (line.includes("runtime/node") ? 0 : Number(line.split(/\s+/)[2])),
      0,
    );
    console.log(`${name}: ${(statSync(archive).size / 1e6).toFixed(1)} MB, ${(bytes / 1e6).toFixed(1)} MB beside Node`);
    expect(bytes).toBeLessThan(120e6);
  });

  it.skipIf(!has("lintian"))(
    "satisfies lintian",
    () => {
      const said = outputOf("lintian", ["--allow-root", "--fail-on", "none", deb]);
      expect(said.split("\n").filter((line) => line.startsWith("E:"))).toEqual([]);
    },
    120_000,
  );

  describe.skipIf(whyNoCleanRoot() !== undefined)("on a Debian with nothing installed", () => {
    let system: CleanRoot;
    let expected: Summary;

    beforeAll(async () => {
      system = cleanRoot(path.join(work.folder, "root"));
      const photos = path.join(system.folder, "photos");
      await drawPhotos(photos, 48, 4, 96);
      expected = await runSummary(
        await cliJson(["run", photos, "--out", path.join(work.folder, "run"), "--preset", "fast"]),
      );
      mkdirSync(path.join(system.folder, "opt", "verger"), { recursive: true });
      outputOf("tar", ["xzf", archive, "-C", path.join(system.folder, "opt", "verger"), "--strip-components=1"]);
    }, LIMIT_MS);

    it("does the main job from the unpacked bundle, with the same result, and leaves nothing else behind", () => {
      const doctor = system.run("/opt/verger/bin/verger", "doctor", "--json");
      const { checks } = JSON.parse(doctor.stdout) as { checks: { id: string; state: string; found: string }[] };
      expect(checks.filter(({ state }) => state === "fail")).toEqual([]);

      const { code, stdout, stderr } = system.run(
        "/opt/verger/bin/verger",
        ..."run /photos --out /runs/first --preset fast --json".split(" "),
      );
      expect(stderr).not.toMatch(/telemetry/i);
      expect(code).toBe(0);
      expect(runSummary(JSON.parse(stdout))).toEqual(expected);
      expect(
        readdirSync(path.join(system.folder, "root")).filter((name) => !/^\.(bashrc|profile)$/.test(name)),
      ).toEqual([]);
      expect(readdirSync(path.join(system.folder, "tmp"))).toEqual([]);
    });

    it("installs by dpkg, works by name, and is removed without a trace", () => {
      const before = filesOf(system);
      copyFileSync(deb, path.join(system.folder, "root", "verger.deb"));
      const installed = system.run("dpkg", "-i", "/root/verger.deb");
      expect(installed.code, installed.stderr).toBe(0);
      const doctor = system.run("verger", "--cli", "doctor", "--json");
      expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: true });
      const { code, stdout } = system.run(
        "verger",
        ..."run /photos --out /runs/second --preset fast --json".split(" "),
      );
      expect(code).toBe(0);
      expect(runSummary(JSON.parse(stdout))).toEqual(expected);
      expect(system.run("dpkg", "--purge", "verger-headless").code).toBe(0);
      system.run("rm", "-r", "/runs/second", "/root/verger.deb");
      expect(filesOf(system)).toEqual(before);
    });
  });
});

interface Summary {
  readonly [key: string]: unknown;
}

/** What must not differ between two machines: counts, and the variances to six digits. */
function runSummary(document: unknown): Summary {
  const { images, embedded, labels, pca } = document as {
    images: number;
    embedded: number;
    labels: unknown;
    pca: { components: number; explainedVariance: number[] };
  };
  const variance = pca.explainedVariance.map((value) => value.toPrecision(6));
  return { images, embedded, labels, components: pca.components, variance };
}

/** Every file of the system but dpkg's own books. */
function filesOf(system: CleanRoot): string[] {
  const { stdout } = system.run("find", "/", "-xdev", "-not", "-path", "/proc/*");
  return stdout
    .trim()
    .split("\n")
    .filter((file) => !/^\/var\/(lib\/dpkg|log|cache)(\/|$)/.test(file))
    .sort();
}
