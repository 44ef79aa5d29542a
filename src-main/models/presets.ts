/** The three presets: a model of the embedded registry and the side of its square input. Figures: docs/models.md. */
export const PRESETS = {
  fast: { model: "efficientnet-lite0-int8", size: 128 },
  balanced: { model: "efficientnet-lite0-int8", size: 224 },
  exact: { model: "efficientnet-lite0-fp32", size: 224 },
} as const;

export type PresetName = keyof typeof PRESETS;

/** `exact` on a GPU, where fp32 costs nothing and int8 has no fast kernels; `balanced` on a CPU. */
export function defaultPreset(provider: string | undefined): PresetName {
  return provider === undefined || provider === "cpu" || provider === "auto" ? "balanced" : "exact";
}

/** The preset that stands for this model at this size, if there is one. */
export function presetOf(model: string, width: number, height: number): PresetName | null {
  for (const [name, preset] of Object.entries(PRESETS)) {
    if (preset.model === model && preset.size === width && preset.size === height) return name as PresetName;
  }
  return null;
}
