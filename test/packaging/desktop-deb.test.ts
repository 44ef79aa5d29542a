/** The desktop app as a Debian package, as far as a stand-in for Electron goes: no window opens here. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawPhotos, workFolder } from "../support/run-photos.js";
import { cleanRoot, whyNoCleanRoot } from "./clean-root.js";
import { has, outputOf, packageWith, tool } from "./package.js";

const LIMIT_MS = 900_000;
const ready = process.platform === "linux" && has("fakeroot") && has("dpkg-deb");

describe.skipIf(!ready)("the desktop app as a Debian package", () => {
  const work = workFolder("desktop-deb");
  const unpacked = path.join(work.folder, "unpacked");
  let deb = "";

  beforeAll(() => {
    packageWith(["--deb", "--stand-in", "--out", work.folder]);
    const name = readdirSync(work.folder).find((file) => file.endsWith(".deb")) ?? "";
    deb = path.join(work.folder, name);
    outputOf("dpkg-deb", ["-x", deb, unpacked]);
  }, LIMIT_MS);
  afterAll(() => work.dispose());

  it("says what it needs and whom to write to", () => {
    const field = (name: string) => outputOf("dpkg-deb", ["-f", deb, name]).trim();
    expect(field("Package")).toBe("verger");
    expect(field("Depends")).toMatch(/libgtk-3-0.*libc6 \(>= 2\.\d+\)/);
    expect(field("Maintainer")).toMatch(/^The Verger authors </);
    expect(field("Description")).toMatch(/fruit/);
  });

  it.skipIf(!has("desktop-file-validate"))(
    "has a valid entry for the menu, in English and French, and its icons",
    () => {
      const file = path.join(unpacked, "usr", "share", "applications", "verger.desktop");
      expect(outputOf("desktop-file-validate", [file])).toBe("");
      const entry = readFileSync(file, "utf8");
      expect(entry).toMatch(/^Exec=verger %F$/m);
      expect(entry).toMatch(/^Comment\[fr\]=./m);
      expect(entry).toMatch(/^MimeType=inode\/directory;$/m);
      const icons = path.join(unpacked, "usr", "share", "icons", "hicolor");
      for (const size of [16, 24, 32, 48, 64, 96, 128, 256, 512]) {
        const png = readFileSync(path.join(icons, `${size}x${size}`, "apps", "verger.png"));
        expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([size, size]);
      }
    },
  );

  it.skipIf(!has("lintian"))(
    "has no error of ours for lintian",
    () => {
      const said = outputOf("lintian", ["--allow-root", "--fail-on", "none", deb]);
      // The stand-in is Node's own binary, with its symbols; Electron's has none.
      const standIn = "E: verger: unstripped-binary-or-object [usr/lib/verger/verger]";
      expect(said.split("\n").filter((line) => line.startsWith("E:") && line !== standIn)).toEqual([]);
    },
    120_000,
  );

  it.skipIf(whyNoCleanRoot() !== undefined)(
    "installs in a clean Debian, runs commands there, and is removed",
    async () => {
      const system = cleanRoot(path.join(work.folder, "root"));
      copyFileSync(deb, path.join(system.folder, "root", "verger.deb"));
      // What the window needs of a desktop is not there, and commands need none of it.
      const installed = system.run("dpkg", "--force-depends", "-i", "/root/verger.deb");
      expect(installed.code, installed.stderr).toBe(0);
      expect(system.run("readlink", "-f", "/usr/bin/verger").stdout.trim()).toBe("/usr/lib/verger/verger");

      // The stand-in reads no archive: it is laid out beside, with what was packed outside of it.
      const resources = path.join(system.folder, "usr", "lib", "verger", "resources");
      const opened = path.join(system.folder, "opened");
      mkdirSync(opened);
      const asar = await tool<{ extractAll(archive: string, folder: string): void }>("@electron/asar");
      asar.extractAll(path.join(resources, "app.asar"), path.join(opened, "app.asar"));
      symlinkSync("/usr/lib/verger/resources/models", path.join(opened, "models"));
      await drawPhotos(path.join(system.folder, "photos"), 8, 2, 64);
      const verger = ["/usr/bin/verger", "/opened/app.asar/dist/electron/main.js", "--cli"];
      const doctor = system.run(...verger, "doctor", "--json");
      expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: true });
      const run = system.run(...verger, ..."run /photos --out /result --preset fast --components 2 --json".split(" "));
      expect(run.code, run.stderr).toBe(0);
      expect(JSON.parse(run.stdout)).toMatchObject({ images: 8, embedded: 8, pca: { components: 2 } });

      expect(system.run("dpkg", "--purge", "verger").code).toBe(0);
      expect(system.run("ls", "/usr/lib/verger").code).not.toBe(0);
    },
    LIMIT_MS,
  );
});
