// The two real S3 servers of the tests, on loopback: moto (Python, keeps objects in memory) and Versity S3 Gateway (Go,
// keeps objects as files in a folder). Pinned, installed inside the project, built once.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { hashOf, isFresh, output, root, run, Stop, stamp, unstamp, which } from "./project.mjs";
import { ensurePython, unpackPython } from "./python.mjs";

const MOTO_REQUIREMENTS = "test/s3-servers/requirements.txt";
const GO_REQUIREMENTS = "test/s3-servers/go-requirements.txt";
const VERSITY = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
const exe = process.platform === "win32" ? ".exe" : "";
const folder = path.join(".cache", "s3-servers");
/** Relative to the project. */
const versity = path.join(folder, `versitygw${exe}`);

/**
 * Makes both servers ready; what stands already is skipped.
 *
 * @throws Stop
 */
export function ensureS3Servers() {
  ensurePython(MOTO_REQUIREMENTS);
  ensureVersity();
}

/**
 * The programs that start the servers, by absolute path.
 *
 * @returns undefined when they are not set up, or not as these sources ask
 */
export function findS3Servers() {
  const bin = process.platform === "win32" ? "Scripts" : "bin";
  const moto = path.join(root, ".venv", bin, `moto_server${exe}`);
  return existsSync(moto) && isFresh("versitygw", versityHash(), [versity])
    ? { moto, versity: path.join(root, versity) }
    : undefined;
}

function versityHash() {
  return hashOf([GO_REQUIREMENTS], VERSITY, process.platform, process.arch);
}

/**
 * Builds Versity S3 Gateway unless it stands already.
 *
 * @returns the program, by absolute path
 * @throws Stop
 */
export function ensureVersity() {
  const hash = versityHash();
  if (!isFresh("versitygw", hash, [versity])) buildVersity(hash);
  return path.join(root, versity);
}

function buildVersity(hash) {
  unstamp("versitygw");
  const work = path.join(root, folder, "build");
  removeTree(work);
  mkdirSync(work, { recursive: true });
  const toolchain = path.join(work, "toolchain");
  unpackPython(GO_REQUIREMENTS, toolchain);
  const go = path.join(toolchain, "go", "bin", `go${exe}`);
  console.log(`Building ${VERSITY} (a few minutes, once) ...`);
  const built = run(...niced(go, ["install", "-trimpath", "-ldflags=-s -w", VERSITY]), {
    cwd: work,
    env: {
      // Nothing of the machine's own Go, if it has one, may change what is built.
      GOENV: "off",
      GOOS: "",
      GOARCH: "",
      GOFLAGS: "",
      GOROOT: "",
      GOWORK: "off",
      GOTOOLCHAIN: "local",
      GOBIN: work,
      GOPATH: path.join(work, "path"),
      GOCACHE: path.join(work, "cache"),
      CGO_ENABLED: "0",
    },
  });
  if (!built) {
    removeTree(work);
    throw new Stop(`Expected Go to build ${VERSITY}, but it failed; see above and run this command again.`);
  }
  renameSync(path.join(work, `versitygw${exe}`), path.join(root, versity));
  // Toolchain, modules and build cache take more than a gigabyte and are of no further use.
  removeTree(work);
  stamp("versitygw", hash);
}

/** People go on working on the machine while it builds. */
function niced(program, args) {
  return which("nice") ? ["nice", ["-n", "10", program, ...args]] : [program, args];
}

/** Removes a folder, also Go's module folders, which are read-only. */
function removeTree(tree) {
  if (!existsSync(tree)) return;
  if (process.platform !== "win32") output("chmod", ["-R", "u+w", tree]);
  rmSync(tree, { recursive: true, force: true });
}
