/** What the window needs of whatever carries its calls: HTTP to a server, or the desktop app's bridge. */
import type { DesktopMessage, FolderChoice } from "../../src-main/api/bridge.js";
import type { ApiClient, Problem } from "../../src-main/api/channels.js";

/** A call that failed, with the stable code of docs/errors.md; `network/unreachable` when nobody answered. */
export class CallError extends Error {
  readonly code: string;
  readonly details: Problem["details"];

  constructor(code: string, message: string, details?: Problem["details"]) {
    super(message);
    this.name = "CallError";
    this.code = code;
    this.details = details;
  }
}

/** Those who want to be told of something. */
export class Listeners<T> {
  private readonly all = new Set<(value: T) => void>();

  get size(): number {
    return this.all.size;
  }

  /** @returns takes it away again */
  add(listener: (value: T) => void): () => void {
    this.all.add(listener);
    return () => void this.all.delete(listener);
  }

  tell(value: T): void {
    for (const listener of this.all) listener(value);
  }
}

/** What becomes of the connection. `refused`: the server is there and does not know this page's token. */
export type LinkState = "connecting" | "online" | "lost" | "refused";

/** What only the desktop app can do. */
export interface DesktopShell {
  /** The system's own dialog. @returns an absolute path, null when it was dismissed */
  chooseFolder(choice: FolderChoice): Promise<string | null>;
  /** The absolute path of a file or folder that was dropped; "" when it has none. */
  pathOf(file: File): string;
  /** Told of what is chosen from the application menu, and of each folder that was opened from outside. */
  watch(listener: (wish: ShellWish) => void): () => void;
}

/** What the application menu and the system ask of the page. */
export type ShellWish = Extract<DesktopMessage, { type: "go" | "edit" | "open" }>;

export interface Carrier extends ApiClient {
  /** Told at once of the present state, then of each change. */
  watchLink(listener: (state: LinkState) => void): () => void;
  /** Tries to connect now instead of at the next interval. */
  retryNow(): void;
  /** Undefined in a browser. */
  readonly shell?: DesktopShell;
}
