/** One job and what becomes of it while its thread speaks. */
import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import type { Job, JobRequest } from "../../api/channels.js";
import type { Notice, RunEvent, RunSummary, SyncEvent, SyncSummary } from "../../api/contract.js";
import { isAddress } from "../../core/remote.js";
import { runId } from "../runs.js";

/** A rate is taken over this much of the past. */
const RATE_WINDOW_MS = 5_000;
const MOST_NOTICES = 50;

/** States in which nothing of a job is under way and it could go on. */
export const RESUMABLE: ReadonlySet<Job["state"]> = new Set(["paused", "cancelled", "interrupted", "failed"]);
/** States in which a job takes a place in the queue. */
export const ACTIVE: ReadonlySet<Job["state"]> = new Set(["queued", "running", "stopping"]);

/** A job's state, changed by what happens to it; `view` is what clients and the history see. */
export class JobRecord {
  private job: Job;
  private attemptBegan: number | undefined;
  private samples: { at: number; done: number }[] = [];

  constructor(job: Job) {
    this.job = job;
  }

  static create(id: string, number: number, work: JobRequest): JobRecord {
    const given = work.kind === "sync" ? work.request.to : work.request.out;
    const out = isAddress(given) ? given : path.resolve(given);
    return new JobRecord({
      id,
      number,
      work,
      out,
      run: null,
      state: "queued",
      createdAt: new Date().toISOString(),
      startedAt: null,
      endedAt: null,
      seconds: 0,
      stages: [],
      progress: null,
      notices: [],
      failure: null,
      summary: null,
      transfer: null,
    });
  }

  get id(): string {
    return this.job.id;
  }

  get state(): Job["state"] {
    return this.job.state;
  }

  get work(): JobRequest {
    return this.job.work;
  }

  view(): Job {
    const running = this.attemptBegan === undefined ? 0 : (performance.now() - this.attemptBegan) / 1_000;
    return { ...this.job, run: this.runOf(), seconds: this.job.seconds + running };
  }

  /** Back into the queue. What is in the run folder is continued, never discarded. */
  requeue(): void {
    const work = structuredClone(this.job.work);
    if (work.kind !== "sync" && this.job.startedAt !== null) work.request.fresh = false;
    this.change({
      ...{ work, state: "queued", endedAt: null, failure: null, progress: null, stages: [] },
      ...{ summary: null, transfer: null },
    });
  }

  begin(): void {
    this.attemptBegan = performance.now();
    this.samples = [];
    this.change({ state: "running", startedAt: this.job.startedAt ?? new Date().toISOString() });
  }

  stopping(): void {
    this.change({ state: "stopping" });
  }

  end(
    state: "done" | "failed" | "paused" | "cancelled" | "interrupted",
    result: { summary?: RunSummary; transfer?: SyncSummary; failure?: Job["failure"] },
  ): void {
    const { seconds } = this.view();
    this.attemptBegan = undefined;
    this.change({
      state,
      seconds,
      endedAt: new Date().toISOString(),
      progress: state === "done" ? null : this.job.progress,
      summary: result.summary ?? null,
      transfer: result.transfer ?? null,
      failure: result.failure ?? null,
    });
  }

  notice({ code, message, details }: Notice): void {
    this.change({ notices: [...this.job.notices, { code, message, details }].slice(-MOST_NOTICES) });
  }

  /** @returns true when more than the progress has changed */
  take(event: RunEvent | SyncEvent): boolean {
    if (event.type === "notice") {
      this.notice(event);
      return true;
    }
    if (event.type === "stage") {
      const { stage, state, seconds } = event;
      const others = this.job.stages.filter((other) => other.stage !== stage);
      const entry = state === "start" ? "running" : "done";
      this.change({ stages: [...others, { stage, state: entry, seconds: seconds ?? null }] });
      if (state === "start") this.samples = [];
      return true;
    }
    const { stage, done, total, unit } = event;
    // A sync compares and transfers at the same time: what is moved tells more than what is looked at.
    const before = this.job.progress?.stage;
    if (stage === "compare" && before === "transfer") return false;
    if (stage !== before) this.samples = [];
    const rate = this.rate(done);
    this.change({
      progress: {
        stage,
        done,
        total,
        unit,
        also: "also" in event && event.also ? { done: event.also.done, total: event.also.total } : null,
        setAside: event.setAside ?? 0,
        rate,
        secondsLeft: rate && total > 0 ? Math.max(0, total - done) / rate : null,
      },
    });
    return false;
  }

  private rate(done: number): number | null {
    const now = performance.now();
    // Counts that fall back belong to another stage.
    if (done < (this.samples.at(-1)?.done ?? 0)) this.samples = [];
    this.samples.push({ at: now, done });
    while (this.samples.length > 2 && now - (this.samples[0]?.at ?? now) > RATE_WINDOW_MS) this.samples.shift();
    const first = this.samples[0];
    if (!first || now - first.at < 500 || done === first.done) return null;
    return ((done - first.done) * 1_000) / (now - first.at);
  }

  private runOf(): string | null {
    if (isAddress(this.job.out) || !existsSync(path.join(this.job.out, "run.json"))) return null;
    return runId(realpathSync(this.job.out));
  }

  private change(changes: Partial<Job>): void {
    this.job = { ...this.job, ...changes };
  }
}
