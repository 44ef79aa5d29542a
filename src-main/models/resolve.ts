/** From what a person asks for to everything that the embedding stage needs to know of a model. */
import { existsSync } from "node:fs";
import path from "node:path";
import { VergerError } from "../core/errors.js";
import { inspectFile, readModelFile, wrongSize } from "./add.js";
import { sha256Of } from "./files.js";
import { defaultPreset, PRESETS, type PresetName, presetOf } from "./presets.js";
import { findModel, findModelBySha256, type Registered, unknownModel, verifyFile } from "./registry.js";
import type { ModelEntry, Precision } from "./schema.js";

export interface ModelRequest {
  /** A registered model's name, or an ONNX file. Excludes `preset`. */
  readonly model?: string | undefined;
  readonly preset?: PresetName | undefined;
  /** Side of the square input in pixels. */
  readonly size?: number | undefined;
  /** What will run it; decides the default preset. */
  readonly provider?: string | undefined;
}

/** A model whose file has been checked, and how to feed and read it. */
export interface ResolvedModel {
  /** What names this model in a later request: a registered name, or the file's absolute path. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  readonly sha256: string;
  readonly inputName: string;
  readonly outputName: string;
  /** Length of one feature vector. */
  readonly dimension: number;
  readonly layout: "nchw" | "nhwc";
  readonly channels: "rgb" | "bgr";
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly filter: "bilinear" | "bicubic";
  readonly fit: "stretch" | "cover";
  /** `out = (v - mean) / std` per channel, v from 0 to 255. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** The preset that this model and size are, if any. */
  readonly preset: PresetName | null;
  readonly precision: Precision;
}

/**
 * Finds the model, checks its file's sha256 (about 10 ms) and settles its input size. With neither model nor preset,
 * the default preset of the provider.
 *
 * @throws VergerError `model/unknown`, `model/not-pulled`, `model/missing`, `model/hash`, `model/size`, `model/preset`,
 *   `model/registry`; for a file that is not registered also what inspectFile throws
 */
export async function resolveModel(request: ModelRequest = {}): Promise<ResolvedModel> {
  const { model, size } = request;
  if (model === undefined) {
    const preset = PRESETS[request.preset ?? defaultPreset(request.provider)];
    return resolveRegistered(preset.model, size ?? preset.size);
  }
  if (request.preset !== undefined) {
    throw new VergerError(
      "model/preset",
      `Expected a model or a preset, but received both (model ${model}, preset ${request.preset}); leave one out.`,
    );
  }
  const registered = await findModel(model);
  if (registered) return checked(registered, registered.file, size);
  const file = path.resolve(model);
  if (existsSync(file) || /[\\/]|\.onnx$/i.test(model)) return resolveFile(file, size);
  throw await unknownModel(model);
}

async function resolveRegistered(name: string, size: number): Promise<ResolvedModel> {
  const model = await findModel(name);
  if (!model) throw await unknownModel(name);
  return checked(model, model.file, size);
}

async function checked(model: Registered, file: string, size: number | undefined): Promise<ResolvedModel> {
  await verifyFile(model);
  return settle(model.entry, { id: model.entry.name, name: model.entry.name, file }, size);
}

/** A file: as its registry entry says when its content is that of a registered model, else as the graph says. */
async function resolveFile(file: string, size: number | undefined): Promise<ResolvedModel> {
  const content = await readModelFile(file);
  const sha256 = sha256Of(content);
  const known = await findModelBySha256(sha256);
  if (known) return settle(known.entry, { id: known.entry.name, name: known.entry.name, file }, size);
  const inspection = await inspectFile(file, content, { size });
  return settle({ ...inspection, sha256 }, { id: file, name: path.basename(file), file }, undefined);
}

function settle(
  { input, output, precision, sha256 }: Pick<ModelEntry, "input" | "output" | "precision" | "sha256">,
  { id, name, file }: Pick<ResolvedModel, "id" | "name" | "file">,
  size: number | undefined,
): ResolvedModel {
  if (size !== undefined) checkSize(input, size);
  const width = input.fixed ? input.width : (size ?? input.width);
  const height = input.fixed ? input.height : (size ?? input.height);
  const { layout, channels, filter, fit, mean, std } = input;
  return {
    ...{ id, name, file, sha256, inputName: input.name, outputName: output.name, dimension: output.dimension },
    ...{ layout, channels, width, height, filter, fit, mean, std, preset: presetOf(name, width, height), precision },
  };
}

const MAX_SIZE = 4096;

function checkSize(input: ModelEntry["input"], size: number): void {
  // A run is continued with the width it was begun with, also where the fixed input is not square.
  if (input.fixed && size === input.width) return;
  if (input.fixed) throw wrongSize(input.name, input.width, input.height, size);
  if (Number.isInteger(size) && size > 0 && size <= MAX_SIZE && size % input.multiple === 0) return;
  const kind = input.multiple > 1 ? `a multiple of ${input.multiple}` : "a whole number";
  throw new VergerError(
    "model/size",
    `Expected ${kind} from ${input.multiple} to ${MAX_SIZE} as the side of the model's input in pixels, but received ${size}.`,
  );
}
