/** Stage timings and progress events of one job. */
import { readFileSync } from "node:fs";
import type { Notice, RunEvent, Stage } from "../../api/contract.js";

/** Time between two progress events of a stage. */
const PROGRESS_INTERVAL_MS = 100;

/** Sends a job's events and keeps the seconds that each stage took. */
export class Reporter {
  readonly timings: Partial<Record<Stage, number>> & { total: number } = { total: 0 };
  private readonly began = performance.now();
  private lastProgress = Number.NEGATIVE_INFINITY;

  constructor(private readonly send: (event: RunEvent) => void) {}

  notice(notice: Notice): void {
    this.send({ type: "notice", ...notice });
  }

  /** Runs one stage between its start and done events. One that fails or is stopped is never told to be done. */
  async stage<T>(stage: Stage, total: number | undefined, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    this.lastProgress = Number.NEGATIVE_INFINITY;
    this.send({ type: "stage", stage, state: "start", ...(total === undefined ? {} : { total }) });
    let seconds = 0;
    let result: T;
    try {
      result = await work();
    } finally {
      seconds = (performance.now() - began) / 1000;
      this.timings[stage] = (this.timings[stage] ?? 0) + seconds;
    }
    this.send({ type: "stage", stage, state: "done", seconds, ...(total === undefined ? {} : { total }) });
    return result;
  }

  progress(stage: Stage, done: number, total: number, unit: "images" | "rows" | "bytes", setAside?: number): void {
    const now = performance.now();
    if (done < total && now - this.lastProgress < PROGRESS_INTERVAL_MS) return;
    this.lastProgress = now;
    this.send({ type: "progress", stage, done, total, unit, ...(setAside === undefined ? {} : { setAside }) });
  }

  /** All stages so far and the seconds since the job began, rounded to microseconds. */
  seconds(): Record<string, number> {
    this.timings.total = (performance.now() - this.began) / 1000;
    return Object.fromEntries(Object.entries(this.timings).map(([stage, value]) => [stage, Number(value.toFixed(6))]));
  }
}

/** The largest resident set of this process so far, in bytes. */
export function peakRssBytes(): number {
  try {
    // Linux's getrusage also counts what the parent process held when it made this one.
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (peak !== undefined) return Number(peak) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}
