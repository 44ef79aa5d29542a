/** Every place that has groups of three digits behind it, up to the end. Intl.NumberFormat would take 13 ms to load. */
const GROUPS = /\B(?=(\d{3})+$)/g;

/** A whole number as people read it: `6,030`. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(GROUPS, ",");
}

/** `1 image`, `2 images`, `1,234 images`; `noun` in the singular, with a regular plural. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}
