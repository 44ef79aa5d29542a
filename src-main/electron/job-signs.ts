/** What the system is shown of the jobs: progress in the taskbar, a badge, and that the machine must not fall asleep. */
import type { App, BrowserWindow, PowerSaveBlocker } from "electron";
import type { ApiEvent, Job } from "../api/channels.js";
import { byUrgency, isActive, shareDone } from "../api/progress.js";

/** Values of `BrowserWindow.setProgressBar`. */
const NONE = -1;
const INDETERMINATE = 2;

/** The jobs that are under way or wait for their turn, and those that are held. */
export class ActiveJobs {
  private readonly jobs = new Map<string, Job>();
  private readonly held = new Set<string>();

  /** Takes over the whole list: an engine has started. */
  replace(jobs: readonly Job[]): void {
    this.jobs.clear();
    for (const job of jobs) this.put(job);
  }

  /** @returns true when the event was about jobs */
  take(event: ApiEvent): boolean {
    if (event.type === "job") this.put(event.job);
    else if (event.type === "job.removed") this.drop(event.job);
    else return false;
    return true;
  }

  /** Keeps a job listed when it is paused: whoever paused it by the list can resume it there. */
  hold(job: string): void {
    this.held.add(job);
  }

  /** How many are under way or wait. */
  get count(): number {
    return [...this.jobs.values()].filter(isActive).length;
  }

  /** All of them, the most urgent first. */
  get list(): readonly Job[] {
    return byUrgency([...this.jobs.values()]);
  }

  /** The share that is done of the stage under way, 0..1; `INDETERMINATE` where its end is unknown; `NONE` without a job. */
  get progress(): number {
    const [job] = this.list.filter(isActive);
    if (!job) return NONE;
    return job.state === "queued" ? INDETERMINATE : (shareDone(job.progress) ?? INDETERMINATE);
  }

  private put(job: Job): void {
    if (isActive(job) || (job.state === "paused" && this.held.has(job.id))) this.jobs.set(job.id, job);
    else this.drop(job.id);
  }

  private drop(id: string): void {
    this.jobs.delete(id);
    this.held.delete(id);
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
