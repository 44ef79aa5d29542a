import type { Column } from "../../app/link.js";

/** An end of a range as its field has it: kB for sizes; for dates the day here, or by the camera's own clock. */
export function writeEnd(column: Column, value: number): string {
  if (column === "captured") return new Date(value).toISOString().slice(0, "2026-05-01".length);
  if (column === "modified") {
    const date = new Date(value);
    const two = (part: number) => String(part).padStart(2, "0");
    return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  }
  if (column === "outlier") return String(Number(value.toFixed(2)));
  return String(Number((column === "size" ? value / 1000 : value).toPrecision(6)));
}

/** The value of what was typed; a day that ends a range counts as a whole. Undefined for what is no value. */
export function readEnd(column: Column, text: string, end: "from" | "to"): number | undefined {
  if (column === "modified" || column === "captured") {
    const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
    if (day === undefined) return undefined;
    const parts = [Number(year), Number(month) - 1, Number(day) + (end === "to" ? 1 : 0)] as const;
    const first = column === "captured" ? Date.UTC(...parts) : new Date(...parts).getTime();
    return end === "to" ? first - 1 : first;
  }
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) return undefined;
  return column === "size" ? value * 1000 : value;
}
