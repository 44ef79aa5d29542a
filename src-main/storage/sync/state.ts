/**
 * What earlier syncs of two sides have learned: which version of a key on one side holds the same bytes as which version
 * on the other. Every record is a fact for ever, so losing some costs a comparison and keeping old ones costs nothing.
 *
 * On disk, below Verger's folder of the user, for each pair of sides:
 *
 *   state.ndjson        a header, records sorted by key, a footer; replaced as a whole
 *   journal-*.ndjson    records in the order in which they became true, since state.ndjson was written
 *   uploads/            the engine's: uploads in parts that a later sync resumes
 *   lock                held by the one process that syncs the pair
 *
 * A million records take some 120 MB; they are read as a stream beside the two listings.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { errorCode, VergerError } from "../../core/errors.js";
import { compareCodePoints } from "../../core/manifest/order.js";
import { userFolder } from "../../core/user-folder.js";
import { type FileLock, lockFile } from "../../native/system.js";
import { Cursor } from "./cursor.js";
import type { Version } from "./entry.js";
import { guarded, LineWriter, readLines, stateError } from "./files.js";

/** Both versions hold the same bytes. */
export interface Known {
  readonly key: string;
  readonly size: number;
  readonly source: Version;
  readonly target: Version;
}

const SCHEMA = 1;
/** Records of one journal file: what is sorted in memory at a time. */
const JOURNAL_RECORDS = 32_768;

/** The folders of all pairs. */
export function syncFolder(): string {
  return path.join(userFolder(), "sync");
}

/** The state of one pair of sides, held by this process alone. */
export class SyncState {
  private journal: LineWriter | undefined;
  private journalRecords = 0;
  private journals = 0;
  private base: LineWriter | undefined;
  private baseRecords = 0;

  private constructor(
    readonly folder: string,
    private readonly header: string,
    private readonly locks: readonly FileLock[],
  ) {}

  /**
   * Takes the pair's lock and that of its target, and merges what an earlier process has left.
   *
   * @param sides what tells a pair from others: both sides and the server
   * @param target the same of the target alone: two syncs into one target would undo each other's work
   * @throws VergerError `sync/in-use`, `sync/state`
   */
  static async open(sides: readonly string[], target: readonly string[]): Promise<SyncState> {
    const folder = path.join(syncFolder(), digestOf(sides));
    const targets = path.join(syncFolder(), "targets");
    const locks: FileLock[] = [];
    try {
      guarded(folder, () => mkdirSync(path.join(folder, "uploads"), { recursive: true, mode: 0o700 }));
      guarded(targets, () => mkdirSync(targets, { recursive: true, mode: 0o700 }));
      locks.push(take(path.join(targets, `${digestOf(target)}.lock`), target));
      locks.push(take(path.join(folder, "lock"), target));
      const state = new SyncState(folder, JSON.stringify({ verger: "sync", schema: SCHEMA, sides }), locks);
      await state.compact();
      return state;
    } catch (error) {
      for (const lock of locks) lock.unlock();
      throw error;
    }
  }

  /** For `ObjectStore.upload`. */
  get uploads(): string {
    return path.join(this.folder, "uploads");
  }

  /** Everything known, sorted by key. */
  known(): Cursor<Known> {
    return new Cursor(pagesOf(this.file("state.ndjson")), (key) => damaged(this.file("state.ndjson"), key));
  }

  /** Adds a fact that has just become true. */
  add(known: Known): void {
    if (this.journal === undefined || this.journalRecords % JOURNAL_RECORDS === 0) {
      this.journal?.close();
      this.journals += 1;
      this.journal = new LineWriter(this.file(`journal-${String(this.journals).padStart(6, "0")}.ndjson`), "a");
    }
    this.journal.write(encode(known));
    // It outlives this process from here on; a power cut may take it, which costs a comparison.
    this.journal.flush();
    this.journalRecords += 1;
  }

  /** Adds a fact to the next state.ndjson. Keys must ascend. */
  keep(known: Known): void {
    if (this.base === undefined) {
      this.base = new LineWriter(this.file("state.tmp"), "w");
      this.base.write(this.header);
    }
    this.base.write(encode(known));
    this.baseRecords += 1;
  }

  /** Makes what was kept the new state.ndjson; what was added since stands in the journals. */
  commit(): void {
    if (this.base === undefined) {
      // Nothing to keep is a state too.
      rmSync(this.file("state.ndjson"), { force: true });
      return;
    }
    finish(this.base, this.baseRecords, this.file("state.ndjson"));
    this.base = undefined;
    this.baseRecords = 0;
  }

  /** Frees the locks. Idempotent. */
  close(): void {
    try {
      this.journal?.close();
      this.base?.close();
      rmSync(this.file("state.tmp"), { force: true });
    } finally {
      for (const lock of this.locks) lock.unlock();
    }
  }

  private file(name: string): string {
    return path.join(this.folder, name);
  }

