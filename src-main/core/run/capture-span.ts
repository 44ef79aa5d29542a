/** When the photos of a run were taken: the first, the last, and how many say so. */
import type { RunFile } from "../../api/contract.js";
import { openParquet } from "../../native/parquet.js";
import { holdsTimes, localTime, numbersOf } from "../embed/photo-facts.js";

/** Gathers the span part by part. */
export class CaptureSpan {
  private photos = 0;
  private first = Number.POSITIVE_INFINITY;
  private last = Number.NEGATIVE_INFINITY;
  private known = true;

  /** @param times microseconds, NaN where unknown */
  add(times: Float64Array): void {
    for (const time of times) {
      if (Number.isNaN(time)) continue;
      this.photos += 1;
      this.first = Math.min(this.first, time);
      this.last = Math.max(this.last, time);
    }
  }

  /** Adds a part of `features/` that stands. @throws Error `parquet/*`, `storage/*` */
  async addPart(file: string): Promise<void> {
    const parquet = await openParquet(file);
    try {
      if (!holdsTimes(parquet.columns)) {
        this.known = false;
        return;
      }
      for (const [group, { rows }] of parquet.rowGroups.entries()) {
        const { captured_at } = await parquet.readRowGroup(group, ["captured_at"]);
        this.add(numbersOf(captured_at, rows));
      }
    } finally {
      await parquet.close();
    }
  }

  /** For run.json; null where parts of an earlier version do not say. */
  get result(): RunFile["captured"] {
    if (!this.known) return null;
    if (this.photos === 0) return { photos: 0, first: null, last: null };
    return { photos: this.photos, first: localTime(this.first), last: localTime(this.last) };
  }
}
