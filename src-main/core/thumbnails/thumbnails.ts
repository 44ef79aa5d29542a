/** Small pictures of photos: made by the native decoder when asked for, kept in a bounded cache. */
import { stat } from "node:fs/promises";
import { type DecodeLimits, decodeRgb, encodeJpeg, probeImage } from "../../native/image.js";
import { cancelled, errorMessage, throwIfCancelled, VergerError } from "../errors.js";
import type { DiskCache } from "./disk-cache.js";

/** A change of how thumbnails look is a change of this number. */
const RECIPE = 1;
const QUALITY = 82;

/** What to send for a photo: its own file where that is small enough, else a JPEG. */
export type Thumbnail =
  | { readonly file: string; readonly format: "jpeg" | "png" | "webp" }
  | { readonly jpeg: Uint8Array<ArrayBuffer> };

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
    let info: { size: number; mtimeMs: number };
    try {
      info = await stat(file);
    } catch (cause) {
      throw new VergerError(
        "photo/missing",
        `Expected the photo ${file}, but: ${errorMessage(cause)}; it was moved or deleted since the run.`,
        { cause },
      );
    }
    // Named by what it is made from: a changed photo gets a new picture, and nothing has to be thrown away in time.
    const key = `${RECIPE}\n${side}\n${file}\n${info.size}\n${info.mtimeMs}`;
    const kept = await this.cache.get(key);
    if (kept && kept[0] === 0xff && kept[1] === 0xd8) return { jpeg: kept };
    return this.inTurn(() => this.render(file, side, key, signal), signal);
  }

  private async render(file: string, side: number, key: string, signal?: AbortSignal): Promise<Thumbnail> {
    const limits: DecodeLimits = { tolerateTruncated: true, ...(signal ? { signal } : {}) };
    const header = await probeImage(file, limits);
    if (!header.ok) throw new VergerError(header.code, `${file}: ${header.message}`);
    if (Math.max(header.width, header.height) <= side) return { file, format: header.format };
    const picture = await decodeRgb(file, { ...limits, maxSide: side });
    if (!picture.ok) throw new VergerError(picture.code, `${file}: ${picture.message}`);
    const jpeg = await encodeJpeg(picture.data, picture.width, picture.height, QUALITY, signal ? { signal } : {});
    // Beside the answer: nobody waits for the disk.
    void this.cache.put(key, jpeg);
    return { jpeg };
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
