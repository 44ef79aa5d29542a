/** Gives photos EXIF data, byte by byte: what a camera writes and what it should not. */
import { readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";

/** Texts of the EXIF directory by name; each is stored as it is, with a NUL behind it. */
export interface ExifTexts {
  readonly DateTimeOriginal?: string;
  readonly SubSecTimeOriginal?: string;
  readonly OffsetTimeOriginal?: string;
}

const TAGS = { DateTimeOriginal: 0x9003, OffsetTimeOriginal: 0x9011, SubSecTimeOriginal: 0x9291 } as const;
const EXIF_DIRECTORY = 0x8769;
const ASCII = 2;
const LONG = 4;
/** Of the TIFF header and of a first directory with one entry. */
const HEADER = 8;
const FIRST_DIRECTORY = 2 + 12 + 4;

/** A TIFF block (big-endian) whose EXIF directory holds these texts. */
export function exifBlock(texts: ExifTexts): Buffer {
  const entries = Object.entries(TAGS).flatMap(([name, tag]) => {
    const text = texts[name as keyof ExifTexts];
    return text === undefined ? [] : [{ tag, bytes: Buffer.from(`${text}\0`, "latin1") }];
  });
  const directory = HEADER + FIRST_DIRECTORY;
  const block = Buffer.alloc(directory + 2 + 12 * entries.length + 4);
  const values: Buffer[] = [];
  let at = block.length;
  const entry = (offset: number, tag: number, type: number, count: number) => {
    block.writeUInt16BE(tag, offset);
    block.writeUInt16BE(type, offset + 2);
    block.writeUInt32BE(count, offset + 4);
  };
  block.write("MM\0*", 0, "latin1");
  block.writeUInt32BE(HEADER, 4);
  block.writeUInt16BE(1, HEADER);
  entry(HEADER + 2, EXIF_DIRECTORY, LONG, 1);
  block.writeUInt32BE(directory, HEADER + 10);
  block.writeUInt16BE(entries.length, directory);
  for (const [index, { tag, bytes }] of entries.entries()) {
    const offset = directory + 2 + 12 * index;
    entry(offset, tag, ASCII, bytes.length);
    if (bytes.length <= 4) {
      bytes.copy(block, offset + 8);
    } else {
      block.writeUInt32BE(at, offset + 8);
      values.push(bytes);
      at += bytes.length;
    }
  }
  return Buffer.concat([block, ...values]);
}

/** A JPEG with an EXIF segment right behind its start. */
export function withExif(jpeg: Uint8Array, texts: ExifTexts): Buffer {
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), exifBlock(texts)]);
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 4);
  return Buffer.concat([head, body, jpeg.subarray(2)]);
}

/** Gives a JPEG on disk these texts; the time of the file stays what it was. */
export function dateFile(file: string, texts: ExifTexts): void {
  const { atimeMs, mtimeMs } = statSync(file);
  writeFileSync(file, withExif(readFileSync(file), texts));
  utimesSync(file, atimeMs / 1000, mtimeMs / 1000);
}

/** The texts of photo `index` of a set: hours apart, every fifth undated, every seventh of a clock that was never set. */
export function textsOf(index: number): ExifTexts | undefined {
  if (index % 5 === 4) return undefined;
  if (index % 7 === 6) return { DateTimeOriginal: "0000:00:00 00:00:00" };
  const two = (value: number) => String(value).padStart(2, "0");
  return {
    DateTimeOriginal: `2026:05:${two(1 + (Math.floor(index / 24) % 28))} ${two(index % 24)}:20:30`,
    ...(index % 2 === 0 ? { SubSecTimeOriginal: "25" } : {}),
    ...(index % 3 === 0 ? { OffsetTimeOriginal: "+02:00" } : {}),
  };
}

/** What `captured_at` and `captured_offset` must say of photo `index` of that set. */
export function timeOf(index: number): { readonly at: bigint | null; readonly offset: number | null } {
  const texts = textsOf(index);
  if (!texts?.DateTimeOriginal || texts.DateTimeOriginal.startsWith("0000")) return { at: null, offset: null };
  const [day = "", hour = ""] = texts.DateTimeOriginal.split(" ");
  const second = Date.parse(`${day.replaceAll(":", "-")}T${hour}Z`);
  const fraction = texts.SubSecTimeOriginal === undefined ? 0 : 250;
  return { at: BigInt(second + fraction) * 1000n, offset: texts.OffsetTimeOriginal === undefined ? null : 120 };
}

/** Dates the JPEG files of a set in their order. */
export function dateFiles(files: readonly string[]): void {
  for (const [index, file] of files.entries()) {
    const texts = textsOf(index);
    if (texts) dateFile(file, texts);
  }
}
