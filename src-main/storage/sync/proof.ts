/** Whether a file holds the bytes that an ETag stands for: the proof that saves a transfer when nothing is remembered. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { throwIfCancelled } from "../../core/errors.js";
import { choosePartBytes, TUNING } from "../s3/tuning.js";

const READ_BLOCK = 1024 * 1024;
const MIB = 1024 * 1024;
const SINGLE = /^[0-9a-f]{32}$/;
const IN_PARTS = /^([0-9a-f]{32})-(\d+)$/;
/** Part sizes that common tools use: ours, the AWS CLI and SDKs, s3cmd, rclone and others. */
const COMMON_PARTS = [8, 5, 15, 16, 10, 32, 64, 100].map((mib) => mib * MIB);

/** The part sizes under which a file of `size` bytes has `parts` parts, likely ones first; at most three. */
export function likelyPartSizes(size: number, parts: number): number[] {
  const candidates = [choosePartBytes(size, TUNING.partBytes), ...COMMON_PARTS, Math.ceil(size / parts / MIB) * MIB];
  return [...new Set(candidates)].filter((bytes) => bytes > 0 && Math.ceil(size / bytes) === parts).slice(0, 3);
}

/**
 * True when the file's MD5, or the MD5 of the MD5s of its parts, is the ETag. False proves nothing where the ETag is no
 * MD5, as under encryption with keys of a key management service: such objects are transferred.
 *
 * @param size the file's, bytes
 * @throws the system's error when the file cannot be read; VergerError `cancelled`
 */
export async function matchesEtag(
  file: string,
  size: number,
  etag: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (SINGLE.test(etag)) return (await md5OfParts(file, Math.max(1, size), signal))[0]?.toString("hex") === etag;
  const match = IN_PARTS.exec(etag);
  if (!match) return false;
  for (const partBytes of likelyPartSizes(size, Number(match[2]))) {
    const parts = await md5OfParts(file, partBytes, signal);
    if (createHash("md5").update(Buffer.concat(parts)).digest("hex") === match[1]) return true;
  }
  return false;
}

/** MD5 of each stretch of `partBytes`; of an empty file one. */
async function md5OfParts(file: string, partBytes: number, signal: AbortSignal | undefined): Promise<Buffer[]> {
  const handle = await open(file, "r");
  try {
    const block = Buffer.allocUnsafe(Math.min(READ_BLOCK, partBytes));
    const parts: Buffer[] = [];
    let hash = createHash("md5");
    let inPart = 0;
    for (;;) {
      throwIfCancelled(signal);
      const { bytesRead } = await handle.read(block, 0, Math.min(block.length, partBytes - inPart));
      if (bytesRead === 0) break;
      hash.update(block.subarray(0, bytesRead));
      inPart += bytesRead;
      if (inPart < partBytes) continue;
      parts.push(hash.digest());
      hash = createHash("md5");
      inPart = 0;
    }
    if (inPart > 0 || parts.length === 0) parts.push(hash.digest());
    return parts;
  } finally {
    await handle.close();
  }
}
