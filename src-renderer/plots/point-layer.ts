/** What draws points: WebGL 2 where it is there, Canvas 2D elsewhere. */
import type { Camera } from "./camera.js";
import type { GridLine } from "./grid-lines.js";

/** Bits of a point's flags. */
export const VISIBLE = 1;
export const SELECTED = 2;

/** Smallest and largest point in multiples of the common diameter, where points differ in size. */
export const SIZES = { least: 0.5, most: 2 } as const;

/** How the points look as a whole. */
export interface PointStyle {
  /** Diameter in CSS pixels. */
  readonly size: number;
  /** Opacity of points outside the selection while there is one, 0..1. */
  readonly dimmed: number;
  /** True while some point is selected. */
  readonly selecting: boolean;
  /** CSS colour behind the points. */
  readonly ground: string;
  /** Beneath the points, and their CSS colour. */
  readonly lines: readonly GridLine[];
  readonly line: string;
}

export interface PointLayer {
  readonly kind: "webgl" | "canvas";
  /** x0, y0, x1, y1, ... in [-1, 1]. */
  setPositions(xy: Float32Array): void;
  /** Entry of the palette that each point takes. */
  setColours(index: Uint16Array): void;
  /** Red, green, blue and mark of each entry: mark 0 hides its points, else it is their shape (`markOf`). At most 65,536. */
  setPalette(entries: Uint8Array): void;
  /** Size of each point: 0 the smallest, 255 the largest; null makes all equal. */
  setSizes(sizes: Uint8Array | null): void;
  /** VISIBLE | SELECTED of each point. */
  setFlags(flags: Uint8Array): void;
  /** Size of the drawing in CSS pixels and device pixels per CSS pixel. */
  resize(width: number, height: number, ratio: number): void;
  draw(camera: Camera, style: PointStyle): void;
  destroy(): void;
}
