/** `models pull`: fetches a published model. The only part of Verger's models that needs a network. */
import { mkdir, open, rm, stat } from "node:fs/promises";
import path from "node:path";
import { cancelled, errorCode, errorMessage, VergerError } from "../core/errors.js";
import { addContent, BEFORE_CLASSIFIER, readModelFile } from "./add.js";
import { hashFile, notWritable, userModelsFolder } from "./files.js";
import { nearest } from "./names.js";
import { embeddedRegistry, findDownload, type Registered, refuseTaken } from "./registry.js";
import type { DownloadEntry } from "./schema.js";

export interface PullProgress {
  /** Bytes on disk, of `total`. */
  readonly received: number;
  readonly total: number;
}

export interface PullOptions {
  /** A mirror to fetch from; the content is checked by the same sha256. */
  readonly url?: string | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Replace an installed model of this name instead of failing with `model/exists`. */
  readonly replace?: boolean | undefined;
  /** Milliseconds without a byte after which an attempt is given up; default 30,000. */
  readonly stallTimeout?: number | undefined;
  /** What to fetch, where the registry does not say. */
  readonly entry?: DownloadEntry | undefined;
}

const STALL_TIMEOUT_MS = 30_000;
/** Each goes on where the one before broke off. */
const ATTEMPTS = 3;

/**
 * Downloads a model known to the registry, checks it by sha256, exposes its features and registers it. What an
 * interrupted download has fetched stays beside the models and is continued by the next call.
 *
 * @throws VergerError `model/unknown`, `model/exists`, `model/offline`, `model/download`, `model/hash`,
 *   `model/not-writable`, `cancelled`
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<Registered> {
  const entry = options.entry ?? (await findDownload(name));
  if (!entry) throw await notForDownload(name);
  await refuseTaken(entry.name, options.replace ?? false);

  const partial = path.join(userModelsFolder(), `${entry.name}.download`);
  const url = options.url ?? entry.url;
  for (let attempt = 1; ; attempt += 1) {
    const resumed = await sizeOf(partial);
    try {
      await fetchRest(url, partial, resumed, entry, options);
      const digest = await hashFile(partial, options.signal);
      if (digest.sha256 === entry.sha256) break;
      await rm(partial, { force: true });
      // What was continued may have been the beginning of another file: once more from the start.
      if (resumed > 0 && attempt < ATTEMPTS) continue;
      throw wrongContent(entry, url, digest.sha256, digest.bytes);
    } catch (error) {
      if (errorCode(error) !== "model/download" || attempt >= ATTEMPTS || (await sizeOf(partial)) <= resumed)
        throw error;
    }
  }

  const { size, ...input } = entry.input;
  const registered = await addContent(await readModelFile(partial), url, {
    ...input,
    size,
    name: entry.name,
    output: entry.cut === "before-classifier" ? BEFORE_CLASSIFIER : undefined,
    description: entry.description,
    licence: entry.licence,
    source: `${entry.source} (${url}, sha256 ${entry.sha256})`,
    replace: options.replace,
  });
  await rm(partial, { force: true });
  return registered;
}

async function notForDownload(name: string): Promise<VergerError> {
  const { downloads } = await embeddedRegistry();
  const names = nearest(
    name,
    downloads.map((entry) => entry.name),
    3,
  );
  return new VergerError(
    "model/unknown",
    `Expected a model that can be pulled (${names.join(", ")}), but received "${name}"; other ONNX files are added ` +
      'with "verger models add".',
  );
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return 0;
    throw error;
  }
}

/** Fetches what `partial` lacks, appending. Nothing is done when it has its full length already. */
async function fetchRest(
  url: string,
  partial: string,
  resumed: number,
  entry: DownloadEntry,
  { onProgress, signal, stallTimeout = STALL_TIMEOUT_MS }: PullOptions,
): Promise<void> {
  if (signal?.aborted) throw cancelled();
  if (resumed === entry.bytes) return;
  // A longer file is another file.
  let start = resumed < entry.bytes ? resumed : 0;

  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(), stallTimeout);
  try {
    const response = await fetch(url, {
      headers: start > 0 ? { range: `bytes=${start}-` } : {},
      signal: signal ? AbortSignal.any([signal, stall.signal]) : stall.signal,
    });
    if (response.status === 200) start = 0;
    else if (response.status !== 206 || !startsAt(response, start)) {
      await response.body?.cancel();
      // The server has no more than is here: what is here is of another file.
      if (response.status === 416) await rm(partial, { force: true });
      throw new VergerError(
        "model/download",
        `Expected ${entry.name} from ${url}, but the server answered ${response.status} ${response.statusText}; try ` +
          "again later, or download it elsewhere and use --url.",
        { details: { status: response.status } },
      );
    }
    if (!response.body) throw broken(entry, url, start, "the server sent nothing");
    await save(response.body, partial, start, entry, url, (received) => {
      timer.refresh();
      onProgress?.({ received, total: entry.bytes });
    });
  } catch (error) {
    if (signal?.aborted) throw cancelled();
    if (stall.signal.aborted) {
      throw broken(entry, url, await sizeOf(partial), `nothing came for ${stallTimeout / 1000} seconds`, error);
    }
    if (error instanceof VergerError) throw error;
    throw offline(entry, url, error);
  } finally {
    clearTimeout(timer);
  }
}

