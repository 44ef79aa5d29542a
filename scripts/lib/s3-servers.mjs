// The two real S3 servers of the tests, on loopback: moto (Python, keeps objects in memory) and Versity S3 Gateway (Go,
// keeps objects as files in a folder). Pinned, installed inside the project, built once.
import { existsSync } from "node:fs";
import path from "node:path";
import { buildGoProgram, GO_REQUIREMENTS } from "./go.mjs";
import { hashOf, isFresh, root, stamp, unstamp } from "./project.mjs";
import { ensurePython } from "./python.mjs";

const MOTO_REQUIREMENTS = "test/s3-servers/requirements.txt";
const VERSITY = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
const exe = process.platform === "win32" ? ".exe" : "";
/** Relative to the project. */
const versity = path.join(".cache", "s3-servers", `versitygw${exe}`);

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
  buildGoProgram(VERSITY, versity);
  stamp("versitygw", hash);
}
