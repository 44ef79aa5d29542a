/** Ordering and pacing: long work on the event loop's thread, cut into slices that never hold it for long. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfCancelled } from "../errors.js";

/** How long one slice may hold the event loop, in milliseconds. */
const SLICE_MS = 12;
/** Elements sorted in one go: under ten milliseconds at a hundred characters each. */
const SORT_CHUNK = 8192;

/**
 * Gives the event loop its turn between slices of synchronous work. Synchronous file-system calls in slices are several
 * times faster than one promise per file, and progress, signals and timers still run.
 */
export class Pacer {
  private start = performance.now();

  /**
   * @param signal aborting it makes the next `pause` throw `cancelled`
   * @param onPause called at the end of every slice
   */
  constructor(
    private readonly signal: AbortSignal | undefined,
    private readonly onPause: () => void = () => {},
  ) {}

  /** True when the running slice has used its time: `if (pacer.due()) await pacer.pause();` */
  due(): boolean {
    return performance.now() - this.start >= SLICE_MS;
  }

  /** Ends the slice. Throws `cancelled` when the signal has been aborted. */
  async pause(): Promise<void> {
    throwIfCancelled(this.signal);
    this.onPause();
    await nextTurn();
    throwIfCancelled(this.signal);
    this.start = performance.now();
  }
}

/**
 * Compares by code point, which is the order of the UTF-8 bytes on every system and in every locale. JavaScript's own
 * `<` compares UTF-16 units and would put U+1F34E (an apple, a surrogate pair) before U+FF21.
 */
export function compareCodePoints(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/** Moves surrogates above U+E000..U+FFFF, where the code points that they encode belong. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/**
 * The permutation that sorts `keys` by code point; equal keys stay in their order.
 *
 * @throws VergerError `cancelled`
 */
export async function sortedOrder(keys: readonly string[], pacer: Pacer): Promise<Uint32Array> {
  const count = keys.length;
  let source = new Uint32Array(count);
  let astral = false;
  for (let i = 0; i < count; i++) {
    source[i] = i;
    astral ||= /[\ud800-\udfff]/.test(keys[i] as string);
    if ((i & 255) === 0 && pacer.due()) await pacer.pause();
  }
  // Without surrogates the engine's own comparison gives the same order and is faster.
  const compare = astral
    ? (i: number, j: number) => compareCodePoints(keys[i] as string, keys[j] as string)
    : (i: number, j: number) => {
        const a = keys[i] as string;
        const b = keys[j] as string;
        return a < b ? -1 : a > b ? 1 : 0;
      };

  // A bottom-up merge sort, because Array.prototype.sort of a million paths cannot be interrupted.
  for (let low = 0; low < count; low += SORT_CHUNK) {
    source.subarray(low, low + SORT_CHUNK).sort(compare);
    if (pacer.due()) await pacer.pause();
  }
  let target = new Uint32Array(count > SORT_CHUNK ? count : 0);
  for (let width = SORT_CHUNK; width < count; width *= 2) {
    for (let low = 0; low < count; low += 2 * width) {
      const middle = Math.min(low + width, count);
      const high = Math.min(low + 2 * width, count);
      let left = low;
      let right = middle;
      for (let out = low; out < high; out++) {
        const takeLeft =
          right >= high || (left < middle && compare(source[left] as number, source[right] as number) <= 0);
        target[out] = source[takeLeft ? left++ : right++] as number;
        if ((out & 1023) === 0 && pacer.due()) await pacer.pause();
      }
    }
    [source, target] = [target, source];
  }
  return source;
}
