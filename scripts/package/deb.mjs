// The headless bundle as a Debian package. dpkg-deb itself writes it; everything here is which file goes where.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { root, run, Stop } from "../lib/project.mjs";
import { bytesOf, normalise } from "./tree.mjs";

const NAME = "verger-headless";
export const MAINTAINER = "The Verger authors <maintainers@verger.example>";
/** Debian's names of Node's. */
export const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };
/** The first version of Debian's libstdc++6 that has the symbols GLIBCXX_3.4.<n>, from its symbols file. */
const LIBSTDCXX = {
  21: "5.2",
  22: "6",
  23: "7",
  24: "7",
  25: "8",
  26: "9",
  27: "9",
  28: "9",
  29: "11",
  30: "12",
  31: "13.1",
};

/**
 * Makes `verger-headless_<version>_<arch>.deb` of an unpacked bundle.
 *
 * @param floor what the bundle asks of the system: `{ glibc, libstdcxx }`
 * @returns the file, by absolute path
 * @throws Stop
 */
export function buildDeb({ bundle, executables, work, out, version, floor, epoch }) {
  const architecture = ARCHITECTURES[process.arch];
  const folder = path.join(work, "deb");
  rmSync(folder, { recursive: true, force: true });
  for (const part of ["bin", "lib"]) {
    cpSync(path.join(bundle, part), path.join(folder, "usr", part), { recursive: true });
  }
  const notice = readFileSync(path.join(bundle, "NOTICE"));
  writeDocuments(path.join(folder, "usr"), NAME, { version, epoch, notice });

  const control = path.join(folder, "DEBIAN");
  const installed = Math.ceil(bytesOf(folder) / 1024);
  mkdirSync(control);
  writeFileSync(path.join(control, "control"), controlText({ version, architecture, installed, floor }));
  normalise(
    folder,
    epoch,
    executables.map((file) => `usr/${file}`),
  );

  const file = path.join(out, `${NAME}_${version}_${architecture}.deb`);
  // One thread: xz's output depends on how the work is split.
  const env = { SOURCE_DATE_EPOCH: String(epoch), DPKG_DEB_THREADS_MAX: "1" };
  if (!run("dpkg-deb", ["--root-owner-group", "-Zxz", "-z3", "--build", folder, file], { env }) || !existsSync(file)) {
    throw new Stop(`Expected dpkg-deb to build ${file}, but it failed; see above.`);
  }
  rmSync(folder, { recursive: true, force: true });
  return file;
}

/**
 * Writes what every Debian package has of papers: copyright, NOTICE, changelog, manual, and why lintian may look away.
 *
 * @param usr the package's /usr
 * @param name the package's name
 */
export function writeDocuments(usr, name, { version, epoch, notice }) {
  const paper = (file) => template(file).replaceAll("{package}", name);
  const doc = path.join(usr, "share", "doc", name);
  mkdirSync(doc, { recursive: true });
  writeFileSync(path.join(doc, "copyright"), paper("copyright"));
  writeCompressed(path.join(doc, "NOTICE.gz"), notice);
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  const changelog = paper("changelog").replace("{version}", version).replace("{date}", date);
  writeCompressed(path.join(doc, "changelog.gz"), changelog.replace("{maintainer}", MAINTAINER));
  writeCompressed(path.join(usr, "share", "man", "man1", "verger.1.gz"), paper("verger.1"));
  const overrides = path.join(usr, "share", "lintian", "overrides", name);
  mkdirSync(path.dirname(overrides), { recursive: true });
  writeFileSync(overrides, paper("lintian-overrides"));
}

/**
 * Debian's names for what a package asks of the system.
 *
 * @throws Stop when the libstdc++ that it needs is not known here
 */
export function systemDepends({ glibc, libstdcxx }) {
  const gcc = LIBSTDCXX[libstdcxx.split(".")[2]];
  if (gcc === undefined) {
    throw new Stop(`Expected a known libstdc++ for GLIBCXX_${libstdcxx}; add it to scripts/package/deb.mjs.`);
  }
  return [`libc6 (>= ${glibc})`, "libgcc-s1", `libstdc++6 (>= ${gcc})`];
}

function controlText({ version, architecture, installed, floor }) {
  return template("control")
    .replace("{version}", version)
    .replace("{architecture}", architecture)
    .replace("{installed}", String(installed))
    .replace("{depends}", systemDepends(floor).join(", "))
    .replace("{maintainer}", MAINTAINER);
}

function template(name) {
  return readFileSync(path.join(root, "packaging", "deb", name), "utf8");
}

/** gzip without a name and time in its head, as gzip -n. */
function writeCompressed(file, content) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, gzipSync(content, { level: 9 }));
}
