// The project's own Python environment, .venv.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { hashOf, root, run, Stop } from "./project.mjs";

const bin = process.platform === "win32" ? "Scripts" : "bin";

/**
 * Creates .venv unless it stands.
 *
 * @returns gives the path of a program in the environment
 * @throws Stop
 */
function ensureEnvironment() {
  const program = (name) => path.join(root, ".venv", bin, process.platform === "win32" ? `${name}.exe` : name);
  if (!existsSync(program("python"))) {
    console.log("Creating the Python environment .venv ...");
    const python = process.platform === "win32" ? "python" : "python3";
    if (!run(python, ["-m", "venv", "--clear", ".venv"])) {
      throw new Stop("Expected python3 with its venv module, but it could not create .venv; install python3-venv.");
    }
  }
  return program;
}

function install(program, requirements, ...options) {
  console.log(`Installing the Python packages of ${requirements} ...`);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "5"];
  if (!run(program("python"), [...pip, ...options, "-r", requirements])) {
    throw new Stop(`Expected pip to install ${requirements}, but it failed; see above.`);
  }
}

/**
 * Makes .venv hold the packages of a requirements file.
 *
 * @param requirements relative to the project
 * @returns gives the path of a program in the environment
 * @throws Stop
 */
export function ensurePython(requirements) {
  const program = ensureEnvironment();
  // The stamp stands inside the environment and goes with it.
  const stampFile = path.join(root, ".venv", `${requirements.replaceAll("/", "-")}.stamp`);
  const hash = hashOf([requirements]);
  if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== hash) {
    install(program, requirements);
    writeFileSync(stampFile, hash);
  }
  return program;
}

/**
 * Unpacks the packages of a requirements file into a folder of their own, for what is needed once.
 *
 * @throws Stop
 */
export function unpackPython(requirements, folder) {
  install(ensureEnvironment(), requirements, "--target", folder);
}
