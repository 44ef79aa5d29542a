/** Colour spaces and palettes. Linear sRGB and OKLab as in B. Ottosson, "A perceptual color space for image processing" (2020). */

import { SHAPES, type Shape } from "./shapes.js";

export type Rgb = readonly [red: number, green: number, blue: number];
export type Theme = "light" | "dark";

const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const gamma = (value: number) => (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055);

/** OKLab of an sRGB colour with components in 0..255. */
export function toOklab([red, green, blue]: Rgb): [lightness: number, a: number, b: number] {
  const r = linear(red / 255);
  const g = linear(green / 255);
  const b = linear(blue / 255);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** sRGB (0..255, rounded) of an OKLab colour, or undefined outside the gamut. */
export function fromOklab(lightness: number, a: number, b: number): Rgb | undefined {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const channels = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  if (channels.some((value) => value < -1e-4 || value > 1 + 1e-4)) return undefined;
  const [red = 0, green = 0, blue = 0] = channels.map((value) =>
    Math.round(255 * gamma(Math.min(1, Math.max(0, value)))),
  );
  return [red, green, blue];
}

/** `#rrggbb` of a colour. */
export function toHex(colour: Rgb): string {
  return `#${colour.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The colour of `#rrggbb`; undefined for anything else. */
export function fromHex(hex: string): Rgb | undefined {
  const [, red, green, blue] = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex) ?? [];
  if (red === undefined || green === undefined || blue === undefined) return undefined;
  return [Number.parseInt(red, 16), Number.parseInt(green, 16), Number.parseInt(blue, 16)];
}

/** How many label colours differ from one another; further labels take them again from the start. */
export const LABEL_COLOURS = 192;

/** Lightness that stands out from the background, and the smallest chroma that still reads as a colour. */
const RANGES = {
  light: { from: 0.42, to: 0.8, chroma: 0.055 },
  dark: { from: 0.52, to: 0.9, chroma: 0.05 },
} as const;

const palettes = new Map<Theme, readonly Rgb[]>();

/**
 * Label colours in order of use, as far from each other as can be: the greedy choice of Glasbey, van der Heijden, Toh
 * and Gray, "Colour displays for categorical images" (Color Research & Application 32, 2007), here in OKLab. Each next
 * colour has the largest distance to the nearest of those before it, so the first few labels differ most.
 *
 * @returns LABEL_COLOURS colours
 */
export function labelPalette(theme: Theme): readonly Rgb[] {
  const known = palettes.get(theme);
  if (known) return known;
  const { from, to, chroma } = RANGES[theme];
  const candidates: { rgb: Rgb; lab: [number, number, number]; distance: number }[] = [];
  for (let lightness = from; lightness <= to + 1e-9; lightness += 0.035) {
    for (let a = -0.32; a <= 0.32; a += 0.02) {
      for (let b = -0.32; b <= 0.32; b += 0.02) {
        if (Math.hypot(a, b) < chroma) continue;
        const rgb = fromOklab(lightness, a, b);
        // Lightness counts less than hue: neighbours on a plot are told apart by hue first.
        if (rgb) candidates.push({ rgb, lab: [0.8 * lightness, a, b], distance: Number.POSITIVE_INFINITY });
      }
    }
  }
  // Orchard green is the colour of the window itself; the labels begin with a clear blue.
  let last = closest(candidates, theme === "light" ? [0.55, -0.04, -0.16] : [0.68, -0.05, -0.13]);
  const chosen: Rgb[] = [];
  while (last && chosen.length < LABEL_COLOURS) {
    chosen.push(last.rgb);
    const [l0, a0, b0] = last.lab;
    let next: (typeof candidates)[number] | undefined;
    for (const candidate of candidates) {
      const [l1, a1, b1] = candidate.lab;
      const distance = (l1 - l0) ** 2 + (a1 - a0) ** 2 + (b1 - b0) ** 2;
      if (distance < candidate.distance) candidate.distance = distance;
      if (next === undefined || candidate.distance > next.distance) next = candidate;
    }
    last = next;
  }
  palettes.set(theme, chosen);
  return chosen;
}

let shapesByColour: readonly Shape[] | undefined;

/**
 * A shape for each label colour, such that colours of one shape differ as much as can be: in order of use, each colour
 * takes the shape whose colours so far are farthest from it. The same in both themes: a label keeps its shape.
 */
export function labelShapes(): readonly Shape[] {
  if (shapesByColour) return shapesByColour;
  const taken = new Map<Shape, [number, number, number][]>(SHAPES.map((shape) => [shape, []]));
  shapesByColour = labelPalette("light").map((rgb) => {
    const lab = toOklab(rgb);
    let best: Shape = "circle";
    let farthest = -1;
    for (const shape of SHAPES) {
      const nearest = Math.min(
        ...(taken.get(shape) ?? []).map(([l, a, b]) => (l - lab[0]) ** 2 + (a - lab[1]) ** 2 + (b - lab[2]) ** 2),
      );
      if (nearest <= farthest) continue;
      farthest = nearest;
      best = shape;
    }
    taken.get(best)?.push(lab);
    return best;
  });
  return shapesByColour;
}

function closest<T extends { lab: [number, number, number] }>(
  candidates: readonly T[],
  [lightness, a, b]: readonly [number, number, number],
): T | undefined {
  let best: T | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const [l1, a1, b1] = candidate.lab;
    const distance = (l1 - 0.8 * lightness) ** 2 + (a1 - a) ** 2 + (b1 - b) ** 2;
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Anchors of viridis (S. van der Walt and N. Smith, matplotlib, CC0), evenly spaced; between them in OKLab. */
const VIRIDIS: readonly Rgb[] = [
  [68, 1, 84],
  [71, 45, 123],
  [59, 82, 139],
  [44, 114, 142],
  [33, 145, 140],
  [40, 174, 128],
  [94, 201, 98],
  [173, 220, 48],
  [253, 231, 37],
];

/** Steps of a continuous scale. */
export const SCALE_STEPS = 256;

const scales = new Map<Theme, readonly Rgb[]>();

/** SCALE_STEPS colours from low to high, even in lightness; the end that would vanish on the background is left out. */
export function continuousPalette(theme: Theme): readonly Rgb[] {
  const known = scales.get(theme);
  if (known) return known;
  const [first, last] = theme === "light" ? [0, 0.92] : [0.14, 1];
  const scale = Array.from({ length: SCALE_STEPS }, (_, step): Rgb => {
    const at = (first + ((last - first) * step) / (SCALE_STEPS - 1)) * (VIRIDIS.length - 1);
    const index = Math.min(VIRIDIS.length - 2, Math.floor(at));
    const low = VIRIDIS[index] ?? [0, 0, 0];
    const high = VIRIDIS[index + 1] ?? low;
    const [l0, a0, b0] = toOklab(low);
    const [l1, a1, b1] = toOklab(high);
    const t = at - index;
    return fromOklab(l0 + t * (l1 - l0), a0 + t * (a1 - a0), b0 + t * (b1 - b0)) ?? (t < 0.5 ? low : high);
  });
  scales.set(theme, scale);
  return scale;
}
