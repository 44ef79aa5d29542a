/** Small pictures of photos: made by the native decoder when asked for, kept in a bounded cache. */
import { stat } from "node:fs/promises";
import { type DecodeLimits, decodeRgb, encodeJpeg, type ImageSource, probeImage } from "../../native/image.js";
import { cancelled, errorMessage, throwIfCancelled, VergerError } from "../errors.js";
import { microseconds } from "../manifest/walk.js";
import type { DiskCache } from "./disk-cache.js";

/** A change of how thumbnails look is a change of this number. */
const RECIPE = 2;
export const QUALITY = 82;
/** Pixels of the longer side of those that are made while embedding; smaller ones are made from them. */
export const KEPT_SIDE = 256;

/** What to send for a photo: its own file where that is small enough, else a JPEG. */
export type Thumbnail =
  | { readonly file: string; readonly format: "jpeg" | "png" | "webp" }
  | { readonly jpeg: Uint8Array<ArrayBuffer> };

/**
 * Names a thumbnail by what it is made from: a changed photo gets a new one, and nothing has to be thrown away in time.
 *
 * @param file real and absolute
 */
export function thumbnailKey(file: string, side: number, photo: { size: number; mtimeUs: number }): string {
  return `${RECIPE}\n${side}\n${file}\n${photo.size}\n${photo.mtimeUs}`;
}

interface Waiting {
  start(): void;
}

/** Makes thumbnails, a few at a time; those asked for last first, since that is where people look. */
export class Thumbnails {
  private running = 0;
  private readonly waiting: Waiting[] = [];

  constructor(
    private readonly cache: DiskCache,
    /** Photos decoded at the same time. */
    private readonly parallel: number,
  ) {}

  /**
   * The picture of one photo, upright, its longer side at most `side` pixels.
   *
   * @param file absolute
   * @throws VergerError `photo/missing`, `image/*`, `cancelled`
   */
  async make(file: string, side: number, signal?: AbortSignal): Promise<Thumbnail> {
    let photo: { size: number; mtimeUs: number };
    try {
      const info = await stat(file);
      photo = { size: info.size, mtimeUs: microseconds(info) };
    } catch (cause) {
      throw new VergerError(
        "photo/missing",
        `Expected the photo ${file}, but: ${errorMessage(cause)}; it was moved or deleted since the run.`,
        { cause },
      );
    }
    const key = thumbnailKey(file, side, photo);
    const kept = await this.kept(key);
    if (kept) return { jpeg: kept };
    return this.inTurn(async () => {
      const larger = side < KEPT_SIDE ? await this.kept(thumbnailKey(file, KEPT_SIDE, photo)) : undefined;
      if (!larger) return this.render(file, side, key, signal);
      return { jpeg: await this.shrink(file, larger, side, key, signal) };
    }, signal);
  }

  private async kept(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const jpeg = await this.cache.get(key);
    // A power cut may have left an empty file.
    return jpeg?.[0] === 0xff && jpeg[1] === 0xd8 ? jpeg : undefined;
  }

  private async render(file: string, side: number, key: string, signal?: AbortSignal): Promise<Thumbnail> {
    const limits = limitsOf(signal);
    const header = await probeImage(file, limits);
    if (!header.ok) throw new VergerError(header.code, `${file}: ${header.message}`);
    if (Math.max(header.width, header.height) <= side) return { file, format: header.format };
    return { jpeg: await this.shrink(file, file, side, key, signal) };
  }

  /** @param source the photo's own file, or a larger thumbnail of it */
  private async shrink(
    file: string,
    source: ImageSource,
    side: number,
    key: string,
    signal?: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const picture = await decodeRgb(source, { ...limitsOf(signal), maxSide: side });
    if (!picture.ok) throw new VergerError(picture.code, `${file}: ${picture.message}`);
    const jpeg = await encodeJpeg(picture.data, picture.width, picture.height, QUALITY, signal ? { signal } : {});
    // Beside the answer: nobody waits for the disk.
    void this.cache.put(key, jpeg);
    return jpeg;
  }

  private async inTurn<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.running >= this.parallel) await this.place(signal);
    else this.running += 1;
    try {
      throwIfCancelled(signal);
      return await work();
    } finally {
      const next = this.waiting.pop();
      if (next) next.start();
      else this.running -= 1;
    }
  }

  /** Waits for a place, which is then this caller's. One who gives up leaves the line. */
  private place(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        start: () => {
          signal?.removeEventListener("abort", giveUp);
          resolve();
        },
      };
      const giveUp = (): void => {
        const at = this.waiting.indexOf(entry);
        if (at < 0) return;
        this.waiting.splice(at, 1);
        reject(cancelled());
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.waiting.push(entry);
    });
  }
}

function limitsOf(signal: AbortSignal | undefined): DecodeLimits {
  return { tolerateTruncated: true, ...(signal ? { signal } : {}) };
}
