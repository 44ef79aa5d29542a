/** A run in a bucket: built in a local folder by the ordinary RunStore, and sent file by file. */
import { setMaxListeners } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { type RunFile, runFileSchema } from "../../api/contract.js";
import { throwIfCancelled, VergerError } from "../../core/errors.js";
import { LABELS_FILE } from "../../core/labels/overlay.js";
import type { RunMirror } from "../../core/remote.js";
import { atomicWriteFile } from "../../native/parquet.js";
import { inParallel } from "../parallel.js";
import type { ObjectInfo, ObjectStore } from "../types.js";
import { Journal } from "./journal.js";
import { Lease } from "./lease.js";
import type { Staging } from "./staging.js";

/** Names, relative to the run, that are a run's; nothing else is ever overwritten or deleted. */
const OURS =
  /^(run\.json|_SUCCESS|labels(-\d{8}T\d{9}Z)?\.jsonl|((\.previous\/\d+\/)?(manifest|features|errors)|pca)\/part-\d{5,}\.parquet|pca\/model\.(json|parquet))$/;
/** Of them: label corrections, and those that `--fresh` set aside. Only `remove` takes them away. */
const LABELS = /^labels(-\d{8}T\d{9}Z)?\.jsonl$/;
const LEASE = ".lock";
const RUN_FILE_BYTES = 16 * 2 ** 20;
/** Groups of files sent, and files fetched or copied, at the same time. */
const SENDS_AT_ONCE = 4;
const FETCHES_AT_ONCE = 8;
/** Above this a file is sent by the resumable way, in parts. */
const PUT_BYTES = 16 * 2 ** 20;
/** What a job that was stopped may still take to say so in the bucket. */
const FAREWELL_MS = 10_000;

export class S3Mirror implements RunMirror {
  readonly folder: string;
  readonly names = new Set<string>();
  private readonly objects = new Map<string, ObjectInfo>();
  private readonly journal: Journal;
  private readonly abort = new AbortController();
  /** Ends when the job is cancelled or the mirror closed. */
  private signal: AbortSignal = this.abort.signal;
  private lease: Lease | undefined;
  private leaseObject: ObjectInfo | undefined;
  private failure: unknown;
  /** Groups that wait, and those under way. */
  private readonly queue: string[][] = [];
  private sending = 0;
  private idle: (() => void)[] = [];
  waitingBytes = 0;

  /**
   * @param prefix of the run's objects: empty, or with a slash at its end
   * @param staging the run's place on this machine; its lock is the RunStore's
   */
  constructor(
    private readonly store: ObjectStore,
    private readonly prefix: string,
    readonly address: string,
    private readonly staging: Staging,
  ) {
    this.folder = staging.run;
    this.journal = Journal.open(staging.journal);
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.list(signal);
    await this.openRun(signal);
    await this.fetchLabels(signal);
  }

  /**
   * Label corrections are people's: they may be changed in the bucket at any time, whether or not the run is, and what
   * stands there always wins.
   */
  private async fetchLabels(signal: AbortSignal): Promise<void> {
    const object = this.objects.get(LABELS_FILE);
    if (!object) rmSync(this.path(LABELS_FILE), { force: true });
    else await this.download(new Map([[LABELS_FILE, LABELS_FILE]]), signal);
  }

  private async openRun(signal: AbortSignal): Promise<void> {
    const remote = this.objects.get("run.json");
    const known = this.journal.files.get("run.json");
    const local = this.local("run.json");
    if (remote === undefined) {
      // What was confirmed once and is gone was removed by people: they want a new run.
      if (known || (local && this.staging.partial)) this.wipe();
      return;
    }
    if (local && remote.etag === known?.etag) return;
    const bytes = await this.fetchRun(remote, signal);
    if (local && readFileSync(local.file).equals(bytes)) {
      // The last upload had arrived when its process was killed.
      this.journal.confirm("run.json", { etag: remote.etag, size: remote.size, mtimeMs: local.mtimeMs });
      return;
    }
    this.wipe();
    this.staging.markPartial();
    await atomicWriteFile(path.join(this.folder, "run.json"), bytes);
    this.confirmLocal("run.json", remote);
  }

  async begin({ fresh, signal }: { fresh: boolean; signal: AbortSignal }): Promise<void> {
    const { store, prefix, address, journal } = this;
    this.signal = AbortSignal.any([this.abort.signal, signal]);
    setMaxListeners(0, this.signal);
    const seen = this.objects.get("run.json")?.etag;
    this.lease = await Lease.take({
      store,
      key: prefix + LEASE,
      address,
      journal,
      present: this.leaseObject,
      signal,
    });
    // What was listed before the claim may have been changed by a process that has ended since.
    await this.list(signal);
    if (this.objects.get("run.json")?.etag !== seen) {
      throw new VergerError(
        "run/in-use",
        `Expected the run in ${address} to stay as it was read, but another process has changed it meanwhile; run again.`,
      );
    }
    await this.fetchLabels(signal);
    if (!fresh && this.staging.partial) await this.hydrate(signal);
    this.staging.clearPartial();
  }

