import type { ColourBy } from "../../app/link.js";
import type { Speech } from "../../i18n/index.js";

/** A value of a column or component as people read it. */
export function sayValue({ n, bytes, day }: Speech, column: Exclude<ColourBy, "label">, value: number): string {
  if (column === "size") return bytes(value);
  if (column === "modified") return day(value);
  return n(value, column === "outlier" || column === "depth" ? 1 : 0);
}
