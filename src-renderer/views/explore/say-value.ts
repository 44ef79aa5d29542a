import type { ColourBy } from "../../app/link.js";
import type { Speech } from "../../i18n/index.js";

/** True for dates that differ by the hour rather than by the day: those of one outing. @param span milliseconds */
export function isOneOuting(span: number): boolean {
  return span < 2 * 86_400_000;
}

/**
 * A value of a column or component as people read it.
 *
 * @param span how far the values that are told beside it lie apart
 */
export function sayValue(
  { n, bytes, day, date, clock, clockDay }: Speech,
  column: Exclude<ColourBy, "label">,
  value: number,
  span = Number.POSITIVE_INFINITY,
): string {
  const byTheHour = isOneOuting(span);
  if (column === "size") return bytes(value);
  if (column === "modified") return byTheHour ? date(value) : day(value);
  if (column === "captured") return byTheHour ? clock(value) : clockDay(value);
  return n(value, column === "outlier" || column === "depth" ? 1 : 0);
}
