/** A queue that holds little in memory, however much is put into it. */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { guarded } from "./files.js";

/** Items kept in memory before the rest goes to the disk. */
const IN_MEMORY = 2048;
const BLOCK = 64 * 1024;

/**
 * First in, first out: one producer that never waits, any number of consumers. What does not fit into memory goes to a
 * file and comes back in order.
 */
export class SpooledQueue<T> {
  private ready: T[] = [];
  private at = 0;
  private fd: number | undefined;
  private pending: string[] = [];
  private pendingLength = 0;
  private written = 0;
  private read = 0;
  private rest: Buffer = Buffer.alloc(0);
  private ended = false;
  private readonly waiting: (() => void)[] = [];
  /** Items put in so far. */
  pushed = 0;

  /** @param file made when it is needed, removed by `close` */
  constructor(private readonly file: string) {}

  push(item: T): void {
    this.pushed += 1;
    if (this.spooled === 0 && this.ready.length - this.at < IN_MEMORY) this.ready.push(item);
    else this.spool(JSON.stringify(item));
    this.waiting.shift()?.();
  }

  /** No more will come. */
  end(): void {
    this.ended = true;
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** The next item; undefined when all have been taken. */
  async take(): Promise<T | undefined> {
    for (;;) {
      const item = this.takeNow();
      if (item !== undefined) return item;
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  close(): void {
    this.end();
    if (this.fd === undefined) return;
    closeSync(this.fd);
    this.fd = undefined;
    rmSync(this.file, { force: true });
  }

  private get spooled(): number {
    return this.written - this.read + this.rest.length + this.pendingLength;
  }

  private takeNow(): T | undefined {
    if (this.at >= this.ready.length) this.refill();
    const item = this.ready[this.at];
    if (item !== undefined) this.at += 1;
    return item;
  }

  private spool(line: string): void {
    this.pending.push(line, "\n");
    this.pendingLength += line.length + 1;
    if (this.pendingLength >= BLOCK) this.flush();
  }

  private flush(): void {
    if (this.pendingLength === 0) return;
    const block = Buffer.from(this.pending.join(""));
    this.pending = [];
    this.pendingLength = 0;
    guarded(this.file, () => {
      this.fd ??= openSync(this.file, "w+", 0o600);
      for (let at = 0; at < block.length; ) {
        const length = writeSync(this.fd, block, at, block.length - at, this.written);
        at += length;
        this.written += length;
      }
    });
  }

  private refill(): void {
    this.ready = [];
    this.at = 0;
    if (this.spooled === 0) return;
    if (this.written === this.read) this.flush();
    const { fd } = this;
    if (fd === undefined) return;
    while (this.ready.length === 0 && this.read < this.written) {
      const block = Buffer.allocUnsafe(this.rest.length + BLOCK);
      this.rest.copy(block);
      const length = guarded(this.file, () => readSync(fd, block, this.rest.length, BLOCK, this.read));
      this.read += length;
      const text = block.subarray(0, this.rest.length + length);
      const end = text.lastIndexOf(10);
      if (end > 0) {
        for (const line of text.toString("utf8", 0, end).split("\n")) this.ready.push(JSON.parse(line) as T);
      }
      this.rest = text.subarray(end + 1);
    }
  }
}
