import type { Amount, SweepSummary, SyncSummary } from "../api/contract.js";
import { bytes, count, counted, duration } from "./format.js";
import type { Paint } from "./paint.js";
import { columns, printable } from "./table.js";

/** Results of `sync` for people. */

/** Problems shown; --json has more of them. */
const SHOWN = 10;

export function syncReport(summary: SyncSummary, paint: Paint): string {
  const would = summary.dryRun;
  const line = (label: string, { files, bytes: size }: Amount, always = false): string[] | undefined =>
    files === 0 && !always ? undefined : [paint.dim(label), count(files), bytes(size)];
  const rows = [
    line(would ? "to copy" : "copied", summary.copied, true),
    line("unchanged", summary.unchanged, true),
    line(would ? "to delete" : "deleted", summary.deleted),
    line("kept as they are", summary.skipped),
    line("impossible names", summary.conflicts),
    line("set aside", summary.failed),
  ].filter((row) => row !== undefined);
  const title = would ? "Would sync" : "Synced";
  let text = `${paint.bold(title)}  ${printable(summary.from)} to ${printable(summary.to)}\n`;
  text += columns(rows, ["left", "right", "right"]);
  if (!would) {
    const rate = summary.bytesPerSecond > 0 ? `, ${bytes(summary.bytesPerSecond)}/s` : "";
    const resumed = summary.resumedBytes > 0 ? `; ${bytes(summary.resumedBytes)} were there from an earlier sync` : "";
    text += `\n  ${paint.dim(`in ${duration(summary.seconds)}${rate}${resumed}`)}`;
  }
  const setAside = summary.conflicts.files + summary.failed.files;
  if (setAside > 0) {
    const shown = summary.problems.slice(0, SHOWN);
    text += `\n\n${paint.bold(`Set aside (${count(setAside)})`)}\n`;
    text += shown.map(({ code, message }) => `  ${printable(message)} ${paint.dim(`[${code}]`)}`).join("\n");
    if (setAside > shown.length)
      text += `\n  ${paint.dim(`${counted(setAside - shown.length, "more key")}: see --json`)}`;
  }
  return text;
}

export function sweepReport(summary: SweepSummary, paint: Paint): string {
  const { uploads, dryRun } = summary;
  const title = dryRun ? "Would sweep" : "Swept";
  let text = `${paint.bold(title)}  ${printable(summary.prefix)}\n`;
  const words = { abort: dryRun ? "to abort" : "aborted", young: "too young", held: "to be resumed", failed: "failed" };
  if (uploads.length === 0) return `${text}  no upload stands open`;
  text += columns(uploads.map(({ key, initiated, outcome }) => [words[outcome], initiated, printable(key)]));
  return text;
}