function startsAt(response: Response, start: number): boolean {
  return new RegExp(`^bytes ${start}-`).test(response.headers.get("content-range") ?? "");
}

async function save(
  body: ReadableStream<Uint8Array>,
  partial: string,
  start: number,
  entry: DownloadEntry,
  url: string,
  onBytes: (received: number) => void,
): Promise<void> {
  let received = start;
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    await mkdir(path.dirname(partial), { recursive: true });
    handle = await open(partial, start === 0 ? "w" : "a");
  } catch (error) {
    throw notWritable(partial, error);
  }
  try {
    for await (const chunk of body) {
      received += chunk.length;
      // Never more than was promised on disk; the hash tells the rest.
      if (received > entry.bytes) break;
      await handle.writeFile(chunk).catch((error: unknown) => {
        throw notWritable(partial, error);
      });
      onBytes(received);
    }
  } catch (error) {
    if (error instanceof VergerError) throw error;
    // Connected, then cut: what has come is worth continuing.
    throw broken(entry, url, received, `the connection broke (${errorMessage(rootCause(error))})`, error);
  } finally {
    await handle.close();
  }
  if (received > entry.bytes) {
    await rm(partial, { force: true });
    throw new VergerError(
      "model/hash",
      `Expected ${entry.bytes} bytes of ${entry.name} from ${url}, but received more: it is another file; nothing was ` +
        "installed. Check the URL, or update Verger.",
    );
  }
  if (received < entry.bytes) throw broken(entry, url, received, "the server ended the transfer");
}

function broken(entry: DownloadEntry, url: string, received: number, reason: string, cause?: unknown): VergerError {
  return new VergerError(
    "model/download",
    `Expected ${entry.bytes} bytes of ${entry.name} from ${url}, but ${reason} after ${received}; run "verger models ` +
      `pull ${entry.name}" again to continue from there.`,
    { cause, details: { received } },
  );
}

function offline(entry: DownloadEntry, url: string, error: unknown): VergerError {
  const cause = rootCause(error);
  return new VergerError(
    "model/offline",
    `Expected to download ${entry.name} from ${new URL(url).host}, but the network did not allow it ` +
      `(${errorMessage(cause)}); connect and run "verger models pull ${entry.name}" again. Nothing else in Verger ` +
      "needs a network: the embedded models work offline.",
    { cause: error },
  );
}

/** fetch says only "fetch failed"; the reason is below. */
function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  // Connecting to several addresses fails with one error for each.
  return cause instanceof AggregateError && cause.errors.length > 0 ? cause.errors[0] : cause;
}

function wrongContent(entry: DownloadEntry, url: string, sha256: string, bytes: number): VergerError {
  return new VergerError(
    "model/hash",
    `Expected ${entry.name} from ${url} to have sha256 ${entry.sha256} (${entry.bytes} bytes), but received ${sha256} ` +
      `(${bytes} bytes); nothing was installed. Check the URL, or update Verger.`,
    { details: { expected: entry.sha256, received: sha256 } },
  );
}
