/** What is known to stand in the bucket, kept beside the local side of a run. */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { errorCode } from "../../core/errors.js";

/** A file that the server has confirmed. */
export interface Confirmed {
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
  /** Of the local file when it was sent or fetched. */
  readonly mtimeMs: number;
}

type Line =
  | ({ readonly name: string } & Confirmed)
  | { readonly name: string; readonly gone: true }
  | { readonly owner: string };

/**
 * One line of JSON for each confirmed change, so that a kill loses at most the last one: its file is then sent again. A
 * line cut short by a power failure ends the reading.
 */
export class Journal {
  readonly files = new Map<string, Confirmed>();
  /** The owner name of this machine's last lease. */
  owner: string | undefined;

  private constructor(private readonly file: string) {}

  static open(file: string): Journal {
    const journal = new Journal(file);
    let text = "";
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
    for (const line of text.split("\n")) {
      if (line === "") continue;
      try {
        journal.apply(JSON.parse(line) as Line);
      } catch {
        break;
      }
    }
    journal.rewrite();
    return journal;
  }

  confirm(name: string, confirmed: Confirmed): void {
    this.write({ name, ...confirmed });
  }

  forget(name: string): void {
    if (this.files.has(name)) this.write({ name, gone: true });
  }

  own(owner: string): void {
    this.write({ owner });
  }

  clear(): void {
    this.files.clear();
    this.rewrite();
  }

  private write(line: Line): void {
    this.apply(line);
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
  }

  private apply(line: Line): void {
    if ("owner" in line) this.owner = line.owner;
    else if ("gone" in line) this.files.delete(line.name);
    else this.files.set(line.name, { etag: line.etag, size: line.size, mtimeMs: line.mtimeMs });
  }

  /** Leaves out what later lines have overtaken. As a whole: without it, what was not yet sent would count as overtaken. */
  private rewrite(): void {
    const lines: Line[] = [...this.files].map(([name, confirmed]) => ({ name, ...confirmed }));
    if (this.owner !== undefined) lines.push({ owner: this.owner });
    const temporary = `${this.file}.tmp`;
    writeFileSync(temporary, lines.map((line) => `${JSON.stringify(line)}\n`).join(""), { mode: 0o600, flush: true });
    renameSync(temporary, this.file);
  }
}
