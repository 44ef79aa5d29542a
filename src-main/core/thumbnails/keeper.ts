/** Thumbnails made while photos are embedded: the decoder has the rows in hand, so they cost a thirtieth of the decoding. */
import path from "node:path";
import type { DiskCache } from "./disk-cache.js";
import { KEPT_SIDE, QUALITY, thumbnailKey } from "./thumbnails.js";

/** A job leaves some of the cache to the runs that people looked at before. */
const SHARE = 0.75;

/** Puts the thumbnails of one job where the window looks for them. */
export class ThumbnailKeeper {
  private bytes = 0;

  constructor(
    private readonly cache: DiskCache,
    /** Bytes that the cache may take in all. */
    private readonly maxBytes: number,
  ) {}

  /** What to ask of the decoder; undefined once this job has filled its share, since more would push out its own. */
  get wanted(): { readonly side: number; readonly quality: number } | undefined {
    return this.bytes < this.maxBytes * SHARE ? { side: KEPT_SIDE, quality: QUALITY } : undefined;
  }

  /**
   * Keeps one. Never fails: what cannot be kept is made when it is looked at.
   *
   * @param root of the manifest, real
   * @param photo as the manifest has it
   */
  async keep(
    root: string,
    photo: { readonly path: string; readonly size: number; readonly mtimeUs: number },
    jpeg: Uint8Array,
  ): Promise<void> {
    this.bytes += jpeg.length;
    await this.cache.putNow(thumbnailKey(path.resolve(root, photo.path), KEPT_SIDE, photo), jpeg);
  }
}
