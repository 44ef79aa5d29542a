/**
 * The scatter plot: points, camera, pointing, lasso. Imperative, so that React never meets a point; everything that the
 * window knows of it goes through this interface.
 */
import { type Camera, HOME, panBy, toScreen, toWorld, zoomAt } from "./camera.js";
import { canvasLayer } from "./canvas-layer.js";
import { type Axis, type GridLine, gridLines } from "./grid-lines.js";
import { drawOverlay, type OverlayColours, type PhotoSource } from "./overlay.js";
import { type PointGrid, pointGrid } from "./point-grid.js";
import { type PointLayer, SELECTED, VISIBLE } from "./point-layer.js";
import { insideTest, type Outline, rectangle } from "./polygon.js";
import { isWebglEmulated, webglLayer } from "./webgl-layer.js";

export type Tool = "pan" | "lasso" | "rectangle";
export type Combine = "replace" | "add" | "subtract";
/**
 * What draws the points. `software`: WebGL is there, but emulated on the processor, where drawing without it is faster;
 * `canvas`: WebGL is missing or was lost.
 */
export type Renderer = "webgl" | "software" | "canvas";

export interface ScatterEvents {
  /** The point under the pointer changed; -1 for none. Position in CSS pixels of the plot. */
  hover(row: number, x: number, y: number): void;
  /** A point was clicked, or with -1 the ground. */
  click(row: number): void;
  /** An outline was drawn around these rows. */
  select(rows: Uint32Array, how: Combine): void;
  /** The view changed by the person's hand. */
  camera(camera: Camera): void;
}

export interface ScatterPlot {
  readonly renderer: Renderer;
  /** New points: x0, y0, x1, y1, ... in [-1, 1], NaN for a row without coordinates, and what the axes say. */
  setPoints(xy: Float32Array, x: Axis, y: Axis): void;
  /** Palette entry of each point, and the palette as red, green, blue and mark (see `PointLayer.setPalette`). */
  setColours(index: Uint16Array, palette: Uint8Array): void;
  setPalette(palette: Uint8Array): void;
  /** Size of each point, 0 to 255; null for one size. */
  setSizes(sizes: Uint8Array | null): void;
  /** 1 for each row that the filter lets through; null for all. */
  setFilter(mask: Uint8Array | null): void;
  /** 1 for each selected row; null for none. */
  setSelection(mask: Uint8Array | null): void;
  /** Rows that are ringed: the one in the inspector, then its neighbours. */
  setMarked(focus: number, neighbours: readonly number[]): void;
  /** A row pointed at elsewhere (in the gallery); -1 for none. */
  setPointed(row: number): void;
  setTool(tool: Tool): void;
  setColoursOfPage(colours: OverlayColours): void;
  setCamera(camera: Camera): void;
  /** Shows everything again. */
  home(): void;
  /** Enlarges about the centre. */
  zoom(factor: number): void;
  /** Draws at once and returns; for measurements and pictures. */
  drawNow(): void;
  destroy(): void;
}

/** How far from a point the pointer still means it, in CSS pixels. */
const REACH = 9;
/** Shorter strokes are clicks. */
const CLICK = 4;
/** Emulated WebGL draws so many points at the rate of the screen; 100,000 take it some 50 ms. */
const EMULATED_POINTS = 10_000;

/**
 * Puts a plot into a positioned element.
 *
 * @param photos small pictures for points that are far apart on the screen
 * @param points how many there will be: decides what draws them
 * @throws Error when the browser can draw neither way
 */
