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
  const doc = path.join(folder, "usr", "share", "doc", NAME);
  rmSync(folder, { recursive: true, force: true });
  for (const part of ["bin", "lib"]) {
    cpSync(path.join(bundle, part), path.join(folder, "usr", part), { recursive: true });
  }
  mkdirSync(doc, { recursive: true });
  writeCompressed(path.join(doc, "NOTICE.gz"), readFileSync(path.join(bundle, "NOTICE")));
  writeFileSync(path.join(doc, "copyright"), template("copyright"));
  writeCompressed(path.join(doc, "changelog.gz"), changelog(version, epoch));
  writeCompressed(path.join(folder, "usr", "share", "man", "man1", "verger.1.gz"), template("verger.1"));
  const overrides = path.join(folder, "usr", "share", "lintian", "overrides", NAME);
  mkdirSync(path.dirname(overrides), { recursive: true });
  writeFileSync(overrides, template("lintian-overrides"));

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

function changelog(version, epoch) {
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  return template("changelog")
    .replace("{version}", version)
    .replace("{maintainer}", MAINTAINER)
    .replace("{date}", date);
}

function template(name) {
  return readFileSync(path.join(root, "packaging", "deb", name), "utf8");
}

/** gzip without a name and time in its head, as gzip -n. */
function writeCompressed(file, content) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, gzipSync(content, { level: 9 }));
}
