/** One name on one side of a sync, whatever kind of side that is. */

/** Tells one content of a key from the next: what a side shows of it without its bytes being read. */
export interface Version {
  /** Without quotes; "" for a file on disk. */
  readonly etag: string;
  /**
   * Milliseconds since 1970. 0 for an object that was just written: S3 tells an object's time only when it is listed.
   */
  readonly modifiedMs: number;
}

export type EntryKind =
  | "file"
  /** A folder on disk, or the empty object with a slash at its end that stands for one. */
  | "folder"
  /** It is there, but cannot be used; `problem` says why. */
  | "problem";

/** Why a key was set aside. */
export interface Problem {
  readonly code: string;
  readonly message: string;
}

export interface Entry extends Version {
  /** Below the side's root, `/` between folders, and at the end of a folder. Never empty. */
  readonly key: string;
  readonly kind: EntryKind;
  /** Bytes; 0 for a folder. */
  readonly size: number;
  readonly problem: Problem | undefined;
}

/** True when two looks at one side show the same content. */
export function sameVersion(a: Version, b: Version): boolean {
  if (a.etag !== b.etag) return false;
  // Of an object that we wrote only the ETag is known; it names the content.
  return a.modifiedMs === b.modifiedMs || (a.etag !== "" && (a.modifiedMs === 0 || b.modifiedMs === 0));
}
