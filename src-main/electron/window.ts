/** The one window. */
import path from "node:path";
import type { BrowserWindow, BrowserWindowConstructorOptions } from "electron";
import { packageRoot } from "../native/root.js";
import { PAGE } from "./scheme.js";
import { WEB_PREFERENCES } from "./security.js";
import { fitBounds, readWindowState, SMALLEST, writeWindowState } from "./window-state.js";

/** Milliseconds without a move before the place of the window is kept. */
const SETTLED_MS = 500;
/** A page that fails again this soon would fail for ever. */
const RELOAD_MS = 10_000;

export interface WindowParts {
  readonly BrowserWindow: new (options: BrowserWindowConstructorOptions) => BrowserWindow;
  readonly screen: Pick<Electron.Screen, "getPrimaryDisplay" | "getAllDisplays">;
  readonly dark: boolean;
  readonly packaged: boolean;
  /** Where the window's place is kept. */
  readonly stateFile: string;
  /** The page has failed twice. */
  readonly pageGone: () => void;
}

/** Opens the window where it was and loads the page. */
export function openWindow(parts: WindowParts): BrowserWindow {
  const state = readWindowState(parts.stateFile);
  const primary = parts.screen.getPrimaryDisplay();
  const others = parts.screen.getAllDisplays().filter(({ id }) => id !== primary.id);
  const bounds = fitBounds(state?.bounds, [primary.workArea, ...others.map(({ workArea }) => workArea)]);
  const window = new parts.BrowserWindow({
    ...bounds,
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    title: "Verger",
    show: false,
    // The page's own background: no flash of white before it is there.
    backgroundColor: parts.dark ? "#131412" : "#f7f7f5",
    webPreferences: {
      ...WEB_PREFERENCES,
      preload: path.join(packageRoot(), "dist", "electron", "preload.cjs"),
      devTools: !parts.packaged,
    },
  });
  window.once("ready-to-show", () => {
    if (state?.maximised) window.maximize();
    if (state?.fullScreen) window.setFullScreen(true);
    window.show();
  });
  remember(window, parts.stateFile);
  revive(window, parts.pageGone);
  void window.loadURL(PAGE);
  return window;
}

function remember(window: BrowserWindow, file: string): void {
  let timer: NodeJS.Timeout | undefined;
  const keep = (): void => {
    clearTimeout(timer);
    if (window.isDestroyed() || window.isMinimized()) return;
    const bounds = window.getNormalBounds();
    writeWindowState(file, { bounds, maximised: window.isMaximized(), fullScreen: window.isFullScreen() });
  };
  const later = (): void => {
    clearTimeout(timer);
    timer = setTimeout(keep, SETTLED_MS);
  };
  window.on("resize", later);
  window.on("move", later);
  window.on("close", keep);
  window.on("closed", () => clearTimeout(timer));
}

/** A page whose process has died is loaded again: the engine and its jobs live elsewhere. */
function revive(window: BrowserWindow, pageGone: () => void): void {
  let last = Number.NEGATIVE_INFINITY;
  window.webContents.on("render-process-gone", (_event, { reason }) => {
    if (reason === "clean-exit" || window.isDestroyed()) return;
    const now = performance.now();
    if (now - last < RELOAD_MS) pageGone();
    else window.webContents.reload();
    last = now;
  });
}
