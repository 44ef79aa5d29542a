/**
 * The one typed contract between the product's logic and whoever calls it: CLI, server, Electron, Spark worker.
 * Everything here is plain data that survives structured clone and JSON.
 */
import * as z from "zod";

// Compiling a validator takes longer than the few documents of a run are worth, and a page's security policy forbids it.
z.config({ jitless: true });

export const presetSchema = z.enum(["fast", "balanced", "exact"]);
export type Preset = z.infer<typeof presetSchema>;

export const providerSchema = z.enum(["auto", "cpu", "cuda", "dml", "coreml"]);
export type ProviderChoice = z.infer<typeof providerSchema>;
export type Provider = Exclude<ProviderChoice, "auto">;

export const solverSchema = z.enum(["auto", "exact", "randomized"]);
export type Solver = z.infer<typeof solverSchema>;

export const labelFromSchema = z.union([
  z.literal("parent"),
  z.literal("none"),
  z.templateLiteral(["filename:", z.string().min(1)]),
]);
export type LabelFrom = z.infer<typeof labelFromSchema>;

const count = z.number().int().nonnegative();
const positive = z.number().int().positive();

/** How a PCA is asked for. `variance` and `components` exclude each other; neither means variance 0.8. */
export const pcaParametersSchema = z.object({
  variance: z.number().optional(),
  components: z.number().optional(),
  standardize: z.boolean().default(true),
  solver: solverSchema.default("auto"),
});
export type PcaParameters = z.infer<typeof pcaParametersSchema>;

/** What `run` and `embed` are asked to do. */
export const runRequestSchema = z.object({
  /** Folders, globs, list files, CSV files or single images. */
  sources: z.array(z.string().min(1)).min(1),
  /** The run folder. */
  out: z.string().min(1),
  preset: presetSchema.optional(),
  /** A registered model's name or an ONNX file. */
  model: z.string().optional(),
  /** Side of the square input in pixels. */
  size: positive.optional(),
  provider: providerSchema.default("auto"),
  variance: z.number().optional(),
  components: z.number().optional(),
  standardize: z.boolean().default(true),
  solver: solverSchema.default("auto"),
  labelFrom: labelFromSchema.default("parent"),
  /** Inference sessions, threads of each, images per batch: chosen for the machine when absent. */
  sessions: positive.optional(),
  threads: positive.optional(),
  batch: positive.optional(),
  /** Discard what stands in `out` and start anew. */
  fresh: z.boolean().default(false),
  tolerateTruncated: z.boolean().default(false),
  /** Pixels above which an image is set aside from its header alone. */
  pixelLimit: positive.optional(),
  /** Try the images again that an earlier attempt set aside. */
  retry: z.boolean().default(false),
  /** Keep small pictures of large photos for the window while they are embedded. */
  thumbnails: z.boolean().default(false),
  /** False for `embed`: stop after the features. */
  pca: z.boolean().default(true),
});
export type RunRequest = z.infer<typeof runRequestSchema>;
export type RunRequestInput = z.input<typeof runRequestSchema>;

/** Names of the columns of features that others wrote, where they are not `path`, `label` and `features`. */
export const featureColumnsSchema = z.object({
  path: z.string().min(1).optional(),
  /** Null: leave the labels out. */
  label: z.string().min(1).nullable().optional(),
  features: z.string().min(1).optional(),
});
export type FeatureColumnNames = z.infer<typeof featureColumnsSchema>;

/** What `pca` is asked to do. */
export const pcaRequestSchema = z.object({
  /** A Parquet file, a folder of part files, a run folder or a glob. */
  features: z.string().min(1),
  columns: featureColumnsSchema.optional(),
  out: z.string().min(1),
  variance: z.number().optional(),
  components: z.number().optional(),
  standardize: z.boolean().default(true),
  solver: solverSchema.default("auto"),
  threads: positive.optional(),
  fresh: z.boolean().default(false),
});
export type PcaRequest = z.infer<typeof pcaRequestSchema>;
export type PcaRequestInput = z.input<typeof pcaRequestSchema>;

export const stageSchema = z.enum(["fetch", "scan", "load", "embed", "fit", "transform"]);
/** fetch: features that stand elsewhere, to this machine; scan: sources to manifest; load: model and sessions; embed: images to features; fit and transform: the PCA. */
export type Stage = z.infer<typeof stageSchema>;

