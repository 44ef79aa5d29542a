// Where Electron's binary is. The npm package comes without it: the binary is fetched when the app is first started.
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { root, runModule, which } from "./project.mjs";

const folder = path.join(root, "node_modules", "electron");

const isFile = (file) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/** Electron's binary without fetching it: `VERGER_ELECTRON`, else the one that was fetched before; or undefined. */
export function electronBinary() {
  const given = process.env.VERGER_ELECTRON;
  if (given) return isFile(given) ? path.resolve(given) : undefined;
  try {
    const file = path.join(folder, "dist", readFileSync(path.join(folder, "path.txt"), "utf8"));
    return isFile(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Fetches the binary. @returns its place, undefined when that failed */
export function fetchElectron() {
  runModule("electron/install.js", []);
  return electronBinary();
}

/** What a window needs besides Electron: a display, or xvfb-run that makes one. @returns the words before the command */
export function displayPrefix() {
  if (process.platform !== "linux" || process.env.DISPLAY || process.env.WAYLAND_DISPLAY) return [];
  const xvfb = which("xvfb-run");
  return xvfb ? [xvfb, "-a"] : undefined;
}
