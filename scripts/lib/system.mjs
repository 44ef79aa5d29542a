// Compilers and libraries of the system: finds what is missing and installs it, or says how.
import { existsSync } from "node:fs";
import { output, run, Stop, which } from "./project.mjs";

/**
 * What Verger needs of the system: how to see that it is there, and the package that brings it on Debian and Ubuntu
 * (apt), Fedora (dnf) and macOS (brew).
 */
const NEEDS = [
  { has: () => which("c++", "g++", "clang++"), apt: "g++", dnf: "gcc-c++", brew: "llvm" },
  { has: hasCMake, apt: "cmake", dnf: "cmake", brew: "cmake" },
  { has: () => which("ninja", "make"), apt: "ninja-build", dnf: "ninja-build", brew: "ninja" },
  { has: () => which("pkg-config"), apt: "pkg-config", dnf: "pkgconf-pkg-config", brew: "pkgconf" },
  { library: "libjpeg", apt: "libjpeg-dev", dnf: "libjpeg-turbo-devel", brew: "jpeg-turbo" },
  { library: "libpng", apt: "libpng-dev", dnf: "libpng-devel", brew: "libpng" },
  { library: "libwebp", apt: "libwebp-dev", dnf: "libwebp-devel", brew: "webp" },
  { library: "libhwy", apt: "libhwy-dev", dnf: "highway-devel", brew: "highway" },
  { library: "libzstd", apt: "libzstd-dev", dnf: "libzstd-devel", brew: "zstd" },
  { library: "zlib", apt: "zlib1g-dev", dnf: "zlib-devel", brew: "zlib" },
  { has: hasSnappy, apt: "libsnappy-dev", dnf: "snappy-devel", brew: "snappy" },
];
const CHECK_NEEDS = [
  { library: "gtest", apt: "libgtest-dev", dnf: "gtest-devel", brew: "googletest" },
  { has: () => which("clang-format"), apt: "clang-format", dnf: "clang-tools-extra", brew: "llvm" },
  { has: () => which("clang-tidy"), apt: "clang-tidy", dnf: "clang-tools-extra", brew: "llvm" },
  { has: hasChromium, apt: "chromium", dnf: "chromium", brew: "--cask chromium" },
  { has: hasVenv, apt: "python3-venv", dnf: "python3", brew: "python3" },
];

/** What only test/packaging needs, on Debian and Ubuntu: its tests say that they are skipped where it is missing. */
const PACKAGING_NEEDS = [
  { has: () => which("lintian"), apt: "lintian" },
  { has: () => which("desktop-file-validate"), apt: "desktop-file-utils" },
  { has: () => which("debootstrap"), apt: "debootstrap" },
  { has: () => which("fakeroot"), apt: "fakeroot" },
];

function hasCMake() {
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(output("cmake", ["--version"]) ?? "") ?? [];
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 22);
}

// Optional to the build: without it Spark's snappy files take the slower reader. Homebrew's has no pkg-config file, so
// there CMake finds it or not.
function hasSnappy() {
  return process.platform === "darwin" || output("pkg-config", ["--exists", "snappy"]) !== undefined;
}

// test/e2e/browser.ts looks in the same places.
function hasChromium() {
  return (
    process.env.VERGER_CHROMIUM !== undefined ||
    which("chromium", "chromium-browser", "google-chrome") !== undefined ||
    existsSync("/Applications/Google Chrome.app")
  );
}

function hasVenv() {
  return output("python3", ["-c", "import ensurepip, venv"]) !== undefined;
}

/**
 * Installs what is missing of the system's packages, or throws.
 *
 * @param check also what the checks need
 * @throws Stop with the exact line to run
 */
export function installSystemPackages(check) {
  // Windows takes its libraries from vcpkg through CMake, which names what it lacks.
  if (process.platform === "win32") return;
  const needs = check ? [...NEEDS, ...CHECK_NEEDS] : NEEDS;
  const missing = missingOf(needs);
  if (missing.length === 0) return;
  const manager = ["apt", "dnf", "brew"].find((name) => which(name === "apt" ? "apt-get" : name));
  if (manager === undefined) {
    const names = missing.map(({ apt }) => apt).join(", ");
    throw new Stop(`Expected the system to have (by their Debian names) ${names}; install them and run this again.`);
  }
  const packages = [...new Set(missing.map((need) => need[manager]))].join(" ");
  if (manager === "brew")
    throw new Stop(
      `Some system packages are missing. Run this line, then this command again:\n  brew install ${packages}`,
    );
  // A bare system has no sudo; the line is for root then.
  const sudo = process.getuid() !== 0 && which("sudo") ? "sudo " : "";
  if (manager === "dnf")
    throw new Stop(
      `Some system packages are missing. Run this line, then this command again:\n  ${sudo}dnf install -y ${packages}`,
    );
  installWithApt(packages, sudo, needs);
}

/**
 * Installs what the tests of packages need, where apt can do it without asking.
 *
 * @throws Stop with the exact line to run
 */
export function installPackagingTestPackages() {
  if (!which("apt-get")) return;
  const missing = missingOf(PACKAGING_NEEDS);
  if (missing.length === 0) return;
  const sudo = process.getuid() !== 0 && which("sudo") ? "sudo " : "";
  installWithApt(missing.map(({ apt }) => apt).join(" "), sudo, PACKAGING_NEEDS);
}

function installWithApt(packages, sudo, needs) {
  const line = `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages}`;
  if (process.getuid() !== 0 && (!sudo || output("sudo", ["-n", "true"]) === undefined)) {
    const who = sudo ? "" : " as root";
    throw new Stop(`Some system packages are missing. Run this line${who}, then this command again:\n  ${line}`);
  }
  console.log(`Installing system packages: ${packages}`);
  const prefix = sudo ? ["sudo", "-n", "env"] : ["env"];
  // The first boot of a machine often updates itself: wait for its lock instead of failing on it.
  const apt = (...args) => {
    const [program, ...before] = [...prefix, "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    return run(program, [...before, "-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300", ...args]);
  };
  // One broken third-party source fails the update; the packages may come all the same.
  apt("update");
  const installed = apt("install", "-y", "--no-install-recommends", ...packages.split(" "));
  const still = installed ? missingOf(needs) : [];
  if (!installed || still.length > 0) {
    const detail = installed ? ` (still missing: ${still.map(({ apt: name }) => name).join(" ")})` : "";
    throw new Stop(
      `Expected apt to install the system packages, but it failed${detail}; see above, or run:\n  ${line}`,
    );
  }
}

function missingOf(needs) {
  const libraries = needs.flatMap(({ library }) => library ?? []);
  const all = libraries.length === 0 || output("pkg-config", ["--exists", ...libraries]) !== undefined;
  return needs.filter(({ library, has }) => {
    if (library === undefined) return !has();
    return !all && output("pkg-config", ["--exists", library]) === undefined;
  });
}
