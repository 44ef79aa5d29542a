/** The embedding stage: images in manifest order to feature parts, on several sessions, with bounded memory. */
import type { Embedder } from "../embed/embedder.js";
import type { ComputePlan } from "../embed/plan.js";
import type { EmbeddedBatch, ImageInput } from "../embed/protocol.js";
import { throwIfCancelled } from "../errors.js";
import type { Manifest } from "../manifest/index.js";
import { isAddress, type RemoteSources, type UnreadableImage } from "../remote.js";
import type { ThumbnailKeeper } from "../thumbnails/keeper.js";
import { PartBuffer, type WrittenPart } from "./part.js";
import type { PreviousRows } from "./previous.js";
import { ReadAhead } from "./read-ahead.js";
import { SourceFolders } from "./source-folders.js";
import { partName, type RunStore } from "./store.js";

/** Parts in memory at once: one being written, one being finished, one being filled. */
const OPEN_PARTS = 3;

export interface EmbedStageOptions {
  readonly store: RunStore;
  readonly manifest: Manifest;
  readonly rowsPerPart: number;
  readonly dimension: number;
  /** Loads the sessions; called only when an image really has to be embedded. */
  readonly sessions: () => Promise<{ readonly embedder: Embedder; readonly plan: ComputePlan }>;
  readonly previous: PreviousRows;
  /** Fetches the images whose `file` is an address. */
  readonly remote?: RemoteSources | undefined;
  /** Keeps thumbnails of large photos of this machine. */
  readonly thumbnails?: ThumbnailKeeper | undefined;
  readonly signal: AbortSignal;
  /** Every part in order, as soon as it stands; null for one that stood before. `features` are reused afterwards. */
  readonly onPart: (part: number, written: WrittenPart | null) => Promise<void>;
  readonly onProgress: (done: number, setAside: number) => void;
}

export interface EmbedStageResult {
  /** Images embedded by this call. */
  readonly embedded: number;
}

interface OpenPart {
  readonly buffer: PartBuffer;
  /** Batches sent to the sessions. */
  readonly batches: Promise<void>[];
  /** Settles when every batch of the part has been sent and is back. */
  filled: Promise<unknown>;
}

/** For promises that someone else awaits later: until then a rejection is not an unhandled one. */
function ignore(): void {}

/** Counts places; `acquire` waits for one. */
class Places {
  private readonly waiting: (() => void)[] = [];
  constructor(private free: number) {}

  async acquire(): Promise<void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  release(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  }
}

/** Number of images that part `index` covers. */
export function rowsOfPart(index: number, images: number, rowsPerPart: number): number {
  return Math.max(0, Math.min(rowsPerPart, images - index * rowsPerPart));
}

/**
 * Images to send next: whole chunks, and towards the end smaller ones, so that no session is left with a chunk when the
 * others have run out.
 *
 * @param left images not sent yet
 * @param places chunks that may be under way at once
 */
export function chunkLength({ batch, chunk }: ComputePlan, left: number, places: number): number {
  return Math.min(chunk, batch * Math.max(1, Math.floor(left / places / batch)));
}

/**
 * Embeds every image whose part does not stand yet and writes the missing parts in order. When cancelled, or when a
 * batch fails as a whole, what the open parts have so far is saved as checkpoints before the error is rethrown.
 *
 * @throws VergerError `cancelled`, `embed/*`, `source/gone`, `storage/*`
 */
