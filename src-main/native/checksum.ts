import { addon } from "./addon.js";

/** Continues a CRC-32 as zlib's; `value` is that of the bytes before, 0 at the beginning. */
export type Crc32 = (bytes: Uint8Array, value: number) => number;

interface NativeChecksum {
  readonly crc32: Crc32;
  readonly crc32Accelerated: boolean;
}

/**
 * The addon's CRC-32, which runs on the calling thread: on processors with carry-less multiplication several times as
 * fast as Node's, from a kilobyte or so on. It throws an Error with code `native/argument`.
 *
 * @returns undefined on other processors: there Node's is faster
 * @throws VergerError `native/missing`
 */
export function acceleratedCrc32(): Crc32 | undefined {
  const { crc32, crc32Accelerated } = addon<NativeChecksum>();
  return crc32Accelerated ? crc32 : undefined;
}
