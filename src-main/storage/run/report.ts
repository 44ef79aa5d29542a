/** The parts of a run in S3 that its report needs. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { LABELS_FILE } from "../../core/labels/overlay.js";
import { inParallel } from "../parallel.js";
import type { ObjectInfo, ObjectStore } from "../types.js";

const AT_ONCE = 8;

/**
 * Fetches run.json, label corrections, `errors/`, and for the labels `manifest/` or, where there is none, the projected rows.
 *
 * @returns false when there is no run.json
 * @throws VergerError `s3/*`, `cancelled`
 */
export async function fetchReport(
  store: ObjectStore,
  prefix: string,
  folder: string,
  signal: AbortSignal,
): Promise<boolean> {
  const found = new Map<string, ObjectInfo>();
  // A bucket's other objects need not be listed to see what a run has.
  for (const part of ["run.json", LABELS_FILE, "errors/part-", "manifest/part-"])
    await list(store, prefix, part, found, signal);
  if (!found.has("run.json")) return false;
  if (![...found.keys()].some((name) => name.startsWith("manifest/")))
    await list(store, prefix, "pca/part-", found, signal);
  const wanted = [...found].filter(
    ([name]) => name === "run.json" || name === LABELS_FILE || /^[a-z]+\/part-\d{5,}\.parquet$/.test(name),
  );
  for (const [name] of wanted) mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
  await inParallel(wanted, AT_ONCE, signal, ([name, object], stop) =>
    store.download(object, path.join(folder, ...name.split("/")), { signal: stop }),
  );
  return true;
}

async function list(
  store: ObjectStore,
  prefix: string,
  start: string,
  found: Map<string, ObjectInfo>,
  signal: AbortSignal,
): Promise<void> {
  for await (const page of store.list(prefix + start, { signal })) {
    for (const object of page) found.set(object.key.slice(prefix.length), object);
  }
}
