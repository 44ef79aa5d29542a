/** `verger sync`: makes one side hold what the other does. */
export { syncFolder } from "./state.js";
export { type SweepOptions, sweepUploads } from "./sweep.js";
export { type SyncJobOptions, syncJob } from "./sync.js";
