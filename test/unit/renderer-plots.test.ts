import { describe, expect, it } from "vitest";
import { HOME, panBy, toScreen, toWorld, zoomAt } from "../../src-renderer/plots/camera.js";
import {
  continuousPalette,
  fromHex,
  fromOklab,
  labelPalette,
  toHex,
  toOklab,
} from "../../src-renderer/plots/colour.js";
import { type GridLine, gridLines, linePixels } from "../../src-renderer/plots/grid-lines.js";
import { pointGrid } from "../../src-renderer/plots/point-grid.js";
import { insideTest, rectangle } from "../../src-renderer/plots/polygon.js";
import { SHAPES } from "../../src-renderer/plots/shapes.js";
import { PHASES, stampOf } from "../../src-renderer/plots/stamps.js";
import { ticks } from "../../src-renderer/plots/ticks.js";

/** Numbers in [0, 1) that are the same every time (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomPoints(count: number, seed: number): Float32Array {
  const next = randomNumbers(seed);
  return Float32Array.from({ length: 2 * count }, () => 2 * next() - 1);
}

describe("camera", () => {
  const size = { width: 800, height: 500 };

  it("goes to the screen and back", () => {
    const camera = { x: 0.3, y: -0.2, zoom: 7 };
    const [x, y] = toScreen(camera, size, 0.31, -0.25);
    const [backX, backY] = toWorld(camera, size, x, y);
    expect(backX).toBeCloseTo(0.31, 10);
    expect(backY).toBeCloseTo(-0.25, 10);
  });

  it("keeps what is under the pointer there while it zooms", () => {
    const before = toWorld(HOME, size, 620, 90);
    const closer = zoomAt(HOME, size, 5, 620, 90);
    expect(closer.zoom).toBe(5);
    const after = toWorld(closer, size, 620, 90);
    expect(after[0]).toBeCloseTo(before[0], 10);
    expect(after[1]).toBeCloseTo(before[1], 10);
  });

  it("moves by pixels, down is down", () => {
    const moved = panBy(HOME, size, 10, 20);
    expect(toScreen(moved, size, 0, 0)).toEqual([410, 270]);
  });
});

describe("points inside an outline", () => {
  /** The textbook test, edge by edge. */
  const plain = (outline: readonly number[], x: number, y: number) => {
    let inside = false;
    for (let i = 0, j = outline.length - 2; i < outline.length; j = i, i += 2) {
      const [x0, y0, x1, y1] = [outline[i], outline[i + 1], outline[j], outline[j + 1]] as [
        number,
        number,
        number,
        number,
      ];
      if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) inside = !inside;
    }
    return inside;
  };

  it("agrees with the plain test for a jagged outline that crosses itself", () => {
    const outline = [...randomPoints(60, 3)];
    const inside = insideTest(outline);
    const points = randomPoints(5000, 4);
    let found = 0;
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = [points[i], points[i + 1]] as [number, number];
      expect(inside(x, y)).toBe(plain(outline, x, y));
      if (inside(x, y)) found++;
    }
    expect(found).toBeGreaterThan(500);
  });

  it("takes a rectangle in any direction, and nothing for a line", () => {
    const inside = insideTest(rectangle(0.5, 0.5, -0.5, -0.5));
    expect(inside(0, 0)).toBe(true);
    expect(inside(0.6, 0)).toBe(false);
    expect(insideTest([0, 0, 1, 1])(0.5, 0.5)).toBe(false);
    expect(insideTest([])(0, 0)).toBe(false);
  });
});

describe("point grid", () => {
  const points = randomPoints(3000, 7);
  points[10] = Number.NaN;
  const grid = pointGrid(points);

  it("finds the nearest visible point, as a search of all does", () => {
    const queries = randomPoints(200, 8);
    for (let i = 0; i < queries.length; i += 2) {
      const [x, y] = [queries[i], queries[i + 1]] as [number, number];
      const visible = (row: number) => row % 3 !== 0;
      let best = -1;
      let least = 1;
      for (let row = 0; row < points.length / 2; row++) {
        if (!visible(row)) continue;
        const dx = ((points[2 * row] as number) - x) / 0.05;
        const dy = ((points[2 * row + 1] as number) - y) / 0.02;
        if (dx * dx + dy * dy <= least) {
          least = dx * dx + dy * dy;
          best = row;
        }
      }
      expect(grid.nearest(x, y, 0.05, 0.02, visible)).toBe(best);
    }
  });

  it("meets each point of a box once and none that is not a number", () => {
    const seen: number[] = [];
    grid.within(-2, -2, 2, 2, (row) => seen.push(row));
    expect(seen).toHaveLength(2999);
    expect(new Set(seen).size).toBe(2999);
    expect(seen).not.toContain(5);
  });

  it("takes no points, one point and equal points", () => {
    expect(pointGrid(new Float32Array(0)).nearest(0, 0, 1, 1, () => true)).toBe(-1);
    expect(pointGrid(Float32Array.of(0.1, 0.1)).nearest(0, 0, 1, 1, () => true)).toBe(0);
    const equal = pointGrid(new Float32Array(200));
    let met = 0;
    equal.within(-0.1, -0.1, 0.1, 0.1, () => met++);
    expect(met).toBe(100);
  });
});

