/** Whether this machine can do Verger's work, found out by doing a little of it. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, statfs, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import path from "node:path";
import { imageLibraries, imageLibraryVersions } from "../../native/image.js";
import { hardwareThreads, lockFile } from "../../native/system.js";
import { usableProcessors } from "../embed/plan.js";
import { errorCode, errorMessage, problemIn, throwIfCancelled } from "../errors.js";
import { appVersion } from "../run/version.js";
import { checkEmbedding, checkModels } from "./embedding.js";
import type { Finding } from "./finding.js";
import { CHECK_TITLES, type CheckId, isNewEnough, type Outcome, outcome } from "./outcomes.js";

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

/** A check of this machine: what it found also by its code, for another language. */
export type MachineCheck = Check & Outcome;

const GIB = 2 ** 30;
/** One session of the default model with its batches and the runtime take about half of this. */
const MIN_MEMORY = 1 * GIB;
/** Features of 100,000 images take half of this. */
const MIN_DISK = 1 * GIB;

/**
 * Runs every check; one that throws has failed and does not stop the others.
 *
 * @param folder where runs shall be written; need not exist yet
 */
export async function examine(options: {
  folder: string;
  signal?: AbortSignal;
}): Promise<Diagnosis & { readonly checks: readonly MachineCheck[] }> {
  const finders: Readonly<Record<CheckId, () => Outcome | Promise<Outcome>>> = {
    node: () => checkNode(process.versions.node),
    addon: checkAddon,
    processor: checkProcessor,
    memory: () => checkMemory(availableMemory(), totalMemory()),
    libraries: checkLibraries,
    models: () => checkModels(options.signal),
    embedding: checkEmbedding,
    temporary: () => checkFolder(tmpdir()),
    folder: () => checkFolder(path.resolve(options.folder)),
  };
  const checks: MachineCheck[] = [];
  for (const [id, find] of Object.entries(finders) as [CheckId, () => Outcome | Promise<Outcome>][]) {
    let found: Outcome;
    try {
      found = await find();
    } catch (error) {
      throwIfCancelled(options.signal);
      const code = id === "folder" || id === "temporary" ? "broken.folder" : "broken.part";
      found = outcome(code, { message: errorMessage(error) }, problemIn(error));
    }
    checks.push({ id, title: CHECK_TITLES[id], ...found });
  }
  return { ok: checks.every(({ state }) => state !== "fail"), version: appVersion(), checks };
}

/** @param version as in `process.versions.node` */
export function checkNode(version: string): Outcome {
  return outcome(isNewEnough(version) ? "node.ok" : "node.old", { version });
}

function checkAddon(): Outcome {
  return outcome("addon.ok", { threads: hardwareThreads(), platform: `${process.platform}-${process.arch}` });
}

function checkProcessor(): Outcome {
  const { simdTarget, simdTargets } = imageLibraries();
  return outcome(/^(SCALAR|EMU128)$/.test(simdTarget) ? "processor.slow" : "processor.ok", {
    name: cpus()[0]?.model.trim() || process.arch,
    usable: usableProcessors(hardwareThreads()),
    count: cpus().length,
    target: simdTarget,
    targets: simdTargets.join(", "),
  });
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

/** @param available in bytes, as `total` */
export function checkMemory(available: number, total: number): Outcome {
  const code = available >= MIN_MEMORY ? "memory.ok" : "memory.little";
  return outcome(code, { availableBytes: available, totalBytes: total });
}

function checkLibraries(): Outcome {
  const named = imageLibraryVersions().map(({ name, version }) => `${name} ${version}`);
  return outcome("libraries.ok", { versions: named.join(", ") });
}

/** Writes, reads, locks and removes a file in `folder`, or in the nearest folder above it that exists. */
export async function checkFolder(folder: string): Promise<Outcome> {
  let standing = folder;
  while (!existsSync(standing) && path.dirname(standing) !== standing) standing = path.dirname(standing);
  const probe = path.join(standing, `.verger-doctor-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    await writeFile(probe, "verger", { flag: "wx" });
    if ((await readFile(probe, "utf8")) !== "verger") return outcome("folder.lossy", { folder: standing });
    lockFile(probe).unlock();
  } catch (error) {
    const [reason, message] = [errorCode(error), errorMessage(error)];
    return outcome("folder.refused", { folder: standing, reason, message });
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
  const { bavail, bsize } = await statfs(standing);
  const freeBytes = bavail * bsize;
  return outcome(freeBytes >= MIN_DISK ? "folder.ok" : "folder.little", { folder, freeBytes });
}
