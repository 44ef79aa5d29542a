/** What arrives in small pieces, on its way into a file in large ones. */
import type { FileHandle } from "node:fs/promises";
import { localFailure } from "./errors.js";
import { liesAt } from "./transport.js";

/** Bytes of one write: few trips to the thread pool, and what a socket gives at once fits. */
const BLOCK_BYTES = 1024 * 1024;
/** A block with less room than this is written: a socket that may put in only a little is read in many steps. */
const LEAST_ROOM = 128 * 1024;
/** Blocks that may wait for the disk before their senders do. */
const QUEUE_BLOCKS = 2;

/**
 * The writes of one file, whoever makes them, one after the other: the kernel locks a file for each, and those that wait
 * for the lock spin. Blocks of memory are used again and again: Node collects memory outside of its heap late.
 */
export class BlockFile {
  private readonly free: Buffer[] = [];
  private readonly bytes: number;
  private queued = 0;
  private last: Promise<void> = Promise.resolve();
  private failure: unknown;

  /**
   * @param file for sentences
   * @param size of what is to be written: something small needs less than a block
   */
  constructor(
    private readonly handle: FileHandle,
    private readonly file: string,
    size: number,
  ) {
    this.bytes = Math.max(1, Math.min(BLOCK_BYTES, size));
  }

  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(this.bytes);
  }

  give(block: Buffer): void {
    this.free.push(block);
  }

  /** Writes the first bytes of a block, which is taken back, behind everything that waits already. */
  write(block: Buffer, bytes: number, position: number): void {
    this.queued += 1;
    this.last = this.last.then(async () => {
      try {
        if (this.failure === undefined) await writeAll(this.handle, block.subarray(0, bytes), position);
      } catch (error) {
        this.failure = localFailure("write", this.file, error);
      }
      this.queued -= 1;
      this.give(block);
    });
  }

  /** @returns a promise where so much waits that no more should come. @throws VergerError of a write that failed */
  rest(): Promise<void> | undefined {
    if (this.failure !== undefined) throw this.failure;
    return this.queued > QUEUE_BLOCKS ? this.last : undefined;
  }

  /** What was written so far is in the file. @throws VergerError `s3/not-writable` */
  async settle(): Promise<void> {
    await this.last;
    if (this.failure !== undefined) throw this.failure;
  }
}

/** Writes one stretch of a file from its beginning on. Used by one sender at a time. */
export class BlockWriter {
  private block: Buffer | undefined;
  private filled = 0;

  /** @param position in the file where the first byte belongs */
  constructor(
    private readonly file: BlockFile,
    private position: number,
  ) {}

  /** Where the next bytes may be put; `add` is told of them. Never empty. */
  space(): Buffer {
    this.block ??= this.file.take();
    return this.block.subarray(this.filled);
  }

  /**
   * Takes bytes: those that lie in `space()` are there already, others are copied.
   *
   * @returns a promise where so much waits to be written that no more should come
   * @throws VergerError of an earlier write that failed
   */
  add(bytes: Buffer): Promise<void> | undefined {
    for (let at = 0; at < bytes.length; ) {
      const space = this.space();
      const rest = bytes.subarray(at);
      const taken = liesAt(rest, space, 0) ? rest.length : rest.copy(space);
      at += taken;
      this.filled += taken;
      const room = space.length - taken;
      if (room === 0 || (room < LEAST_ROOM && this.filled >= LEAST_ROOM)) this.flush();
    }
    return this.file.rest();
  }

  /** Begins anew. Nothing may be under way but what `settle` waits for. */
  moveTo(position: number): void {
    this.position = position;
    this.filled = 0;
  }

  /** Writes what is there, and waits until all is in the file. @throws VergerError `s3/not-writable` */
  async settle(): Promise<void> {
    this.flush();
    if (this.block) this.file.give(this.block);
    this.block = undefined;
    await this.file.settle();
  }

  private flush(): void {
    const { block, filled, position } = this;
    if (!block || filled === 0) return;
    this.block = undefined;
    this.filled = 0;
    this.position += filled;
    this.file.write(block, filled, position);
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}
