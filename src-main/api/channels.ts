/**
 * The channel map: every call that an interface can make of Verger, with the schemas of its request and response. The
 * dispatcher, the HTTP carrier, Electron's IPC and the renderer are all typed by it.
 *
 * Rows: images that have a feature vector, numbered from 0 in the order of the run's parts. Typed arrays stand in the
 * values themselves; carriers move them as bytes (binary.ts).
 */
import * as z from "zod";
import { aboutSchema, diagnosisSchema } from "./about.js";
import { AGREEMENT, agreementSchema, comparisonSchema } from "./compare.js";
import {
  featureColumnsSchema,
  labelFromSchema,
  noticeSchema,
  pcaRequestSchema,
  presetSchema,
  providerSchema,
  runRequestSchema,
  runStateSchema,
  runSummarySchema,
  s3OptionsSchema,
  stageSchema,
  sweepSummarySchema,
  syncRequestSchema,
  syncStageSchema,
  syncSummarySchema,
} from "./contract.js";
import { exifFactSchema } from "./exif.js";
import { agreedDeletionsSchema, openUploadsRequestSchema, previewRequestSchema, previewSchema } from "./transfers.js";

const count = z.number().int().nonnegative();
const row = count;
const text = (max: number) => z.string().max(max);
/** Row numbers. */
const rows = z.custom<Uint32Array>((value) => value instanceof Uint32Array, "a Uint32Array");
const numbers = z.custom<Float32Array>((value) => value instanceof Float32Array, "a Float32Array");
const doubles = z.custom<Float64Array>((value) => value instanceof Float64Array, "a Float64Array");
const nothing = z.object({});
/**
 * `RunCard.version` of the run that the row numbers are of. A run may be made anew under an open window: its numbers would
 * mean other photos then, and the call is refused with `run/changed`.
 */
const shownVersion = text(16).optional();

/** A run's name in calls and deep links: stable as long as its folder stays where it is. */
export const runIdSchema = z.string().regex(/^[0-9a-f]{16}$/);
const run = runIdSchema;

