/** What part of the square [-1, 1] is seen: its centre and how far it is enlarged. */

export interface Camera {
  /** Centre of the view in points' coordinates. */
  readonly x: number;
  readonly y: number;
  /** 1 shows the whole square with a margin; larger is closer. */
  readonly zoom: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const HOME: Camera = { x: 0, y: 0, zoom: 1 };
export const LEAST_ZOOM = 0.5;
export const MOST_ZOOM = 2000;

/** Share of the view that the points fill at zoom 1. */
const FILL = 0.92;

/** CSS pixels per unit, along x and y: each axis fills the view by itself, since components differ in spread. */
export function scaleOf({ zoom }: Camera, { width, height }: Size): { x: number; y: number } {
  return { x: (width / 2) * FILL * zoom, y: (height / 2) * FILL * zoom };
}

/** From points' coordinates to CSS pixels from the upper left corner. */
export function toScreen(camera: Camera, size: Size, x: number, y: number): [x: number, y: number] {
  const scale = scaleOf(camera, size);
  return [size.width / 2 + (x - camera.x) * scale.x, size.height / 2 - (y - camera.y) * scale.y];
}

/** From CSS pixels to points' coordinates. */
export function toWorld(camera: Camera, size: Size, x: number, y: number): [x: number, y: number] {
  const scale = scaleOf(camera, size);
  return [camera.x + (x - size.width / 2) / scale.x, camera.y - (y - size.height / 2) / scale.y];
}

/** Enlarges by `factor` so that what is under the pixel stays there. */
export function zoomAt(camera: Camera, size: Size, factor: number, x: number, y: number): Camera {
  const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, camera.zoom * factor));
  const [worldX, worldY] = toWorld(camera, size, x, y);
  const ratio = camera.zoom / zoom;
  return clampCamera({ x: worldX + (camera.x - worldX) * ratio, y: worldY + (camera.y - worldY) * ratio, zoom });
}

/** Moves what is seen by CSS pixels. */
export function panBy(camera: Camera, size: Size, dx: number, dy: number): Camera {
  const scale = scaleOf(camera, size);
  return clampCamera({ ...camera, x: camera.x - dx / scale.x, y: camera.y + dy / scale.y });
}

/** The view cannot be lost: its centre stays near the points. */
function clampCamera({ x, y, zoom }: Camera): Camera {
  const clamp = (value: number) => Math.min(1.2, Math.max(-1.2, value));
  return { x: clamp(x), y: clamp(y), zoom };
}
