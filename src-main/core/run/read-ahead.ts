/** Photos of a store, fetched ahead of the sessions in a bounded number of requests and bytes. */
import { setMaxListeners } from "node:events";
import { cancelled } from "../errors.js";
import type { RemoteSources, UnreadableImage } from "../remote.js";

/** Requests under way and photos waiting for a session: enough to hide a round trip of 100 ms at 500 images/s. */
const AHEAD_IMAGES = 64;
/** Bytes under way, waiting and being decoded. */
const AHEAD_BYTES = 128 * 2 ** 20;

/** A photo to fetch. */
export interface ExpectedImage {
  readonly index: number;
  readonly address: string;
  readonly size: number;
  readonly etag: string | null;
}

export type FetchedImage = Uint8Array | UnreadableImage;

/**
 * Fetches what is announced, in that order, before it is asked for. A photo's bytes count from the start of its request
 * until `release`, so that memory is bounded up to the decoder; one photo alone may be larger than the bound.
 */
export class ReadAhead {
  /** Bytes of photos that one batch may hold: a quarter, so that others are fetched while it is decoded. */
  readonly batchBytes: number;
  private readonly queue: ExpectedImage[] = [];
  private next = 0;
  private readonly fetched = new Map<number, Promise<FetchedImage>>();
  private readonly waiting = new Map<
    number,
    { resolve(image: Promise<FetchedImage>): void; reject(e: unknown): void }
  >();
  private bytes = 0;
  private stopped = false;

  constructor(
    private readonly remote: RemoteSources,
    private readonly signal: AbortSignal,
    private readonly limits: { readonly images: number; readonly bytes: number } = {
      images: AHEAD_IMAGES,
      bytes: AHEAD_BYTES,
    },
  ) {
    this.batchBytes = limits.bytes / 4;
    // Every request under way listens; Node would call eleven of them a leak.
    setMaxListeners(0, signal);
    signal.addEventListener("abort", this.stop, { once: true });
  }

  /** Announces photos in the order in which they will be taken. */
  expect(images: readonly ExpectedImage[]): void {
    for (const image of images) this.queue.push(image);
    this.fill();
  }

  /**
   * The photo at this position, announced before.
   *
   * @throws VergerError `cancelled`, and what the store says of an outage
   */
  async take(index: number): Promise<FetchedImage> {
    if (this.stopped) throw cancelled();
    const ready = this.fetched.get(index);
    if (!ready) {
      return new Promise<FetchedImage>((resolve, reject) => this.waiting.set(index, { resolve, reject }));
    }
    this.fetched.delete(index);
    this.fill();
    return ready;
  }

  /** Says that photos of so many bytes, as the listing gave them, are decoded. */
  release(bytes: number): void {
    this.bytes -= bytes;
    this.fill();
  }

  /** Ends requests under way; whoever waits is told `cancelled`. */
  readonly close = (): void => {
    this.signal.removeEventListener("abort", this.stop);
    this.stop();
  };

  private readonly stop = (): void => {
    this.stopped = true;
    for (const { reject } of this.waiting.values()) reject(cancelled());
    this.waiting.clear();
  };

  private fill(): void {
    while (!this.stopped && this.next < this.queue.length && this.fetched.size < this.limits.images) {
      const image = this.queue[this.next] as ExpectedImage;
      if (this.bytes > 0 && this.bytes + image.size > this.limits.bytes) return;
      this.next += 1;
      if (this.next === this.queue.length) {
        this.queue.length = 0;
        this.next = 0;
      }
      this.bytes += image.size;
      const fetching = this.remote.image(image, this.signal);
      // Whoever takes it sees the failure.
      fetching.catch(() => {});
      const waiter = this.waiting.get(image.index);
      if (waiter) {
        this.waiting.delete(image.index);
        waiter.resolve(fetching);
      } else {
        this.fetched.set(image.index, fetching);
      }
    }
  }
}