/** A sentence for people with its stable code (docs/errors.md). */
export const problemSchema = z.object({
  code: z.string(),
  /** The English sentence. */
  message: z.string(),
  /** What it is about, for a sentence in another language. */
  details: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

export const modelChoiceSchema = z.object({
  name: z.string(),
  description: z.string(),
  dimension: count.nullable(),
  presets: z.array(presetSchema),
  /** False for one that has to be pulled first, or whose file is not in order. */
  usable: z.boolean(),
});

/** A run as a card shows it. */
export const runCardSchema = z.object({
  run,
  path: z.string(),
  name: z.string(),
  kind: z.enum(["run", "pca"]).nullable(),
  /** `unreadable`: see `problem`. */
  state: z.union([runStateSchema, z.literal("unreadable")]),
  problem: problemSchema.nullable(),
  images: count,
  labels: count,
  setAside: count,
  model: z.string().nullable(),
  preset: presetSchema.nullable(),
  components: count.nullable(),
  /** Sum over the kept components, in (0, 1]. */
  explainedVarianceRatio: z.number().nullable(),
  /** Seconds and images/s of the last command. */
  seconds: z.number().nullable(),
  imagesPerSecond: z.number().nullable(),
  createdAt: z.string().nullable(),
  updatedAt: z.string().nullable(),
  openedAt: z.string(),
  /** Part of image addresses (see `imagePath`): changes when the run does. */
  version: z.string(),
  /** Where a person has located the photos (`runs.locate`); null where they are looked for as run.json says. */
  located: z.string().nullable(),
  /** Up to 8 rows spread over the run, for a mosaic. */
  mosaic: z.array(row),
});
export type RunCard = z.infer<typeof runCardSchema>;

/** A label of a run; its index in the list is the label id of the typed arrays. `name` is null for "no label". */
export const labelSchema = z.object({ name: z.string().nullable(), rows: count });
export type Label = z.infer<typeof labelSchema>;

/** The label overlay: corrections that people made beside the labels the run was made with. */
export const editsSchema = z.object({
  /** Rows whose label differs from the one the run was made with. */
  rows: count,
  canUndo: z.boolean(),
  canRedo: z.boolean(),
});
export type Edits = z.infer<typeof editsSchema>;

/** Labels of all rows after an edit, an undo or a redo. */
const labelingSchema = z.object({
  /** Grows with every change of this run's labels while the server runs; also in the `run.changed` event. */
  revision: count,
  labels: z.array(labelSchema),
  /** Label id per row. */
  ids: rows,
  edits: editsSchema,
});

export const overviewSchema = z.object({
  card: runCardSchema,
  /** Length of every per-row array. */
  rows: count,
  /** What the image paths are relative to; null where that is unknown (features that others wrote). */
  root: z.string().nullable(),
  sources: z.array(z.string()),
  labelFrom: z.string().nullable(),
  labels: z.array(labelSchema),
  revision: count,
  edits: editsSchema,
  model: z.object({ name: z.string(), sha256: z.string(), dimension: count, width: count, height: count }).nullable(),
  machine: z.string().nullable(),
  provider: z.string().nullable(),
  pca: z
    .object({
      components: count,
      dimension: count.nullable(),
      standardized: z.boolean(),
      solver: z.string(),
      /** What was asked for. */
      variance: z.number().nullable(),
      /** Per kept component, descending. */
      explainedVariance: doubles,
      explainedVarianceRatio: doubles,
      totalVariance: z.number(),
    })
    .nullable(),
  stages: z.array(
    z.object({
      stage: z.string(),
      seconds: z.number(),
      perSecond: z.number().nullable(),
      unit: z.enum(["images", "rows"]),
    }),
  ),
  /** `modified` is left out where every photo says when it was taken: the date of a file may be that of a copy. */
  columns: z.array(z.enum(["width", "height", "size", "captured", "modified", "outlier"])),
  /** Incomplete, photos moved, no labels ...: what a person should know before trusting the picture. */
  problems: z.array(problemSchema),
});
export type Overview = z.infer<typeof overviewSchema>;

export const rowSchema = z.object({
  row,
  path: z.string(),
  label: z.string().nullable(),
  /** True when `label` is a correction. */
  edited: z.boolean(),
});

/** `paused` by a person; `interrupted` because Verger ended; both can be resumed. */
export const jobStateSchema = z.enum([
  "queued",
  "running",
  "stopping",
  "paused",
  "interrupted",
  "cancelled",
  "failed",
  "done",
]);

/** What a job is asked to do. Missing fields get the contract's defaults. */
export const jobRequestSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("run"),
    // Who starts a job here is going to look at the photos.
    request: runRequestSchema.extend({ thumbnails: z.boolean().default(true) }),
    s3: s3OptionsSchema.optional(),
  }),
  z.object({ kind: z.literal("pca"), request: pcaRequestSchema, s3: s3OptionsSchema.optional() }),
  z.object({
    kind: z.literal("sync"),
    request: syncRequestSchema,
    /** The most that may be deleted: more than a person has seen and agreed to ends the job before anything changes. */
    agreed: agreedDeletionsSchema.optional(),
  }),
]);
export type JobRequest = z.infer<typeof jobRequestSchema>;

export const jobStageSchema = z.union([stageSchema, syncStageSchema]);
export type JobStage = z.infer<typeof jobStageSchema>;

/** A job, queued, under way or over. The whole of it is sent with every event: no client has to add anything up. */
export const jobSchema = z.object({
  id: z.string(),
  /** Order of creation, ascending. */
  number: count,
  work: jobRequestSchema,
  /** The run folder; of a sync, the side that is changed. */
  out: z.string(),
  /** Its id in `run.*` calls once the folder is there. */
  run: run.nullable(),
  state: jobStateSchema,
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  /** Seconds under way, over all attempts; of a running job up to the moment this was sent. */
  seconds: z.number(),
  stages: z.array(
    z.object({ stage: jobStageSchema, state: z.enum(["running", "done"]), seconds: z.number().nullable() }),
  ),
  /** Of the stage under way. `total` is 0 while it is unknown. */
  progress: z
    .object({
      stage: jobStageSchema,
      done: count,
      total: count,
      unit: z.enum(["images", "rows", "bytes", "files"]),
      /** Of a transfer, whose progress is in bytes: the same in files. */
      also: z.object({ done: count, total: count }).nullable().default(null),
      setAside: count,
      /** Per second, over the last seconds; null until there is something to go by. */
      rate: z.number().nullable(),
      /** Of this stage. */
      secondsLeft: z.number().nullable(),
    })
    .nullable(),
  notices: z.array(noticeSchema),
  failure: problemSchema.nullable(),
  summary: runSummarySchema.nullable(),
  /** The result of a sync. */
  transfer: syncSummarySchema.nullable().default(null),
});
export type Job = z.infer<typeof jobSchema>;

