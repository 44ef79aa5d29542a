/** What the engine and the thread of a job say to each other. All of it survives structured clone. */
import type { JobRequest, ParsedRequestOf, ResponseOf } from "../../api/channels.js";
import type { RunEvent, RunSummary, SyncEvent, SyncSummary } from "../../api/contract.js";
import type { Problem } from "../../core/errors.js";
import type { RemoteReport } from "../../storage/run/features.js";

export type ProbeRequest = ParsedRequestOf<"jobs.probe">;
export type ProbeResult = ResponseOf<"jobs.probe">;

export type PreviewRequest = ParsedRequestOf<"transfers.preview">;
export type PreviewResult = ResponseOf<"transfers.preview">;

/** A look at features in S3. */
export interface LookRequest extends Omit<ParsedRequestOf<"features.inspect">, "look"> {
  /** Keeps what was fetched. */
  readonly folder: string;
}

/** What a thread is started for. */
export type Task =
  | JobRequest
  | { readonly kind: "probe"; readonly request: ProbeRequest }
  | { readonly kind: "preview"; readonly request: PreviewRequest }
  | { readonly kind: "look"; readonly request: LookRequest };

export type ToThread = { readonly type: "stop" };

export type FromThread =
  | { readonly type: "event"; readonly event: RunEvent | SyncEvent }
  /** Images that a probe has found so far, or files that a preview has compared. */
  | { readonly type: "counted"; readonly images: number }
  /** Bytes of the file that a look at features fetches. */
  | { readonly type: "fetched"; readonly done: number; readonly total: number }
  | { readonly type: "done"; readonly summary: RunSummary }
  | { readonly type: "transferred"; readonly summary: SyncSummary }
  | { readonly type: "probed"; readonly result: ProbeResult }
  | { readonly type: "previewed"; readonly result: PreviewResult }
  | { readonly type: "looked"; readonly result: RemoteReport }
  | ({ readonly type: "failed" } & Problem);
