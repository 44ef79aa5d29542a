/** Which points lie inside a drawn outline. */

/** Corners of a closed outline: x0, y0, x1, y1, ... */
export type Outline = readonly number[];

/**
 * A test for many points against one outline (even-odd rule): its edges are sorted into horizontal bands, so that a
 * point meets only the few edges beside it.
 *
 * @returns true for points inside; always false when the outline has fewer than three corners
 */
export function insideTest(outline: Outline): (x: number, y: number) => boolean {
  const corners = outline.length >> 1;
  if (corners < 3) return () => false;
  let top = Number.POSITIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  for (let i = 1; i < outline.length; i += 2) {
    const y = outline[i] as number;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  const count = Math.min(512, Math.max(1, corners));
  const perBand = count / Math.max(bottom - top, Number.MIN_VALUE);
  const band = (y: number) => Math.min(count - 1, Math.max(0, Math.floor((y - top) * perBand)));
  const bands: number[][] = Array.from({ length: count }, () => []);
  for (let i = 0; i < corners; i++) {
    const j = (i + 1) % corners;
    const y0 = outline[2 * i + 1] as number;
    const y1 = outline[2 * j + 1] as number;
    if (y0 === y1) continue;
    for (let k = band(Math.min(y0, y1)); k <= band(Math.max(y0, y1)); k++) (bands[k] as number[]).push(i);
  }
  return (x, y) => {
    if (y < top || y > bottom) return false;
    let inside = false;
    for (const i of bands[band(y)] as number[]) {
      const j = (i + 1) % corners;
      const y0 = outline[2 * i + 1] as number;
      const y1 = outline[2 * j + 1] as number;
      if (y0 > y === y1 > y) continue;
      const x0 = outline[2 * i] as number;
      const x1 = outline[2 * j] as number;
      if (x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
    }
    return inside;
  };
}

/** The four corners of a rectangle between two opposite ones. */
export function rectangle(x0: number, y0: number, x1: number, y1: number): Outline {
  return [x0, y0, x1, y0, x1, y1, x0, y1];
}