export async function embedStage(options: EmbedStageOptions): Promise<EmbedStageResult> {
  const { store, manifest, rowsPerPart, dimension, signal } = options;
  const parts = Math.ceil(manifest.entries.length / rowsPerPart);
  const standing = new Set(store.parts("features"));
  const places = new Places(OPEN_PARTS);
  const open = new Map<number, OpenPart>();
  const spare: Float32Array[] = [];
  const arrivals: { notify: () => void } = { notify: () => {} };
  const stop = new AbortController();
  const folders = new SourceFolders(manifest);
  const ahead = options.remote && new ReadAhead(options.remote, stop.signal);
  let started: Embedder | undefined;
  /** The part that is made ready while the one before it is sent. */
  let upcoming: Promise<OpenPart> | undefined;
  let embedded = 0;
  let done = 0;
  let setAside = 0;

  const report = (rows: number, failed: number): void => {
    done += rows;
    setAside += failed;
    options.onProgress(done, setAside);
  };

  /** Announces the images of a part that stand elsewhere. */
  const announce = ({ buffer }: OpenPart): void => {
    if (!ahead) return;
    const expected = [];
    for (const row of buffer.pending()) {
      const { file, size, etag } = manifest.entries.at(buffer.start + row);
      if (isAddress(file)) expected.push({ index: buffer.start + row, address: file, size, etag });
    }
    ahead.expect(expected);
  };

  /** Sends the pending rows of a part to the sessions, batch by batch, as they become free. */
  const dispatch = async ({ buffer, batches }: OpenPart): Promise<void> => {
    const pending = buffer.pending();
    if (pending.length === 0) return;
    const { embedder, plan } = await options.sessions();
    started = embedder;
    const later = manifest.entries.length - buffer.start - buffer.rows;
    for (let at = 0; at < pending.length; ) {
      throwIfCancelled(stop.signal);
      const wanted = pending.slice(at, at + chunkLength(plan, later + pending.length - at, embedder.capacity));
      const chunk = await gather(manifest, ahead, buffer.start, wanted);
      at += chunk.taken;
      for (const [row, failure] of chunk.unreadable) buffer.fail(row, { stage: "read", ...failure });
      if (chunk.unreadable.length > 0) report(chunk.unreadable.length, chunk.unreadable.length);
      if (chunk.rows.length === 0) {
        ahead?.release(chunk.bytes);
        continue;
      }
      await embedder.whenFree();
      throwIfCancelled(stop.signal);
      const finished = embedder
        .embed(chunk.images, options.thumbnails?.wanted)
        .then(async (result) => {
          folders.check(result.failures);
          await keepThumbnails(result, chunk, buffer.start);
          buffer.take(chunk.rows, result);
          embedded += chunk.rows.length - result.failures.length;
          report(chunk.rows.length, result.failures.length);
        })
        .finally(() => ahead?.release(chunk.bytes));
      finished.catch(ignore);
      batches.push(finished);
    }
  };

  const keepThumbnails = async ({ thumbnails }: EmbeddedBatch, chunk: Chunk, start: number): Promise<void> => {
    await Promise.all(
      thumbnails.map(async ({ index, jpeg }) => {
        // Photos from elsewhere have no file that the window could show.
        if (typeof chunk.images[index] !== "string") return;
        const entry = manifest.entries.at(start + (chunk.rows[index] as number));
        await options.thumbnails?.keep(manifest.root, entry, jpeg);
      }),
    );
  };

  /** Opens a part and takes over the rows that are known already. */
  const prepare = async (index: number): Promise<OpenPart> => {
    await places.acquire();
    throwIfCancelled(stop.signal);
    const rows = rowsOfPart(index, manifest.entries.length, rowsPerPart);
    const memory = spare.pop() ?? new Float32Array(rowsPerPart * dimension);
    const buffer = new PartBuffer(index, index * rowsPerPart, rows, dimension, memory);
    await buffer.loadCheckpoint(store.path(".checkpoint", partName(index)), manifest.digest);
    await options.previous.fill(buffer, manifest.entries);
    for (const row of buffer.pending()) {
      const { problem } = manifest.entries.at(buffer.start + row);
      if (problem) buffer.fail(row, { stage: "read", ...problem });
    }
    const part: OpenPart = { buffer, batches: [], filled: Promise.resolve() };
    announce(part);
    return part;
  };

  const produce = async (): Promise<void> => {
    const missing = Array.from({ length: parts }, (_, index) => index).filter((index) => !standing.has(index));
    for (const [turn, index] of missing.entries()) {
      const part = await (upcoming ?? prepare(index));
      upcoming = undefined;
      report(part.buffer.embeddedRows + part.buffer.failedRows, part.buffer.failedRows);
      const sent = dispatch(part);
      part.filled = sent.then(() => Promise.all(part.batches));
      part.filled.catch(ignore);
      open.set(index, part);
      arrivals.notify();
      const after = missing[turn + 1];
      if (ahead && after !== undefined) {
        // The next part's first photos are under way before this one's last are sent.
        upcoming = prepare(after);
        upcoming.catch(ignore);
      }
      await sent;
    }
  };

  const consume = async (): Promise<void> => {
    for (let index = 0; index < parts; index += 1) {
      throwIfCancelled(stop.signal);
      if (standing.has(index)) {
        await options.onPart(index, null);
        report(rowsOfPart(index, manifest.entries.length, rowsPerPart), 0);
        continue;
      }
      while (!open.has(index)) {
        throwIfCancelled(stop.signal);
        await new Promise<void>((resolve) => {
          arrivals.notify = resolve;
        });
      }
      const part = open.get(index);
      if (!part) continue;
      await part.filled;
      throwIfCancelled(stop.signal);
      const written = await part.buffer.write(manifest.entries, {
        features: store.part("features", index),
        errors: store.part("errors", index),
      });
      open.delete(index);
      await options.onPart(index, written);
      spare.push(new Float32Array(part.buffer.features.buffer as ArrayBuffer));
      places.release();
    }
  };

  const abort = (): void => {
    if (stop.signal.aborted) return;
    stop.abort();
    started?.cancel();
    arrivals.notify();
    // Wakes a producer that waits for a place; it then finds the stop signal.
    places.release();
  };
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  const guarded = async (side: () => Promise<void>): Promise<void> => {
    try {
      await side();
    } catch (error) {
      abort();
      throw error;
    }
  };
  try {
    const sides = await Promise.allSettled([guarded(produce), guarded(consume)]);
    const failures = sides.filter((side) => side.status === "rejected").map((side) => side.reason as unknown);
    if (failures.length > 0) {
      const prepared = await upcoming?.catch(ignore);
      const parts = [...open.values(), ...(prepared ? [prepared] : [])];
      await Promise.allSettled(parts.flatMap((part) => part.batches));
      // What stopped the stage (a full disk, say) may stop this too, and is the better thing to report.
      await saveCheckpoints(store, manifest, parts).catch(ignore);
      throw firstCause(failures, signal);
    }
    return { embedded };
  } finally {
    signal.removeEventListener("abort", abort);
    ahead?.close();
  }
}

