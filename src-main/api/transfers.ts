/** Schemas of the calls that move photos and runs between folders and buckets. */
import * as z from "zod";
import { s3OptionsSchema, syncRequestSchema, syncSummarySchema } from "./contract.js";

const count = z.number().int().nonnegative();

/** What a person has seen and said yes to before files are deleted. */
export const agreedDeletionsSchema = z.object({ files: count, bytes: count });

/** Actions that a preview lists; all of them are counted. */
export const LISTED_ACTIONS = 200;

export const previewRequestSchema = z.object({
  /** Chosen by the client; names the preview in its events. */
  preview: z.string().min(1).max(64),
  request: syncRequestSchema,
});

export const previewSchema = z.object({
  /** What would be done; `actions` holds the first `LISTED_ACTIONS`. */
  summary: syncSummarySchema,
  /** Actions beyond those listed. */
  moreActions: count,
});
export type Preview = z.infer<typeof previewSchema>;

export const openUploadsRequestSchema = z.object({
  /** s3://bucket/prefix */
  target: z.string().min(1).max(4_096),
  s3: s3OptionsSchema.default({}),
  /** Seconds since an upload was begun from which it counts as given up. */
  olderThan: z
    .number()
    .nonnegative()
    .default(24 * 3600),
  /** False: only look. */
  abort: z.boolean().default(false),
});
