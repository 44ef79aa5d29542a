/** Points by Canvas 2D: every browser has it. Slower, the same picture without soft edges. */
import { scaleOf } from "./camera.js";
import { type PointLayer, SELECTED, SIZES, VISIBLE } from "./point-layer.js";
import { LEAST_SHAPE_PIXELS, SHAPES, shapeMask } from "./shapes.js";

/** A layer on this canvas; undefined where the browser gives no 2D context either. */
export function canvasLayer(canvas: HTMLCanvasElement): PointLayer | undefined {
  const context = canvas.getContext("2d");
  if (!context) return undefined;
  let xy = new Float32Array(0);
  let colours = new Uint16Array(0);
  let flags = new Uint8Array(0);
  let palette = new Uint32Array(0);
  let marks = new Uint8Array(0);
  let sizes: Uint8Array | null = null;
  /** Pixels of each shape by side. */
  const masks = new Map<number, Uint8Array>();
  const maskOf = (mark: number, side: number) => {
    const known = masks.get(side * 8 + mark);
    if (known) return known;
    const mask = shapeMask(SHAPES[mark - 1] ?? "circle", side);
    masks.set(side * 8 + mark, mask);
    return mask;
  };
  let size = { width: 1, height: 1 };
  let ratio = 1;
  let image: ImageData | undefined;

  return {
    kind: "canvas",
    setPositions(next) {
      xy = next as Float32Array<ArrayBuffer>;
    },
    setColours(next) {
      colours = next as Uint16Array<ArrayBuffer>;
    },
    setFlags(next) {
      flags = next as Uint8Array<ArrayBuffer>;
    },
    setPalette(entries) {
      marks = Uint8Array.from({ length: entries.length / 4 }, (_, entry) => entries[4 * entry + 3] as number);
      const opaque = new Uint8Array(entries);
      for (let at = 3; at < opaque.length; at += 4) opaque[at] = 255;
      // As words in the memory order of ImageData, red lowest on the little-endian machines that browsers run on.
      palette = new Uint32Array(opaque.buffer);
    },
    setSizes(next) {
      sizes = next;
    },
    resize(width, height, pixelRatio) {
      size = { width, height };
      ratio = pixelRatio;
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
      image = undefined;
    },
    draw(camera, style) {
      const { width, height } = canvas;
      image ??= context.createImageData(width, height);
      const pixels = new Uint32Array(image.data.buffer);
      pixels.fill(0);
      const scale = scaleOf(camera, size);
      const diameter = style.size * ratio;
      const dimmed = Math.round(style.dimmed * 255) << 24;
      for (const pass of style.selecting ? [1, SELECTED] : [0]) {
        for (let row = 0; row < flags.length; row++) {
          const flag = flags[row] as number;
          if ((flag & VISIBLE) === 0) continue;
          if (pass !== 0 && (pass === SELECTED) !== ((flag & SELECTED) !== 0)) continue;
          const entry = colours[row] as number;
          const mark = marks[entry] ?? 0;
          if (mark === 0) continue;
          let colour = palette[entry] as number;
          if (pass === 1) colour = (colour & 0xffffff) | dimmed;
          const share = sizes ? SIZES.least + ((sizes[row] as number) / 255) * (SIZES.most - SIZES.least) : 1;
          const side = Math.max(1, Math.round(diameter * share));
          const before = side >> 1;
          const x = Math.round((size.width / 2 + ((xy[2 * row] as number) - camera.x) * scale.x) * ratio) - before;
          const y = Math.round((size.height / 2 - ((xy[2 * row + 1] as number) - camera.y) * scale.y) * ratio) - before;
          if (x < 0 || y < 0 || x + side > width || y + side > height) continue;
          const mask = maskOf(diameter * share < LEAST_SHAPE_PIXELS ? 1 : mark, side);
          for (let j = 0; j < side; j++) {
            const line = (y + j) * width + x;
            for (let i = 0; i < side; i++) if (mask[j * side + i] === 1) pixels[line + i] = colour;
          }
        }
      }
      context.putImageData(image, 0, 0);
    },
    destroy() {
      image = undefined;
    },
  };
}
