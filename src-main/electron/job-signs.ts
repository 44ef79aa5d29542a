/** What the system is shown of the jobs: progress in the taskbar, a badge, and that the machine must not fall asleep. */
import type { App, BrowserWindow, PowerSaveBlocker } from "electron";
import type { ApiEvent, Job } from "../api/channels.js";

/** Values of `BrowserWindow.setProgressBar`. */
const NONE = -1;
const INDETERMINATE = 2;

/** The jobs that are under way or wait for their turn. */
export class ActiveJobs {
  private readonly jobs = new Map<string, Job>();

  /** Takes over the whole list: an engine has started. */
  replace(jobs: readonly Job[]): void {
    this.jobs.clear();
    for (const job of jobs) this.put(job);
  }

  /** @returns true when the event was about jobs */
  take(event: ApiEvent): boolean {
    if (event.type === "job") this.put(event.job);
    else if (event.type === "job.removed") this.jobs.delete(event.job);
    else return false;
    return true;
  }

  get count(): number {
    return this.jobs.size;
  }

  /** The share that is done of the stage under way, 0..1; `INDETERMINATE` where its end is unknown; `NONE` without a job. */
  get progress(): number {
    const job = [...this.jobs.values()].find(({ state }) => state !== "queued");
    if (!job) return this.jobs.size === 0 ? NONE : INDETERMINATE;
    const { progress } = job;
    return progress && progress.total > 0 ? Math.min(1, progress.done / progress.total) : INDETERMINATE;
  }

  private put(job: Job): void {
    if (job.state === "queued" || job.state === "running" || job.state === "stopping") this.jobs.set(job.id, job);
    else this.jobs.delete(job.id);
  }
}

/** Keeps the machine awake and its taskbar up to date. */
export class JobSigns {
  private blocker: number | undefined;

  constructor(
    private readonly power: Pick<PowerSaveBlocker, "start" | "stop">,
    private readonly app: Pick<App, "setBadgeCount">,
    private readonly window: () => Pick<BrowserWindow, "setProgressBar"> | undefined,
  ) {}

  show({ count, progress }: Pick<ActiveJobs, "count" | "progress">): void {
    // The display may go dark; the processors must not.
    if (count > 0) this.blocker ??= this.power.start("prevent-app-suspension");
    else if (this.blocker !== undefined) {
      this.power.stop(this.blocker);
      this.blocker = undefined;
    }
    this.app.setBadgeCount(count);
    this.window()?.setProgressBar(progress);
  }
}
