/** Numbers as people read them; the same on every machine, whatever its locale. */
import { grouped as count, counted } from "../core/counted.js";

export { count, counted };

/** A rate without its unit: three significant digits below 10, one digit below 100, whole above. */
export function rate(value: number): string {
  if (!Number.isFinite(value) || value <= 0) return "0";
  if (value < 10) return value.toFixed(2);
  return value < 100 ? value.toFixed(1) : count(value);
}

/** Seconds as `0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "?";
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.floor(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Seconds that an estimate gives, no finer than it is: `9 s`, `4 min 05 s`. */
export function remaining(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "?";
  return seconds < 59.5 ? `${Math.ceil(seconds)} s` : duration(seconds);
}

/** Bytes as `412 MB` (decimal, as disks and `--json` readers count). */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${unit > 0 && scaled < 9.95 ? scaled.toFixed(1) : Math.round(scaled)} ${units[unit]}`;
}

/** A share in [0, 1] as `80.1 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
