/** Exports of a selection, as the window asks for them. */
import path from "node:path";
import type { ParsedRequestOf, ResponseOf } from "../api/channels.js";
import { VergerError } from "../core/errors.js";
import {
  type ExportOptions,
  exportPhotos,
  type RunData,
  selectionCsv,
  writeSelectionCsv,
  writeSelectionParquet,
} from "../core/explore/index.js";
import type { Events } from "./events.js";

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
    if (format !== "csv") {
      throw new VergerError(
        "request/invalid",
        `Expected the place to write ${format} to, but received none; only CSV can be sent back.`,
      );
    }
    const bytes = new TextEncoder().encode(await selectionCsv(data, rows, options));
    return { path: null, bytes, rows: rows.length, missing: [] };
  }
  const target = path.resolve(to);
  let missing: string[] = [];
  if (format === "csv") await writeSelectionCsv(data, rows, target, options);
  else if (format === "parquet") await writeSelectionParquet(data, rows, target, options);
  else missing = await exportPhotos(data, rows, target, format, options);
  return { path: target, bytes: null, rows: rows.length - missing.length, missing };
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
