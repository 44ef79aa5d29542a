/** Sources that name their images: list files and CSV tables. */

import { createReadStream, readFileSync } from "node:fs";
import path from "node:path";
import { CsvError, parse } from "csv-parse";
import { errorMessage, VergerError } from "../errors.js";
import type { Pacer } from "./order.js";

/** One image as its list names it. */
export interface ListedImage {
  /** As written; relative to the list's folder unless absolute. */
  readonly written: string;
  /** Undefined when the list says nothing about labels. */
  readonly label?: string | null;
}

/**
 * Reads a list: one path a line, exactly as written; empty lines and lines that start with `#` are left out (write
 * `./#1.jpg` for a file of that name). Paths may be separated by NUL instead (`find -print0`), then nothing is left
 * out but empty ones. UTF-8, or UTF-16 with a byte order mark as PowerShell writes it.
 *
 * @throws VergerError `source/list`; the system's error when the file cannot be read
 */
export function readList(file: string): ListedImage[] {
  const bytes = readFileSync(path.toNamespacedPath(file));
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  let text: string;
  try {
    text = new TextDecoder(utf16 ? "utf-16le" : "utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new VergerError(
      "source/list",
      `Expected a list of image paths in UTF-8, but "${file}" is not; save it as UTF-8.`,
      { cause: error, details: { path: file } },
    );
  }
  const separated = text.includes("\0");
  const images: ListedImage[] = [];
  let line = 0;
  for (const written of text.split(separated ? "\0" : /\r?\n/)) {
    line++;
    if (written.trim() === "" || (!separated && written.trimStart().startsWith("#"))) continue;
    images.push({ written: localPath(written, "source/list", file, line) });
  }
  return images;
}

/**
 * Reads a table with a header that names a `path` column and perhaps a `label` column, in any order and case, separated
 * by commas or, as spreadsheets write in much of Europe, semicolons or tabs. Other columns are ignored. An empty label
 * is none.
 *
 * @throws VergerError `source/csv`, `cancelled`; the system's error when the file cannot be read
 */
export async function readCsv(file: string, pacer: Pacer): Promise<ListedImage[]> {
  const images: ListedImage[] = [];
  let columns: { path: number; label: number } | undefined;
  const input = createReadStream(path.toNamespacedPath(file));
  const parser = parse({ bom: true, delimiter: await delimiterOf(file), skip_empty_lines: true, info: true });
  // pipe() does not carry errors over.
  input.once("error", (error) => parser.destroy(error));
  try {
    for await (const { record, info } of input.pipe(parser) as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      if (pacer.due()) await pacer.pause();
      if (columns === undefined) {
        columns = findColumns(record, file);
        continue;
      }
      const written = record[columns.path] as string;
      const label = columns.label < 0 ? undefined : (record[columns.label] as string);
      if (`${written}${label ?? ""}`.includes("\ufffd")) {
        throw csvError(file, info.lines, `text that is not UTF-8; save the table as "CSV UTF-8"`);
      }
      if (written.trim() === "") throw csvError(file, info.lines, "an empty path");
      const image = { written: localPath(written, "source/csv", file, info.lines) };
      images.push(label === undefined ? image : { ...image, label: label.trim() || null });
    }
  } catch (error) {
    if (error instanceof CsvError) {
      throw new VergerError(
        "source/csv",
        `Expected a table with a path and a label column in "${file}", but: ${error.message}.`,
        { cause: error, details: { path: file } },
      );
    }
    throw error;
  } finally {
    input.destroy();
  }
  if (columns === undefined) findColumns([], file);
  return images;
}

function findColumns(header: readonly string[], file: string): { path: number; label: number } {
  const names = header.map((name) => name.trim().toLowerCase());
  const columns = { path: names.indexOf("path"), label: names.indexOf("label") };
  if (columns.path < 0) {
    const found = header.length > 0 ? `the columns ${header.join(", ")}` : "no header";
    throw new VergerError(
      "source/csv",
      `Expected a header with a path column (and a label column) in "${file}", but found ${found}; ` +
        "make the first line: path,label.",
      { details: { path: file } },
    );
  }
  return columns;
}

/** The separator by the first line: whichever of comma, semicolon and tab stands in it most. */
async function delimiterOf(file: string): Promise<string> {
  let head = "";
  for await (const chunk of createReadStream(path.toNamespacedPath(file), { end: 4095 })) head += String(chunk);
  // Works on UTF-16 as well, where a NUL stands beside each of these characters.
  const [first = ""] = head.split(/[\r\n]/, 1);
  const count = (separator: string) => first.split(separator).length;
  return [",", ";", "\t"].reduce((best, separator) => (count(separator) > count(best) ? separator : best));
}

function csvError(file: string, line: number, received: string): VergerError {
  return new VergerError(
    "source/csv",
    `Expected the path of an image in line ${line} of "${file}", but found ${received}.`,
    {
      details: { path: file, line },
    },
  );
}

/** Returns `written` when it is a path on this machine; s3:// and the like are refused. */
function localPath(written: string, code: string, file: string, line: number): string {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(written)) {
    throw new VergerError(
      code,
      `Expected the path of a local file in line ${line} of "${file}", but found "${written}"; sync it to a folder first.`,
      { details: { path: file, line } },
    );
  }
  return written;
}

/** Re-throws anything but our own errors as `source/not-readable`. */
export function notReadable(error: unknown, what: string, file: string): VergerError {
  if (error instanceof VergerError) return error;
  return new VergerError(
    "source/not-readable",
    `Expected to read the ${what} "${file}", but the system refused: ${errorMessage(error)}; check its permissions.`,
    { cause: error, details: { path: file } },
  );
}
