/** Points as small pictures of how much of each pixel they cover, for drawing them on the processor. */
import { reach, type Shape } from "./shapes.js";

/** Places within a pixel, along each axis, that a point's centre is rounded to. */
export const PHASES = 4;

/** The pixels that one point touches. */
export interface Stamp {
  /** Of each pixel, from the one that holds the centre: rows of `stride` pixels. */
  readonly offsets: Int32Array;
  /** How much of it is covered, 1 to 256. */
  readonly covers: Uint16Array;
}

/**
 * The pixels of a shape whose centre lies at (phaseX + 0.5, phaseY + 0.5) / PHASES of a pixel. The soft edge is that of
 * the WebGL layer's shader.
 *
 * @param diameter in pixels
 * @param stride pixels from one row of the picture to the next
 */
export function stampOf(shape: Shape, diameter: number, phaseX: number, phaseY: number, stride: number): Stamp {
  const edge = Math.min(1, 3 / diameter);
  const around = Math.ceil(diameter / 2) + 1;
  const offsets: number[] = [];
  const covers: number[] = [];
  for (let j = -around; j <= around; j++) {
    const y = (2 * (j + 0.5 - (phaseY + 0.5) / PHASES)) / diameter;
    for (let i = -around; i <= around; i++) {
      const x = (2 * (i + 0.5 - (phaseX + 0.5) / PHASES)) / diameter;
      if (Math.max(Math.abs(x), Math.abs(y)) > 1) continue;
      const t = Math.min(1, Math.max(0, (reach(shape, x, y) - 1 + edge) / edge));
      const cover = Math.round(256 * (1 - t * t * (3 - 2 * t)));
      if (cover === 0) continue;
      offsets.push(j * stride + i);
      covers.push(cover);
    }
  }
  return { offsets: Int32Array.from(offsets), covers: Uint16Array.from(covers) };
}
