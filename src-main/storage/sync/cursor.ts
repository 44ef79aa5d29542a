/** Reads a sorted sequence that arrives in pages, one element at a time. */
import { compareCodePoints } from "../../core/manifest/order.js";

/**
 * A position in a sorted sequence. Elements of a page are taken without a promise each: a million of them would cost
 * more than everything else. The next page is asked for while the present one is used.
 */
export class Cursor<T extends { readonly key: string }> {
  /** The element at the position; undefined at the end. */
  current: T | undefined;
  private readonly pages: AsyncIterator<readonly T[]>;
  private page: readonly T[] = [];
  private index = 0;
  private next: Promise<IteratorResult<readonly T[]>> | undefined;

  /** @param disorder makes the error for a key that does not come after the one before it */
  constructor(
    pages: AsyncIterable<readonly T[]>,
    private readonly disorder: (key: string, before: string) => Error,
  ) {
    this.pages = pages[Symbol.asyncIterator]();
  }

  /** Moves to the next element if it is at hand; false when `load` has to be awaited. */
  advance(): boolean {
    const before = this.current;
    const following = this.page[this.index];
    if (following === undefined) return false;
    // A sequence out of order would make keys look missing, and what looks missing may be deleted.
    if (before !== undefined && compareCodePoints(before.key, following.key) >= 0) {
      throw this.disorder(following.key, before.key);
    }
    this.index += 1;
    this.current = following;
    return true;
  }

  /** Moves to the first element of the next page, or to the end. */
  async load(): Promise<void> {
    for (;;) {
      const result = await (this.next ?? this.pages.next());
      if (result.done) {
        this.current = undefined;
        return;
      }
      this.next = this.pages.next();
      // Awaited later; until then its failure must not end the process.
      this.next.catch(() => {});
      this.page = result.value;
      this.index = 0;
      if (this.advance()) return;
    }
  }

  async close(): Promise<void> {
    await this.next?.catch(() => {});
    await this.pages.return?.();
  }
}
