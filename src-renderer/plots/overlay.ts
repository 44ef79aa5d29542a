/** What lies over the points: values of the axes, rings, the lasso, and photos where the points are far apart. */
import { type Camera, type Size, toScreen, toWorld } from "./camera.js";
import type { GridLine } from "./grid-lines.js";
import type { PointGrid } from "./point-grid.js";
import type { Outline } from "./polygon.js";

/** CSS colours of the page, read when the theme changes. */
export interface OverlayColours {
  readonly line: string;
  readonly text: string;
  readonly strong: string;
  readonly accent: string;
  readonly accentSoft: string;
  readonly background: string;
}

/** Small pictures of rows. */
export interface PhotoSource {
  /** The picture, or undefined while it is on its way. */
  get(row: number): CanvasImageSource | undefined;
  /** Called when a picture that was asked for has come. */
  onLoad: () => void;
}

export interface OverlayState {
  readonly size: Size;
  readonly ratio: number;
  readonly camera: Camera;
  readonly xy: Float32Array;
  readonly lines: readonly GridLine[];
  readonly colours: OverlayColours;
  readonly focus: number;
  readonly neighbours: readonly number[];
  readonly pointed: number;
  readonly outline: Outline | undefined;
  readonly photos: PhotoSource;
  readonly grid: () => PointGrid;
  readonly visible: (row: number) => boolean;
}

/** No more photos than this lie over the points. */
const PHOTOS = 90;
/** Photos appear from this zoom on: before, the picture is about the shape of the whole. */
const PHOTO_ZOOM = 2.5;
const PHOTO_SIDE = 44;

export function drawOverlay(context: CanvasRenderingContext2D, state: OverlayState): void {
  const { size, ratio, camera, colours, xy } = state;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  if (xy.length === 0) return;
  drawValues(context, state);
  drawPhotos(context, state);
  const ring = (row: number, radius: number, width: number, colour: string) => {
    if (row < 0 || 2 * row >= xy.length) return;
    const [x, y] = toScreen(camera, size, xy[2 * row] as number, xy[2 * row + 1] as number);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.lineWidth = width + 2;
    context.strokeStyle = colours.background;
    context.stroke();
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  };
  for (const row of state.neighbours) ring(row, 7, 1.5, colours.accent);
  ring(state.focus, 9, 2.5, colours.accent);
  if (state.pointed !== state.focus) ring(state.pointed, 8, 2, colours.strong);
  if (state.outline) drawOutline(context, state.outline, colours);
}

function drawOutline(context: CanvasRenderingContext2D, outline: Outline, colours: OverlayColours): void {
  context.beginPath();
  for (let i = 0; i < outline.length; i += 2) context.lineTo(outline[i] as number, outline[i + 1] as number);
  context.closePath();
  context.fillStyle = colours.accentSoft;
  context.fill();
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.strokeStyle = colours.accent;
  context.stroke();
  context.setLineDash([]);
}

/** Values along the left and the lower edge, where there is room for them. */
function drawValues(context: CanvasRenderingContext2D, { lines, size, colours }: OverlayState): void {
  context.font = "11px InterVariable, 'Inter Variable', system-ui, sans-serif";
  context.fillStyle = colours.text;
  // A border of the ground's colour: values are read over points, too.
  context.strokeStyle = colours.background;
  context.lineWidth = 3;
  context.lineJoin = "round";
  const write = (text: string, x: number, y: number) => {
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  };
  for (const { upright, value, at: exact } of lines) {
    // Letters between two pixels are blurred, and tremble when the view moves.
    const at = Math.round(exact);
    context.textAlign = upright ? "center" : "left";
    if (upright && at > 46 && at < size.width - 16) write(short(value), at, size.height - 7);
    if (!upright && at > 38 && at < size.height - 26) write(short(value), 7, at - 4);
  }
}

function short(value: number): string {
  return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(0)
    : String(Number(value.toPrecision(6))).replace("-", "−");
}

/** Photos in place of points, one per cell of the screen so that none covers another. */
function drawPhotos(context: CanvasRenderingContext2D, state: OverlayState): void {
  const { camera, size, xy, colours } = state;
  if (camera.zoom < PHOTO_ZOOM) return;
  const [x0, y0] = toWorld(camera, size, 0, 0);
  const [x1, y1] = toWorld(camera, size, size.width, size.height);
  const taken = new Map<number, number>();
  const step = PHOTO_SIDE + 6;
  const columns = Math.ceil(size.width / step) + 1;
  state.grid().within(x0, y0, x1, y1, (row) => {
    if (!state.visible(row)) return;
    const [x, y] = toScreen(camera, size, xy[2 * row] as number, xy[2 * row + 1] as number);
    const cell = Math.floor(y / step) * columns + Math.floor(x / step);
    const known = taken.get(cell);
    if (known === undefined || row < known) taken.set(cell, row);
  });
  if (taken.size > PHOTOS * 3) return;
  const drawn: [number, number][] = [];
  for (const row of [...taken.values()].sort((a, b) => a - b)) {
    if (drawn.length >= PHOTOS) break;
    const [x, y] = toScreen(camera, size, xy[2 * row] as number, xy[2 * row + 1] as number);
    if (drawn.some(([a, b]) => Math.abs(a - x) < PHOTO_SIDE + 3 && Math.abs(b - y) < PHOTO_SIDE + 3)) continue;
    drawn.push([x, y]);
    const photo = state.photos.get(row);
    if (!photo) continue;
    const left = x - PHOTO_SIDE / 2;
    const top = y - PHOTO_SIDE / 2;
    context.save();
    context.beginPath();
    context.roundRect(left, top, PHOTO_SIDE, PHOTO_SIDE, 6);
    context.fillStyle = colours.background;
    context.fill();
    context.save();
    context.clip();
    context.drawImage(photo, left, top, PHOTO_SIDE, PHOTO_SIDE);
    context.restore();
    context.lineWidth = 1;
    context.strokeStyle = colours.line;
    context.stroke();
    context.restore();
  }
}
