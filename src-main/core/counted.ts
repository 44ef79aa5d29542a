/** Every place that has groups of three digits behind it, up to the end. */
const GROUPS = /\B(?=(\d{3})+$)/g;

/** `1 image`, `2 images`, `1,234 images`. */
export function counted(count: number, noun: string): string {
  return `${String(count).replace(GROUPS, ",")} ${noun}${count === 1 ? "" : "s"}`;
}
