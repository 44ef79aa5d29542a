/** The manifest of a run on disk. */
import { rmSync } from "node:fs";
import { writePart } from "../../native/parquet.js";
import type { ManifestEntries } from "../manifest/index.js";
import { COMPRESSION } from "./part.js";
import type { RunStore } from "./store.js";

/** Rows of one manifest part: scalars only, so many fit where few feature vectors do. */
const ROWS_PER_MANIFEST_PART = 100_000;
const ROWS_PER_GROUP = 20_000;

const partsOf = (entries: ManifestEntries): number => Math.max(1, Math.ceil(entries.length / ROWS_PER_MANIFEST_PART));

/** True when every part of the manifest is there. */
export function manifestStands(store: RunStore, entries: ManifestEntries): boolean {
  return store.parts("manifest").length === partsOf(entries);
}

/**
 * Writes `manifest/part-*.parquet`: id, path, label, size (bytes), mtime (UTC), etag. Parts of an older, longer
 * manifest are removed.
 */
export async function writeManifest(store: RunStore, entries: ManifestEntries): Promise<void> {
  await store.ensure("manifest");
  const parts = partsOf(entries);
  for (let part = 0; part < parts; part += 1) {
    const start = part * ROWS_PER_MANIFEST_PART;
    const rows = Math.min(ROWS_PER_MANIFEST_PART, entries.length - start);
    const id = new BigInt64Array(rows);
    const size = new BigInt64Array(rows);
    const mtime = new BigInt64Array(rows);
    const paths = new Array<string>(rows);
    const labels = new Array<string | null>(rows);
    const etags = new Array<string | null>(rows);
    for (let row = 0; row < rows; row += 1) {
      const entry = entries.at(start + row);
      id[row] = BigInt(start + row);
      size[row] = BigInt(entry.size);
      mtime[row] = BigInt(entry.mtimeUs);
      paths[row] = entry.path;
      labels[row] = entry.label;
      etags[row] = entry.etag;
    }
    await writePart(
      store.part("manifest", part),
      [
        { name: "id", type: "int64", values: id },
        { name: "path", type: "string", values: paths },
        { name: "label", type: "string", nullable: true, values: labels },
        { name: "size", type: "int64", values: size },
        { name: "mtime", type: "timestamp", values: mtime },
        { name: "etag", type: "string", nullable: true, values: etags },
      ],
      rows,
      { compression: COMPRESSION, rowGroupRows: ROWS_PER_GROUP },
    );
    store.publish(store.part("manifest", part));
  }
  for (const stale of store.parts("manifest").filter((part) => part >= parts)) {
    rmSync(store.part("manifest", stale), { force: true });
  }
}
