/** What a download has verified so far, kept beside its temporary file. */
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { z } from "zod";

const Header = z.object({
  version: z.literal(1),
  etag: z.string(),
  size: z.number().int().nonnegative(),
  rangeBytes: z.number().int().positive(),
});

export type JournalHeader = Omit<z.infer<typeof Header>, "version">;

/** CRC-32 of each range that has arrived in full, by its number. */
export type Ranges = Map<number, number>;

const LINE = /^(\d+) ([0-9a-f]{8})$/;

/**
 * A header line, then one line for each range. Lines are appended whole; one that a crash has cut short is not taken.
 */
export class Journal {
  private last: Promise<void> = Promise.resolve();
  private failure: unknown;

  constructor(readonly file: string) {}

  /** @returns undefined when there is none for this very object, or none that can be read */
  async read(expected: JournalHeader): Promise<Ranges | undefined> {
    let text: string;
    try {
      text = await readFile(this.file, "utf8");
    } catch {
      return undefined;
    }
    const lines = text.split("\n");
    // What stands behind the last line feed was cut short.
    lines.pop();
    const header = parseHeader(lines[0]);
    if (
      !header ||
      header.etag !== expected.etag ||
      header.size !== expected.size ||
      header.rangeBytes !== expected.rangeBytes
    ) {
      return undefined;
    }
    const count = Math.ceil(expected.size / expected.rangeBytes);
    const ranges: Ranges = new Map();
    for (const line of lines.slice(1)) {
      const match = LINE.exec(line);
      if (match?.[1] && match[2] && Number(match[1]) < count)
        ranges.set(Number(match[1]), Number.parseInt(match[2], 16));
    }
    return ranges;
  }

  async begin(header: JournalHeader, ranges: Ranges = new Map()): Promise<void> {
    const lines = [JSON.stringify({ version: 1, ...header }), ...[...ranges].map(([number, crc]) => line(number, crc))];
    await writeFile(this.file, `${lines.join("\n")}\n`);
  }

  /** Appends a line behind those before; `settle` tells how that went. */
  add(number: number, crc: number): void {
    this.last = this.last
      .then(() => appendFile(this.file, `${line(number, crc)}\n`))
      .catch((error: unknown) => {
        this.failure ??= error;
      });
  }

  /** Every line so far is written. @throws the system's error of the first that could not be */
  async settle(): Promise<void> {
    await this.last;
    if (this.failure !== undefined) throw this.failure;
  }
}

function line(number: number, crc: number): string {
  return `${number} ${crc.toString(16).padStart(8, "0")}`;
}

function parseHeader(text: string | undefined): JournalHeader | undefined {
  try {
    return Header.parse(JSON.parse(text ?? ""));
  } catch {
    return undefined;
  }
}
