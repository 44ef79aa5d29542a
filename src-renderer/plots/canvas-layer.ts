/** Points by Canvas 2D: every browser has it. Slower, the same picture in squares. */
import { scaleOf } from "./camera.js";
import { type PointLayer, SELECTED, VISIBLE } from "./point-layer.js";

/** A layer on this canvas; undefined where the browser gives no 2D context either. */
export function canvasLayer(canvas: HTMLCanvasElement): PointLayer | undefined {
  const context = canvas.getContext("2d");
  if (!context) return undefined;
  let xy = new Float32Array(0);
  let colours = new Uint16Array(0);
  let flags = new Uint8Array(0);
  let palette = new Uint32Array(0);
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
    setPalette(rgba) {
      // As words in the memory order of ImageData, red lowest on the little-endian machines that browsers run on.
      palette = new Uint32Array(new Uint8Array(rgba).buffer);
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
      const side = Math.max(1, Math.round(style.size * ratio * 0.85));
      const before = side >> 1;
      const dimmed = Math.round(style.dimmed * 255) << 24;
      for (const pass of style.selecting ? [1, SELECTED] : [0]) {
        for (let row = 0; row < flags.length; row++) {
          const flag = flags[row] as number;
          if ((flag & VISIBLE) === 0) continue;
          if (pass !== 0 && (pass === SELECTED) !== ((flag & SELECTED) !== 0)) continue;
          let colour = palette[colours[row] as number] ?? 0;
          if (colour >>> 24 === 0) continue;
          if (pass === 1) colour = (colour & 0xffffff) | dimmed;
          const x = Math.round((size.width / 2 + ((xy[2 * row] as number) - camera.x) * scale.x) * ratio) - before;
          const y = Math.round((size.height / 2 - ((xy[2 * row + 1] as number) - camera.y) * scale.y) * ratio) - before;
          if (x < 0 || y < 0 || x + side > width || y + side > height) continue;
          for (let j = 0; j < side; j++) {
            const line = (y + j) * width + x;
            for (let i = 0; i < side; i++) pixels[line + i] = colour;
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
