/** The engine: everything the window asks for, behind one `call`, without any transport. */
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import type { ApiEvent, ThumbnailSize } from "../api/channels.js";
import { VergerError } from "../core/errors.js";
import { photoFile } from "../core/explore/index.js";
import { appVersion } from "../core/run/version.js";
import { DiskCache } from "../core/thumbnails/disk-cache.js";
import { type Thumbnail, Thumbnails } from "../core/thumbnails/thumbnails.js";
import { probeImage } from "../native/image.js";
import { userCacheFolder } from "../storage/cache/folder.js";
import { createDispatch, type Dispatch } from "./dispatch.js";
import { Events } from "./events.js";
import { FeatureLooks } from "./features.js";
import { createHandlers } from "./handlers.js";
import { JobQueue } from "./jobs/queue.js";
import { type SpawnJobThread, spawnWorkerThread } from "./jobs/spawn.js";
import type { Reveal } from "./reveal.js";
import { RunRegistry } from "./runs.js";
import { SettingsStore } from "./settings.js";
import { thumbnailFolder, windowFolder } from "./thumbnails.js";
import { systemTrash, type Trash } from "./trash.js";

export { toFailure } from "./dispatch.js";

export interface EngineOptions {
  readonly carrier: "http" | "electron";
  /** Where history, settings and the list of runs stand; the user's folder by default. */
  readonly stateFolder?: string;
  readonly cacheFolder?: string;
  readonly spawn?: SpawnJobThread;
  readonly trash?: Trash | undefined;
  /** Shows a folder to the person at this machine; absent where that person is not the one at the window. */
  readonly reveal?: Reveal | undefined;
  /** Check answers by their schemas: for tests. */
  readonly checkResponses?: boolean;
}

export interface Engine {
  readonly call: Dispatch;
  /** @returns a function that ends the subscription */
  subscribe(listener: (event: ApiEvent) => void): () => void;
  /** The first event of every connection. */
  hello(): ApiEvent;
  /**
   * A picture of a row: see `imagePath`.
   *
   * @throws VergerError `run/unknown`, `run/changed` (made for another state of the run), `photo/*`, `image/*`
   */
  image(
    run: string,
    version: string,
    row: number,
    size: ThumbnailSize | "full",
    signal?: AbortSignal,
  ): Promise<Thumbnail>;
  /** Makes a run folder known. @throws VergerError `run/*` */
  open(folder: string): Promise<{ readonly run: string }>;
  /** Stops jobs so that they can be resumed, and saves. */
  close(): Promise<void>;
}

/** Starts an engine. Nothing is read or written before it is asked for. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const stateFolder = options.stateFolder ?? windowFolder();
  const cacheFolder = options.cacheFolder ?? userCacheFolder();
  const instance = randomUUID();
  const events = new Events();
  const settings = new SettingsStore(stateFolder, events);
  const trash = options.trash ?? systemTrash();
  const runs = new RunRegistry(stateFolder, events, trash);
  const spawn = options.spawn ?? spawnWorkerThread;
  const looks = new FeatureLooks(spawn, events, cacheFolder);
  const jobs = new JobQueue({ stateFolder, events, runs, spawn });
  const { thumbnailBytes } = await settings.get();
  const cache = new DiskCache(thumbnailFolder(cacheFolder), thumbnailBytes);
  events.subscribe((event) => {
    if (event.type === "settings") cache.setLimit(event.settings.thumbnailBytes);
  });
  const thumbnails = new Thumbnails(cache, Math.max(2, availableParallelism()));
  const handlers = createHandlers({
    instance,
    carrier: options.carrier,
    canTrash: trash !== undefined,
    events,
    runs,
    jobs,
    settings,
    looks,
    spawn,
    reveal: options.reveal,
    folders: { state: stateFolder, cache: cacheFolder },
  });

  return {
    call: createDispatch(handlers, options.checkResponses),
    subscribe: (listener) => events.subscribe(listener),
    hello: () => ({ type: "hello", instance, version: appVersion() }),
    async image(run, version, row, size, signal) {
      const current = await runs.version(run);
      if (version !== current) {
        throw new VergerError(
          "run/changed",
          `Expected a picture of the run as it is now (${current}), but received an address of ${version}; reload the run.`,
        );
      }
      const data = await runs.data(run);
      const file = await photoFile(data.root, data.pathOf(row));
      if (size !== "full") return thumbnails.make(file, size, signal);
      const header = await probeImage(file);
      // Whatever a run folder names: only pictures leave this machine.
      if (!header.ok) throw new VergerError(header.code, `${file}: ${header.message}`);
      return { file, format: header.format };
    },
    open: (folder) => runs.open(folder),
    async close() {
      events.emit({ type: "bye" });
      await jobs.close();
      looks.close();
    },
  };
}
