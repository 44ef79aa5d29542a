/** `models add`: any ONNX classifier or backbone becomes a model of Verger. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { errorCode, errorMessage, VergerError } from "../core/errors.js";
import { sha256Of } from "./files.js";
import type { ImageInput, OnnxModel } from "./onnx/graph.js";
import type { Probe } from "./onnx/probe.js";
import { type Registered, refuseTaken, register } from "./registry.js";
import { type ModelEntry, type ModelInput, modelEntrySchema, modelInputSchema, modelNameSchema } from "./schema.js";

/** Mean and standard deviation of ImageNet, in units of 0 to 255: what most published models are trained with. */
const IMAGENET_MEAN: ModelInput["mean"] = [123.675, 116.28, 103.53];
const IMAGENET_STD: ModelInput["std"] = [58.395, 57.12, 57.375];
const DEFAULT_SIZE = 224;
/** Protobuf's own limit. */
const MAX_BYTES = 2 ** 31 - 1;

/** What reads and runs graphs. Loaded here and not at the top: a run of a registered model starts without it. */
async function graphTools() {
  const [graph, { probe }] = await Promise.all([import("./onnx/graph.js"), import("./onnx/probe.js")]);
  return { ...graph, probe };
}

/** How to feed a model; what is left out is read from the graph or is ImageNet's custom. */
export interface InputOptions {
  /** Width and height in pixels; needed only where the graph leaves them open, 224 by default. */
  readonly size?: number | undefined;
  /** `(v - mean) / std` per channel, in the order of `channels`, v from 0 to 255; ImageNet's by default. */
  readonly mean?: readonly [number, number, number] | undefined;
  readonly std?: readonly [number, number, number] | undefined;
  readonly layout?: "nchw" | "nhwc" | undefined;
  readonly channels?: "rgb" | "bgr" | undefined;
  readonly filter?: "bilinear" | "bicubic" | undefined;
  readonly fit?: "stretch" | "cover" | undefined;
}

export interface AddOptions extends InputOptions {
  /** Lower-case letters, digits, dots, hyphens and underscores; by default from the file's name. */
  readonly name?: string | undefined;
  /** The tensor that holds the features; the graph's first output by default. */
  readonly output?: string | undefined;
  readonly description?: string | undefined;
  readonly licence?: string | undefined;
  readonly source?: string | undefined;
  /** Replace a model of this name instead of failing with `model/exists`. */
  readonly replace?: boolean | undefined;
}

/** How a model that is not registered is to be fed and read. */
export interface Inspection {
  readonly input: ModelInput;
  readonly output: ModelEntry["output"];
  readonly precision: ModelEntry["precision"];
}

/**
 * Reads an ONNX file.
 *
 * @throws VergerError `model/missing`, `model/not-readable`, `model/too-large`
 */
export async function readModelFile(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) {
      throw new VergerError("model/too-large", `Expected an ONNX file below 2 GiB, but ${file} has ${size} bytes.`);
    }
    return await readFile(file);
  } catch (error) {
    if (error instanceof VergerError) throw error;
    if (errorCode(error) === "ENOENT") {
      throw new VergerError("model/missing", `Expected an ONNX file at ${file}, but there is none; check the path.`);
    }
    throw new VergerError("model/not-readable", `Expected to read ${file}, but: ${errorMessage(error)}.`, {
      cause: error,
    });
  }
}

/**
 * Learns how to feed and read an ONNX file as it is, by reading its graph and running it once on two images.
 *
 * @param file absolute path
 * @throws VergerError `model/corrupt`, `model/external-data`, `model/input*`, `model/layout`, `model/size`,
 *   `model/batch`, `model/output-*`, `model/run`
 */
export async function inspectFile(file: string, content: Uint8Array, options: InputOptions = {}): Promise<Inspection> {
  const { imageInput, parseModel, precisionOf, probe } = await graphTools();
  const model = parseModel(content, file);
  const image = imageInput(model, options.layout);
  const input = describeInput(image, options);
  if (image.batch !== undefined) {
    throw new VergerError(
      "model/batch",
      `Expected a model that takes any number of images, but ${file} takes exactly ${image.batch}; register it with ` +
        '"verger models add", which lifts that.',
    );
  }
  const seen = await probe(file, file, input.name, inputDims(input));
  const dimension = vectorLength(seen, file);
  if (dimension === undefined) throw noVector(seen);
  return { input, output: { name: seen.outputName, dimension }, precision: precisionOf(model) };
}

function describeInput(image: ImageInput, options: InputOptions): ModelInput {
  const { size } = options;
  const { height = size ?? DEFAULT_SIZE, width = size ?? DEFAULT_SIZE } = image;
  if (size !== undefined && (size !== height || size !== width)) throw wrongSize(image.name, width, height, size);
  const input = modelInputSchema.safeParse({
    name: image.name,
    layout: image.layout,
    channels: options.channels ?? "rgb",
    width,
    height,
    fixed: image.height !== undefined || image.width !== undefined,
    multiple: 1,
    mean: options.mean ?? IMAGENET_MEAN,
    std: options.std ?? IMAGENET_STD,
    filter: options.filter ?? "bicubic",
    fit: options.fit ?? "stretch",
  } satisfies Record<keyof ModelInput, unknown>);
  if (input.success) return input.data;
  const issue = input.error.issues[0];
  throw new VergerError(
    "model/option",
    `Expected a usable ${String(issue?.path[0])} for the model's input, but: ${issue?.message}.`,
  );
}

