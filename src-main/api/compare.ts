/** Schemas of the calls that compare two runs. */
import * as z from "zod";

const count = z.number().int().nonnegative();
const rows = z.custom<Uint32Array>((value) => value instanceof Uint32Array, "a Uint32Array");

/** What a run was made with, as far as it can differ from another. */
export const settingNameSchema = z.enum([
  "kind",
  "sources",
  "features",
  "labelFrom",
  "model",
  "modelFile",
  "preset",
  "input",
  "fit",
  "truncated",
  "variance",
  "components",
  "standardize",
  "solver",
  "provider",
  "machine",
  "version",
]);
export type SettingName = z.infer<typeof settingNameSchema>;

/** Values as the run has them; null where they do not apply. */
export const settingSchema = z.object({
  name: settingNameSchema,
  a: z.string().nullable(),
  b: z.string().nullable(),
});
export type Setting = z.infer<typeof settingSchema>;

export const comparisonSchema = z.object({
  settings: z.array(settingSchema),
  /** Images that both runs hold: row `a[i]` of one is row `b[i]` of the other. */
  shared: z.object({
    a: rows,
    b: rows,
    /** `path`: the same path below the sources; `file`: the same file, named from different folders. */
    by: z.enum(["path", "file"]),
  }),
  onlyA: count,
  onlyB: count,
  /** Shared images whose labels differ, and the most frequent changes. */
  relabelled: count,
  labelChanges: z.array(z.object({ a: z.string().nullable(), b: z.string().nullable(), images: count })),
  /** Kinds of changes beyond those listed. */
  moreChanges: count,
});
export type Comparison = z.infer<typeof comparisonSchema>;

export const agreementSchema = z.object({
  k: count,
  sample: count,
  /** Mean share of common neighbours, in [0, 1]. */
  overlap: z.number(),
  /** The overlap of two runs that know nothing of each other. */
  byChance: z.number(),
  /** Images by the number of neighbours that both runs name, 0 to k. */
  histogram: z.array(count),
  /** The images of the sample with the fewest common neighbours first, as rows of both runs. */
  rowsA: rows,
  rowsB: rows,
  common: rows,
});
export type AgreementAnswer = z.infer<typeof agreementSchema>;

/** Neighbours of each image, and images looked at, when two runs are compared and nothing else is said. */
export const AGREEMENT = { k: 10, sample: 200 } as const;
