/** Reads columns of a run's parts, one row group at a time. */
import path from "node:path";
import { type ColumnValues, openParquet } from "../../native/parquet.js";
import { listParts, partName } from "../run/index.js";

/**
 * Streams some columns of all parts of one kind, in part order.
 *
 * @param folder `features`, `manifest` or `pca` of a run
 * @param optional columns that parts of earlier versions lack; they are left out of the blocks then
 * @throws Error `parquet/*`, `storage/*`; the generator closes each file it has opened
 */
export async function* columnBlocks(
  folder: string,
  names: readonly string[],
  optional: readonly string[] = [],
): AsyncGenerator<Record<string, ColumnValues>> {
  for (const part of listParts(folder)) {
    const parquet = await openParquet(path.join(folder, partName(part)));
    try {
      const there = optional.filter((wanted) => parquet.columns.some(({ name }) => name === wanted));
      for (let group = 0; group < parquet.rowGroups.length; group += 1) {
        yield await parquet.readRowGroup(group, [...names, ...there]);
      }
    } finally {
      await parquet.close();
    }
  }
}

/** Rows of all parts of one kind, from their footers. */
export async function countRows(folder: string): Promise<number> {
  let rows = 0;
  for (const part of listParts(folder)) {
    const parquet = await openParquet(path.join(folder, partName(part)));
    rows += parquet.rows;
    await parquet.close();
  }
  return rows;
}

/** The column of a PCA's parts that holds the labels nobody has corrected; those of earlier versions have only one. */
export async function originalColumn(folder: string): Promise<"label" | "label_original"> {
  const [first] = listParts(folder);
  if (first === undefined) return "label";
  const parquet = await openParquet(path.join(folder, partName(first)));
  try {
    return parquet.columns.some(({ name }) => name === "label_original") ? "label_original" : "label";
  } finally {
    await parquet.close();
  }
}