export function wrongSize(name: string, width: number, height: number, size: number): VergerError {
  return new VergerError(
    "model/size",
    `Expected images of ${width} x ${height} px, the only size that input ${name} takes, but received size ${size}; leave --size out.`,
  );
}

function fixedBatch(file: string, batch: number): VergerError {
  return new VergerError(
    "model/batch",
    `Expected a model that takes any number of images, but ${file} takes exactly ${batch}; export it with an open batch dimension.`,
  );
}

function inputDims({ layout, width, height }: ModelInput): number[] {
  return layout === "nchw" ? [2, 3, height, width] : [2, height, width, 3];
}

/** Length of one image's vector; undefined for anything but [2, d] or [2, d, 1, ...]. */
function vectorLength({ dims }: Probe, file: string): number | undefined {
  if (dims[0] !== 2) throw fixedBatch(file, dims[0] ?? 0);
  const [, dimension, ...rest] = dims;
  return dimension !== undefined && rest.every((dim) => dim === 1) ? dimension : undefined;
}

function noVector({ outputName, dims }: Probe): VergerError {
  return new VergerError(
    "model/output-shape",
    `Expected one vector for each image from tensor ${outputName}, but two images gave [${dims.join(", ")}]; name a ` +
      'tensor behind the last pooling with "verger models add --output".',
    { details: { tensor: outputName, shape: dims.join(",") } },
  );
}

/**
 * Registers an ONNX file under a name. With `output`, that inner tensor becomes the model's output and everything
 * behind it is dropped; a map [N, C, H, W] is averaged over its area. A fixed number of images is lifted.
 *
 * @throws VergerError `model/name`, `model/exists`, `model/no-such-output`, `model/not-writable`, and those of
 *   readModelFile and inspectFile
 */
export async function addModel(file: string, options: AddOptions = {}): Promise<Registered> {
  const absolute = path.resolve(file);
  const name = options.name ?? nameFrom(absolute);
  if (!modelNameSchema.safeParse(name).success) {
    throw new VergerError(
      "model/name",
      `Expected a name of lower-case letters, digits, ".", "-" and "_", at most 64 of them, but received "${name}"; choose one with --name.`,
    );
  }
  await refuseTaken(name, options.replace ?? false);
  const content = await readModelFile(absolute);
  return addContent(content, absolute, { ...options, name });
}

function nameFrom(file: string): string {
  return path
    .basename(file, path.extname(file))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "");
}

/** `before-classifier` stands for the tensor that the last Gemm or MatMul receives. */
export const BEFORE_CLASSIFIER = Symbol("before-classifier");

/** addModel for content that is at hand; `file` names it in sentences. */
export async function addContent(
  content: Uint8Array,
  file: string,
  options: Omit<AddOptions, "output"> & { readonly name: string; readonly output?: string | symbol | undefined },
): Promise<Registered> {
  const graph = await graphTools();
  const model = graph.parseModel(content, file);
  const image = graph.imageInput(model, options.layout);
  const input = describeInput(image, options);

  let edited = false;
  const output = options.output === BEFORE_CLASSIFIER ? graph.classifierInput(model) : options.output;
  if (typeof output === "string") {
    graph.cutAt(model, output);
    edited = true;
  }
  if (image.batch !== undefined) {
    graph.openBatch(model, image.name);
    edited = true;
  }
  const { dimension, pooled, outputName } = await learnOutput(model, content, edited, file, input);
  if (edited || pooled) graph.describeOutput(model, dimension);
  // Untouched models are kept bit for bit.
  const final = edited || pooled ? graph.encodeModel(model) : content;

  const entry = modelEntrySchema.parse({
    name: options.name,
    description: options.description ?? `Added from ${path.basename(file)}`,
    file: `${options.name}.onnx`,
    sha256: sha256Of(final),
    bytes: final.length,
    precision: graph.precisionOf(model),
    input,
    output: { name: outputName, dimension },
    licence: options.licence ?? "unknown",
    source: options.source ?? file,
  } satisfies ModelEntry);
  return register(entry, final, options.replace ?? false);
}

async function learnOutput(
  model: OnnxModel,
  content: Uint8Array,
  edited: boolean,
  file: string,
  input: ModelInput,
): Promise<{ dimension: number; pooled: boolean; outputName: string }> {
  const { encodeModel, poolOutput, probe } = await graphTools();
  const run = (bytes: Uint8Array) => probe(bytes, file, input.name, inputDims(input));
  let seen = await run(edited ? encodeModel(model) : content);
  const pooled = seen.dims.length === 4;
  if (pooled) {
    poolOutput(model);
    seen = await run(encodeModel(model));
  }
  const dimension = vectorLength(seen, file);
  if (dimension === undefined) throw noVector(seen);
  return { dimension, pooled, outputName: seen.outputName };
}
