/** Streams that stand in for a terminal or a pipe and keep what is written. */
import { Writable } from "node:stream";
import type { WriteStream } from "node:tty";

export interface Recorded {
  readonly stream: WriteStream;
  /** Everything written so far. */
  text(): string;
}

/** @param terminal its width in cells, or undefined for a pipe */
export function recorded(terminal?: { columns: number }): Recorded {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      text += chunk.toString("utf8");
      callback();
    },
  });
  Object.assign(stream, { isTTY: terminal !== undefined, columns: terminal?.columns, hasColors: () => true });
  return { stream: stream as unknown as WriteStream, text: () => text };
}
