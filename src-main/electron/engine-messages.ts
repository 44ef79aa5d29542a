/** What the main process and the engine's process say to each other. All of it survives structured clone. */
import type { ApiEvent, Problem, ThumbnailSize } from "../api/channels.js";
import type { Thumbnail } from "../core/thumbnails/thumbnails.js";

/** A picture that is asked for; the parameters of `Engine.image`. */
export interface ImageRequest {
  readonly run: string;
  readonly version: string;
  readonly row: number;
  readonly size: ThumbnailSize | "full";
}

/** What only the main process can do with a folder: move it to the system's trash, show it in the file manager. */
export type Wish = "trash" | "reveal";

export type ToEngine =
  | { readonly type: "call"; readonly id: number; readonly channel: string; readonly request: unknown }
  | { readonly type: "image"; readonly id: number; readonly image: ImageRequest }
  /** Nobody waits for the answer any more. */
  | { readonly type: "abandon"; readonly id: number }
  /** Answer to a wish. */
  | { readonly type: "done"; readonly id: number; readonly problem: Problem | null }
  /** Save the jobs and end. */
  | { readonly type: "close" };

export type FromEngine =
  /** Once, first. */
  | { readonly type: "ready"; readonly hello: ApiEvent }
  /** `frame`: the response of a call, encoded by binary.ts. */
  | { readonly type: "answer"; readonly id: number; readonly frame: Uint8Array }
  | { readonly type: "picture"; readonly id: number; readonly picture: Thumbnail }
  | { readonly type: "failed"; readonly id: number; readonly problem: Problem }
  | { readonly type: "event"; readonly event: ApiEvent }
  | { readonly type: "wish"; readonly id: number; readonly wish: Wish; readonly folder: string }
  /** Once, last: everything is saved. */
  | { readonly type: "closed" };
