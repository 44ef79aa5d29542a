/** A stretch of a file on its way to the server: read once for its checksums, and once more to be sent. */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { VergerError } from "../../core/errors.js";
import { crc32 } from "./crc32.js";
import { localFailure } from "./errors.js";
import type { Body } from "./transport.js";

/**
 * Bytes read and sent at once. Far above a socket's high-water mark, so that undici asks for the next chunk only when
 * the kernel has taken this one and its buffer is free again.
 */
const CHUNK_BYTES = 256 * 1024;
/** One chunk is with the socket, one is being read. */
const BUFFERS = 2;

/**
 * The buffers of pieces, used again and again: a large file would leave thousands behind, and Node collects memory
 * outside of its heap late.
 */
export class BufferPool {
  private readonly free: Buffer[][] = [];

  /** @param bytes of the piece: a short one needs less */
  take(bytes: number): Buffer[] {
    if (bytes <= CHUNK_BYTES) return [Buffer.allocUnsafeSlow(bytes)];
    return this.free.pop() ?? Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES));
  }

  /** Only when the request that sent them has ended. */
  give(buffers: Buffer[]): void {
    if (buffers.length === BUFFERS) this.free.push(buffers);
  }
}

export interface Sums {
  readonly crc: number;
  /** Base64, where asked for. */
  readonly md5: string | undefined;
  /** Hexadecimal, where asked for. */
  readonly sha256: string | undefined;
}

export function fileChanged(file: string): VergerError {
  return new VergerError(
    "s3/file-changed",
    `Expected ${file} to stay as it is while it is uploaded, but it changed; nothing was stored. Upload it again when nobody writes to it.`,
    { details: { path: file } },
  );
}

export class Piece implements Body {
  constructor(
    private readonly handle: FileHandle,
    private readonly file: string,
    private readonly begin: number,
    readonly length: number,
    /** Called before the last chunk: throws when the file is no longer what it was. */
    private readonly check: () => Promise<void>,
    private readonly onBytes: (bytes: number) => void,
    /** Of a pool. Used by one pass at a time. */
    private readonly buffers: readonly Buffer[],
  ) {}

  private expectedCrc: number | undefined;

  /** Reads the stretch. @throws VergerError `s3/file-changed` when the file ends before it, `s3/not-readable` */
  async sum(want: { md5: boolean; sha256: boolean }): Promise<Sums> {
    const md5 = want.md5 ? createHash("md5") : undefined;
    const sha256 = want.sha256 ? createHash("sha256") : undefined;
    let crc = 0;
    for await (const chunk of this.chunks()) {
      crc = crc32(chunk, crc);
      md5?.update(chunk);
      sha256?.update(chunk);
    }
    this.expectedCrc = crc;
    return { crc, md5: md5?.digest("base64"), sha256: sha256?.digest("hex") };
  }

  async *open(): AsyncGenerator<Uint8Array> {
    let sent = 0;
    let crc = 0;
    for await (const chunk of this.chunks()) {
      crc = crc32(chunk, crc);
      // The server must never hold the last chunk of something else: without it, it stores nothing.
      if (sent + chunk.length === this.length) {
        await this.check();
        if (this.expectedCrc !== undefined && crc !== this.expectedCrc) throw fileChanged(this.file);
      }
      sent += chunk.length;
      this.onBytes(chunk.length);
      yield chunk;
    }
  }

  /** A chunk is valid until the one after the next is asked for. */
  private async *chunks(): AsyncGenerator<Buffer> {
    const { buffers } = this;
    const read = (at: number, turn: number) => this.readAt(buffers[turn % buffers.length] as Buffer, at);
    let next: Promise<Buffer> | undefined = this.length > 0 ? read(0, 0) : undefined;
    let at = 0;
    try {
      for (let turn = 1; next; turn += 1) {
        const chunk: Buffer = await next;
        at += chunk.length;
        next = at < this.length ? read(at, turn) : undefined;
        yield chunk;
      }
    } finally {
      // Given up early: the read under way must not outlive the file's handle unseen.
      await next?.catch(() => {});
    }
  }

  private async readAt(buffer: Buffer, at: number): Promise<Buffer> {
    const length = Math.min(buffer.length, this.length - at);
    let filled = 0;
    while (filled < length) {
      let bytesRead: number;
      try {
        ({ bytesRead } = await this.handle.read(buffer, filled, length - filled, this.begin + at + filled));
      } catch (error) {
        throw localFailure("read", this.file, error);
      }
      if (bytesRead === 0) throw fileChanged(this.file);
      filled += bytesRead;
    }
    return buffer.subarray(0, length);
  }
}
