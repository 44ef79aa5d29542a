/**
 * Corrections of labels, beside the labels that a run was made with: `labels.jsonl` in the run folder, one JSON document
 * a line (docs/run-format.md). Lines are only ever appended, each by one write and flushed, so a crash loses at most the
 * line it was in, which readers recognise by its missing line feed.
 */
import { existsSync, statSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { syncDirectory } from "../../native/parquet.js";
import { errorCode, errorMessage, VergerError } from "../errors.js";

/** Of the file in a run folder. */
export const LABELS_FILE = "labels.jsonl";
const SCHEMA_VERSION = 1;

const headerSchema = z.object({ format: z.literal("verger labels"), schemaVersion: z.number().int() });
const lineSchema = z.union([
  z.object({ at: z.string(), label: z.string().nullable(), paths: z.array(z.string()) }),
  z.object({ at: z.string(), undo: z.literal(true) }),
  z.object({ at: z.string(), redo: z.literal(true) }),
]);
type Line = z.infer<typeof lineSchema>;

interface Edit {
  readonly label: string | null;
  readonly paths: readonly string[];
}

/** The labels that people gave to images of one run. Calls must not overlap. */
export class LabelOverlay {
  private readonly file: string;
  /** Edits in effect, oldest first. */
  private done: Edit[] = [];
  /** Edits undone, the next to be redone last. */
  private undone: Edit[] = [];
  /** The corrections in effect; null: without label. Made anew when an edit is undone. */
  private effective = new Map<string, string | null>();
  private bytesRead = -1;
  private whole = 0;

  constructor(readonly folder: string) {
    this.file = path.join(folder, LABELS_FILE);
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** Corrected label by image path. */
  get labels(): ReadonlyMap<string, string | null> {
    return this.effective;
  }

  /**
   * Reads what another process has written since; cheap when nothing has changed.
   *
   * @returns true when the labels may have changed
   * @throws VergerError `labels/corrupt`, `labels/newer`
   */
  async refresh(): Promise<boolean> {
    const bytes = existsSync(this.file) ? statSync(this.file).size : 0;
    if (bytes === this.bytesRead) return false;
    const content = bytes === 0 ? "" : await readFile(this.file, "utf8");
    // What follows the last line feed is a line that a crash cut short.
    const end = content.lastIndexOf("\n") + 1;
    const lines = content.slice(0, end).split("\n");
    lines.pop();
    this.done = [];
    this.undone = [];
    for (const [index, line] of lines.entries()) {
      if (index === 0) this.checkHeader(line);
      else this.apply(this.parse(line, index + 1));
    }
    this.rebuild();
    this.bytesRead = bytes;
    this.whole = Buffer.byteLength(content.slice(0, end));
    return true;
  }

  /** Gives images a label, or none. @throws VergerError `labels/*`, `storage/*` */
  async edit(paths: readonly string[], label: string | null): Promise<void> {
    await this.append({ at: new Date().toISOString(), label, paths: [...paths] });
    for (const name of paths) this.effective.set(name, label);
  }

  /** Takes the last edit back. @throws VergerError `labels/nothing-to-undo` */
  async undo(): Promise<void> {
    await this.refresh();
    if (!this.canUndo) throw nothing("undo");
    await this.append({ at: new Date().toISOString(), undo: true });
    this.rebuild();
  }

  /** Makes the edit again that was undone last. @throws VergerError `labels/nothing-to-undo` */
  async redo(): Promise<void> {
    await this.refresh();
    if (!this.canRedo) throw nothing("redo");
    await this.append({ at: new Date().toISOString(), redo: true });
    this.rebuild();
  }

  private async append(line: Line): Promise<void> {
    await this.refresh();
    const isNew = this.whole === 0;
    const header = `${JSON.stringify({ format: "verger labels", schemaVersion: SCHEMA_VERSION })}\n`;
    const data = Buffer.from(`${isNew ? header : ""}${JSON.stringify(line)}\n`);
    try {
      const handle = await open(this.file, "a");
      try {
        // A torn line of an earlier crash goes first: nothing may be appended to half a line. Only then: another window
        // may have written since, and its line must not go with it.
        if (this.bytesRead > this.whole) await handle.truncate(this.whole);
        await handle.appendFile(data);
        await handle.sync();
      } finally {
        await handle.close();
      }
      if (isNew) await syncDirectory(this.folder);
    } catch (error) {
      throw writeFailure(this.file, error);
    }
    this.whole += data.length;
    this.bytesRead = this.whole;
    this.apply(line);
  }

  private apply(line: Line): void {
    if ("undo" in line) {
      const edit = this.done.pop();
      if (edit) this.undone.push(edit);
    } else if ("redo" in line) {
      const edit = this.undone.pop();
      if (edit) this.done.push(edit);
    } else {
      this.done.push({ label: line.label, paths: line.paths });
      this.undone = [];
    }
  }

  private rebuild(): void {
    this.effective = new Map();
    for (const { label, paths } of this.done) for (const name of paths) this.effective.set(name, label);
  }

  private checkHeader(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      // Told below.
    }
    const header = headerSchema.safeParse(value);
    if (!header.success) throw this.corrupt(1);
    if (header.data.schemaVersion > SCHEMA_VERSION) {
      throw new VergerError(
        "labels/newer",
        `Expected label corrections of schema version ${SCHEMA_VERSION} in ${this.file}, but they have version ` +
          `${header.data.schemaVersion}; open the run with the Verger that wrote them or a newer one.`,
      );
    }
  }

  private parse(line: string, number: number): Line {
    try {
      return lineSchema.parse(JSON.parse(line));
    } catch {
      throw this.corrupt(number);
    }
  }

  private corrupt(line: number): VergerError {
    return new VergerError(
      "labels/corrupt",
      `Expected label corrections in ${this.file}, but line ${line} is not one; mend that line or move the file away.`,
    );
  }
}

function nothing(what: "undo" | "redo"): VergerError {
  return new VergerError(
    "labels/nothing-to-undo",
    `Expected a change of labels to ${what}, but there is none; another window may have been faster.`,
  );
}

function writeFailure(file: string, error: unknown): VergerError {
  const code = errorCode(error);
  const reason = errorMessage(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new VergerError(
      "storage/disk-full",
      `Expected to save the labels in ${file}, but the disk is full; free some space and try again.`,
      { cause: error },
    );
  }
  if (code === "EROFS" || code === "EACCES" || code === "EPERM") {
    return new VergerError(
      "storage/read-only",
      `Expected to save the labels in ${file}, but: ${reason}; make the run folder writable or copy it.`,
      { cause: error },
    );
  }
  return new VergerError("storage/write", `Expected to save the labels in ${file}, but: ${reason}; try again.`, {
    cause: error,
  });
}