interface Chunk {
  /** Rows of the part, each with its image. */
  readonly rows: number[];
  readonly images: ImageInput[];
  readonly unreadable: [row: number, failure: UnreadableImage][];
  /** How many of the wanted rows these are. */
  readonly taken: number;
  /** Of the photos that were fetched, as the listing gave them. */
  readonly bytes: number;
}

/** The images of the first wanted rows: all of them, or fewer where large photos would fill the memory meant for them. */
async function gather(
  manifest: Manifest,
  ahead: ReadAhead | undefined,
  start: number,
  wanted: readonly number[],
): Promise<Chunk> {
  const coming: (ImageInput | Promise<ImageInput | UnreadableImage>)[] = [];
  let bytes = 0;
  for (const row of wanted) {
    const { file, size } = manifest.entries.at(start + row);
    if (!ahead || !isAddress(file)) {
      coming.push(file);
      continue;
    }
    if (bytes > 0 && bytes + size > ahead.batchBytes) break;
    bytes += size;
    coming.push(ahead.take(start + row));
  }
  const chunk = { rows: [] as number[], images: [] as ImageInput[], unreadable: [] as Chunk["unreadable"] };
  for (const [position, image] of (await Promise.all(coming)).entries()) {
    const row = wanted[position] as number;
    if (typeof image === "string" || image instanceof Uint8Array) {
      chunk.rows.push(row);
      chunk.images.push(image);
    } else {
      chunk.unreadable.push([row, image]);
    }
  }
  return { ...chunk, taken: coming.length, bytes };
}

/** The error that began it: the other side only reports that it was stopped. */
function firstCause(failures: readonly unknown[], signal: AbortSignal): unknown {
  if (!signal.aborted) {
    const cause = failures.find(
      (failure) => !(failure instanceof Error && "code" in failure && failure.code === "cancelled"),
    );
    if (cause !== undefined) return cause;
  }
  return failures[0];
}

async function saveCheckpoints(store: RunStore, manifest: Manifest, open: readonly OpenPart[]): Promise<void> {
  if (open.every(({ buffer }) => buffer.embeddedRows === 0)) return;
  await store.ensure(".checkpoint");
  for (const { buffer } of open) {
    await buffer.saveCheckpoint(store.path(".checkpoint", partName(buffer.index)), manifest.digest);
  }
}
