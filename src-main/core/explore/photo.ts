/** What is known of one photo: its file, its header, what EXIF says of the shot. */
import { open, stat } from "node:fs/promises";
import ExifReader from "exifreader";
import { EXIF_TAGS, type ExifFact } from "../../api/exif.js";
import { probeImage } from "../../native/image.js";
import { errorMessage, type Problem, problemIn } from "../errors.js";
import { photoFile } from "./root.js";

/** EXIF stands at the beginning of a file; nothing behind this is looked at. */
const HEAD_BYTES = 2 ** 18;
/** A value longer than this is no fact about a shot. */
const LONGEST_VALUE = 200;

/** What stands beside a place and tells the side of the equator or of Greenwich. */
const SIDES = { GPSLatitude: "GPSLatitudeRef", GPSLongitude: "GPSLongitudeRef" } as const;
/** Tags whose number is a choice of a list. */
const CHOICES: ReadonlySet<string> = new Set(["Flash", "WhiteBalance", "Orientation"]);

export interface PhotoFacts {
  /** Absolute and real; null when the photo is not there. */
  readonly file: string | null;
  readonly problem: Problem | null;
  readonly format: "jpeg" | "png" | "webp" | null;
  /** Pixels, upright. */
  readonly width: number | null;
  readonly height: number | null;
  readonly bytes: number | null;
  readonly modifiedAt: string | null;
  /** Milliseconds by the camera's own clock, counted as if that kept UTC. */
  readonly capturedAt: number | null;
  /** Minutes that this clock was ahead of UTC. */
  readonly capturedOffset: number | null;
  readonly exif: ExifFact[];
}

const UNDATED = { capturedAt: null, capturedOffset: null };

/** Looks a photo up. A photo that cannot be shown is told in `problem`; this never throws for one. */
export async function photoFacts(root: string | null, relative: string): Promise<PhotoFacts> {
  const none = { format: null, width: null, height: null, bytes: null, modifiedAt: null, ...UNDATED, exif: [] };
  let file: string;
  try {
    file = await photoFile(root, relative);
  } catch (error) {
    return { ...none, file: null, problem: problemIn(error) };
  }
  try {
    const { size, mtime } = await stat(file);
    const header = await probeImage(file);
    const known = { file, bytes: size, modifiedAt: mtime.toISOString() };
    if (!header.ok) {
      return { ...none, ...known, problem: { code: header.code, message: header.message } };
    }
    const { format, width, height, capturedAt, capturedOffset } = header;
    const captured =
      capturedAt === undefined ? UNDATED : { capturedAt: capturedAt / 1_000, capturedOffset: capturedOffset ?? null };
    return { ...known, problem: null, format, width, height, ...captured, exif: await readExif(file) };
  } catch (error) {
    return { ...none, file, problem: { code: "photo/unreadable", message: unreadable(file, error) } };
  }
}

function unreadable(file: string, error: unknown): string {
  return `Expected to read the photo ${file}, but: ${errorMessage(error)}; check the right to read it.`;
}

/** EXIF's facts as text. Damaged EXIF is no EXIF: the photo itself may be fine. */
async function readExif(file: string): Promise<ExifFact[]> {
  const handle = await open(file, "r");
  let head: Buffer;
  try {
    const buffer = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, HEAD_BYTES, 0);
    head = buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
  try {
    const wanted = [...EXIF_TAGS, ...Object.values(SIDES)];
    const tags = ExifReader.load(head, { includeTags: { exif: wanted } }) as Tags;
    return EXIF_TAGS.flatMap((tag) => {
      const value = textOf(tags, tag);
      if (value === "" || value.length > LONGEST_VALUE) return [];
      const code = CHOICES.has(tag) ? Number(tags[tag]?.value) : Number.NaN;
      return [{ tag, value, code: Number.isSafeInteger(code) ? code : null }];
    });
  } catch {
    return [];
  }
}

type Tags = Readonly<Record<string, { readonly description?: unknown; readonly value?: unknown } | undefined>>;

function textOf(tags: Tags, tag: (typeof EXIF_TAGS)[number]): string {
  const text = String(tags[tag]?.description ?? "").trim();
  if (tag !== "GPSLatitude" && tag !== "GPSLongitude") return text;
  const degrees = Number(text);
  if (text === "" || !Number.isFinite(degrees)) return "";
  return String(/^[SW]/.test(String(tags[SIDES[tag]]?.value ?? "")) ? -degrees : degrees);
}
