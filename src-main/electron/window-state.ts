/** Where the window was, so that it opens there again. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Rectangle } from "electron";
import * as z from "zod";

const rectangleSchema = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
});

export const windowStateSchema = z.object({
  /** Of the window when it is neither maximised nor full screen, in device-independent pixels. */
  bounds: rectangleSchema,
  maximised: z.boolean(),
  fullScreen: z.boolean(),
});
export type WindowState = z.infer<typeof windowStateSchema>;

export const SMALLEST = { width: 800, height: 560 } as const;
const USUAL = { width: 1440, height: 900 } as const;
/** As much of a title bar must be seen that it can be dragged. */
const GRIP = { width: 120, height: 40 } as const;

/**
 * Bounds for a new window: the old ones where their title bar can still be reached, else in the middle of the first
 * display. Never larger than the display.
 *
 * @param areas work areas of the displays that are there now, the primary one first
 */
export function fitBounds(saved: Rectangle | undefined, areas: readonly [Rectangle, ...Rectangle[]]): Rectangle {
  const home = saved && areas.find((area) => showsGrip(saved, area));
  if (saved && home) {
    const width = Math.min(saved.width, home.width);
    const height = Math.min(saved.height, home.height);
    return { x: saved.x, y: saved.y, width, height };
  }
  const [primary] = areas;
  const width = Math.min(saved?.width ?? USUAL.width, primary.width);
  const height = Math.min(saved?.height ?? USUAL.height, primary.height);
  return {
    x: primary.x + Math.round((primary.width - width) / 2),
    y: primary.y + Math.round((primary.height - height) / 2),
    width,
    height,
  };
}

function showsGrip(window: Rectangle, area: Rectangle): boolean {
  const across = Math.min(window.x + window.width, area.x + area.width) - Math.max(window.x, area.x);
  return across >= GRIP.width && window.y >= area.y && window.y + GRIP.height <= area.y + area.height;
}

/** What was kept; undefined when there is nothing that can be read. */
export function readWindowState(file: string): WindowState | undefined {
  try {
    return windowStateSchema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data;
  } catch {
    return undefined;
  }
}

/**
 * Keeps the state, at once: the app may end right after. Where that fails, the next window opens in the usual place:
 * nobody is to be told.
 */
export function writeWindowState(file: string, state: WindowState): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(temporary, `${JSON.stringify(state)}\n`);
    renameSync(temporary, file);
  } catch {
    // See above.
  }
}
