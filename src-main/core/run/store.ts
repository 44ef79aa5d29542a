/** A run folder: where its files stand, who holds it, and how its state is kept. Layout: docs/run-format.md. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import { RUN_SCHEMA_VERSION, type RunFile, runFileSchema } from "../../api/contract.js";
import { atomicWriteFile, syncDirectory } from "../../native/parquet.js";
import { type FileLock, lockFile } from "../../native/system.js";
import { errorCode, errorMessage, VergerError } from "../errors.js";
import { LABELS_FILE } from "../labels/overlay.js";
import { makeFolder } from "../make-folder.js";
import { type RunMirror, requireLocal } from "../remote.js";

/** What a generation of features consists of; moved together when the source has changed. */
const GENERATION = ["features", "errors", "manifest"] as const;

export type PartKind = "manifest" | "features" | "errors" | "pca";

/** `part-00042.parquet` */
export function partName(index: number): string {
  return `part-${String(index).padStart(5, "0")}.parquet`;
}

/** The number in a part's file name, or undefined for any other file. */
export function partIndex(name: string): number | undefined {
  const match = /^part-(\d{5,})\.parquet$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** One folder of an earlier generation, kept until its rows have been taken over. */
export interface Generation {
  readonly folder: string;
}

/**
 * Reads and checks a run.json.
 *
 * @returns undefined when the folder holds none
 * @throws VergerError `run/newer` (made by a newer Verger), `run/corrupt`
 */
export function readRunFile(folder: string): RunFile | undefined {
  const file = path.join(folder, "run.json");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    throw new VergerError("run/not-readable", `Expected to read ${file}, but: ${errorMessage(error)}.`, {
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(file, errorMessage(error));
  }
  const version =
    typeof value === "object" && value !== null && "schemaVersion" in value ? Number(value.schemaVersion) : Number.NaN;
  if (version > RUN_SCHEMA_VERSION) {
    throw new VergerError(
      "run/newer",
      `Expected a run of format ${RUN_SCHEMA_VERSION} or older, but ${file} has format ${version}; ` +
        "open it with the Verger that made it or a newer one.",
    );
  }
  const parsed = runFileSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw corrupt(file, issue ? `${issue.path.join(".")}: ${issue.message}` : "unknown shape");
  }
  return parsed.data;
}

function corrupt(file: string, reason: string): VergerError {
  return new VergerError(
    "run/corrupt",
    `Expected ${file} to describe a Verger run, but it does not (${reason}); choose another folder or use --fresh.`,
  );
}

/**
 * A run folder held exclusively by this process. With a mirror it is the local side of a run that stands elsewhere: what
 * gets a final name here is uploaded, what is removed here is removed there, in an order that leaves a state there, at
 * any moment, from which the run can be continued.
 */
export class RunStore {
  readonly folder: string;
  /** True once the local folder holds all of the run; without a mirror always. */
  private complete: boolean;

  private constructor(
    folder: string,
    private readonly lock: FileLock,
    /** The folder and those around it that were not there before, the outermost first. */
    private readonly made: readonly string[],
    private readonly mirror: RunMirror | undefined,
  ) {
    this.folder = folder;
    this.complete = mirror === undefined;
  }

  /** The run's path or address, for people. */
  get shown(): string {
    return this.mirror?.address ?? this.folder;
  }

  /**
   * Opens the run's folder, or the local side of a run that stands elsewhere.
   *
   * @param out what the request names; an address needs its mirror
   * @throws VergerError what `openLocal` and `RunMirror.open` throw; `source/unsupported` for an address without mirror
   */
  static async open(out: string, mirror: RunMirror | undefined, signal: AbortSignal): Promise<RunStore> {
    if (!mirror) {
      requireLocal(out, "--out");
      return RunStore.openLocal(out, undefined);
    }
    const store = RunStore.openLocal(mirror.folder, mirror);
    try {
      await mirror.open(signal);
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /**
   * Creates the folder if needed and takes its lock.
   *
   * @throws VergerError `run/in-use` when another process writes to it, `run/not-empty` when the folder holds files
   *   that are not a run's, `storage/read-only`, `storage/write`
   */
  private static openLocal(out: string, mirror: RunMirror | undefined): RunStore {
    const folder = path.resolve(out);
    try {
      // Answers with the system's own code for a read-only folder, which mkdir (ENOENT) and the lock would hide.
      accessSync(nearestExisting(folder), constants.W_OK);
      const made = makeFolder(folder);
      refuseStrangers(folder);
      return new RunStore(folder, lockFile(path.join(folder, ".lock")), made, mirror);
    } catch (error) {
      throw openFailure(mirror?.address ?? folder, error);
    }
  }

  /**
   * Claims a run that stands elsewhere for this process and makes the local folder complete: call before anything is
   * changed.
   *
   * @param fresh the run is about to be discarded
   * @throws VergerError `run/in-use`, `s3/*`, `cancelled`
   */
  async begin(signal: AbortSignal, fresh: boolean): Promise<void> {
    await this.mirror?.begin({ fresh, signal });
    this.complete = true;
  }

  /** Uploads finished files, in this order, while the job goes on. Paths within the folder, as `path` gives them. */
  publish(...files: string[]): void {
    this.mirror?.publish(...files.map((file) => this.nameOf(file)));
  }

  /** Waits until everything that stands here stands there too, and nothing else of the run. */
  async settle(signal: AbortSignal, onWait: (bytes: number) => void): Promise<void> {
    if (!this.mirror) return;
    if (this.mirror.waitingBytes > 0) onWait(this.mirror.waitingBytes);
    await this.mirror.settle(signal);
  }

  private nameOf(file: string): string {
    return path.relative(this.folder, file).split(path.sep).join("/");
  }

  /** Frees the lock. Folders that this store made and that got no run are removed again. */
  async close(): Promise<void> {
    try {
      await this.mirror?.close();
      this.removeUnused();
    } finally {
      this.lock.unlock();
    }
  }

  private removeUnused(): void {
    if (!this.made.includes(this.folder) || !existsSync(this.folder)) return;
    if (!readdirSync(this.folder).every((name) => name === ".lock")) return;
    rmSync(this.folder, { recursive: true, force: true });
    for (const around of this.made.slice(0, -1).reverse()) {
      try {
        rmdirSync(around);
      } catch {
        // Somebody has put something into it meanwhile.
        return;
      }
    }
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  part(kind: PartKind, index: number): string {
    return this.path(kind, partName(index));
  }

  /** Creates a folder of the run and makes its name durable. */
  async ensure(name: string): Promise<string> {
    const folder = this.path(name);
    if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true });
      await syncDirectory(path.dirname(folder));
    }
    return folder;
  }

  /** True when images set aside are recorded, in the parts that stand or in an earlier generation. */
  holdsErrors(): boolean {
    if (this.elsewhere.some((name) => /(^|\/)errors\/part-/.test(name))) return true;
    return [this.folder, ...this.generations().map(({ folder }) => folder)].some(
      (folder) => listParts(path.join(folder, "errors")).length > 0,
    );
  }

  /** Indices of the parts of one kind that stand under their final names, ascending. */
  parts(kind: PartKind): number[] {
    if (this.complete) return listParts(this.path(kind));
    return this.elsewhere
      .filter((name) => name.startsWith(`${kind}/`))
      .map((name) => partIndex(name.slice(kind.length + 1)))
      .filter((index) => index !== undefined)
      .sort((a, b) => a - b);
  }

  /** True when a file of the run stands. @param name below the run's folder, `/` between folders */
  holds(name: string): boolean {
    return this.complete ? existsSync(this.path(...name.split("/"))) : this.elsewhere.includes(name);
  }

  /** What stands of a run elsewhere, as long as the local folder may hold less. */
  private get elsewhere(): string[] {
    return this.complete ? [] : [...(this.mirror?.names ?? [])];
  }

  read(): RunFile | undefined {
    return readRunFile(this.folder);
  }

  async write(run: RunFile): Promise<void> {
    await atomicWriteFile(this.path("run.json"), `${JSON.stringify(run, null, 2)}\n`);
    await this.mirror?.publishNow("run.json");
  }

  get succeeded(): boolean {
    return this.mirror ? this.mirror.names.has("_SUCCESS") : existsSync(this.path("_SUCCESS"));
  }

  /** The last file of a finished run. */
  async markSuccess(): Promise<void> {
    await atomicWriteFile(this.path("_SUCCESS"), "");
    await this.mirror?.publishNow("_SUCCESS");
  }

  /** Removed before anything changes, so that `_SUCCESS` never stands beside unfinished work. */
  async clearSuccess(): Promise<void> {
    await this.mirror?.remove("_SUCCESS");
    if (!existsSync(this.path("_SUCCESS"))) return;
    rmSync(this.path("_SUCCESS"), { force: true });
    await syncDirectory(this.folder);
  }

  /** Removes here at once; of a run elsewhere what only stands there goes when the run is settled. */
  remove(...names: string[]): void {
    for (const name of names) rmSync(this.path(name), { recursive: true, force: true });
  }

  /** Removes what earlier generations and checkpoints were kept for. There first: here they can be told from newer ones. */
  async removeEarlier(): Promise<void> {
    await this.mirror?.remove(".previous");
    this.remove(".previous", ".checkpoint");
  }

  /**
   * Removes everything of the run but the lock and label corrections, which no program can make again. run.json goes
   * last: until then the folder is still a run's.
   */
  async removeAll(): Promise<void> {
    const names = ["_SUCCESS", "pca", ".checkpoint", ".previous", ...GENERATION];
    await this.mirror?.remove(...names, "run.json");
    this.remove(...names);
    this.removeTemporaries();
    this.remove("run.json");
  }

  /**
   * Moves label corrections out of the way, so that they are neither lost nor taken for those of other photos.
   *
   * @returns where they are now; undefined when there are none
   */
  async setLabelsAside(): Promise<string | undefined> {
    if (!existsSync(this.path(LABELS_FILE))) return undefined;
    const name = `labels-${new Date().toISOString().replace(/[-:.]/g, "")}.jsonl`;
    renameSync(this.path(LABELS_FILE), this.path(name));
    await syncDirectory(this.folder);
    await this.mirror?.publishNow(name);
    await this.mirror?.remove(LABELS_FILE);
    return this.mirror ? `${this.mirror.address}/${name}` : this.path(name);
  }

  /** Removes temporary files that a killed process left beside their final names. */
  removeTemporaries(): void {
    for (const name of [".", "pca", ".checkpoint", ...GENERATION]) {
      const folder = this.path(name);
      if (!existsSync(folder)) continue;
      for (const file of readdirSync(folder)) {
        if (TEMPORARY.test(file)) rmSync(path.join(folder, file), { force: true });
      }
    }
  }

  /** Earlier generations, oldest first. */
  generations(): Generation[] {
    const root = this.path(".previous");
    if (!existsSync(root)) return [];
    return readdirSync(root)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b)
      .map((number) => ({ folder: path.join(root, String(number)) }));
  }

  nextGeneration(): number {
    const last = this.generations().at(-1);
    return last ? Number(path.basename(last.folder)) + 1 : 0;
  }

  /**
   * Moves manifest, features and errors aside as generation `number`. Safe to repeat after a kill: nothing new is
   * written under the old names before run.json has left the state `rebuilding`.
   *
   * @param forgetErrors drop the record of images set aside in every generation, so that they are tried again
   */
  async moveAside(number: number, forgetErrors: boolean): Promise<void> {
    const target = this.path(".previous", String(number));
    mkdirSync(target, { recursive: true });
    for (const name of GENERATION) {
      if (existsSync(this.path(name))) renameSync(this.path(name), path.join(target, name));
    }
    if (forgetErrors) {
      for (const { folder } of this.generations()) {
        rmSync(path.join(folder, "errors"), { recursive: true, force: true });
        await syncDirectory(folder);
      }
    }
    await syncDirectory(target);
    await syncDirectory(path.dirname(target));
    await syncDirectory(this.folder);
    await this.mirror?.moveAside(GENERATION, `.previous/${number}`);
    if (forgetErrors) {
      await this.mirror?.remove(...this.generations().map(({ folder }) => this.nameOf(path.join(folder, "errors"))));
    }
  }
}

