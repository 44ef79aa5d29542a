/** A look at features before a PCA is made of them: on this machine, or in S3. */
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { ParsedRequestOf, ResponseOf } from "../api/channels.js";
import { inspectFeatures } from "../core/features/inspect.js";
import { requireLocal } from "../core/remote.js";
import { isS3Url } from "../storage/location.js";
import { Scratch } from "../storage/run/scratch.js";
import { look } from "./beside.js";
import type { Events } from "./events.js";
import type { SpawnJobThread } from "./jobs/spawn.js";

type Report = ResponseOf<"features.inspect">;

/**
 * What `features.inspect` does. People try one column after the other: the file that a look has fetched stays until
 * another one is looked at.
 */
export class FeatureLooks {
  private readonly scratch: Scratch;
  private folder: string | undefined;
  private underWay = 0;

  constructor(
    private readonly spawn: SpawnJobThread,
    private readonly events: Events,
    cacheFolder: string,
  ) {
    this.scratch = new Scratch(path.join(cacheFolder, "looks"));
  }

  /** @throws VergerError `features/*`, `parquet/*`, `storage/*`, `s3/*`, `source/unsupported`, `cancelled` */
  async inspect(request: ParsedRequestOf<"features.inspect">, signal: AbortSignal): Promise<Report> {
    const { path: input, columns } = request;
    if (isS3Url(input)) return this.remote(request, signal);
    requireLocal(input, "the features");
    return sendable(await inspectFeatures(path.resolve(input), columns));
  }

  /** Removes what was fetched. */
  close(): void {
    this.scratch.close();
    this.folder = undefined;
  }

  private async remote(
    { look: name, ...request }: ParsedRequestOf<"features.inspect">,
    signal: AbortSignal,
  ): Promise<Report> {
    this.folder ??= this.scratch.make();
    const { folder } = this;
    const onProgress = (done: number, total: number): void => {
      if (name !== undefined) this.events.emit({ type: "look", look: name, done, total });
    };
    this.underWay += 1;
    let copy: string | undefined;
    try {
      const result = await look(this.spawn, { ...request, folder }, signal, onProgress);
      copy = result.copy;
      return sendable(result.report);
    } finally {
      this.underWay -= 1;
      if (copy !== undefined && this.underWay === 0) await removeOthers(folder, copy);
    }
  }
}

async function removeOthers(folder: string, kept: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names.filter((name) => name !== kept).map((name) => rm(path.join(folder, name), { recursive: true, force: true })),
  );
}

const sendable = (report: Awaited<ReturnType<typeof inspectFeatures>>): Report => ({
  ...report,
  columns: [...report.columns],
});
