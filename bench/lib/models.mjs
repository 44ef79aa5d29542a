/** The models behind the presets, as the product itself resolves them. */
import { existsSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./process.mjs";

const FILES = { fp32: "efficientnet-lite0-fp32.onnx", int8: "efficientnet-lite0-int8.onnx" };

/** @type {Record<"fast" | "balanced" | "exact", { kind: keyof typeof FILES, side: number }>} */
const PRESETS = {
  exact: { kind: "fp32", side: 224 },
  balanced: { kind: "int8", side: 224 },
  fast: { kind: "int8", side: 128 },
};

export const PRESET_NAMES = /** @type {const} */ (["exact", "balanced", "fast"]);

/** The ONNX file and input size of a preset. `endToEnd` checks them against the job's own run.json. */
export function presetModel(preset) {
  const { kind, side } = PRESETS[preset];
  const file = path.join(ROOT, "resources", "models", FILES[kind]);
  if (!existsSync(file)) throw new Error(`Expected the model of preset ${preset} in ${file}; see resources/models.`);
  return { file, width: side, height: side };
}
