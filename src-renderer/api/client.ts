/** The one client of this page. */
import { imagePath, type ThumbnailSize } from "../../src-main/api/channels.js";
import { httpClient } from "./http-client.js";

const base = new URL(".", location.href);
base.search = "";
base.hash = "";

export const client = httpClient(base.href);

/** Address of a picture of a run; see `imagePath`. */
export function imageUrl(run: { run: string; version: string }, row: number, size: ThumbnailSize | "full"): string {
  return new URL(imagePath(run.run, run.version, row, size), base).href;
}

/** The sentence and code of a failed call. */
export function problemOf(error: unknown): { code: string; message: string } {
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
