import { existsSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import type { RunRequestInput, RunSummary } from "../api/contract.js";
import { isCancelled, VergerError } from "../core/errors.js";
import { isAddress } from "../core/remote.js";
import type { JobOptions } from "../core/run/index.js";
import type { CommandContext } from "./context.js";
import { EXIT } from "./exit.js";
import { interruptible } from "./interrupt.js";
import {
  addBucketOptions,
  addEmbedOptions,
  addFreshOption,
  addOutputOptions,
  addPcaOptions,
  type BucketOptions,
  type EmbedOptions,
  examples,
  type PcaOptions,
} from "./options.js";
import { s3Options } from "./s3-options.js";

/** `verger run`: photos to features, PCA and Parquet. */
export function addRun(program: Command, context: CommandContext): void {
  const command = program
    .command("run")
    .summary("photos to embeddings, PCA and Parquet, in one run folder")
    .description(
      "Turns photos into feature vectors and their principal components, written as Parquet into a run folder.\n" +
        "A run that was stopped continues where it stood; one over an unchanged source embeds nothing again.",
    )
    .argument(
      "<source...>",
      "folders, globs, list files (.txt, .csv with path,label) or images; also s3://bucket/prefix",
    );
  addEmbedOptions(command);
  addPcaOptions(command);
  addBucketOptions(command);
  addFreshOption(command);
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([
        [
          "verger run photos/ --out runs/orchard",
          "Embed every photo under photos/, labelled by its folder; PCA to 80 % of the variance.",
        ],
        [
          "verger run 'photos/**/*.jpg' -o runs/k50 --preset fast --components 50 --json",
          "The fast preset, 50 components, the summary as JSON.",
        ],
        ["verger run s3://farm/photos --out s3://farm/runs/orchard", "Photos from a bucket, the run into a bucket."],
      ]),
    )
    .action(async (sources: string[], options: EmbedOptions & PcaOptions) => {
      await runAndReport(context, toRequest(sources, options, true), options);
    });
}

/** The contract's request for `run` and `embed`. The CLI's own switches and how S3 is reached stay out of it. */
export function toRequest(
  sources: readonly string[],
  options: EmbedOptions & Partial<PcaOptions>,
  pca: boolean,
): RunRequestInput {
  return { ...withoutBucketOptions(options), sources: [...sources], pca };
}

/** What is left of a command's options when those are taken out that the job's request does not have. */
export function withoutBucketOptions<T extends BucketOptions & { json?: true; quiet?: true }>(
  options: T,
): Omit<T, keyof BucketOptions | "json" | "quiet"> {
  const { json, quiet, profile, region, endpoint, pathStyle, cacheSize, cache, ...parameters } = options;
  return parameters;
}

/** Runs the job with progress on stderr and its summary on stdout. */
export async function runAndReport(
  context: CommandContext,
  request: RunRequestInput,
  bucket: BucketOptions,
): Promise<void> {
  const { runJob } = await import("../core/run/index.js");
  const summary = await reportJob(
    context,
    { out: request.out, bucket },
    async (options) => runJob(request, { ...options, thumbnails: await keeperFor(request) }),
    () => stopped(request.out),
  );
  if (summary.setAside > 0) context.finish(EXIT.setAside);
}

async function keeperFor(request: RunRequestInput): Promise<JobOptions["thumbnails"]> {
  if (!request.thumbnails) return undefined;
  const { openThumbnailKeeper } = await import("../engine/thumbnails.js");
  return openThumbnailKeeper();
}

/** Where a job writes, and how S3 is reached. */
export interface JobPlaces {
  readonly out: string;
  readonly bucket: BucketOptions;
}

/** Runs a job, with progress on stderr, and prints its summary: the document with --json, else the report. */
export async function reportJob(
  { output }: CommandContext,
  places: JobPlaces,
  job: (options: JobOptions) => Promise<RunSummary>,
  whenStopped: () => VergerError,
): Promise<RunSummary> {
  const { openProgress } = await import("./progress.js");
  const progress = openProgress(output);
  const { jobStorage, DEFAULT_CACHE_BYTES } = await import("../storage/run/index.js");
  const { bucket } = places;
  const storage = await jobStorage(places.out, {
    s3: s3Options(bucket),
    cacheBytes: bucket.cache ? (bucket.cacheSize ?? DEFAULT_CACHE_BYTES) : 0,
    onNotice: (notice) => progress.onEvent({ type: "notice", ...notice }),
  });
  try {
    let summary: RunSummary;
    try {
      summary = await interruptible(output, (signal) => job({ signal, onEvent: progress.onEvent, ...storage.job }));
    } catch (error) {
      throw isCancelled(error) ? whenStopped() : error;
    } finally {
      progress.close();
    }
    output.document(summary);
    if (output.json) return summary;
    const [{ runReport }, { readReasons }] = await Promise.all([
      import("./summary.js"),
      import("../core/inspect/index.js"),
    ]);
    const reasons = summary.setAside > 0 ? await readReasons(await storage.errorsOf(summary.run)) : [];
    output.result(runReport(summary, reasons, output.paint));
    return summary;
  } finally {
    await storage.close();
  }
}

/** The end of a job that people stopped: nothing is lost, and how to go on. */
export function stopped(out: string): VergerError {
  const begun = isAddress(out) || existsSync(path.join(out, "run.json"));
  return new VergerError(
    "cancelled",
    begun
      ? `Stopped; what is done stands in ${out}. Run the same command again to resume where it stopped.`
      : `Stopped before anything was written to ${out}. Run the same command again to begin.`,
    { details: { run: out } },
  );
}