/** Label corrections, and those that `--fresh` set aside. */
const LABELS = /^labels(-\d{8}T\d{9}Z)?\.jsonl$/;
/** Names of the temporary files that the native atomic writer makes. */
const TEMPORARY = /^\..+\.tmp-/;

/** Part numbers present in a folder, ascending. */
export function listParts(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map(partIndex)
    .filter((index) => index !== undefined)
    .sort((a, b) => a - b);
}

/**
 * A folder with someone else's files is never written into: `--fresh` would delete them later. run.json is the first
 * file of a run and the last to go, so without it nothing but the lock and label corrections is ours: a folder `features/` there is Spark's.
 */
function refuseStrangers(folder: string): void {
  if (existsSync(path.join(folder, "run.json"))) return;
  const stranger = readdirSync(folder).find((name) => name !== ".lock" && !LABELS.test(name) && !TEMPORARY.test(name));
  if (stranger !== undefined) {
    throw new VergerError(
      "run/not-empty",
      `Expected an empty folder or an earlier run for --out, but ${folder} holds other files (${stranger}); ` +
        "choose a new folder.",
    );
  }
}

function nearestExisting(folder: string): string {
  let nearest = folder;
  while (!existsSync(nearest) && path.dirname(nearest) !== nearest) nearest = path.dirname(nearest);
  return nearest;
}

function openFailure(folder: string, error: unknown): unknown {
  if (error instanceof VergerError) return error;
  const code = errorCode(error);
  if (code === "lock/held") {
    return new VergerError(
      "run/in-use",
      `Expected to write to ${folder}, but another Verger process is using it; wait for it to end or choose another --out.`,
      { cause: error },
    );
  }
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new VergerError(
      "storage/disk-full",
      `Expected room to write to ${folder}, but the disk is full; free some space or choose another --out, then run again.`,
      { cause: error },
    );
  }
  if (code === "lock/unavailable") return new VergerError("storage/write", errorMessage(error), { cause: error });
  const reason = errorMessage(error);
  if (code === "EEXIST" || code === "ENOTDIR" || code === "ELOOP") {
    return new VergerError(
      "storage/write",
      `Expected a folder, or room for one, at ${folder}, but a file or a broken link is there or on the way to it ` +
        `(${reason}); choose another --out.`,
      { cause: error },
    );
  }
  const message = `Expected to write to ${folder}, but: ${reason}; choose a writable folder with --out.`;
  if (code === "EROFS" || code === "EACCES" || code === "EPERM") {
    return new VergerError("storage/read-only", message, { cause: error });
  }
  return new VergerError("storage/write", message, { cause: error });
}