  /** Merges state.ndjson and the journals, of which the later ones win, into a new state.ndjson. */
  private async compact(): Promise<void> {
    const state = this.file("state.ndjson");
    if (existsSync(state) && !isWhole(state)) rmSync(state, { force: true });
    const names = readdirSync(this.folder);
    // Of a process that was killed: what it was writing, and its queues.
    for (const name of names) if (name.endsWith(".tmp")) rmSync(this.file(name), { force: true });
    const journals = names.filter((name) => /^journal-\d+\.ndjson$/.test(name)).sort();
    if (journals.length === 0) return;
    const runs: string[] = [];
    for (const [index, name] of journals.entries()) {
      const run = this.file(`run-${index}.tmp`);
      await sortJournal(this.file(name), run);
      runs.push(run);
    }
    // The last that holds a key is the latest to have learned of it.
    const cursors = [...(existsSync(state) ? [state] : []), ...runs].map(
      (file) => new Cursor(pagesOf(file), (key) => damaged(file, key)),
    );
    await merge(cursors, (known) => this.keep(known));
    this.commit();
    for (const name of journals) rmSync(this.file(name), { force: true });
    for (const run of runs) rmSync(run, { force: true });
  }
}

/** Sixteen hexadecimal digits of SHA-256. */
function digestOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

function take(file: string, target: readonly string[]): FileLock {
  try {
    return lockFile(file);
  } catch (error) {
    if (errorCode(error) !== "lock/held") throw stateError(file, error);
    throw new VergerError(
      "sync/in-use",
      `Expected to be the only sync into ${target[0]}, but another Verger process is at it; wait for it to end.`,
      { cause: error },
    );
  }
}

function damaged(file: string, key: string): VergerError {
  return new VergerError(
    "sync/state",
    `Expected ${file} to hold what earlier syncs have learned, but it is damaged near "${key}"; remove the file, then ` +
      "both sides are compared by their content once.",
    { details: { file } },
  );
}

function encode({ key, size, source, target }: Known): string {
  return JSON.stringify([key, size, source.etag, source.modifiedMs, target.etag, target.modifiedMs]);
}

/** @throws SyntaxError for what is no record */
function decode(line: string): Known {
  const record: unknown = JSON.parse(line);
  if (!Array.isArray(record) || record.length !== 6 || typeof record[0] !== "string") throw new SyntaxError(line);
  const [key, size, sourceEtag, sourceMs, targetEtag, targetMs] = record as [
    string,
    number,
    string,
    number,
    string,
    number,
  ];
  return {
    key,
    size,
    source: { etag: sourceEtag, modifiedMs: sourceMs },
    target: { etag: targetEtag, modifiedMs: targetMs },
  };
}

/** The records of a sorted file, without its header and footer. */
async function* pagesOf(file: string): AsyncGenerator<readonly Known[]> {
  if (!existsSync(file)) return;
  for await (const lines of readLines(file)) {
    const page: Known[] = [];
    for (const line of lines) {
      if (line.startsWith("{")) continue;
      try {
        page.push(decode(line));
      } catch {
        throw damaged(file, line.slice(0, 80));
      }
    }
    yield page;
  }
}

/** Sorts a journal into a file of its own. A line that a crash has spoilt ends it: what follows is learned again. */
async function sortJournal(journal: string, run: string): Promise<void> {
  const latest = new Map<string, Known>();
  reading: for await (const lines of readLines(journal)) {
    for (const line of lines) {
      try {
        const known = decode(line);
        latest.set(known.key, known);
      } catch {
        break reading;
      }
    }
  }
  const writer = new LineWriter(run, "w");
  for (const known of [...latest.values()].sort((a, b) => compareCodePoints(a.key, b.key))) writer.write(encode(known));
  writer.close();
}

/** Merges sorted sequences; of equal keys that of the last sequence counts. */
async function merge(cursors: readonly Cursor<Known>[], take: (known: Known) => void): Promise<void> {
  for (const cursor of cursors) await cursor.load();
  for (;;) {
    let least: Known | undefined;
    for (const { current } of cursors) {
      if (current && (least === undefined || compareCodePoints(current.key, least.key) <= 0)) least = current;
    }
    if (least === undefined) return;
    take(least);
    for (const cursor of cursors) {
      if (cursor.current?.key === least.key && !cursor.advance()) await cursor.load();
    }
  }
}

function footer(records: number): string {
  return JSON.stringify({ records });
}

function finish(writer: LineWriter, records: number, file: string): void {
  writer.write(footer(records));
  writer.close(true);
  guarded(file, () => {
    renameSync(writer.file, file);
    if (process.platform === "win32") return;
    const folder = openSync(path.dirname(file), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  });
}

/** True when a file of this schema ends with its footer: it was written to its end. */
function isWhole(file: string): boolean {
  const fd = openSync(file, "r");
  try {
    const head = Buffer.alloc(64);
    readSync(fd, head, 0, head.length, 0);
    const tail = Buffer.alloc(64);
    const { size } = statSync(file);
    const read = readSync(fd, tail, 0, tail.length, Math.max(0, size - tail.length));
    return (
      head.toString("latin1").startsWith(`{"verger":"sync","schema":${SCHEMA},`) &&
      /\n\{"records":\d+\}\n$/.test(tail.toString("latin1", 0, read))
    );
  } finally {
    closeSync(fd);
  }
}
