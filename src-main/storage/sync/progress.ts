/** Events of a sync: often enough for people, seldom enough for the event loop. */
import type { SyncEvent, SyncStage } from "../../api/contract.js";
import type { Tally } from "./tally.js";

/** Time between two progress events of a stage. */
const INTERVAL_MS = 100;

export class SyncProgress {
  private readonly last = new Map<SyncStage, number>();
  private planned = false;

  constructor(
    private readonly tally: Tally,
    private readonly send: (event: SyncEvent) => void,
  ) {}

  /** Runs one stage between its start and done events. One that fails or is stopped is never told to be done. */
  async stage(stage: SyncStage, work: () => Promise<void>): Promise<void> {
    const began = performance.now();
    this.send({ type: "stage", stage, state: "start" });
    await work();
    this.report(stage);
    this.send({ type: "stage", stage, state: "done", seconds: (performance.now() - began) / 1000 });
  }

  /** Everything is compared: from now on the end of the transfers is known. */
  allPlanned(): void {
    this.planned = true;
  }

  compared(): void {
    this.throttled("compare");
  }

  transferred(): void {
    this.throttled("transfer");
  }

  deleted(total: number): void {
    this.send({ type: "progress", stage: "delete", done: this.tally.deleted.files, total, unit: "files" });
  }

  private throttled(stage: SyncStage): void {
    const now = performance.now();
    if (now - (this.last.get(stage) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS) return;
    this.last.set(stage, now);
    this.report(stage);
  }

  private report(stage: SyncStage): void {
    const { tally, planned } = this;
    const setAside = tally.setAside > 0 ? { setAside: tally.setAside } : {};
    if (stage === "compare") {
      this.send({ type: "progress", stage, done: tally.compared, total: 0, unit: "files" });
    } else if (stage === "transfer") {
      this.send({
        type: "progress",
        stage,
        done: Math.max(0, tally.settled.bytes + tally.underWay),
        total: planned ? tally.planned.bytes : 0,
        unit: "bytes",
        also: { done: tally.settled.files, total: planned ? tally.planned.files : 0, unit: "files" },
        ...setAside,
      });
    }
  }
}
