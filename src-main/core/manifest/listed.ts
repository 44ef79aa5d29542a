/** Sources that name their images: list files and CSV tables. */

import { createReadStream, readFileSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { errorMessage, VergerError } from "../errors.js";
import { isAddress } from "../remote.js";
import type { Pacer } from "./order.js";

/** A list or table and where its text comes from. */
export interface ListFile {
  /** For people: its path or address. */
  readonly name: string;
  /** The addresses that it may name beside paths. */
  readonly serves: (address: string) => boolean;
  readonly bytes: () => Uint8Array;
  /** @param end bytes after which to stop; undefined: all */
  readonly stream: (end?: number) => Readable;
}

/** A list on this machine. */
export function localList(file: string, serves: (address: string) => boolean): ListFile {
  const name = path.toNamespacedPath(file);
  return {
    name: file,
    serves,
    bytes: () => readFileSync(name),
    stream: (end) => createReadStream(name, end === undefined ? {} : { end: end - 1 }),
  };
}

/** A list whose content has been fetched. */
export function fetchedList(name: string, content: Uint8Array, serves: (address: string) => boolean): ListFile {
  return {
    name,
    serves,
    bytes: () => content,
    stream: (end) => Readable.from([Buffer.from(content.subarray(0, end))]),
  };
}

/** One image as its list names it. */
export interface ListedImage {
  /** As written; relative to the list's folder unless absolute or an address. */
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
export function readList(list: ListFile): ListedImage[] {
  const { name: file } = list;
  const bytes = list.bytes();
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
    images.push({ written: readable(written, "source/list", list, line) });
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
export async function readCsv(list: ListFile, pacer: Pacer): Promise<ListedImage[]> {
  const { name: file } = list;
  const images: ListedImage[] = [];
  let columns: { path: number; label: number } | undefined;
  const delimiter = await delimiterOf(list.stream(4096));
  const input = list.stream();
  const parser = parse({ bom: true, delimiter, skip_empty_lines: true, info: true });
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
      const image = { written: readable(written, "source/csv", list, info.lines) };
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
async function delimiterOf(start: Readable): Promise<string> {
  let head = "";
  for await (const chunk of start) head += String(chunk);
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

/** Returns `written` when it is a path or an address that can be read here. */
function readable(written: string, code: string, { name: file, serves }: ListFile, line: number): string {
  if (isAddress(written) && !serves(written)) {
    throw new VergerError(
      code,
      `Expected the path of a file or an s3:// address in line ${line} of "${file}", but found "${written}"; ` +
        "sync it to a folder first.",
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
