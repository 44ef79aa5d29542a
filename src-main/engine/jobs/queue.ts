/**
 * The jobs of this person: one at a time that computes and one that transfers, the others waiting, those that are over
 * remembered.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { type Job, type JobRequest, jobSchema } from "../../api/channels.js";
import { errorCode, VergerError } from "../../core/errors.js";
import { notice } from "../../core/notices.js";
import { isAddress } from "../../core/remote.js";
import { lockFile } from "../../native/system.js";
import type { Events } from "../events.js";
import type { RunRegistry } from "../runs.js";
import { readState, writeState } from "../state-file.js";
import type { FromThread } from "./protocol.js";
import { ACTIVE, JobRecord, RESUMABLE } from "./record.js";
import type { JobThread, SpawnJobThread } from "./spawn.js";

/** Between two events of a job that tell of progress alone. */
const PROGRESS_INTERVAL_MS = 200;
const MOST_REMEMBERED = 200;

/** A job in the history, and the process that it ran in last. */
const savedSchema = z.object({ pid: z.number().int(), job: jobSchema });

type Intent = "pause" | "cancel" | "shutdown";
/** What a job is that was stopped for a reason. */
const STOPPED = { pause: "paused", cancel: "cancelled", shutdown: "interrupted" } as const;

interface Running {
  readonly thread: JobThread;
  readonly ended: Promise<void>;
  intent: Intent | undefined;
}

export interface QueueOptions {
  readonly stateFolder: string;
  readonly events: Events;
  readonly runs: RunRegistry;
  readonly spawn: SpawnJobThread;
}

