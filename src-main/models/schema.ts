/** The shape of the registry files: `resources/models/registry.json` and one `<name>.json` beside each added model. */
import * as z from "zod";

const positive = z.number().int().positive();
const triple = z.tuple([z.number(), z.number(), z.number()]);
const positiveTriple = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const modelNameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/);
/** A bare file name: nothing that could leave the folder of the registry file. */
const fileName = z.string().regex(/^[^/\\:]+\.onnx$/);

const layoutSchema = z.enum(["nchw", "nhwc"]);
const channelsSchema = z.enum(["rgb", "bgr"]);
const filterSchema = z.enum(["bilinear", "bicubic"]);
const fitSchema = z.enum(["stretch", "cover"]);

/** How a photo becomes the model's input tensor. */
export const modelInputSchema = z.object({
  /** Name of the graph's input. */
  name: z.string().min(1),
  layout: layoutSchema,
  channels: channelsSchema,
  /** Pixels; the default when `fixed` is false. */
  width: positive,
  height: positive,
  /** True: the graph takes no other size. */
  fixed: z.boolean(),
  /** Width and height must be multiples of this. */
  multiple: positive,
  /** `(v - mean) / std` per channel, v from 0 to 255. */
  mean: triple,
  std: positiveTriple,
  filter: filterSchema,
  fit: fitSchema,
});
export type ModelInput = z.infer<typeof modelInputSchema>;

export const precisionSchema = z.enum(["fp32", "fp16", "int8"]);
export type Precision = z.infer<typeof precisionSchema>;

export const modelEntrySchema = z.object({
  name: modelNameSchema,
  description: z.string(),
  file: fileName,
  sha256,
  bytes: positive,
  precision: precisionSchema,
  input: modelInputSchema,
  output: z.object({ name: z.string().min(1), dimension: positive }),
  licence: z.string(),
  source: z.string(),
});
export type ModelEntry = z.infer<typeof modelEntrySchema>;

/** A model that `models pull` fetches. */
export const downloadEntrySchema = z.object({
  name: modelNameSchema,
  description: z.string(),
  url: z.url(),
  sha256,
  bytes: positive,
  /** `before-classifier`: the features are what the last Gemm or MatMul receives; `none`: the graph's own output. */
  cut: z.enum(["before-classifier", "none"]),
  input: modelInputSchema
    .pick({ layout: true, channels: true, mean: true, std: true, filter: true, fit: true })
    .extend({ size: positive }),
  licence: z.string(),
  source: z.string(),
});
export type DownloadEntry = z.infer<typeof downloadEntrySchema>;

export const registrySchema = z.object({
  schema: z.literal(1),
  models: z.array(modelEntrySchema),
  downloads: z.array(downloadEntrySchema),
});
export type Registry = z.infer<typeof registrySchema>;

/** The file beside an added model. */
export const userModelSchema = modelEntrySchema.extend({ schema: z.literal(1) });
