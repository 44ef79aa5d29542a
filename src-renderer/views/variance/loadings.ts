/** What is shown of loadings, the weights of the features in a component. */
import type { Rgb, Theme } from "../../plots/colour.js";

export interface Loading {
  /** From 1. */
  readonly feature: number;
  readonly value: number;
}

/**
 * The features that weigh most on each side.
 *
 * @returns both strongest first; `most` is the largest magnitude of all, at least a rounding error above 0
 */
export function strongest(
  loadings: Float32Array,
  count: number,
): { negative: Loading[]; positive: Loading[]; most: number } {
  const order = Array.from(loadings, (value, index): Loading => ({ feature: index + 1, value })).sort(
    (a, b) => a.value - b.value || a.feature - b.feature,
  );
  const negative = order.slice(0, count).filter(({ value }) => value < 0);
  const positive = order
    .slice(-count)
    .reverse()
    .filter(({ value }) => value > 0);
  const most = Math.max(Math.abs(order[0]?.value ?? 0), Math.abs(order.at(-1)?.value ?? 0), 1e-12);
  return { negative, positive, most };
}

/** Features from the lowest weight to the highest. */
export function byWeight(loadings: Float32Array | undefined): Uint32Array {
  const weights = loadings ?? new Float32Array(0);
  return Uint32Array.from(weights, (_, feature) => feature).sort(
    (a, b) => (weights[a] as number) - (weights[b] as number) || a - b,
  );
}

/** Below and above zero, and the middle between them: told apart without red and green. */
const ENDS: Readonly<Record<Theme, { negative: Rgb; positive: Rgb; none: Rgb }>> = {
  light: { negative: [33, 102, 172], positive: [178, 24, 43], none: [255, 255, 255] },
  dark: { negative: [103, 169, 232], positive: [239, 120, 100], none: [26, 28, 25] },
};

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/**
 * One line of pixels a component, one pixel a feature. Full colour is the 99.5th percentile of the magnitudes of all
 * lines, so that a few strong features do not leave the rest white.
 *
 * @param order which feature stands at each place from the left
 */
export function strip(loadings: readonly Float32Array[], order: Uint32Array, theme: Theme): Picture {
  const width = order.length;
  const height = loadings.length;
  const { negative, positive, none } = ENDS[theme];
  const magnitudes = new Float32Array(width * height);
  for (const [line, values] of loadings.entries()) {
    for (let at = 0; at < width; at++) magnitudes[line * width + at] = Math.abs(values[at] as number);
  }
  const full = magnitudes.slice().sort()[Math.floor(0.995 * (magnitudes.length - 1))] || 1;
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (const [line, values] of loadings.entries()) {
    for (let at = 0; at < width; at++) {
      const value = values[order[at] as number] as number;
      const share = Math.min(1, Math.abs(value) / full);
      const end = value < 0 ? negative : positive;
      const pixel = 4 * (line * width + at);
      for (const channel of [0, 1, 2] as const) {
        pixels[pixel + channel] = none[channel] + share * (end[channel] - none[channel]);
      }
      pixels[pixel + 3] = 255;
    }
  }
  return { width, height, pixels };
}