export class JobQueue {
  private readonly records = new Map<string, JobRecord>();
  private readonly running = new Map<string, Running>();
  private readonly lastSent = new Map<string, number>();
  private readonly folder: string;
  private readonly loaded: Promise<void>;
  private saving: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly options: QueueOptions) {
    this.folder = path.join(options.stateFolder, "jobs");
    this.loaded = this.load();
  }

  /** All jobs, oldest first. */
  async list(): Promise<Job[]> {
    await this.loaded;
    return [...this.records.values()].map((record) => record.view()).sort((a, b) => a.number - b.number);
  }

  /**
   * A new job. Answers when the history holds it, and begins no sooner: whatever ends this process from then on, the job
   * is listed at the next start and can be resumed. Where the history cannot be written the job is done all the same.
   */
  async start(work: JobRequest): Promise<Job> {
    await this.loaded;
    const number = Math.max(0, ...[...this.records.values()].map((record) => record.view().number)) + 1;
    const record = JobRecord.create(randomUUID(), number, work);
    this.records.set(record.id, record);
    await this.changed(record);
    this.fill();
    return record.view();
  }

  /** Answers when the history holds what was asked for. @throws VergerError `job/unknown`, `job/state` */
  async stop(id: string, intent: "pause" | "cancel"): Promise<Job> {
    const record = await this.record(id);
    const running = this.running.get(id);
    if (running) {
      running.intent = intent;
      record.stopping();
      running.thread.stop();
    } else if (record.state === "queued") {
      record.end(intent === "pause" ? "paused" : "cancelled", {});
    } else if (intent === "cancel" && (record.state === "paused" || record.state === "interrupted")) {
      record.end("cancelled", {});
    } else {
      throw wrongState(record, intent);
    }
    await this.changed(record);
    return record.view();
  }

  /** As `start`. @throws VergerError `job/unknown`, `job/state` */
  async resume(id: string): Promise<Job> {
    const record = await this.record(id);
    if (!RESUMABLE.has(record.state)) throw wrongState(record, "resume");
    record.requeue();
    await this.changed(record);
    this.fill();
    return record.view();
  }

  /**
   * A new job that tries again what a finished one set aside. One that syncs deletes nothing: what was agreed to was
   * deleted then.
   *
   * @throws VergerError `job/state`
   */
  async retry(id: string): Promise<Job> {
    const record = await this.record(id);
    const { work } = record;
    if (record.state !== "done" || work.kind === "pca") throw wrongState(record, "retry");
    if (work.kind === "sync") return this.start({ kind: "sync", request: { ...work.request, delete: false } });
    return this.start({ ...work, request: { ...work.request, fresh: false, retry: true } });
  }

  /** @throws VergerError `job/unknown`, `job/state` */
  async forget(id: string): Promise<void> {
    const record = await this.record(id);
    if (ACTIVE.has(record.state)) throw wrongState(record, "forget");
    this.drop(id);
    await this.saving;
  }

  /** Stops what is under way so that it can be resumed, and waits until it is saved. */
  async close(): Promise<void> {
    this.closed = true;
    await this.loaded;
    for (const record of this.records.values()) {
      const running = this.running.get(record.id);
      if (running) {
        running.intent ??= "shutdown";
        running.thread.stop();
      } else if (record.state === "queued") {
        record.end("interrupted", {});
        void this.changed(record);
      }
    }
    await Promise.all([...this.running.values()].map(({ ended }) => ended));
    await this.saving;
  }

  private async record(id: string): Promise<JobRecord> {
    await this.loaded;
    const record = this.records.get(id);
    if (record) return record;
    throw new VergerError("job/unknown", `Expected a job of this list, but received ${id}; it may have been removed.`);
  }

  private fill(): void {
    if (this.closed) return;
    const busy = new Set(Array.from(this.running.keys(), (id) => laneOf(this.records.get(id))));
    for (const record of this.records.values()) {
      if (record.state !== "queued" || busy.has(laneOf(record))) continue;
      busy.add(laneOf(record));
      this.run(record);
    }
  }

  private run(record: JobRecord): void {
    record.begin();
    let last: FromThread | undefined;
    let known = false;
    let settle = (): void => {};
    const ended = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const thread = this.options.spawn(record.work, {
      message: (message) => {
        if (message.type !== "event") {
          last = message;
          return;
        }
        if (record.take(message.event)) void this.changed(record);
        else this.progressed(record);
        if (!known && record.view().run !== null) {
          known = true;
          // From the first part on people can look at it.
          void this.options.runs.remember(record.view().out);
        }
      },
      end: (reason) => {
        const intent = this.running.get(record.id)?.intent;
        this.running.delete(record.id);
        this.finish(record, last, reason, intent);
        void this.changed(record);
        const { out, run } = record.view();
        // One that a transfer has brought here, whose run.json came last.
        if (!known && run !== null) void this.options.runs.remember(out);
        if (!isAddress(out)) this.options.runs.contentChanged(out);
        settle();
        this.fill();
      },
    });
    this.running.set(record.id, { thread, ended, intent: undefined });
    void this.changed(record);
  }

  private finish(
    record: JobRecord,
    last: FromThread | undefined,
    reason: string | null,
    intent: Intent | undefined,
  ): void {
    if (last?.type === "done") {
      record.end("done", { summary: last.summary });
      return;
    }
    if (last?.type === "transferred") {
      record.end("done", { transfer: last.summary });
      return;
    }
    if (last?.type === "failed") {
      const { type, ...failure } = last;
      if (failure.code === "cancelled") record.end(intent ? STOPPED[intent] : "interrupted", {});
      else record.end("failed", { failure });
      return;
    }
    record.end("failed", {
      failure: {
        code: "job/crashed",
        message:
          `Expected the job's thread to end with a result, but ${reason ?? "it sent none"}; resume the job, and please ` +
          "report this if it happens again.",
      },
    });
  }

  /** @returns when the history holds it */
  private changed(record: JobRecord): Promise<unknown> {
    this.lastSent.set(record.id, performance.now());
    const job = record.view();
    this.options.events.emit({ type: "job", job });
    return this.save(() => writeState(this.fileOf(record.id), { pid: process.pid, job }));
  }

  private progressed(record: JobRecord): void {
    const now = performance.now();
    if (now - (this.lastSent.get(record.id) ?? 0) < PROGRESS_INTERVAL_MS) return;
    this.lastSent.set(record.id, now);
    this.options.events.emit({ type: "job", job: record.view() });
  }

  private drop(id: string): void {
    this.records.delete(id);
    this.lastSent.delete(id);
    this.options.events.emit({ type: "job.removed", job: id });
    void this.save(() => rm(this.fileOf(id), { force: true }).catch(() => {}));
  }

  /** In the order of the changes, or the history would end with an older state. */
  private save(write: () => Promise<unknown>): Promise<unknown> {
    this.saving = this.saving.then(write);
    return this.saving;
  }

  private fileOf(id: string): string {
    return path.join(this.folder, `${id}.json`);
  }

  private async load(): Promise<void> {
    const names = await readdir(this.folder).catch(() => [] as string[]);
    const saved: z.infer<typeof savedSchema>[] = [];
    for (const name of names.filter((file) => file.endsWith(".json"))) {
      const entry = await readState(path.join(this.folder, name), savedSchema);
      // A job of another window that is still open is that window's business.
      if (entry && !underWayElsewhere(entry)) saved.push(entry);
    }
    saved.sort((a, b) => a.job.number - b.job.number);
    for (const { job } of saved) {
      const record = new JobRecord(job);
      if (ACTIVE.has(job.state)) {
        record.end("interrupted", {});
        record.notice(notice("job/interrupted", {}));
      }
      this.records.set(record.id, record);
    }
    for (const { job } of saved.slice(0, Math.max(0, saved.length - MOST_REMEMBERED))) this.drop(job.id);
  }
}

/** A job that computes takes all processors, one that transfers the network: one of each can be under way. */
function laneOf(record: JobRecord | undefined): "compute" | "transfer" {
  return record?.work.kind === "sync" ? "transfer" : "compute";
}

/** The lock of the run folder, too, must be held: a process number alone may be another program's by now. */
function underWayElsewhere({ pid, job }: z.infer<typeof savedSchema>): boolean {
  if (!ACTIVE.has(job.state) || !isAlive(pid)) return false;
  // The lock of a sync stands with its state, not in the folder.
  if (job.work.kind === "sync") return true;
  return job.state === "queued" || isAddress(job.out) || isLocked(job.out);
}

function isLocked(folder: string): boolean {
  if (!existsSync(path.join(folder, ".lock"))) return false;
  try {
    lockFile(path.join(folder, ".lock")).unlock();
    return false;
  } catch (error) {
    return errorCode(error) === "lock/held";
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is alive as well.
    return errorCode(error) === "EPERM";
  }
}

const WISHES = {
  pause: "that is queued or running to pause",
  cancel: "that is queued, running or paused to cancel",
  resume: "that was stopped or failed to resume",
  retry: "on images or of a sync that is done, to try again what it set aside",
  forget: "that is over to take off the list",
} as const;

function wrongState(record: JobRecord, wish: keyof typeof WISHES): VergerError {
  return new VergerError(
    "job/state",
    `Expected a job ${WISHES[wish]}, but job ${record.view().number} (${record.work.kind}) is ${record.state}.`,
  );
}