  publish(...names: string[]): void {
    this.requireHealthy();
    for (const name of names) this.waitingBytes += this.local(name)?.size ?? 0;
    this.queue.push(names);
    this.pump();
  }

  async publishNow(...names: string[]): Promise<void> {
    // A job that was stopped, or whose uploads failed, still says in the bucket how it ended, if that can be done soon.
    const stopped = this.failure !== undefined || this.signal.aborted;
    this.lease?.check();
    for (const name of names) await this.send(name, stopped ? AbortSignal.timeout(FAREWELL_MS) : this.signal);
  }

  async remove(...names: string[]): Promise<void> {
    for (const name of names) {
      const inside = [...this.names].filter((one) => one === name || one.startsWith(`${name}/`));
      await this.delete(inside, this.signal);
    }
  }

  async moveAside(folders: readonly string[], to: string): Promise<void> {
    const { signal } = this;
    const moved = [...this.names].filter((name) => folders.some((folder) => name.startsWith(`${folder}/`)));
    // All copies stand before any original goes: a kill leaves one of the two whole.
    await inParallel(
      moved.filter((name) => this.objects.get(`${to}/${name}`)?.etag !== this.objects.get(name)?.etag),
      FETCHES_AT_ONCE,
      signal,
      async (name, stop) => {
        const object = this.objects.get(name) as ObjectInfo;
        const target = `${to}/${name}`;
        const from = { bucket: this.store.bucket, object };
        const copy = await this.store.copy(from, this.prefix + target, { signal: stop });
        this.add(target, copy);
        this.confirmLocal(target, copy);
      },
    );
    await this.delete(moved, signal);
  }

