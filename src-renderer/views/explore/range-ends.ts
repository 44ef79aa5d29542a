import type { Column } from "../../app/link.js";

/** True for columns of dates: milliseconds since 1970, of `captured` by the camera's own clock as if that kept UTC. */
export function isDate(column: Column): boolean {
  return column === "modified" || column === "captured";
}

/**
 * An end of a range as its field has it: kB for sizes; for dates the day, or the minute, here or by the camera's own clock.
 *
 * @param toTheMinute of dates: as a field of type `datetime-local` has it instead of `date`
 */
export function writeEnd(column: Column, value: number, toTheMinute = false): string {
  if (isDate(column)) {
    const here = column === "modified" ? new Date(value).getTimezoneOffset() * 60_000 : 0;
    return new Date(value - here).toISOString().slice(0, (toTheMinute ? "2026-05-01T10:20" : "2026-05-01").length);
  }
  if (column === "outlier") return String(Number(value.toFixed(2)));
  return String(Number((column === "size" ? value / 1000 : value).toPrecision(6)));
}

/** The value of what was typed; a day or minute that ends a range counts as a whole. Undefined for what is no value. */
export function readEnd(column: Column, text: string, end: "from" | "to"): number | undefined {
  if (isDate(column)) {
    const [, year, month, day, hour, minute] = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}))?$/.exec(text) ?? [];
    if (day === undefined) return undefined;
    const next = end === "to" ? 1 : 0;
    const parts: [number, number, number, number, number] =
      hour === undefined
        ? [Number(year), Number(month) - 1, Number(day) + next, 0, 0]
        : [Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute) + next];
    return (column === "captured" ? Date.UTC(...parts) : new Date(...parts).getTime()) - next;
  }
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) return undefined;
  return column === "size" ? value * 1000 : value;
}