const settingsFields = {
  theme: z.enum(["system", "light", "dark"]),
  language: z.enum(["system", "en", "fr"]),
  /** Bytes that kept thumbnails may take. */
  thumbnailBytes: z
    .number()
    .int()
    .min(2 ** 24)
    .max(2 ** 40),
};

/** What people set for themselves; kept in their own folder, never in a run. */
export const settingsSchema = z.object({
  theme: settingsFields.theme.default("system"),
  language: settingsFields.language.default("system"),
  thumbnailBytes: settingsFields.thumbnailBytes.default(2 ** 30),
});
export type Settings = z.infer<typeof settingsSchema>;

/** Most rows of one `run.rows` call. */
export const MAX_ROWS_PER_CALL = 2_000;

/** Request and response of every call. */
export const channels = {
  "app.info": {
    request: nothing,
    response: z.object({
      version: z.string(),
      /** Differs from one start of the server or app to the next. */
      instance: z.string(),
      carrier: z.enum(["http", "electron"]),
      platform: z.string(),
      processors: count,
      memoryBytes: count,
      home: z.string(),
      models: z.array(modelChoiceSchema),
      /** The preset used when none is named. */
      preset: presetSchema,
      canTrash: z.boolean(),
      /** True where `runs.reveal` can show a folder to the person who sits at this machine. */
      canReveal: z.boolean(),
    }),
  },
  /** Versions, licences and places, for people and for bug reports. */
  "app.about": { request: nothing, response: aboutSchema },
  /** What `verger doctor` finds on this machine; takes some seconds. */
  "app.diagnose": { request: nothing, response: diagnosisSchema },

  /** Runs opened on this machine, latest first; `mosaic` is filled for those that can be read. */
  "runs.recent": { request: nothing, response: z.object({ runs: z.array(runCardSchema) }) },
  /** Makes a run folder known. @throws `run/not-a-run`, `run/newer`, `run/corrupt` */
  "runs.open": { request: z.object({ path: text(4_096).min(1) }), response: runCardSchema },
  /** Frees what is held in memory for a run. It stays known. */
  "runs.close": { request: z.object({ run }), response: nothing },
  /** Takes a run off the list; its folder stays. */
  "runs.forget": { request: z.object({ run }), response: nothing },
  /**
   * Moves the run folder to the system's trash. `undo`: `runs.restore` can bring it back until Verger ends.
   *
   * @throws `run/in-use`, `run/no-trash`
   */
  "runs.trash": { request: z.object({ run }), response: z.object({ undo: z.boolean() }) },
  /** Brings a run back that `runs.trash` took away. @throws `run/unknown`, `run/not-restored` */
  "runs.restore": { request: z.object({ run }), response: runCardSchema },
  /** Shows the run folder in the system's file manager. @throws `run/unknown`, `run/no-reveal` */
  "runs.reveal": { request: z.object({ run }), response: nothing },
  /** What two runs have in common and what not. */
  "runs.compare": { request: z.object({ a: run, b: run }), response: comparisonSchema },
  /**
   * How far two runs agree on which images are alike: see `neighbourhoodAgreement`.
   *
   * @throws `runs/nothing-shared`, `run/no-features`, `features/*`
   */
  "runs.agreement": {
    request: z.object({
      a: run,
      b: run,
      k: count.min(1).max(100).default(AGREEMENT.k),
      sample: count.min(1).max(5_000).default(AGREEMENT.sample),
    }),
    response: agreementSchema,
  },

  /**
   * Looks for a run's photos in another folder, by a sample spread over the run; a folder above or below the right one
   * will do. Where some are found the place is remembered for this person. `folder: null`: back to where the run says.
   * @throws `photo/no-folder`
   */
  "runs.locate": {
    request: z.object({
      run,
      folder: text(4_096).min(1).nullable(),
      /** False: only look. */
      save: z.boolean().default(true),
    }),
    response: z.object({
      /** Where the photos are looked for now or, without `save`, would be; null where nobody knows. */
      root: z.string().nullable(),
      /** Of the sample: how many stand there. */
      found: count,
      total: count,
      saved: z.boolean(),
    }),
  },

  "run.overview": { request: z.object({ run }), response: overviewSchema },
  /** @throws `run/no-pca`, `request/invalid` for a component that is not there */
  "run.coordinates": {
    request: z.object({ run, components: z.array(count).min(1).max(3) }),
    response: z.object({
      rows: count,
      /** One array a component asked for. */
      axes: z.array(numbers),
      /** Smallest and largest value of each. */
      ranges: z.array(z.tuple([z.number(), z.number()])),
      /** Label id per row, and the revision it belongs to. */
      labels: rows,
      revision: count,
    }),
  },
  /**
   * One value per row; NaN where unknown. `size` in bytes, `modified` in milliseconds since 1970, `captured` in milliseconds
   * by the camera's own clock, counted as if that kept UTC.
   */
  "run.columns": {
    request: z.object({
      run,
      names: z
        .array(z.enum(["width", "height", "size", "captured", "modified"]))
        .min(1)
        .max(5),
    }),
    response: z.object({
      columns: z.object({
        width: doubles.optional(),
        height: doubles.optional(),
        size: doubles.optional(),
        captured: doubles.optional(),
        modified: doubles.optional(),
      }),
    }),
  },
  "run.labels": { request: z.object({ run }), response: labelingSchema },
  /** Paths and labels of some rows, in the order asked. */
  "run.rows": {
    request: z.object({
      run,
      rows: rows.refine((wanted) => wanted.length <= MAX_ROWS_PER_CALL, `at most ${MAX_ROWS_PER_CALL} rows`),
    }),
    response: z.object({ rows: z.array(rowSchema) }),
  },
  /** Rows whose path or label holds every word of `text`, whatever the case and accents; ascending. */
  "run.search": { request: z.object({ run, text: text(1_000) }), response: z.object({ rows }) },
  "run.image": {
    request: z.object({ run, row }),
    response: rowSchema.extend({
      /** Absolute, on the machine that serves; null where that is unknown. */
      file: z.string().nullable(),
      /** Why the photo cannot be shown; null when it can. */
      problem: problemSchema.nullable(),
      originalLabel: z.string().nullable(),
      format: z.enum(["jpeg", "png", "webp"]).nullable(),
      /** Pixels, upright. */
      width: count.nullable(),
      height: count.nullable(),
      bytes: count.nullable(),
      modifiedAt: z.string().nullable(),
      /** Milliseconds by the camera's own clock, counted as if that kept UTC; of the run where the photo is gone. */
      capturedAt: z.number().nullable(),
      /** Minutes that this clock was ahead of UTC. */
      capturedOffset: z.number().nullable(),
      /** What EXIF says of the shot, as text for people; empty without EXIF. */
      exif: z.array(exifFactSchema),
    }),
  },
  /** The nearest by cosine distance (1 - cosine) between feature vectors: exact, all rows compared, nearest first. */
  "run.neighbours": {
    request: z.object({ run, row, k: count.min(1).max(1_000) }),
    response: z.object({ rows, distances: numbers, compared: count }),
  },
  /**
   * How far each row lies from the others of its label: the Mahalanobis distance in the space of the kept components,
   * with the covariance of the whole run, to the centre of the row's label; without labels to the centre of all rows.
   */
  "run.outliers": { request: z.object({ run }), response: z.object({ scores: numbers, revision: count }) },
  /** Rows at both ends of a component, outermost first. */
  "run.ends": {
    request: z.object({ run, component: count, count: count.min(1).max(200) }),
    response: z.object({ low: rows, lowScores: numbers, high: rows, highScores: numbers }),
  },
  /** Unit vectors over the features, one for each component asked for. */
  "run.loadings": {
    request: z.object({ run, components: z.array(count).min(1).max(64) }),
    response: z.object({ loadings: z.array(numbers) }),
  },
  "run.setAside": {
    request: z.object({ run, offset: count, limit: count.max(1_000) }),
    response: z.object({
      total: count,
      reasons: z.array(z.object({ stage: z.string(), code: z.string(), images: count })),
      items: z.array(z.object({ path: z.string(), stage: z.string(), code: z.string(), message: z.string() })),
    }),
  },

  /** Gives rows a label; null takes it away. Kept in the run folder, can be undone. */
  "labels.edit": {
    request: z.object({ run, version: shownVersion, rows, label: text(500).min(1).nullable() }),
    response: labelingSchema,
  },
  "labels.undo": { request: z.object({ run }), response: labelingSchema },
  "labels.redo": { request: z.object({ run }), response: labelingSchema },

  /**
   * Writes a selection: `csv` and `parquet` to a new file, `copies` and `links` (symbolic) as photos into a new or empty
   * folder, one folder a label. Without `to`, tables come back as bytes. Abandoning the call ends it.
   * @throws `export/*`, `storage/*`
   */
  "selection.export": {
    request: z.object({
      run,
      version: shownVersion,
      rows,
      format: z.enum(["csv", "parquet", "copies", "links"]),
      to: text(4_096).min(1).optional(),
      /** Of tables: scores along the kept components. */
      coordinates: z.boolean().default(true),
      /** Of tables: feature vectors. */
      features: z.boolean().default(false),
      /** Chosen by the client; names the export in its `export` events. */
      export: text(64).min(1).optional(),
    }),
    response: z.object({
      path: z.string().nullable(),
      bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array, "a Uint8Array").nullable(),
      rows: count,
      /** Photos that were not there to be copied. */
      missing: z.array(z.string()),
    }),
  },

  /**
   * Looks at features that others wrote, before a `pca` job is started on them. Of several files in S3 the first that
   * holds rows is fetched (`look` events meanwhile). Abandoning the call ends it.
   * @throws `features/*`, `parquet/*`, `s3/*`
   */
  "features.inspect": {
    request: z.object({
      /** A file, folder, run or glob of the machine that serves, or an address in S3. */
      path: text(4_096).min(1),
      columns: featureColumnsSchema.optional(),
      s3: s3OptionsSchema.default({}),
      /** Chosen by the client; names the look in its events. */
      look: text(64).min(1).optional(),
    }),
    response: z.object({
      files: count,
      /** Of all files; null on the machine that serves, where nothing has to be fetched. */
      bytes: count.nullable(),
      /** Null where only one of several files was read. */
      rows: count.nullable(),
      /** Null where the columns do not fit: see `problem`. */
      dimension: count.nullable(),
      /** Those of the first file, and what each could serve as. */
      columns: z.array(
        z.object({ name: z.string(), type: z.string(), fits: z.array(z.enum(["path", "label", "features"])) }),
      ),
      /** The columns that would be read. */
      chosen: z.object({ path: z.string(), label: z.string().nullable(), features: z.string() }).nullable(),
      problem: problemSchema.nullable(),
    }),
  },

  /** What a sync would do: counts, bytes and the first actions. Abandoning the call ends it. @throws `sync/*`, `s3/*` */
  "transfers.preview": { request: previewRequestSchema, response: previewSchema },
  /** Uploads in parts below a prefix that were begun and never ended; `abort` ends those that are old. @throws `s3/*` */
  "transfers.openUploads": { request: openUploadsRequestSchema, response: sweepSummarySchema },

  "jobs.list": { request: nothing, response: z.object({ jobs: z.array(jobSchema) }) },
  "jobs.start": { request: jobRequestSchema, response: jobSchema },
  /** Stops; what is done stays in the run folder. */
  "jobs.cancel": { request: z.object({ job: z.string() }), response: jobSchema },
  /** Stops so that `jobs.resume` goes on where it stood. */
  "jobs.pause": { request: z.object({ job: z.string() }), response: jobSchema },
  /** Goes on with a job that was paused, cancelled, interrupted or failed. */
  "jobs.resume": { request: z.object({ job: z.string() }), response: jobSchema },
  /** Tries again what a finished job set aside: images of a run, files of a sync (which deletes nothing then). */
  "jobs.retry": { request: z.object({ job: z.string() }), response: jobSchema },
  /** Takes a job that is over off the history. */
  "jobs.forget": { request: z.object({ job: z.string() }), response: nothing },
  /**
   * Counts the images of sources (`probe` events meanwhile) and embeds some of them for two seconds. Abandoning the
   * call ends it. @throws `source/*`, `model/*`, `provider/*`
   */
  "jobs.probe": {
    request: z.object({
      /** Chosen by the client; names the probe in its events. */
      probe: text(64).min(1),
      sources: runRequestSchema.shape.sources,
      labelFrom: labelFromSchema.default("parent"),
      preset: presetSchema.optional(),
      model: z.string().optional(),
      provider: providerSchema.default("auto"),
      out: z.string().min(1).optional(),
      s3: s3OptionsSchema.optional(),
      /** False: only count. */
      measure: z.boolean().default(true),
    }),
    response: z.object({
      images: count,
      labels: count,
      bytes: z.number(),
      notices: z.array(noticeSchema),
      /** Null when not measured. */
      imagesPerSecond: z.number().nullable(),
      /** For the images that are not reused; embedding only. */
      seconds: z.number().nullable(),
      /** What `out` holds already: `problem` says why it cannot be continued. */
      existing: z
        .object({
          state: runStateSchema,
          /** Images that are embedded, of those that it was begun with. */
          done: count,
          images: count,
          /** Of the images found now: those whose features are taken over. */
          reusable: count,
          problem: problemSchema.nullable(),
        })
        .nullable(),
    }),
  },

  /** Folders and images of one folder on the machine that serves, for choosing a source or a run. */
  "files.browse": {
    request: z.object({ path: text(4_096).optional() }),
    response: z.object({
      path: z.string(),
      parent: z.string().nullable(),
      places: z.array(z.object({ name: z.enum(["home", "root", "work"]), path: z.string() })),
      entries: z.array(
        z.object({ name: z.string(), path: z.string(), kind: z.enum(["folder", "run", "image", "list", "features"]) }),
      ),
      /** More entries than are listed. */
      truncated: z.boolean(),
    }),
  },

  "settings.get": { request: nothing, response: settingsSchema },
  /** Changes the fields that are given. */
  "settings.set": { request: z.object(settingsFields).partial(), response: settingsSchema },
} as const;

