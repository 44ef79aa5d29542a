/** What has to be done so that one side holds what the other does: one pass over both, in order of the keys. */
import { compareCodePoints, type Pacer } from "../../core/manifest/order.js";
import type { Cursor } from "./cursor.js";
import { type Entry, type Problem, sameVersion } from "./entry.js";
import type { KeyFilter } from "./filter.js";
import { keyProblem, type NameRule, NameTable, nameProblem } from "./names.js";
import { collision } from "./problems.js";
import type { Known } from "./state.js";

/** Where the two sides stand. */
export type Direction = "upload" | "download" | "copy";

/** A file of the source that the target lacks or holds otherwise. */
export interface Copy {
  readonly action: "copy" | "verify";
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly modifiedMs: number;
  /** What stands in the target: undefined for nothing. `verify`: it may hold the same bytes. */
  readonly target: { readonly size: number; readonly etag: string; readonly modifiedMs: number } | undefined;
}

/** Receives what the comparison finds, in order of the keys. */
export interface Findings {
  copy(copy: Copy): void;
  /** A folder to be made on a disk. */
  folder(key: string): void;
  unchanged(size: number): void;
  /** Stands only in the target, and may be deleted. */
  extra(key: string, size: number): void;
  /** Stands in both, not the same as far as is known, and is not to be overwritten. */
  skipped(key: string, size: number): void;
  /** A name that the target cannot hold. */
  conflict(key: string, size: number, problem: Problem): void;
  /** A source that cannot be read. */
  unreadable(key: string, problem: Problem): void;
  /** A fact for the next state. */
  keep(known: Known): void;
}

export interface CompareRules {
  readonly direction: Direction;
  readonly filter: KeyFilter;
  readonly overwrite: boolean;
  readonly names: NameRule;
  /** Of a target in S3. */
  readonly targetPrefix: string;
}

export interface Cursors {
  readonly source: Cursor<Entry>;
  readonly target: Cursor<Entry>;
  readonly known: Cursor<Known>;
}

/**
 * Goes through both sides and what is known of them, all three sorted, and tells `findings` what it finds. Memory does
 * not depend on how many keys there are, but for names on a disk: 20 bytes each.
 *
 * @throws VergerError `sync/order`, `sync/state`, `s3/*`, `cancelled`; the system's error when a folder cannot be read
 */
export async function compareSides(
  { source, target, known }: Cursors,
  rules: CompareRules,
  findings: Findings,
  pacer: Pacer,
): Promise<void> {
  await Promise.all([source.load(), target.load(), known.load()]);
  const comparison = new Comparison(rules, findings);
  for (;;) {
    const left = source.current;
    const right = target.current;
    if (left === undefined && right === undefined) break;
    const order = left === undefined ? 1 : right === undefined ? -1 : compareCodePoints(left.key, right.key);
    const key = (order <= 0 ? left?.key : right?.key) as string;
    while (known.current !== undefined && compareCodePoints(known.current.key, key) < 0) {
      comparison.passed(known.current);
      if (!known.advance()) await known.load();
    }
    const record = known.current?.key === key ? known.current : undefined;
    comparison.key(key, order <= 0 ? left : undefined, order >= 0 ? right : undefined, record);
    if (record !== undefined && !known.advance()) await known.load();
    if (order <= 0 && !source.advance()) await source.load();
    if (order >= 0 && !target.advance()) await target.load();
    if (pacer.due()) await pacer.pause();
  }
  while (known.current !== undefined) {
    comparison.passed(known.current);
    if (!known.advance()) await known.load();
  }
}

class Comparison {
  private readonly table: NameTable;
  /** Below this folder of the source nothing is known, so nothing there is extra. */
  private unread = "\0";

  constructor(
    private readonly rules: CompareRules,
    private readonly findings: Findings,
  ) {
    this.table = new NameTable(rules.names === "portable" || process.platform !== "linux");
  }

  /** A fact about a key that neither side lists: kept only where the filter hides the key. */
  passed(record: Known): void {
    if (!this.rules.filter(record.key)) this.findings.keep(record);
  }