export function createScatterPlot(
  host: HTMLElement,
  events: ScatterEvents,
  photos: PhotoSource,
  points: number,
): ScatterPlot {
  let canvas = addCanvas(host);
  const top = addCanvas(host);
  const overlay = top.getContext("2d");
  let layer: PointLayer;
  let renderer: Renderer;
  let size = { width: 1, height: 1 };
  let ratio = 1;
  let camera: Camera = HOME;
  let tool: Tool = "pan";
  let xy = new Float32Array(0);
  let axes: { x: Axis; y: Axis } | undefined;
  let index = new Uint16Array(0);
  let palette = new Uint8Array(0);
  let sizes: Uint8Array | null = null;
  /** True while labels differ in shape, which needs a little more room. */
  let shaped = false;
  let flags = new Uint8Array(0);
  let selecting = false;
  let grid: PointGrid | undefined;
  let marked: { focus: number; neighbours: readonly number[] } = { focus: -1, neighbours: [] };
  let pointed = -1;
  let hovered = -1;
  let colours: OverlayColours | undefined;
  let stroke: { tool: Tool; how: Combine; outline: number[]; moved: boolean; x: number; y: number } | undefined;
  let frame = 0;
  /** True when the points have to be drawn again, not only what lies over them. */
  let stale = true;
  let lines: readonly GridLine[] = [];

  const visible = (row: number) =>
    ((flags[row] as number) & VISIBLE) !== 0 && palette[4 * (index[row] as number) + 3] !== 0;

  const setLayer = (next: PointLayer, name: Renderer) => {
    layer = next;
    renderer = name;
    host.dataset.renderer = name;
  };
  const turnToCanvas = () => {
    layer.destroy();
    // A canvas that once gave WebGL never gives 2D.
    const next = addCanvas(host, canvas);
    canvas.remove();
    canvas = next;
    const flat = canvasLayer(canvas);
    if (!flat) throw new Error("Expected the browser to draw in 2D for the plot, but it gives no context.");
    setLayer(flat, "canvas");
    layer.resize(size.width, size.height, ratio);
    layer.setPositions(xy);
    layer.setColours(index);
    layer.setPalette(palette);
    layer.setSizes(sizes);
    layer.setFlags(flags);
    request();
  };
  const software = points > EMULATED_POINTS && isWebglEmulated();
  const webgl = software ? undefined : webglLayer(canvas, turnToCanvas);
  const first = webgl ?? canvasLayer(canvas);
  if (!first || !overlay) {
    canvas.remove();
    top.remove();
    throw new Error("Expected the browser to draw in 2D for the plot, but it gives no context.");
  }
  setLayer(first, software ? "software" : first.kind);

  const draw = () => {
    frame = 0;
    // The page's colours come with its first points.
    if (size.width <= 1 || !colours) return;
    const diameter = pointSize(xy.length >> 1, camera.zoom, shaped, size.width * size.height);
    if (stale) {
      lines = axes && xy.length > 0 ? gridLines(axes, camera, size) : [];
      const ground = { ground: colours.background, lines, line: colours.line };
      layer.draw(camera, { size: diameter, dimmed: 0.16, selecting, ...ground });
    }
    stale = false;
    drawOverlay(overlay, {
      size,
      ratio,
      camera,
      xy,
      lines,
      colours,
      focus: marked.focus,
      neighbours: marked.neighbours,
      pointed: hovered >= 0 ? hovered : pointed,
      outline: stroke && stroke.tool !== "pan" && stroke.moved ? stroke.outline : undefined,
      photos,
      grid: () => gridNow(),
      visible,
    });
  };
  const requestOverlay = () => {
    frame ||= requestAnimationFrame(draw);
  };
  const request = () => {
    stale = true;
    requestOverlay();
  };
  photos.onLoad = requestOverlay;
  const gridNow = () => {
    grid ??= pointGrid(xy);
    return grid;
  };

  const setHover = (row: number, x: number, y: number) => {
    if (row === hovered) return;
    hovered = row;
    events.hover(row, x, y);
    host.style.cursor = row >= 0 ? "pointer" : tool === "pan" ? "grab" : "crosshair";
    requestOverlay();
  };
  const rowAt = (x: number, y: number) => {
    const [worldX, worldY] = toWorld(camera, size, x, y);
    const [besideX] = toWorld(camera, size, x + REACH, y);
    const [, belowY] = toWorld(camera, size, x, y + REACH);
    return gridNow().nearest(worldX, worldY, besideX - worldX, worldY - belowY, visible);
  };
  const place = (event: { clientX: number; clientY: number }) => {
    const box = host.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top] as const;
  };

  const rowsInside = (outline: Outline) => {
    const world: number[] = [];
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < outline.length; i += 2) {
      const [x, y] = toWorld(camera, size, outline[i] as number, outline[i + 1] as number);
      world.push(x, y);
      left = Math.min(left, x);
      right = Math.max(right, x);
      low = Math.min(low, y);
      high = Math.max(high, y);
    }
    const inside = insideTest(world);
    const found: number[] = [];
    gridNow().within(left, low, right, high, (row) => {
      if (visible(row) && inside(xy[2 * row] as number, xy[2 * row + 1] as number)) found.push(row);
    });
    return Uint32Array.from(found).sort();
  };

  const onDown = (event: PointerEvent) => {
    if (event.button !== 0 && event.button !== 1) return;
    const [x, y] = place(event);
    const modified = event.shiftKey || event.altKey;
    // With the hand, shift or alt draws a lasso: nobody needs to look for the tool to add to a selection.
    const used = event.button === 1 ? "pan" : tool === "pan" && modified ? "lasso" : tool;
    stroke = { tool: used, how: combineOf(event), outline: [x, y], moved: false, x, y };
    top.setPointerCapture(event.pointerId);
    if (used === "pan") host.style.cursor = "grabbing";
    event.preventDefault();
    top.focus({ preventScroll: true });
  };
  const onMove = (event: PointerEvent) => {
    const [x, y] = place(event);
    if (!stroke) {
      setHover(rowAt(x, y), x, y);
      return;
    }
    if (!stroke.moved && Math.hypot(x - stroke.x, y - stroke.y) < CLICK) return;
    const [lastX, lastY] = stroke.outline.slice(-2) as [number, number];
    stroke.moved = true;
    setHover(-1, x, y);
    if (stroke.tool === "pan") {
      camera = panBy(camera, size, x - lastX, y - lastY);
      stroke.outline = [x, y];
      request();
    } else if (stroke.tool === "rectangle") {
      stroke.outline = [...rectangle(stroke.x, stroke.y, x, y)];
    } else if (Math.hypot(x - lastX, y - lastY) >= 2) {
      stroke.outline.push(x, y);
    }
    requestOverlay();
  };
  const onUp = (event: PointerEvent) => {
    const ended = stroke;
    stroke = undefined;
    if (!ended) return;
    const [x, y] = place(event);
    host.style.cursor = tool === "pan" ? "grab" : "crosshair";
    if (!ended.moved) {
      const row = rowAt(x, y);
      if (ended.how !== "replace" && row >= 0) events.select(Uint32Array.of(row), ended.how);
      else events.click(row);
    } else if (ended.tool === "pan") {
      events.camera(camera);
    } else {
      events.select(rowsInside(ended.outline), combineOf(event, ended.how));
    }
    requestOverlay();
  };
  const onCancel = () => {
    stroke = undefined;
    requestOverlay();
  };
  const onLeave = () => setHover(-1, 0, 0);
  const setPalette = (next: Uint8Array) => {
    palette = next as Uint8Array<ArrayBuffer>;
    shaped = hasShapes(palette);
    layer.setPalette(palette);
    request();
  };
  const changeCamera = (next: Camera) => {
    camera = next;
    setHover(-1, 0, 0);
    events.camera(camera);
    request();
  };
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    const [x, y] = place(event);
    const pixels = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    changeCamera(zoomAt(camera, size, Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0018)), x, y));
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 160 : 40;
    const moves: Record<string, () => Camera> = {
      ArrowLeft: () => panBy(camera, size, step, 0),
      ArrowRight: () => panBy(camera, size, -step, 0),
      ArrowUp: () => panBy(camera, size, 0, step),
      ArrowDown: () => panBy(camera, size, 0, -step),
      "+": () => zoomAt(camera, size, 1.4, size.width / 2, size.height / 2),
      "=": () => zoomAt(camera, size, 1.4, size.width / 2, size.height / 2),
      "-": () => zoomAt(camera, size, 1 / 1.4, size.width / 2, size.height / 2),
      "0": () => HOME,
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    changeCamera(move());
  };
  const onDouble = (event: MouseEvent) => {
    const [x, y] = place(event);
    changeCamera(zoomAt(camera, size, event.shiftKey ? 0.5 : 2, x, y));
  };

  top.tabIndex = 0;
  top.style.outlineOffset = "-2px";
  top.style.touchAction = "none";
  const listeners: [keyof HTMLElementEventMap, (event: never) => void][] = [
    ["pointerdown", onDown],
    ["pointermove", onMove],
    ["pointerup", onUp],
    ["pointercancel", onCancel],
    ["pointerleave", onLeave],
    ["keydown", onKey],
    ["dblclick", onDouble],
  ];
  for (const [name, listener] of listeners) top.addEventListener(name, listener as EventListener);
  top.addEventListener("wheel", onWheel, { passive: false });

  const resize = () => {
    const width = host.clientWidth;
    const height = host.clientHeight;
    if (width === 0 || height === 0) return;
    size = { width, height };
    ratio = Math.min(2, window.devicePixelRatio || 1);
    layer.resize(width, height, ratio);
    top.width = Math.round(width * ratio);
    top.height = Math.round(height * ratio);
    // Not at the next frame: an enlarged canvas is empty until it is drawn.
    stale = true;
    draw();
  };
  const observer = new ResizeObserver(resize);
  observer.observe(host);
  resize();

  return {
    get renderer() {
      return renderer;
    },
    setPoints(next, x, y) {
      const same = next.length === xy.length;
      xy = next as Float32Array<ArrayBuffer>;
      axes = { x, y };
      grid = undefined;
      hovered = -1;
      if (!same) {
        const points = xy.length >> 1;
        flags = new Uint8Array(points).fill(VISIBLE);
        index = new Uint16Array(points);
        layer.setFlags(flags);
        layer.setColours(index);
      }
      layer.setPositions(xy);
      request();
    },
    setColours(nextIndex, nextPalette) {
      index = nextIndex as Uint16Array<ArrayBuffer>;
      layer.setColours(index);
      setPalette(nextPalette);
    },
    setPalette,
    setSizes(next) {
      sizes = next;
      layer.setSizes(sizes);
      request();
    },
    setFilter(mask) {
      for (let row = 0; row < flags.length; row++) {
        flags[row] = ((flags[row] as number) & ~VISIBLE) | (mask === null || mask[row] === 1 ? VISIBLE : 0);
      }
      layer.setFlags(flags);
      request();
    },
    setSelection(mask) {
      selecting = mask !== null;
      for (let row = 0; row < flags.length; row++) {
        flags[row] = ((flags[row] as number) & ~SELECTED) | (mask?.[row] === 1 ? SELECTED : 0);
      }
      layer.setFlags(flags);
      request();
    },
    setMarked(focus, neighbours) {
      marked = { focus, neighbours };
      requestOverlay();
    },
    setPointed(row) {
      pointed = row;
      requestOverlay();
    },
    setTool(next) {
      tool = next;
      host.style.cursor = tool === "pan" ? "grab" : "crosshair";
    },
    setColoursOfPage(next) {
      colours = next;
      request();
    },
    setCamera(next) {
      if (next === camera) return;
      camera = next;
      request();
    },
    home: () => changeCamera(HOME),
    zoom: (factor) => changeCamera(zoomAt(camera, size, factor, size.width / 2, size.height / 2)),
    drawNow() {
      stale = true;
      draw();
    },
    destroy() {
      cancelAnimationFrame(frame);
      observer.disconnect();
      for (const [name, listener] of listeners) top.removeEventListener(name, listener as EventListener);
      top.removeEventListener("wheel", onWheel);
      layer.destroy();
      canvas.remove();
      top.remove();
    },
  };
}

