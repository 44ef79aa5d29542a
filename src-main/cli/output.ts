import type { WriteStream } from "node:tty";
import { errorCode, errorMessage, VergerError } from "../core/errors.js";
import { type Paint, paintFor, wantsColor } from "./paint.js";
import { printable } from "./table.js";

export interface OutputMode {
  /** One JSON document on stdout, also for a failure. */
  readonly json: boolean;
  /** Nothing on stderr but failures. */
  readonly quiet: boolean;
}

/** Writes one finished line (without its line feed) where people follow the work. */
export type LineSink = (line: string) => void;

/**
 * The two streams of a command. stdout carries the result and nothing else; progress, notices and failures go to
 * stderr. A reader that goes away (EPIPE) silences its stream and stops nothing: the work is on disk, not in the pipe.
 * Neither does a stderr that takes no more, a log on a full disk say; a result that was lost on its way is a failure.
 */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  /** Styles for stdout and for stderr. */
  readonly paint: Paint;
  readonly paintErr: Paint;

  #sink: LineSink | undefined;
  readonly #gone = new Set<WriteStream>();
  #lost: NodeJS.ErrnoException | undefined;

  constructor(stdout: WriteStream, stderr: WriteStream, mode: OutputMode) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.json = mode.json;
    this.quiet = mode.quiet;
    this.paint = paintFor(wantsColor(stdout));
    this.paintErr = paintFor(wantsColor(stderr));
    for (const stream of [stdout, stderr]) {
      stream.on("error", (error: NodeJS.ErrnoException) => {
        this.#gone.add(stream);
        if (stream === stdout && error.code !== "EPIPE") this.#lost ??= error;
      });
    }
  }

  /**
   * Waits until stdout has taken what was written to it.
   *
   * @throws VergerError `storage/write` when it could not: the disk that it is redirected to is full, say
   */
  async delivered(): Promise<void> {
    await new Promise<void>((resolve) => this.stdout.write("", () => resolve()));
    // The stream tells its failure in the turn after the callback's.
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#lost) return;
    throw new VergerError(
      "storage/write",
      `Expected to write the result to standard output, but the system answered: ${this.#lost.message}; what the ` +
        "command did stands, only its report is lost: send it elsewhere.",
      { cause: this.#lost },
    );
  }

  /** The result for people. Does nothing with --json. */
  result(text: string): void {
    if (!this.json) this.#write(this.stdout, text.endsWith("\n") ? text : `${text}\n`);
  }

  /** The result for programs. Does nothing without --json. */
  document(value: unknown): void {
    if (this.json) this.#write(this.stdout, `${JSON.stringify(value, null, 2)}\n`);
  }

  /** A line about the work under way; not with --quiet. */
  progressLine(line: string): void {
    if (!this.quiet) this.#line(line);
  }

  /** A sentence that people should see although nothing failed; not with --quiet. */
  notice(message: string): void {
    if (!this.quiet) this.#line(`verger: ${printable(message)}`);
  }

  /** The end of a command that failed: one sentence, and with --json one document. */
  failure(error: unknown): void {
    const code = errorCode(error);
    // A code of ours has an area; the system's own (EMFILE, say) come where nobody expected them.
    const expected = code.includes("/") || code === "cancelled";
    const message = expected
      ? errorMessage(error)
      : `Unexpected failure: ${errorMessage(error)} (set VERGER_DEBUG=1 for its origin, and please report it).`;
    this.#line(`${this.paintErr.red("verger:")} ${printable(message)} ${this.paintErr.dim(`[${code}]`)}`);
    if (process.env.VERGER_DEBUG === "1" && error instanceof Error) {
      for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) this.#line(cause.stack ?? "");
    }
    const details = error instanceof VergerError ? error.details : {};
    this.document({ error: { code, message, details } });
  }

  /** While a bar is drawn, lines are handed to it; `undefined` writes them straight again. */
  redirectLines(sink: LineSink | undefined): void {
    this.#sink = sink;
  }

  #line(line: string): void {
    if (this.#sink) this.#sink(line);
    else this.#write(this.stderr, `${line}\n`);
  }

  #write(stream: WriteStream, text: string): void {
    if (!this.#gone.has(stream)) stream.write(text);
  }
}
