/** Lines of a grid at round values of both axes: drawn beneath the points; their values are written over them. */
import { type Camera, type Size, toScreen, toWorld } from "./camera.js";
import { ticks } from "./ticks.js";

/** The range of values that an axis shows, before they were brought to [-1, 1]. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly title: string;
}

export interface GridLine {
  /** A value of the axis across, so that the line goes from top to bottom. */
  readonly upright: boolean;
  readonly value: number;
  /** CSS pixels from the left, or from the top. */
  readonly at: number;
}

/** About a line every 110 CSS pixels across and every 80 down, ascending by value. */
export function gridLines(axes: { readonly x: Axis; readonly y: Axis }, camera: Camera, size: Size): GridLine[] {
  const [left, top] = toWorld(camera, size, 0, 0);
  const [right, bottom] = toWorld(camera, size, size.width, size.height);
  const value = (axis: Axis, place: number) => axis.low + ((place + 1) / 2) * (axis.high - axis.low);
  const place = (axis: Axis, number: number) => (2 * (number - axis.low)) / (axis.high - axis.low || 1) - 1;
  const across = ticks(value(axes.x, left), value(axes.x, right), size.width / 110);
  const down = ticks(value(axes.y, bottom), value(axes.y, top), size.height / 80);
  return [
    ...across.map((number) => ({
      upright: true,
      value: number,
      at: toScreen(camera, size, place(axes.x, number), 0)[0],
    })),
    ...down.map((number) => ({
      upright: false,
      value: number,
      at: toScreen(camera, size, 0, place(axes.y, number))[1],
    })),
  ];
}

/** A line in device pixels: the first one it covers, and how many. */
export function linePixels({ at }: GridLine, ratio: number): { first: number; thick: number } {
  const thick = Math.max(1, Math.round(ratio));
  return { first: Math.round(at * ratio) - (thick >> 1), thick };
}

/** How much of its colour a line has, 0..1: the zero lines stand out. */
export function lineStrength({ value }: GridLine): number {
  return value === 0 ? 1 : 0.45;
}
