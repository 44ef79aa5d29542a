/** Looking into a run: what the window's views are made of. */
export { neighbourhoodAgreement } from "./agreement.js";
export { labelChanges, sharedImages } from "./compare.js";
export { endsOf } from "./ends.js";
export { exportPhotos } from "./export/photos.js";
export { type ExportOptions, writeSelectionCsv, writeSelectionParquet } from "./export/table.js";
export { photoFacts } from "./photo.js";
export { type Located, locatePhotos, photoFile } from "./root.js";
export { type ColumnName, RunData } from "./run-data.js";