/** Shift adds, alt takes away; a key that is let go before the button still counts. */
function combineOf(event: { shiftKey: boolean; altKey: boolean }, before: Combine = "replace"): Combine {
  return event.altKey ? "subtract" : event.shiftKey ? "add" : before;
}

/** Of a plot in a window of 1440 x 900. */
const COMMON_AREA = 900 * 450;

/**
 * Diameter of the points in CSS pixels: smaller the more there are, growing slowly when the view comes closer.
 *
 * @param shaped larger, so that shapes can be told apart
 * @param area of the plot in CSS pixels: on a large screen points would be lost otherwise
 */
export function pointSize(points: number, zoom: number, shaped = false, area = COMMON_AREA): number {
  const base = points <= 500 ? 9 : points <= 3000 ? 7 : points <= 12_000 ? 5.5 : points <= 60_000 ? 4 : 3;
  const room = Math.min(1.8, Math.max(1, (area / COMMON_AREA) ** 0.25));
  return Math.min(14, base * (shaped ? 1.25 : 1) * room * Math.max(1, zoom) ** 0.25);
}

/** True when some entry of a palette has another shape than the circle. */
function hasShapes(palette: Uint8Array): boolean {
  for (let at = 3; at < palette.length; at += 4) if ((palette[at] as number) > 1) return true;
  return false;
}

/** Positions for tests and for the deep link: CSS pixels of a row. */
export function screenOf(camera: Camera, size: { width: number; height: number }, xy: Float32Array, row: number) {
  return toScreen(camera, size, xy[2 * row] as number, xy[2 * row + 1] as number);
}

function addCanvas(host: HTMLElement, before?: HTMLCanvasElement): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%";
  if (before) before.before(canvas);
  else host.append(canvas);
  return canvas;
}
