/** The one client of this page. */
import { BRIDGE, type DesktopBridge } from "../../src-main/api/bridge.js";
import { imagePath, type Problem, type ThumbnailSize } from "../../src-main/api/channels.js";
import { CallError, type Carrier } from "./carrier.js";
import { httpClient } from "./http-client.js";
import { ipcClient } from "./ipc-client.js";

const base = new URL(".", location.href);
base.search = "";
base.hash = "";

const bridge = (window as { [BRIDGE]?: DesktopBridge })[BRIDGE];

/** By the desktop app's bridge where there is one, else by HTTP to the server that the page came from. */
export const client: Carrier = bridge ? ipcClient(bridge) : httpClient(base.href);

/** Address of a picture of a run; see `imagePath`. */
export function imageUrl(run: { run: string; version: string }, row: number, size: ThumbnailSize | "full"): string {
  return new URL(imagePath(run.run, run.version, row, size), base).href;
}

/** What is known of a failed call. */
export function problemOf(error: unknown): Problem {
  if (error instanceof CallError) {
    const { code, message, details } = error;
    return { code, message, ...(details ? { details } : {}) };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code =
    typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
      ? error.code
      : "internal";
  return { code, message };
}

/** True for a call that this page gave up itself. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
