/** The two sides of a sync as the user named them, checked before anything is read or written. */
import { realpathSync, statSync } from "node:fs";
import path from "node:path";
import { errorCode, errorMessage, VergerError } from "../../core/errors.js";
import { makeFolder } from "../../core/make-folder.js";
import { folderPrefix, formatLocation, parseLocation } from "../location.js";

export interface LocalSide {
  readonly kind: "local";
  /** Absolute and real; of a target that a dry run does not make: absolute. */
  readonly root: string;
  /** False for the target of a dry run that is not there. */
  readonly exists: boolean;
}

export interface S3Side {
  readonly kind: "s3";
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
}

export type Side = LocalSide | S3Side;

export interface Sides {
  readonly from: Side;
  readonly to: Side;
}

/**
 * Reads both sides. A target folder that is not there is made, unless `dryRun`.
 *
 * @throws VergerError `sync/two-folders`, `sync/overlap`, `sync/source-missing`, `sync/not-a-folder`,
 *   `sync/unwritable`, `s3/url`
 */
export function openSides(fromText: string, toText: string, dryRun: boolean): Sides {
  const from = parseLocation(fromText);
  const to = parseLocation(toText);
  if (from.kind === "local" && to.kind === "local") {
    throw new VergerError(
      "sync/two-folders",
      `Expected s3://bucket/prefix as one side of a sync, but received two folders (${fromText} and ${toText}); copy folders with the system's own tools.`,
    );
  }
  if (from.kind === "s3" && to.kind === "s3") {
    const source = { kind: "s3", bucket: from.bucket, prefix: folderPrefix(from.key) } as const;
    const target = { kind: "s3", bucket: to.bucket, prefix: folderPrefix(to.key) } as const;
    const within = source.prefix.startsWith(target.prefix) || target.prefix.startsWith(source.prefix);
    if (source.bucket === target.bucket && within) {
      throw new VergerError(
        "sync/overlap",
        `Expected two prefixes apart from each other, but one of ${nameOf(source)} and ${nameOf(target)} lies in the other; choose another target.`,
      );
    }
    return { from: source, to: target };
  }
  return {
    from: from.kind === "s3" ? s3Side(from) : sourceFolder(from.path),
    to: to.kind === "s3" ? s3Side(to) : targetFolder(to.path, dryRun),
  };
}

/** The side as its owner would write it. */
export function nameOf(side: Side): string {
  return side.kind === "local" ? side.root : formatLocation({ kind: "s3", bucket: side.bucket, key: side.prefix });
}

function s3Side({ bucket, key }: { readonly bucket: string; readonly key: string }): S3Side {
  return { kind: "s3", bucket, prefix: folderPrefix(key) };
}

function sourceFolder(given: string): LocalSide {
  const root = path.resolve(given);
  try {
    if (statSync(path.toNamespacedPath(root)).isDirectory()) {
      return { kind: "local", root: realpathSync(root), exists: true };
    }
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw notReadable(given, error);
    throw new VergerError(
      "sync/source-missing",
      `Expected a folder to sync from, but ${given} does not exist; check the path.`,
      { details: { path: root } },
    );
  }
  throw notAFolder(given, root);
}

function targetFolder(given: string, dryRun: boolean): LocalSide {
  const root = path.resolve(given);
  const standing = statSync(path.toNamespacedPath(root), { throwIfNoEntry: false });
  if (standing && !standing.isDirectory()) throw notAFolder(given, root);
  if (!standing && dryRun) return { kind: "local", root, exists: false };
  try {
    makeFolder(path.toNamespacedPath(root));
    return { kind: "local", root: realpathSync(root), exists: true };
  } catch (error) {
    throw new VergerError(
      "sync/unwritable",
      `Expected to write into ${given}, but: ${errorMessage(error)}; choose a folder that can be written.`,
      { cause: error, details: { path: root } },
    );
  }
}

function notAFolder(given: string, root: string): VergerError {
  return new VergerError(
    "sync/not-a-folder",
    `Expected a folder as a side of a sync, but ${given} is a file; give the folder that it stands in, and --include for its name.`,
    { details: { path: root } },
  );
}

function notReadable(given: string, error: unknown): VergerError {
  return new VergerError(
    "sync/unreadable",
    `Expected to read the folder ${given}, but: ${errorMessage(error)}; change its permissions.`,
    { cause: error },
  );
}