  key(key: string, source: Entry | undefined, target: Entry | undefined, record: Known | undefined): void {
    if (!this.rules.filter(key)) {
      if (record) this.findings.keep(record);
      return;
    }
    if (source === undefined) {
      if (target !== undefined) this.extra(target);
    } else if (source.kind === "problem") {
      if (key.endsWith("/")) this.unread = key;
      this.findings.unreadable(key, source.problem as Problem);
      if (record && target) this.findings.keep(record);
    } else if (source.kind === "folder") {
      this.folder(source, target);
    } else {
      this.file(source, target, record);
    }
  }

  private extra(target: Entry): void {
    if (target.key.startsWith(this.unread)) return;
    // Folders on a disk come and go with their files; what is no file was not put there by a sync.
    if (target.kind === "problem" || (target.kind === "folder" && this.rules.direction === "download")) return;
    this.findings.extra(target.key, target.size);
  }

  private folder(source: Entry, target: Entry | undefined): void {
    // S3 has no folders; those of a disk are in the keys of their files.
    if (this.rules.direction !== "download") return;
    if (!this.nameable(source)) return;
    if (target !== undefined) this.findings.unchanged(0);
    else this.findings.folder(source.key);
  }

  private file(source: Entry, target: Entry | undefined, record: Known | undefined): void {
    const { findings } = this;
    if (!this.nameable(source)) {
      if (record && target) findings.keep(record);
      return;
    }
    if (target?.kind === "problem") {
      findings.conflict(source.key, source.size, target.problem as Problem);
      return;
    }
    if (target === undefined) {
      findings.copy(copyOf("copy", source, undefined));
      return;
    }
    const sameSize = source.size === target.size;
    const sourceAsKnown = record !== undefined && record.size === source.size && sameVersion(record.source, source);
    const targetAsKnown = record !== undefined && record.size === target.size && sameVersion(record.target, target);
    // Between buckets the ETag alone tells: it is made of the content, or of what made the content.
    const sameEtag = this.rules.direction === "copy" && source.etag !== "" && source.etag === target.etag;
    if (sameSize && ((sourceAsKnown && targetAsKnown) || sameEtag)) {
      findings.unchanged(source.size);
      findings.keep({ key: source.key, size: source.size, source: versionOf(source), target: versionOf(target) });
      return;
    }
    if (record) findings.keep(record);
    if (!this.rules.overwrite) {
      findings.skipped(source.key, target.size);
    } else if (sameSize && this.rules.direction !== "copy" && !this.knownToDiffer(source, target, record)) {
      findings.copy(copyOf("verify", source, target));
    } else {
      findings.copy(copyOf("copy", source, target));
    }
  }

  /** The file is the one that is remembered, and its object has another ETag than then: reading it proves nothing more. */
  private knownToDiffer(source: Entry, target: Entry, record: Known | undefined): boolean {
    if (record === undefined) return false;
    const upload = this.rules.direction === "upload";
    const [file, rememberedFile] = upload ? [source, record.source] : [target, record.target];
    const [object, rememberedObject] = upload ? [target, record.target] : [source, record.source];
    return sameVersion(file, rememberedFile) && record.size === file.size && object.etag !== rememberedObject.etag;
  }

  /** Reports names that the target cannot hold. */
  private nameable(source: Entry): boolean {
    const problem = this.problemOf(source);
    if (problem === undefined) return true;
    this.findings.conflict(source.key, source.size, problem);
    return false;
  }

  private problemOf(source: Entry): Problem | undefined {
    const { direction, names, targetPrefix } = this.rules;
    const { key, kind } = source;
    if (direction !== "download") return keyProblem(key, targetPrefix);
    if (kind === "file" && key.endsWith("/")) {
      return {
        code: "sync/name",
        message: `Expected a key that can be a file's name, but "${key}" ends with a slash and holds bytes; rename the object, or leave it out with --exclude.`,
      };
    }
    return nameProblem(key, names) ?? (this.table.claim(key) ? undefined : collision(key));
  }
}

function copyOf(action: Copy["action"], source: Entry, target: Entry | undefined): Copy {
  const { key, size, etag, modifiedMs } = source;
  return {
    ...{ action, key, size, etag, modifiedMs },
    target: target && { size: target.size, etag: target.etag, modifiedMs: target.modifiedMs },
  };
}

function versionOf({ etag, modifiedMs }: Entry): { etag: string; modifiedMs: number } {
  return { etag, modifiedMs };
}
