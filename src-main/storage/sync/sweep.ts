/** Uploads in parts that were begun below a prefix and never ended: they cost money and no listing shows them. */
import { readdirSync } from "node:fs";
import path from "node:path";
import type { SweepSummary } from "../../api/contract.js";
import { errorCode, errorMessage, isCancelled, VergerError } from "../../core/errors.js";
import { folderPrefix, formatLocation, parseLocation } from "../location.js";
import { heldUploads, openS3 } from "../s3/index.js";
import type { S3Options } from "../types.js";
import { syncFolder } from "./state.js";
import { tuningFromEnvironment } from "./tuning.js";

export interface SweepOptions {
  readonly s3: S3Options;
  /** Seconds since an upload was begun; younger ones may still be under way somewhere. */
  readonly olderThan: number;
  /** List, and abort nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/**
 * Aborts the open uploads below a prefix that are older than `olderThan` and that no interrupted sync of this machine
 * will continue.
 *
 * @param target `s3://bucket/prefix`
 * @throws VergerError `sync/sweep-target`, `s3/*`, `cancelled`
 */
export async function sweepUploads(target: string, options: SweepOptions): Promise<SweepSummary> {
  const location = parseLocation(target);
  if (location.kind === "local") {
    throw new VergerError(
      "sync/sweep-target",
      `Expected s3://bucket/prefix to sweep, but received the folder ${target}; give the bucket whose uploads shall be looked at.`,
    );
  }
  const prefix = folderPrefix(location.key);
  const store = openS3(location.bucket, options.s3, tuningFromEnvironment());
  try {
    const held = await heldAnywhere();
    const uploads: SweepSummary["uploads"] = [];
    for (const { key, uploadId, initiatedMs } of await store.openUploads(prefix, { signal: options.signal })) {
      const told = { key, uploadId, initiated: new Date(initiatedMs).toISOString() };
      if (held.has(uploadId)) uploads.push({ ...told, outcome: "held" });
      else if (store.now() - initiatedMs < options.olderThan * 1000) uploads.push({ ...told, outcome: "young" });
      else if (options.dryRun) uploads.push({ ...told, outcome: "abort" });
      else {
        try {
          await store.abortUpload({ key, uploadId }, { signal: options.signal });
          uploads.push({ ...told, outcome: "abort" });
        } catch (error) {
          if (isCancelled(error)) throw error;
          uploads.push({
            ...told,
            outcome: "failed",
            problem: { code: errorCode(error), message: errorMessage(error) },
          });
        }
      }
    }
    const numberOf = (...outcomes: string[]) => uploads.filter(({ outcome }) => outcomes.includes(outcome)).length;
    return {
      prefix: formatLocation({ kind: "s3", bucket: location.bucket, key: prefix }),
      dryRun: options.dryRun,
      olderThan: options.olderThan,
      uploads,
      aborted: options.dryRun ? 0 : numberOf("abort"),
      kept: numberOf("young", "held") + (options.dryRun ? numberOf("abort") : 0),
      failed: numberOf("failed"),
    };
  } finally {
    await store.close();
  }
}

/** Ids of the uploads that some sync of this machine continues. */
async function heldAnywhere(): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  let pairs: string[];
  try {
    pairs = readdirSync(syncFolder());
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return held;
    throw error;
  }
  for (const pair of pairs) {
    for (const { uploadId } of await heldUploads(path.join(syncFolder(), pair, "uploads"))) held.add(uploadId);
  }
  return held;
}