export type Channel = keyof typeof channels;
/** What a client sends. */
export type RequestOf<C extends Channel> = z.input<(typeof channels)[C]["request"]>;
/** What a handler gets: defaults filled in. */
export type ParsedRequestOf<C extends Channel> = z.output<(typeof channels)[C]["request"]>;
export type ResponseOf<C extends Channel> = z.output<(typeof channels)[C]["response"]>;

/** What the engine tells every client without being asked. */
export const apiEventSchema = z.discriminatedUnion("type", [
  /** First event of a connection. Another `instance` than before: everything may have changed. */
  z.object({ type: z.literal("hello"), instance: z.string(), version: z.string() }),
  /** The server is ending; jobs are being saved. */
  z.object({ type: z.literal("bye") }),
  z.object({ type: z.literal("job"), job: jobSchema }),
  z.object({ type: z.literal("job.removed"), job: z.string() }),
  /** The list of `runs.recent` has changed. */
  z.object({ type: z.literal("runs") }),
  /** `labels`: only the label overlay; `content`: everything about the run has to be fetched again. */
  z.object({ type: z.literal("run.changed"), run, what: z.enum(["labels", "content"]), revision: count }),
  z.object({ type: z.literal("probe"), probe: z.string(), images: count }),
  /** Rows or photos that an export has written. */
  z.object({ type: z.literal("export"), export: z.string(), done: count }),
  /** Bytes of the file that a `features.inspect` fetches. */
  z.object({ type: z.literal("look"), look: z.string(), done: count, total: count }),
  /** Files that a `transfers.preview` has compared. */
  z.object({ type: z.literal("preview"), preview: z.string(), files: count }),
  z.object({ type: z.literal("settings"), settings: settingsSchema }),
]);
export type ApiEvent = z.infer<typeof apiEventSchema>;

/** A call that failed, as it crosses the wire. */
export const apiFailureSchema = z.object({ error: problemSchema });
export type ApiFailure = z.infer<typeof apiFailureSchema>;

/** How an interface talks to Verger, whatever carries it. */
export interface ApiClient {
  /** Rejects with an error that has `code` and one sentence as `message`. */
  call<C extends Channel>(
    channel: C,
    request: RequestOf<C>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<ResponseOf<C>>;
  /** @returns a function that ends the subscription */
  subscribe(listener: (event: ApiEvent) => void): () => void;
}

/** Paths of the HTTP carrier, relative to the page. */
export const HTTP = { call: "api/", events: "events" } as const;

/** Sides of thumbnails in pixels; the longer side of the picture has this length, or less if the photo is smaller. */
export const THUMBNAIL_SIZES = [64, 128, 256, 512] as const;
export type ThumbnailSize = (typeof THUMBNAIL_SIZES)[number];

/**
 * Address of a picture, relative to the page. It changes when the run does, so it may be cached for ever.
 *
 * @param version of the run's card
 * @param size `full`: the photo's own file
 */
export function imagePath(run: string, version: string, row: number, size: ThumbnailSize | "full"): string {
  return `images/${run}/${version}/${row}/${size}`;
}
