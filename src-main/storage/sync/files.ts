/** Lines of JSON in files: read in pages, written in blocks. */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { errorMessage, VergerError } from "../../core/errors.js";

const READ_BLOCK = 256 * 1024;
const WRITE_BLOCK = 64 * 1024;

/**
 * The lines of a file, a block's worth at a time. What stands behind the last line feed was cut short by a crash and is
 * left out.
 */
export async function* readLines(file: string): AsyncGenerator<readonly string[]> {
  const handle = await open(file, "r");
  try {
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      // A new buffer each time: what remains of the one before is still in use.
      const block = Buffer.allocUnsafe(rest.length + READ_BLOCK);
      rest.copy(block);
      const { bytesRead } = await handle.read(block, rest.length, READ_BLOCK);
      if (bytesRead === 0) return;
      const read = block.subarray(0, rest.length + bytesRead);
      const end = read.lastIndexOf(10);
      if (end >= 0) yield read.toString("utf8", 0, end).split("\n");
      rest = read.subarray(end + 1);
    }
  } finally {
    await handle.close();
  }
}

/** Writes lines, gathered into blocks. Synchronous: a block goes to the page cache in microseconds. */
export class LineWriter {
  bytes = 0;
  private readonly fd: number;
  private text = "";
  private open = true;

  /** @param flags `w` or `a` */
  constructor(
    readonly file: string,
    flags: "w" | "a",
  ) {
    this.fd = guarded(file, () => openSync(file, flags, 0o600));
  }

  write(line: string): void {
    this.text += `${line}\n`;
    if (this.text.length >= WRITE_BLOCK) this.flush();
  }

  /** Hands what is gathered to the system: it then outlives this process, though not yet a power cut. */
  flush(): void {
    if (this.text === "") return;
    const block = Buffer.from(this.text);
    this.text = "";
    guarded(this.file, () => {
      for (let at = 0; at < block.length; ) at += writeSync(this.fd, block, at);
    });
    this.bytes += block.length;
  }

  /** @param sync also bring it to the disk */
  close(sync = false): void {
    if (!this.open) return;
    this.open = false;
    try {
      this.flush();
      if (sync) guarded(this.file, () => fsyncSync(this.fd));
    } finally {
      closeSync(this.fd);
    }
  }
}

/** @throws VergerError `sync/state` for what the system refuses */
export function guarded<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw stateError(file, error);
  }
}

/** Sync cannot keep what it knows. */
export function stateError(file: string, error: unknown): VergerError {
  return new VergerError(
    "sync/state",
    `Expected to keep the state of the sync in ${file}, but: ${errorMessage(error)}; free some space or make the folder ` +
      "writable, or set VERGER_HOME to a folder that is.",
    { cause: error, details: { file } },
  );
}
