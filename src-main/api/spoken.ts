/** Numbers as the languages write them, for the window and for the desktop app's own words. */
import type { Language } from "./language.js";

/** What Intl calls them. British order and 24 hours: "22 Nov 2026, 20:15" is read the same everywhere. */
export const LOCALES: Readonly<Record<Language, string>> = { en: "en-GB", fr: "fr-FR" };

/** A number with its unit (a name that Intl knows), at most `digits` decimals. */
export function unitText(language: Language, value: number, unit: string, digits = 0): string {
  const style = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits } as const;
  return new Intl.NumberFormat(LOCALES[language], style).format(value);
}

/** Seconds as the two largest units that count: "13 ms", "8.5 secs", "12 mins", "2 hrs 5 mins". */
export function durationText(language: Language, seconds: number): string {
  const unit = (value: number, name: string, digits = 0) => unitText(language, value, name, digits);
  if (seconds > 0 && seconds < 0.0995) return unit(Math.max(1, Math.round(seconds * 1000)), "millisecond");
  if (seconds < 10) return unit(Math.max(0, seconds), "second", 1);
  if (seconds < 90) return unit(Math.round(seconds), "second");
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return unit(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? unit(hours, "hour") : `${unit(hours, "hour")} ${unit(minutes % 60, "minute")}`;
}

/** A share in 0..1 as a whole percentage, rounded down: 100 % is what is done. */
export function percentText(language: Language, share: number): string {
  // A little more than the share, for those that have no exact binary fraction: 100 * 0.29 is 28.999...
  const whole = Math.floor(100 * Math.min(1, Math.max(0, share)) + 1e-9) / 100;
  return new Intl.NumberFormat(LOCALES[language], { style: "percent" }).format(whole);
}
