// What the addon needs of the system beside itself, and what every system has.
import { realpathSync } from "node:fs";
import path from "node:path";
import { output, Stop } from "../lib/project.mjs";
import { copyFile, filesOf } from "./tree.mjs";

/** The C and C++ runtime: a part of every Linux distribution, and of no use twice in one process. */
const SYSTEM = /^(linux-vdso|ld-linux|libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)[.-]/;
const MAC_SYSTEM = /^(\/usr\/lib\/|\/System\/Library\/|@rpath\/verger\.node)/;

/**
 * Copies the shared libraries that an addon needs into its folder, where `$ORIGIN` finds them. Release builds on Windows
 * and macOS link their libraries statically (vcpkg): there is nothing to copy, which is checked on macOS.
 *
 * @returns the names of the libraries
 * @throws Stop when a library is missing, or would not be found in its new place
 */
export function copySharedLibraries(addon, folder) {
  if (process.platform === "darwin") return requireStatic(addon);
  if (process.platform !== "linux") return [];
  const listed = output("ldd", [addon]);
  if (listed === undefined) throw new Stop(`Expected ldd to list the libraries of ${addon}, but it failed.`);
  const needed = new Set(neededBy(addon));
  const names = [];
  for (const [, name, file] of listed.matchAll(/^\s*(\S+) => (.+?)(?: \(0x[0-9a-f]+\))?$/gm)) {
    if (SYSTEM.test(name)) continue;
    if (file === "not found") throw new Stop(`Expected ${name} for ${addon}, but it is not installed.`);
    // The search path of one object is not that of the libraries it loads: what is needed only by a library would be
    // looked for in the system. The addon names all of them itself, so they are loaded before.
    if (!needed.has(name)) throw new Stop(`Expected ${addon} to be linked with ${name} itself; see CMakeLists.txt.`);
    copyFile(realpathSync(file), path.join(folder, name));
    names.push(name);
  }
  return names.sort();
}

function requireStatic(addon) {
  const listed = output("otool", ["-L", addon]) ?? "";
  const foreign = [...listed.matchAll(/^\t(\S+)/gm)].map(([, file]) => file).filter((file) => !MAC_SYSTEM.test(file));
  if (foreign.length > 0) {
    throw new Stop(
      `Expected ${addon} to hold its libraries, but it loads ${foreign.join(", ")}; build it with the preset "release".`,
    );
  }
  return [];
}

function neededBy(file) {
  const dynamic = output("readelf", ["-d", file]) ?? "";
  return [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
}

/**
 * The newest symbol versions that the ELF files below a folder ask of the system.
 *
 * @returns for example `{ glibc: "2.35", libstdcxx: "3.4.30" }`
 */
export function systemFloor(folder) {
  const versions = { GLIBC: [], GLIBCXX: [] };
  for (const file of filesOf(folder).filter((name) => /(\.node|\.so(\.\d+)*|\/node)$/.test(name))) {
    const symbols = output("objdump", ["-T", path.join(folder, file)], { maxBuffer: 1 << 28 }) ?? "";
    for (const [, name, version] of symbols.matchAll(/\b(GLIBC|GLIBCXX)_([0-9.]+)/g)) versions[name].push(version);
  }
  const newest = (list) => [...new Set(list)].sort(byVersion).at(-1) ?? "0";
  return { glibc: newest(versions.GLIBC), libstdcxx: newest(versions.GLIBCXX) };
}

function byVersion(a, b) {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    if ((left[i] ?? 0) !== (right[i] ?? 0)) return (left[i] ?? 0) - (right[i] ?? 0);
  }
  return 0;
}
