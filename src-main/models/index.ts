/** Models: which there are, how each is fed and read, and how others are added. */
export { type AddOptions, addModel, type InputOptions } from "./add.js";
export { embeddedModelsFolder, userModelsFolder } from "./files.js";
export { defaultPreset, PRESETS, type PresetName } from "./presets.js";
export { type PullOptions, type PullProgress, pullModel } from "./pull.js";
export {
  listModels,
  type ModelInfo,
  type ModelOrigin,
  type Registered,
  removeModel,
  type Verification,
  verifyModels,
} from "./registry.js";
export { type ModelRequest, type ResolvedModel, resolveModel } from "./resolve.js";
export type { ModelEntry, Precision } from "./schema.js";
