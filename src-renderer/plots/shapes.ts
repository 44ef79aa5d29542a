/** The shapes that points can have, so that labels of like colours can still be told apart. */

export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "wedge"] as const;
export type Shape = (typeof SHAPES)[number];

/** Below this diameter in device pixels every shape is a blot: points are drawn as circles. */
export const LEAST_SHAPE_PIXELS = 4.5;

/** The fourth byte of a palette entry: 0 hides, else the shape. */
export function markOf(shape: Shape): number {
  return SHAPES.indexOf(shape) + 1;
}

/**
 * How far out a place lies in a shape: at most 1 inside. The shader of the WebGL layer has the same lines.
 *
 * @param x from -1 to 1, to the right
 * @param y from -1 to 1, downwards
 */
export function reach(shape: Shape, x: number, y: number): number {
  const [across, down] = [Math.abs(x), Math.abs(y)];
  switch (shape) {
    case "circle":
      return Math.hypot(x, y);
    case "square":
      return Math.max(across, down) / 0.84;
    case "triangle":
      return Math.max(y / 0.72, (1.704 * across - y) / 0.95);
    case "diamond":
      return across + down;
    case "cross":
      return Math.max(Math.min(across, down) / 0.36, Math.max(across, down) / 0.96);
    case "wedge":
      return Math.max(-y / 0.72, (1.704 * across + y) / 0.95);
  }
}

/** Outlines for SVG with the view box `-1 -1 2 2`. */
export const OUTLINES: Readonly<Record<Shape, string>> = {
  circle: "M1 0A1 1 0 1 1-1 0A1 1 0 1 1 1 0Z",
  square: "M-.84-.84H.84V.84H-.84Z",
  triangle: "M0-.95L.98.72H-.98Z",
  diamond: "M0-1L1 0L0 1L-1 0Z",
  cross: "M-.36-.96H.36V-.36H.96V.36H.36V.96H-.36V.36H-.96V-.36H-.36Z",
  wedge: "M0 .95L.98-.72H-.98Z",
};
