/** A uniform grid over points in the square [-1, 1]: what is near, what is inside. */

/** Points per cell that the grid aims at. */
const PER_CELL = 4;
const MAXIMUM_SIDE = 1024;

/** Points by cell, as a counting sort leaves them: memory is 4 bytes a point and 4 a cell. */
export interface PointGrid {
  /** The visible point nearest to (x, y), no farther than (radiusX, radiusY) as an ellipse; -1 when there is none. */
  nearest(x: number, y: number, radiusX: number, radiusY: number, visible: (row: number) => boolean): number;
  /** Calls `each` for all points of the cells that touch the box. */
  within(x0: number, y0: number, x1: number, y1: number, each: (row: number) => void): void;
}

/**
 * Sorts points into cells.
 *
 * @param xy x0, y0, x1, y1, ... in [-1, 1]; points that are not numbers belong to no cell
 */
export function pointGrid(xy: Float32Array): PointGrid {
  const points = xy.length >> 1;
  const side = Math.max(1, Math.min(MAXIMUM_SIDE, Math.ceil(Math.sqrt(points / PER_CELL))));
  const column = (value: number) => Math.min(side - 1, Math.max(0, Math.floor((value + 1) * 0.5 * side)));
  const start = new Uint32Array(side * side + 1);
  const none = side * side;
  const cells = new Uint32Array(points);
  for (let row = 0; row < points; row++) {
    const x = xy[2 * row] as number;
    const y = xy[2 * row + 1] as number;
    const cell = Number.isFinite(x) && Number.isFinite(y) ? column(y) * side + column(x) : none;
    cells[row] = cell;
    if (cell < none) start[cell + 1] = (start[cell + 1] as number) + 1;
  }
  for (let cell = 0; cell < none; cell++) start[cell + 1] = (start[cell + 1] as number) + (start[cell] as number);
  const next = start.slice(0, none);
  const rows = new Uint32Array(start[none] as number);
  for (let row = 0; row < points; row++) {
    const cell = cells[row] as number;
    if (cell === none) continue;
    const at = next[cell] as number;
    rows[at] = row;
    next[cell] = at + 1;
  }

  const within: PointGrid["within"] = (x0, y0, x1, y1, each) => {
    const left = column(Math.min(x0, x1));
    const right = column(Math.max(x0, x1));
    for (let j = column(Math.min(y0, y1)); j <= column(Math.max(y0, y1)); j++) {
      const end = start[j * side + right + 1] as number;
      for (let at = start[j * side + left] as number; at < end; at++) each(rows[at] as number);
    }
  };
  return {
    within,
    nearest(x, y, radiusX, radiusY, visible) {
      let best = -1;
      let least = 1;
      within(x - radiusX, y - radiusY, x + radiusX, y + radiusY, (row) => {
        const dx = ((xy[2 * row] as number) - x) / radiusX;
        const dy = ((xy[2 * row + 1] as number) - y) / radiusY;
        const distance = dx * dx + dy * dy;
        if (distance <= least && visible(row)) {
          least = distance;
          best = row;
        }
      });
      return best;
    },
  };
}
