/** Chromium for the window's tests and pictures. */
import { existsSync } from "node:fs";
import path from "node:path";

/** Where Debian, Fedora and macOS put it. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/**
 * The browser that the system has: `VERGER_CHROMIUM`, else where it usually stands.
 *
 * @throws Error when there is none
 */
export function chromiumPath(): string {
  const places = [process.env.VERGER_CHROMIUM, ...PLACES].filter((place) => place !== undefined);
  const found = places.find((place) => existsSync(path.resolve(place)));
  if (found) return found;
  throw new Error(
    "Expected Chromium for the window's tests, but found none; install it or name it in VERGER_CHROMIUM.",
  );
}

/** WebGL by software where there is no GPU; no calls home. */
export const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--enable-unsafe-swiftshader",
];
