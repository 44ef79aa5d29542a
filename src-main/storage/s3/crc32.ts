/** CRC-32 as S3 writes it, and the CRC-32 of a whole from those of its pieces. */
import * as zlib from "node:zlib";
import { errorCode } from "../../core/errors.js";
import { acceleratedCrc32, type Crc32 } from "../../native/checksum.js";

/**
 * From here on the addon is ahead of Node's zlib whatever the array; below, asking for the place of a small array that
 * V8 keeps in its own heap costs more than its sum. Either takes under half a microsecond.
 */
const ADDON_BYTES = 1024;

let ofMany: Crc32 | undefined;

/** Sums do not depend on the addon: without it they only take longer. */
function fastest(): Crc32 {
  try {
    return acceleratedCrc32() ?? zlib.crc32;
  } catch (error) {
    if (errorCode(error) !== "native/missing") throw error;
    return zlib.crc32;
  }
}

/**
 * Continues a CRC-32, on the calling thread: by the addon at 20 to 50 GiB/s where the processor has carry-less
 * multiplication (`npm run bench -- crc32`), else by Node's zlib.
 *
 * @param value of the bytes before, 0 at the beginning
 */
export function crc32(bytes: Uint8Array, value = 0): number {
  if (bytes.length >= ADDON_BYTES) {
    ofMany ??= fastest();
    return ofMany(bytes, value);
  }
  // Of an empty array Node hands zlib a null pointer, for which zlib returns the initial value, not the one given.
  return bytes.length === 0 ? value : zlib.crc32(bytes, value);
}

/** S3's notation: base64 of the four bytes, most significant first. */
export function encodeCrc32(value: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString("base64");
}

/** @returns undefined for what is no CRC-32 of a whole object, such as a checksum of checksums (`...-3`) */
export function decodeCrc32(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Za-z0-9+/]{6}==$/.test(text)) return undefined;
  return Buffer.from(text, "base64").readUInt32BE();
}

/** The reflected CRC-32 polynomial (IEEE 802.3). */
const POLYNOMIAL = 0xedb88320;

/**
 * Product of two polynomials modulo the CRC's, bits reflected: bit 31 is x^0.
 *
 * zlib, crc32.c, `multmodp` (Mark Adler, since 1.2.12).
 */
function multiply(a: number, b: number): number {
  let mask = 0x80000000;
  let factor = b >>> 0;
  let product = 0;
  for (;;) {
    if ((a & mask) !== 0) {
      product ^= factor;
      if ((a & (mask - 1)) === 0) return product >>> 0;
    }
    mask >>>= 1;
    if (mask === 0) return product >>> 0;
    factor = (factor & 1) !== 0 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
}

/** x^(2^n) modulo the polynomial, for n = 0..31; the powers repeat from there (zlib's `x2n_table`). */
const SQUARES: readonly number[] = (() => {
  const table = [0x40000000];
  for (let n = 1; n < 32; n += 1) table.push(multiply(table[n - 1] ?? 0, table[n - 1] ?? 0));
  return table;
})();

/** x^(8 bytes) modulo the polynomial: zlib's `x2nmodp(bytes, 3)`, for lengths up to 2^53. */
function shift(bytes: number): number {
  let power = 0x80000000;
  let rest = bytes;
  for (let n = 3; rest > 0; n += 1) {
    if (rest % 2 === 1) power = multiply(SQUARES[n & 31] ?? 0, power);
    rest = Math.floor(rest / 2);
  }
  return power;
}

/**
 * The CRC-32 of two pieces put together, without reading them: zlib, crc32.c, `crc32_combine`.
 *
 * @param secondBytes length of the second piece
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  return (multiply(shift(secondBytes), first) ^ second) >>> 0;
}
