/** Sources to manifest. */

export { type LabelFrom, labelRule } from "./label.js";
export type { EntryProblem, Manifest, ManifestEntries, ManifestEntry } from "./manifest.js";
export { compareCodePoints } from "./order.js";
export { type ScanOptions, scanSources } from "./scan.js";
export { IMAGE_EXTENSIONS } from "./walk.js";