  async settle(signal: AbortSignal): Promise<void> {
    if (this.sending > 0 || this.queue.length > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
    throwIfCancelled(signal);
    this.requireHealthy();
    const here = this.localNames();
    const missing = [...here].filter((name) => !this.stands(name) && name !== LABELS_FILE);
    // Errors before features, see RunStore.
    for (const errors of [true, false]) {
      const some = missing.filter((name) => name.startsWith("errors/") === errors);
      await inParallel(some, SENDS_AT_ONCE, signal, (name) => this.send(name, this.signal));
    }
    await this.delete(
      [...this.names].filter((name) => !here.has(name) && name !== "run.json" && !LABELS.test(name)),
      this.signal,
    );
    this.requireHealthy();
  }

  async close(): Promise<void> {
    this.queue.length = 0;
    this.abort.abort();
    if (this.sending > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
    await this.lease?.release();
    this.lease = undefined;
  }

  /**
   * Fetches files of the run that are not here, for a report.
   *
   * @param folders such as `errors`
   */
  async fetch(folders: readonly string[], signal: AbortSignal): Promise<void> {
    const wanted = [...this.names].filter((name) => folders.some((folder) => name.startsWith(`${folder}/`)));
    await this.download(new Map(wanted.map((name) => [name, name])), signal);
  }

  /** @throws VergerError `run/not-empty` */
  private async list(signal: AbortSignal): Promise<void> {
    const found = new Map<string, ObjectInfo>();
    let stranger: string | undefined;
    let isRun: boolean | undefined;
    this.leaseObject = undefined;
    for await (const page of this.store.list(this.prefix, { signal })) {
      for (const object of page) {
        const name = object.key.slice(this.prefix.length);
        if (name === LEASE) this.leaseObject = object;
        else if (OURS.test(name)) found.set(name, object);
        // Folders that consoles make are nothing.
        else if (name !== "" && !name.endsWith("/")) stranger ??= name;
      }
      // A listing of millions of photos need not be read to its end to see that this is no run.
      if (stranger === undefined || found.has("run.json")) continue;
      isRun ??= await this.holdsRun(signal);
      if (!isRun) throw this.notEmpty(stranger);
    }
    // run.json is a run's first object and the last to go: a `features/` without it is somebody else's.
    const other = [...found.keys()].find((name) => !LABELS.test(name));
    if (other !== undefined && !found.has("run.json")) throw this.notEmpty(other);
    this.objects.clear();
    this.names.clear();
    for (const [name, object] of found) this.add(name, object);
  }

  private async holdsRun(signal: AbortSignal): Promise<boolean> {
    const key = `${this.prefix}run.json`;
    for await (const [first] of this.store.list(key, { signal })) return first?.key === key;
    return false;
  }

  private notEmpty(stranger: string): VergerError {
    return new VergerError(
      "run/not-empty",
      `Expected an empty prefix or an earlier run for --out, but ${this.address} holds other objects (${stranger}); ` +
        "choose a new prefix.",
    );
  }

  private async fetchRun(remote: ObjectInfo, signal: AbortSignal): Promise<Buffer> {
    const { bytes } = await this.store.get(remote.key, { signal, ifMatch: remote.etag, limitBytes: RUN_FILE_BYTES });
    return Buffer.from(bytes);
  }

  /**
   * Makes the local folder what the bucket holds. Of a run whose old parts were being moved aside when its process was
   * killed, some stand under both names and some under one: they come to where they were going.
   */
  private async hydrate(signal: AbortSignal): Promise<void> {
    const run = this.readLocalRun();
    const target = run?.rebuilding ? `.previous/${run.rebuilding.generation}/` : undefined;
    const wanted = new Map<string, string>();
    for (const name of this.names) {
      if (name === "run.json" || name === "_SUCCESS") continue;
      const moves = target !== undefined && /^(manifest|features|errors)\//.test(name);
      wanted.set(moves ? target + name : name, name);
    }
    await this.download(wanted, signal);
  }

  /** @param wanted local name to name in the bucket */
  private async download(wanted: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    const missing = [...wanted].filter(([here, there]) => here !== there || !this.stands(here));
    for (const folder of new Set(missing.map(([here]) => path.dirname(this.path(here))))) {
      mkdirSync(folder, { recursive: true });
    }
    await inParallel(missing, FETCHES_AT_ONCE, signal, async ([here, there], stop) => {
      const object = this.objects.get(there) as ObjectInfo;
      await this.store.download(object, this.path(here), { signal: stop });
      if (here === there) this.confirmLocal(here, object);
    });
  }

  private readLocalRun(): RunFile | undefined {
    const parsed = runFileSchema.safeParse(JSON.parse(readFileSync(this.path("run.json"), "utf8")));
    return parsed.success ? parsed.data : undefined;
  }

  /** True when the file here is the one that the bucket holds. */
  private stands(name: string): boolean {
    const local = this.local(name);
    const known = this.journal.files.get(name);
    return (
      local !== undefined &&
      known !== undefined &&
      known.size === local.size &&
      known.mtimeMs === local.mtimeMs &&
      this.objects.get(name)?.etag === known.etag
    );
  }

  private pump(): void {
    while (this.sending < SENDS_AT_ONCE && this.queue.length > 0) {
      const names = this.queue.shift() as string[];
      this.sending += 1;
      void this.sendGroup(names).finally(() => {
        this.sending -= 1;
        this.pump();
        if (this.sending === 0 && this.queue.length === 0) for (const wake of this.idle.splice(0)) wake();
      });
    }
  }

  private async sendGroup(names: readonly string[]): Promise<void> {
    try {
      for (const name of names) {
        this.requireHealthy();
        const bytes = this.local(name)?.size ?? 0;
        await this.send(name, this.signal);
        this.waitingBytes = Math.max(0, this.waitingBytes - bytes);
      }
    } catch (error) {
      this.failure ??= error;
      this.queue.length = 0;
    }
  }

  /** Uploads a file, or removes from the bucket what is not here. */
  private async send(name: string, signal: AbortSignal): Promise<void> {
    const local = this.local(name);
    if (!local) {
      await this.delete(this.names.has(name) ? [name] : [], signal);
      return;
    }
    const key = this.prefix + name;
    const object =
      local.size <= PUT_BYTES
        ? await this.store.put(key, readFileSync(local.file), { signal })
        : await this.store.upload(local.file, key, { signal, stateFolder: this.staging.uploads });
    this.add(name, object);
    this.journal.confirm(name, { etag: object.etag, size: local.size, mtimeMs: local.mtimeMs });
  }

  private async delete(names: readonly string[], signal: AbortSignal): Promise<void> {
    if (names.length === 0) return;
    const refused = await this.store.delete(
      names.map((name) => this.prefix + name),
      { signal },
    );
    const kept = new Set(refused.map(({ key }) => key.slice(this.prefix.length)));
    for (const name of names) {
      if (kept.has(name)) continue;
      this.names.delete(name);
      this.objects.delete(name);
      this.journal.forget(name);
    }
    const [first] = refused;
    if (first) throw new VergerError(first.code, first.message);
  }

  private requireHealthy(): void {
    this.lease?.check();
    if (this.failure !== undefined) throw this.failure;
  }

  private add(name: string, object: ObjectInfo): void {
    this.names.add(name);
    this.objects.set(name, { ...object, key: this.prefix + name });
  }

  private confirmLocal(name: string, object: ObjectInfo): void {
    const local = this.local(name);
    if (local) this.journal.confirm(name, { etag: object.etag, size: local.size, mtimeMs: local.mtimeMs });
  }

  private path(name: string): string {
    return path.join(this.folder, ...name.split("/"));
  }

  private local(name: string): { file: string; size: number; mtimeMs: number } | undefined {
    const file = this.path(name);
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat?.isFile() ? { file, size: stat.size, mtimeMs: stat.mtimeMs } : undefined;
  }

  /** The files of the run that stand here under their final names. */
  private localNames(): Set<string> {
    const names = readdirSync(this.folder, { recursive: true, encoding: "utf8" }).map((name) =>
      name.split(path.sep).join("/"),
    );
    return new Set(names.filter((name) => OURS.test(name) && name !== "run.json" && name !== "_SUCCESS"));
  }

  /** Forgets the local side: the bucket's is another run, or a later state of this one. */
  private wipe(): void {
    this.journal.clear();
    if (!existsSync(this.folder)) return;
    for (const name of readdirSync(this.folder)) {
      if (name !== ".lock") rmSync(path.join(this.folder, name), { recursive: true, force: true });
    }
    this.staging.clearPartial();
  }
}
