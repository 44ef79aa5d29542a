/**
 * The bridge of the desktop app: what its preload script puts on the page's `window.verger`, and the messages behind it.
 * Calls travel as the same frames as over HTTP (binary.ts): plain bytes cross the boundary between the page's world and
 * the preload script's, no objects.
 */
import type { ApiEvent, ApiFailure } from "./channels.js";

/** The bridge's name on `window`. */
export const BRIDGE = "verger";

/** Electron's IPC channels. All but `message` go from the page to the main process. */
export const IPC = {
  call: "verger:call",
  abandon: "verger:abandon",
  listen: "verger:listen",
  retry: "verger:retry",
  chooseFolder: "verger:choose-folder",
  message: "verger:message",
} as const;

/** A folder that people are to choose. */
export interface FolderChoice {
  /** Of the dialog. */
  readonly title: string;
  /** Where it begins: an absolute path. */
  readonly start?: string;
}

/** Views that the application menu leads to. */
export type MenuView = "runs" | "new" | "jobs" | "settings";

/** What the main process tells its page. */
export type DesktopMessage =
  | { readonly type: "event"; readonly event: ApiEvent }
  /** `online: false`: the engine's process has ended by itself and is being started again. */
  | { readonly type: "link"; readonly online: boolean }
  | { readonly type: "go"; readonly view: MenuView }
  /** Chosen from the menu: of a text field that has the focus, else of the view. */
  | { readonly type: "edit"; readonly edit: "undo" | "redo" }
  /** A run folder or a folder of photos that was opened from outside of the page. */
  | { readonly type: "open"; readonly path: string };

/** A frame with the response, or why there is none. */
export type CallAnswer = { readonly frame: Uint8Array } | ApiFailure;

export interface DesktopBridge {
  /** Never rejects for a call that failed. */
  call(id: string, channel: string, frame: Uint8Array): Promise<CallAnswer>;
  abandon(id: string): void;
  /** Begins the messages to this page, in place of an earlier listener. */
  listen(listener: (message: DesktopMessage) => void): void;
  /** Starts the engine now instead of at the next interval. */
  retry(): void;
  /** The system's own dialog. @returns an absolute path, null when it was dismissed */
  chooseFolder(choice: FolderChoice): Promise<string | null>;
  /** The absolute path of a `File` that was dropped or chosen; "" for one that was made by the page. */
  pathOf(file: unknown): string;
}
