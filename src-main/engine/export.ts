/** Exports of a selection, as the window asks for them. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ParsedRequestOf, ResponseOf } from "../api/channels.js";
import { VergerError } from "../core/errors.js";
import {
  type ExportOptions,
  exportPhotos,
  type RunData,
  writeSelectionCsv,
  writeSelectionParquet,
} from "../core/explore/index.js";
import type { Events } from "./events.js";

/** A browser holds a download in memory until it is saved. */
const MOST_SENT_BYTES = 2 ** 28;
/** Milliseconds between two events of one export. */
const EVENT_EVERY = 100;

/** @throws VergerError `export/*`, `storage/*`, `request/invalid`, `run/*`, `cancelled` */
export async function exportSelection(
  data: RunData,
  request: ParsedRequestOf<"selection.export">,
  events: Events,
  signal: AbortSignal,
): Promise<ResponseOf<"selection.export">> {
  const { format, to, coordinates, features, export: name } = request;
  const rows = Uint32Array.from(new Set(request.rows));
  for (const row of rows) data.requireRow(row);
  const onProgress = name === undefined ? undefined : tellNowAndThen(events, name);
  const options: ExportOptions = { coordinates, features, onProgress, signal };
  if (to === undefined) {
    if (format !== "csv" && format !== "parquet") {
      throw new VergerError(
        "request/invalid",
        `Expected the place to write ${format} to, but received none; only tables can be sent back.`,
      );
    }
    return { path: null, bytes: await tableBytes(data, rows, format, options), rows: rows.length, missing: [] };
  }
  const target = path.resolve(to);
  let missing: string[] = [];
  if (format === "csv") await writeSelectionCsv(data, rows, target, options);
  else if (format === "parquet") await writeSelectionParquet(data, rows, target, options);
  else missing = await exportPhotos(data, rows, target, format, options);
  return { path: target, bytes: null, rows: rows.length - missing.length, missing };
}

/** A table as it would stand in a file, for clients that have no way to this machine's folders. */
async function tableBytes(
  data: RunData,
  rows: Uint32Array,
  format: "csv" | "parquet",
  options: ExportOptions,
): Promise<Uint8Array> {
  const folder = await mkdtemp(path.join(tmpdir(), "verger-export-"));
  try {
    const file = path.join(folder, "table");
    if (format === "csv") await writeSelectionCsv(data, rows, file, options);
    else await writeSelectionParquet(data, rows, file, options);
    const { size } = await stat(file);
    if (size > MOST_SENT_BYTES) {
      throw new VergerError(
        "export/too-large-to-send",
        `Expected a table of at most ${MOST_SENT_BYTES / 2 ** 20} MiB to download, but it has ${Math.ceil(size / 2 ** 20)}; ` +
          "export it into a folder of the machine that runs Verger, or without the feature vectors.",
        { details: { most: MOST_SENT_BYTES / 2 ** 20, size: Math.ceil(size / 2 ** 20) } },
      );
    }
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function tellNowAndThen(events: Events, name: string): (done: number) => void {
  let last = 0;
  return (done) => {
    const now = Date.now();
    if (now - last < EVENT_EVERY) return;
    last = now;
    events.emit({ type: "export", export: name, done });
  };
}