describe("colours", () => {
  it("goes to OKLab and back", () => {
    for (const colour of [
      [255, 0, 0],
      [12, 200, 90],
      [250, 250, 250],
    ] as const) {
      expect(fromOklab(...toOklab(colour))).toEqual(colour);
    }
    // Ottosson's own figures for pure red.
    const [lightness, a, b] = toOklab([255, 0, 0]);
    expect(lightness).toBeCloseTo(0.628, 3);
    expect(a).toBeCloseTo(0.2249, 3);
    expect(b).toBeCloseTo(0.1258, 3);
    expect(toHex(fromHex("#0aff3c") ?? [0, 0, 0])).toBe("#0aff3c");
    expect(fromHex("red")).toBeUndefined();
  });

  for (const theme of ["light", "dark"] as const) {
    it(`has 131 label colours that are told apart, ${theme}`, () => {
      const colours = labelPalette(theme).slice(0, 131).map(toOklab);
      expect(colours).toHaveLength(131);
      let least = Number.POSITIVE_INFINITY;
      let leastOfTwenty = Number.POSITIVE_INFINITY;
      for (const [i, one] of colours.entries()) {
        for (const [j, other] of colours.slice(0, i).entries()) {
          const distance = Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
          least = Math.min(least, distance);
          if (i < 20 && j < 20) leastOfTwenty = Math.min(leastOfTwenty, distance);
        }
      }
      // About 0.02 in OKLab is a difference that is just seen.
      expect(least).toBeGreaterThan(0.04);
      expect(leastOfTwenty).toBeGreaterThan(0.1);
    });

    it(`has a scale that only gets lighter, ${theme}`, () => {
      const lightness = continuousPalette(theme).map((colour) => toOklab(colour)[0]);
      expect(lightness).toHaveLength(256);
      for (let step = 8; step < 256; step++) {
        expect(lightness[step]).toBeGreaterThan(lightness[step - 8] as number);
      }
    });
  }
});

describe("ticks", () => {
  it("are round and lie between the limits", () => {
    expect(ticks(-0.32, 1.1, 5)).toEqual([-0.2, 0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(ticks(3, 3, 5)).toEqual([]);
    expect(ticks(0, Number.POSITIVE_INFINITY, 5)).toEqual([]);
  });
});

describe("stamps of points", () => {
  const STRIDE = 100;
  const pixels = ({ offsets, covers }: ReturnType<typeof stampOf>) =>
    Array.from(offsets, (offset, at) => {
      const row = Math.round(offset / STRIDE);
      return { x: offset - row * STRIDE, y: row, cover: covers[at] as number };
    });

  it("cover about the area of a circle, wherever in the pixel its centre lies", () => {
    for (const diameter of [3, 3.75, 8, 14]) {
      const areas = Array.from({ length: PHASES * PHASES }, (_, phase) => {
        const stamp = stampOf("circle", diameter, phase % PHASES, Math.floor(phase / PHASES), STRIDE);
        return pixels(stamp).reduce((sum, { cover }) => sum + cover / 256, 0);
      });
      const [least, most] = [Math.min(...areas), Math.max(...areas)];
      expect(most / least).toBeLessThan(1.15);
      expect(most).toBeLessThan((Math.PI * diameter ** 2) / 4);
      // The soft edge takes a share, the larger the smaller the circle.
      expect(least).toBeGreaterThan((0.25 * Math.PI * diameter ** 2) / 4);
    }
  });

  it("have their centre of gravity where the point is", () => {
    for (const [phaseX, phaseY] of [
      [0, 0],
      [3, 1],
    ] as const) {
      const stamp = pixels(stampOf("square", 9, phaseX, phaseY, STRIDE));
      const total = stamp.reduce((sum, { cover }) => sum + cover, 0);
      const mean = (of: "x" | "y") => stamp.reduce((sum, pixel) => sum + pixel.cover * (pixel[of] + 0.5), 0) / total;
      expect(Math.abs(mean("x") - (phaseX + 0.5) / PHASES)).toBeLessThan(0.1);
      expect(Math.abs(mean("y") - (phaseY + 0.5) / PHASES)).toBeLessThan(0.1);
    }
  });

  it("tell every shape from the others", () => {
    const pictures = SHAPES.map((shape) => {
      const { offsets, covers } = stampOf(shape, 9, 1, 1, STRIDE);
      return `${offsets} ${covers}`;
    });
    expect(new Set(pictures).size).toBe(SHAPES.length);
  });

  it("stay within half the diameter", () => {
    for (const shape of SHAPES) {
      for (const { x, y } of pixels(stampOf(shape, 7, 0, 3, STRIDE))) {
        expect(Math.abs(x + 0.5 - 0.125)).toBeLessThanOrEqual(3.5);
        expect(Math.abs(y + 0.5 - 0.875)).toBeLessThanOrEqual(3.5);
      }
    }
  });
});

describe("lines of the grid", () => {
  const size = { width: 880, height: 400 };
  const axes = { x: { low: -20, high: 60, title: "1" }, y: { low: -4, high: 4, title: "2" } };

  it("stand at round values, where points of that value are drawn", () => {
    const lines = gridLines(axes, HOME, size);
    const values = (upright: boolean) => lines.filter((line) => line.upright === upright).map(({ value }) => value);
    expect(values(true)).toEqual([-20, -10, 0, 10, 20, 30, 40, 50, 60]);
    expect(values(false)).toEqual([-4, -2, 0, 2, 4]);
    const zero = (upright: boolean) => lines.find((line) => line.upright === upright && line.value === 0)?.at;
    expect(zero(true)).toBeCloseTo(toScreen(HOME, size, -0.5, 0)[0], 9);
    expect(zero(false)).toBeCloseTo(toScreen(HOME, size, 0, 0)[1], 9);
  });

  it("are as thick as a CSS pixel, around their place", () => {
    const line: GridLine = { upright: true, value: 0, at: 10 };
    expect([1, 1.4, 2].map((ratio) => linePixels(line, ratio))).toEqual([
      { first: 10, thick: 1 },
      { first: 14, thick: 1 },
      { first: 19, thick: 2 },
    ]);
  });
});
