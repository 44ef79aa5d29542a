/** Whether this machine can do Verger's work, found out by doing a little of it. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, statfs, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import path from "node:path";
import { imageLibraries } from "../../native/image.js";
import { hardwareThreads, lockFile } from "../../native/system.js";
import { usableProcessors } from "../embed/plan.js";
import { errorMessage, throwIfCancelled } from "../errors.js";
import { appVersion } from "../run/version.js";
import { checkEmbedding, checkModels } from "./embedding.js";
import { type Finding, fail, ok, REINSTALL, warn } from "./finding.js";

export interface Check extends Finding {
  /** Stable name for programs. */
  readonly id: string;
  readonly title: string;
}

/** The document that `doctor --json` prints. */
export interface Diagnosis {
  /** False when a check failed; a warning alone does not. */
  readonly ok: boolean;
  readonly version: string;
  readonly checks: readonly Check[];
}

const GIB = 2 ** 30;
const MIN_NODE = "20.19.0";
/** One session of the default model with its batches and the runtime take about half of this. */
const MIN_MEMORY = 1 * GIB;
/** Features of 100,000 images take half of this. */
const MIN_DISK = 1 * GIB;

/**
 * Runs every check; one that throws has failed and does not stop the others.
 *
 * @param folder where runs shall be written; need not exist yet
 */
export async function examine(options: { folder: string; signal?: AbortSignal }): Promise<Diagnosis> {
  const checks: Check[] = [];
  const check = async (id: string, title: string, advice: string, find: () => Finding | Promise<Finding>) => {
    let finding: Finding;
    try {
      finding = await find();
    } catch (error) {
      throwIfCancelled(options.signal);
      finding = fail(errorMessage(error), advice);
    }
    checks.push({ id, title, ...finding });
  };
  await check("node", "Node", `Install Node ${MIN_NODE} or newer.`, () => checkNode(process.versions.node));
  await check("addon", "Native addon", REINSTALL, checkAddon);
  await check("processor", "Processor", REINSTALL, checkProcessor);
  await check("memory", "Memory", "Close other programs.", () => checkMemory(availableMemory(), totalMemory()));
  await check("libraries", "Libraries", REINSTALL, checkLibraries);
  await check("models", "Model files", REINSTALL, () => checkModels(options.signal));
  await check("embedding", "Embedding", REINSTALL, checkEmbedding);
  const folders: [id: string, title: string, folder: string][] = [
    ["temporary", "Temporary", tmpdir()],
    ["folder", "Folder", path.resolve(options.folder)],
  ];
  for (const [id, title, folder] of folders) {
    await check(id, title, "Choose a folder that you may write to.", () => checkFolder(folder));
  }
  return { ok: checks.every(({ state }) => state !== "fail"), version: appVersion(), checks };
}

/** @param version as in `process.versions.node` */
export function checkNode(version: string): Finding {
  const parts = (text: string): number[] => text.split(".").map((part) => Number.parseInt(part, 10));
  const [major = 0, minor = 0] = parts(version);
  const [minMajor = 0, minMinor = 0] = parts(MIN_NODE);
  return major > minMajor || (major === minMajor && minor >= minMinor)
    ? ok(version)
    : fail(`${version}, but Verger needs ${MIN_NODE} or newer`, `Install Node ${MIN_NODE} or newer.`);
}

function checkAddon(): Finding {
  return ok(`loaded, ${hardwareThreads()} threads, ${process.platform}-${process.arch}`);
}

function checkProcessor(): Finding {
  const usable = usableProcessors(hardwareThreads());
  const name = cpus()[0]?.model.trim() || process.arch;
  const { simdTarget, simdTargets } = imageLibraries();
  const found = `${name}, ${usable} usable of ${cpus().length}; SIMD ${simdTarget} of ${simdTargets.join(", ")}`;
  return /^(SCALAR|EMU128)$/.test(simdTarget)
    ? warn(found, "No vector instructions of this processor can be used: image decoding will be several times slower.")
    : ok(found);
}

/** Bytes that this process may still take: what the control group leaves where there is one. */
function availableMemory(): number {
  // Node has it since 20.13; its types call it experimental.
  return process.availableMemory();
}

function totalMemory(): number {
  const limit = process.constrainedMemory();
  return limit && limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

export function checkMemory(available: number, total: number): Finding {
  const found = `${gigabytes(available)} available of ${gigabytes(total)}`;
  return available >= MIN_MEMORY
    ? ok(found)
    : warn(found, "Close other programs, or run with --sessions 1 --batch 1 to take less.");
}

function checkLibraries(): Finding {
  const { simdTarget: _target, simdTargets: _targets, ...versions } = imageLibraries();
  return ok(
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
  );
}

/** Writes, reads, locks and removes a file in `folder`, or in the nearest folder above it that exists. */
export async function checkFolder(folder: string): Promise<Finding> {
  let standing = folder;
  while (!existsSync(standing) && path.dirname(standing) !== standing) standing = path.dirname(standing);
  const probe = path.join(standing, `.verger-doctor-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    await writeFile(probe, "verger", { flag: "wx" });
    if ((await readFile(probe, "utf8")) !== "verger") {
      return fail(`${standing} does not return what was written to it`, "Use another disk: this one loses data.");
    }
    lockFile(probe).unlock();
  } catch (error) {
    return fail(
      `${standing}: ${errorMessage(error)}`,
      "Choose a folder that you may write to, on a disk with file locks.",
    );
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
  const { bavail, bsize } = await statfs(standing);
  const found = `${folder}, writable, ${gigabytes(bavail * bsize)} free`;
  return bavail * bsize >= MIN_DISK
    ? ok(found)
    : warn(found, "Free some space: features take about 0.5 GB per 100,000 images.");
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
