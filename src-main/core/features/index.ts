/** Opens feature vectors, Verger's own and those that others wrote. */

import type { FeatureColumnNames } from "../../api/contract.js";
import { errorCode, isCancelled, throwIfCancelled } from "../errors.js";
import { findFeatureFiles } from "./files.js";
import { openGeneralFile } from "./general-file.js";
import { openNativeFile } from "./native-file.js";
import type { FeatureFile, FileReader, Filling } from "./reader.js";
import type { FeatureBlock, FeatureSource } from "./source.js";

export type { FeatureBlock, FeatureSource } from "./source.js";

const BLOCK_ROWS = 1024;
/** Bounds a block of very long vectors. */
const BLOCK_BYTES = 16 << 20;
/** Footers read at the same time. */
const OPEN_AT_ONCE = 8;

/**
 * Opens the features that an input names: a Parquet file, a run folder, any folder of part files (below it, in path
 * order), or a glob. Columns: `path` (text), `label` (text or whole numbers; may be missing, and is then taken from
 * `label=...` folders or is null) and `features` (list of float or double, or Spark ML vectors, sparse ones expanded).
 * Only footers, and one row to learn the dimension, are read here.
 *
 * @param columns other names of the columns
 * @throws VergerError or Error `features/not-found`, `features/empty`, `features/columns`, `features/null`,
 *   `features/ragged`, `parquet/corrupt`, `parquet/unsupported`, `storage/*`
 */
export async function openFeatures(input: string, columns?: FeatureColumnNames): Promise<FeatureSource> {
  const paths = await findFeatureFiles(input);
  const files = new Array<FeatureFile>(paths.length);
  let next = 0;
  const open = async (): Promise<void> => {
    for (let index = next; index < paths.length; index = next) {
      next += 1;
      files[index] = await openFile(paths[index] as string, columns);
    }
  };
  await Promise.all(Array.from({ length: Math.min(OPEN_AT_ONCE, paths.length) }, open));
  let dimension = 0;
  for (const [index, file] of files.entries()) {
    if (file.rows === 0) continue;
    try {
      dimension = await file.dimension();
    } catch (error) {
      if (errorCode(error) !== "parquet/unsupported") throw error;
      const general = await openGeneralFile(file.path, columns);
      files[index] = general;
      dimension = await general.dimension();
    }
    break;
  }
  return new ParquetFeatures(files, dimension, columns);
}

async function openFile(path: string, columns: FeatureColumnNames | undefined): Promise<FeatureFile> {
  try {
    return await openNativeFile(path, columns);
  } catch (error) {
    if (errorCode(error) !== "parquet/unsupported") throw error;
    return openGeneralFile(path, columns);
  }
}

class ParquetFeatures implements FeatureSource {
  readonly rows: number;
  readonly files: readonly string[];
  /** The buffers of the last stream: freed memory would come back only with some later garbage collection. */
  private spare: [Float32Array, Float32Array] | undefined;

  constructor(
    private readonly sources: readonly FeatureFile[],
    readonly dimension: number,
    private readonly columns: FeatureColumnNames | undefined,
  ) {
    this.rows = sources.reduce((sum, file) => sum + file.rows, 0);
    this.files = sources.map((file) => file.path);
  }

  /** Reads one block ahead: two buffers, of which the caller holds one. */
  async *blocks(options: { signal?: AbortSignal | undefined } = {}): AsyncGenerator<FeatureBlock, void, void> {
    if (this.rows === 0) return;
    const { signal } = options;
    throwIfCancelled(signal);
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    signal?.addEventListener("abort", abort, { once: true });
    const rows = Math.max(1, Math.min(BLOCK_ROWS, this.rows, Math.floor(BLOCK_BYTES / (4 * this.dimension))));
    const length = rows * this.dimension;
    const buffers = this.spare ?? [new Float32Array(length), new Float32Array(length)];
    this.spare = undefined;
    const rest = new RowStream(this.sources, this.dimension, this.columns, stop.signal);
    let pending = rest.fill(rows, buffers[0]);
    try {
      for (let turn = 1; ; turn = 1 - turn) {
        const block = await pending;
        if (!block) return;
        pending = rest.fill(rows, buffers[turn as 0 | 1]);
        // Its failure is thrown when the caller comes back for it.
        pending.catch(() => undefined);
        yield block;
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      // The native reader must have let go of the buffer before anyone else may have its memory.
      stop.abort();
      await pending.catch(() => undefined);
      await rest.close();
      this.spare = buffers;
    }
  }
}

/** All files' rows, one after another. */
class RowStream {
  private reader: FileReader | undefined;
  private file = 0;
  private begun = false;

  constructor(
    private readonly files: readonly FeatureFile[],
    private readonly dimension: number,
    private readonly columns: FeatureColumnNames | undefined,
    private readonly signal: AbortSignal,
  ) {}

  /** The next `capacity` rows, fewer at the end; undefined after it. */
  async fill(capacity: number, features: Float32Array): Promise<FeatureBlock | undefined> {
    const filling: Filling = { capacity, dimension: this.dimension, features, paths: [], labels: [] };
    while (filling.paths.length < capacity) {
      const file = this.files[this.file];
      if (!file) break;
      this.reader ??= file.reader();
      const rows = await this.readSome(file, filling);
      if (rows > 0) continue;
      await this.close();
      this.file += 1;
    }
    const { paths, labels } = filling;
    const rows = paths.length;
    if (rows === 0) return undefined;
    return { rows, paths, labels, features: features.subarray(0, rows * this.dimension) };
  }

  private async readSome(file: FeatureFile, filling: Filling): Promise<number> {
    try {
      const rows = (await this.reader?.read(filling, this.signal)) ?? 0;
      this.begun ||= rows > 0;
      return rows;
    } catch (error) {
      // What a footer does not tell (the size of pages, the encoding of levels) shows at a file's first rows.
      if (isCancelled(error) || errorCode(error) !== "parquet/unsupported" || this.begun) throw error;
      await this.close();
      this.reader = (await openGeneralFile(file.path, this.columns)).reader();
      this.begun = true;
      return this.readSome(file, filling);
    }
  }

  async close(): Promise<void> {
    await this.reader?.close();
    this.reader = undefined;
    this.begun = false;
  }
}
