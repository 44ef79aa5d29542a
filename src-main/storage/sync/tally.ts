/** Counts what a sync does, for its summary and its progress. */
import type { Amount, SyncAction, SyncProblem } from "../../api/contract.js";
import type { Problem } from "./entry.js";

/** Problems that the summary lists; all are counted. */
const LISTED_PROBLEMS = 1000;

/** The categories of the summary. */
export type Outcome = "copied" | "unchanged" | "deleted" | "skipped" | "conflicts" | "failed";

export class Tally {
  readonly copied = amount();
  readonly unchanged = amount();
  readonly deleted = amount();
  readonly skipped = amount();
  readonly conflicts = amount();
  readonly failed = amount();
  /** Found so far that has to be copied, or compared by content. */
  readonly planned = amount();
  /** Of that: copied, found equal or set aside. */
  readonly settled = amount();
  /** Files of the source that were looked at. */
  compared = 0;
  /** Files of the target that were seen and are inside the filter. */
  targetFiles = 0;
  /** Bytes of transfers under way; those that an earlier sync had moved count too. */
  underWay = 0;
  /** Bytes that this process moved. */
  moved = 0;
  resumed = 0;
  readonly problems: SyncProblem[] = [];
  readonly actions: SyncAction[] | undefined;

  /** @param mostActions listed; none at all for 0 */
  constructor(private readonly mostActions: number) {
    this.actions = mostActions > 0 ? [] : undefined;
  }

  add(outcome: Outcome, bytes: number): void {
    const to = this[outcome];
    to.files += 1;
    to.bytes += bytes;
  }

  problem(outcome: "conflicts" | "failed", key: string, bytes: number, { code, message }: Problem): void {
    this.add(outcome, bytes);
    if (this.problems.length < LISTED_PROBLEMS) this.problems.push({ key, code, message });
  }

  action(action: SyncAction["action"], key: string, bytes: number, reason: SyncAction["reason"]): void {
    if (this.actions && this.actions.length < this.mostActions) this.actions.push({ action, key, bytes, reason });
  }

  plan(bytes: number): void {
    this.planned.files += 1;
    this.planned.bytes += bytes;
  }

  settle(bytes: number): void {
    this.settled.files += 1;
    this.settled.bytes += bytes;
  }

  /** Keys that were set aside, for whatever reason. */
  get setAside(): number {
    return this.conflicts.files + this.failed.files;
  }
}

function amount(): Amount {
  return { files: 0, bytes: 0 };
}
