/** Jobs on run folders: what the CLI, the window and the server call. */
export { pcaJob } from "./pca-job.js";
export { checkPcaParameters, DEFAULT_VARIANCE } from "./pca-stage.js";
export { photoRoot } from "./photos.js";
export { readErrorsPart, type SetAsideImage } from "./previous.js";
export { type JobOptions, runJob } from "./run.js";
export { listParts, partName, readRunFile } from "./store.js";
