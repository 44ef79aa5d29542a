/** What the engine and the thread of a job say to each other. All of it survives structured clone. */
import type { JobRequest, ParsedRequestOf, ResponseOf } from "../../api/channels.js";
import type { RunEvent, RunSummary } from "../../api/contract.js";

export type ProbeRequest = ParsedRequestOf<"jobs.probe">;
export type ProbeResult = ResponseOf<"jobs.probe">;

/** What a thread is started for. */
export type Task = JobRequest | { readonly kind: "probe"; readonly request: ProbeRequest };

export type ToThread = { readonly type: "stop" };

export type FromThread =
  | { readonly type: "event"; readonly event: RunEvent }
  | { readonly type: "counted"; readonly images: number }
  | { readonly type: "done"; readonly summary: RunSummary }
  | { readonly type: "probed"; readonly result: ProbeResult }
  | { readonly type: "failed"; readonly code: string; readonly message: string };
