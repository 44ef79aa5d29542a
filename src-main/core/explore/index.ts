/** Looking into a run: what the window's views are made of. */
export { endsOf } from "./ends.js";
export { copySelection, selectionCsv, writeSelectionCsv, writeSelectionParquet } from "./export.js";
export { photoFacts } from "./photo.js";
export { photoFile } from "./root.js";
export { type ColumnName, RunData } from "./run-data.js";