/** Something that people should know, with its stable code and what it is about (src-main/core/notices.ts). */
export const noticeSchema = z.object({
  code: z.string(),
  /** The English sentence. */
  message: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type Notice = z.infer<typeof noticeSchema>;

export const runEventSchema = z.discriminatedUnion("type", [
  noticeSchema.extend({ type: z.literal("notice") }),
  z.object({
    type: z.literal("stage"),
    stage: stageSchema,
    state: z.enum(["start", "done"]),
    total: count.optional(),
    seconds: z.number().optional(),
  }),
  z.object({
    type: z.literal("progress"),
    stage: stageSchema,
    done: count,
    total: count,
    unit: z.enum(["images", "rows", "bytes"]),
    setAside: count.optional(),
  }),
]);
export type RunEvent = z.infer<typeof runEventSchema>;

export const pcaSummarySchema = z.object({
  components: positive,
  /** Sum over the kept components, in (0, 1]. */
  explainedVarianceRatio: z.number(),
  /** Variance along each kept component, descending. */
  explainedVariance: z.array(z.number()),
  solver: z.string(),
});
export type PcaSummary = z.infer<typeof pcaSummarySchema>;

/** The document that `--json` prints. Timings in seconds. */
export const runSummarySchema = z.object({
  run: z.string(),
  images: count,
  embedded: count,
  reused: count,
  setAside: count,
  labels: count,
  /** Rows of `pca/` whose label is a correction. */
  corrected: count.default(0),
  pca: pcaSummarySchema.nullable(),
  model: z.string().nullable(),
  preset: presetSchema.nullable(),
  provider: z.string().nullable(),
  timings: z.record(z.string(), z.number()),
  imagesPerSecond: z.number(),
  peakRssBytes: count,
});
export type RunSummary = z.infer<typeof runSummarySchema>;

/** The newest run.json that this version reads and the one it writes. */
export const RUN_SCHEMA_VERSION = 1;

/** What must agree before a run folder is continued; a difference is refused with a sentence naming it. */
export const runIdentitySchema = z.object({
  model: z.string(),
  modelSha256: z.string(),
  output: z.string(),
  dimension: positive,
  width: positive,
  height: positive,
  filter: z.enum(["bilinear", "bicubic"]),
  fit: z.enum(["stretch", "cover"]),
  layout: z.enum(["nchw", "nhwc"]),
  channels: z.enum(["rgb", "bgr"]),
  mean: z.array(z.number()).length(3),
  std: z.array(z.number()).length(3),
  preset: presetSchema.nullable(),
  sources: z.array(z.string()),
  rowsPerPart: positive,
});
export type RunIdentity = z.infer<typeof runIdentitySchema>;

export const runStateSchema = z.enum(["running", "rebuilding", "interrupted", "failed", "done"]);

/** run.json of a `run` or `embed`. */
export const runFileSchema = z.object({
  schemaVersion: z.number().int(),
  kind: z.enum(["run", "pca"]),
  app: z.object({ name: z.literal("verger"), version: z.string() }),
  state: runStateSchema,
  createdAt: z.string(),
  updatedAt: z.string(),
  /** Absent in a run made by `pca` from features that others wrote. */
  identity: runIdentitySchema.nullable(),
  /** For kind `pca`: where the features came from. */
  featuresFrom: z.string().nullable().default(null),
  /** Their columns, where others were named than `path`, `label` and `features`. */
  featureColumns: featureColumnsSchema.nullable().default(null),
  /**
   * Where the photos stood: the folder or address that `path` is relative to and, for a folder, the way there from the
   * run folder, `/` between folders; null where the sources share none, and in runs of earlier versions.
   */
  photos: z.object({ root: z.string(), relative: z.string().nullable() }).nullable().default(null),
  labelFrom: z.string().nullable(),
  decode: z.object({ tolerateTruncated: z.boolean(), pixelLimit: positive.nullable() }).nullable(),
  manifest: z.object({ digest: z.string(), images: count, labels: count, parts: count }).nullable(),
  /** A rebuild under way: old parts move to .previous/<generation>; with `retry`, the set-aside images do not. */
  rebuilding: z.object({ generation: count, retry: z.boolean() }).nullable().default(null),
  runtime: z
    .object({
      provider: z.string(),
      sessions: positive,
      threadsPerSession: positive,
      batch: positive,
      onnxruntime: z.string(),
      node: z.string(),
      platform: z.string(),
      cpu: z.string(),
      simdTarget: z.string(),
    })
    .nullable(),
  pca: z
    .object({
      parameters: pcaParametersSchema,
      summary: pcaSummarySchema,
      manifestDigest: z.string().nullable(),
      /** The label corrections that `pca/` carries, and how many rows have another label by them; null: there were none. */
      corrections: z.object({ digest: z.string(), rows: count }).nullable().default(null),
    })
    .nullable(),
  counts: z.object({ images: count, embedded: count, reused: count, setAside: count, labels: count }),
  /**
   * Photos whose EXIF says when they were taken, and the first and last of these times by the cameras' own clocks (ISO 8601
   * without a time zone); null while features are missing, and in runs of earlier versions.
   */
  captured: z
    .object({ photos: count, first: z.string().nullable(), last: z.string().nullable() })
    .nullable()
    .default(null),
  timings: z.record(z.string(), z.number()),
  imagesPerSecond: z.number(),
  peakRssBytes: count,
  failure: z.object({ code: z.string(), message: z.string() }).nullable().default(null),
});
export type RunFile = z.infer<typeof runFileSchema>;

// ---- sync -----------------------------------------------------------------------------------------------------------

function isPlainAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
}

/** How S3 is reached; what is absent comes from the AWS environment and profile files. Holds no credentials. */
export const s3OptionsSchema = z.object({
  profile: z.string().min(1).optional(),
  region: z.string().min(1).optional(),
  endpoint: z
    .string()
    // A password in an address would end up in the history of jobs.
    .refine(isPlainAddress, "an http:// or https:// address without user name and password")
    .optional(),
  pathStyle: z.boolean().optional(),
  /** Bytes of a part of a large transfer. */
  partBytes: positive.optional(),
  /** Requests under way at once. */
  concurrency: positive.optional(),
  /** Bytes per second. */
  maxBandwidth: positive.optional(),
});

/** One --include or --exclude. The last rule that matches a key decides. */
export const syncRuleSchema = z.object({ include: z.boolean(), glob: z.string().min(1) });
export type SyncRule = z.infer<typeof syncRuleSchema>;

/** What `sync` is asked to do. */
export const syncRequestSchema = z.object({
  /** A folder or s3://bucket/prefix; at least one of the two sides is in S3. */
  from: z.string().min(1),
  to: z.string().min(1),
  s3: s3OptionsSchema.default({}),
  rules: z.array(syncRuleSchema).default([]),
  /** Decide, but change neither side. */
  dryRun: z.boolean().default(false),
  /** Remove from `to`, inside the filter, what is not in `from`. */
  delete: z.boolean().default(false),
  /** Also when that is more than half of what stands there. */
  forceDelete: z.boolean().default(false),
  /** Leave what stands in `to` as it is. */
  overwrite: z.boolean().default(true),
  /** Of keys written to disk: `portable` refuses what Windows or macOS could not hold, `system` what this machine cannot. */
  names: z.enum(["portable", "system"]).default("portable"),
  /** Put every action into the summary: for a dry run. */
  listActions: z.boolean().default(false),
});
export type SyncRequest = z.infer<typeof syncRequestSchema>;
export type SyncRequestInput = z.input<typeof syncRequestSchema>;

export const syncActionSchema = z.object({
  action: z.enum(["copy", "folder", "delete", "skip"]),
  key: z.string(),
  bytes: count,
  /** `new`: not in `to`; `changed`: other there; `extra`: not in `from`; `exists`: kept by --no-overwrite. */
  reason: z.enum(["new", "changed", "extra", "exists"]),
});
export type SyncAction = z.infer<typeof syncActionSchema>;

/** A key that was set aside, and why. */
export const syncProblemSchema = z.object({ key: z.string(), code: z.string(), message: z.string() });
export type SyncProblem = z.infer<typeof syncProblemSchema>;

const amountSchema = z.object({ files: count, bytes: count });
export type Amount = z.infer<typeof amountSchema>;

/** The document that `sync --json` prints. */
export const syncSummarySchema = z.object({
  from: z.string(),
  to: z.string(),
  dryRun: z.boolean(),
  /** Of a dry run: what would be. */
  copied: amountSchema,
  unchanged: amountSchema,
  deleted: amountSchema,
  /** Stand in `to` and were kept by --no-overwrite. */
  skipped: amountSchema,
  /** Names that `to` cannot hold, or that would fall together there. */
  conflicts: amountSchema,
  /** Set aside for another reason: access denied, unreadable, changed meanwhile. */
  failed: amountSchema,
  seconds: z.number(),
  /** Bytes moved by this process, a second. */
  bytesPerSecond: z.number(),
  /** Of `copied`: what an earlier, interrupted sync had moved already. */
  resumedBytes: count,
  /** The first conflicts and failures; at most 1,000. */
  problems: z.array(syncProblemSchema),
  actions: z.array(syncActionSchema).optional(),
});
export type SyncSummary = z.infer<typeof syncSummarySchema>;

export const syncStageSchema = z.enum(["compare", "transfer", "delete"]);
export type SyncStage = z.infer<typeof syncStageSchema>;

export const syncEventSchema = z.discriminatedUnion("type", [
  noticeSchema.extend({ type: z.literal("notice") }),
  z.object({
    type: z.literal("stage"),
    stage: syncStageSchema,
    state: z.enum(["start", "done"]),
    seconds: z.number().optional(),
  }),
  z.object({
    type: z.literal("progress"),
    stage: syncStageSchema,
    done: count,
    /** 0 while it is not known. */
    total: count,
    unit: z.enum(["bytes", "files"]),
    /** The same progress counted in files. */
    also: z.object({ done: count, total: count, unit: z.literal("files") }).optional(),
    setAside: count.optional(),
  }),
]);
export type SyncEvent = z.infer<typeof syncEventSchema>;

/** What `sync --sweep` prints: uploads in parts that were begun under a prefix of ours and never ended. */
export const sweepSummarySchema = z.object({
  prefix: z.string(),
  dryRun: z.boolean(),
  /** Seconds; younger ones are kept. */
  olderThan: z.number().nonnegative(),
  uploads: z.array(
    z.object({
      key: z.string(),
      uploadId: z.string(),
      initiated: z.string(),
      /** `abort`: also of a dry run; `young`; `held`: an interrupted sync of this machine resumes it; `failed`. */
      outcome: z.enum(["abort", "young", "held", "failed"]),
      problem: z.object({ code: z.string(), message: z.string() }).optional(),
    }),
  ),
  aborted: count,
  kept: count,
  failed: count,
});
export type SweepSummary = z.infer<typeof sweepSummarySchema>;
