/** The browser that the window's pictures and benchmarks are taken with (test/e2e/browser.ts is its like for the tests). */
import { existsSync } from "node:fs";

/** Where Debian, Fedora and macOS put it. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** `VERGER_CHROMIUM`, else where Chromium usually stands; undefined where it does not. */
export function findChromium() {
  return [process.env.VERGER_CHROMIUM, ...PLACES].find((place) => place && existsSync(place));
}
