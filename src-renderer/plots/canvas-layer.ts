/**
 * Points drawn by the processor into the pixels of a Canvas 2D, which every browser has. The picture is that of the
 * WebGL layer. Where WebGL itself is only emulated on the processor, this is several times faster.
 */
import { scaleOf } from "./camera.js";
import { bytesOfColour, keptFor } from "./css-colour.js";
import { linePixels, lineStrength } from "./grid-lines.js";
import { type PointLayer, SELECTED, SIZES, VISIBLE } from "./point-layer.js";
import { LEAST_SHAPE_PIXELS, SHAPES } from "./shapes.js";
import { PHASES, type Stamp, stampOf } from "./stamps.js";

/** Pixels around the picture, so that no point that reaches into it needs clipping; half the largest point. */
const MARGIN = 40;
/** Diameters are drawn in steps of an eighth of a pixel. */
const DIAMETER_STEPS = 8;

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
  let size = { width: 1, height: 1 };
  let ratio = 1;
  /** With its margin; made when first drawn. */
  let image: ImageData | undefined;
  const groundWord = keptFor((css) => wordsOf(bytesOfColour(css))[0] as number);
  const lineWord = keptFor((css) => wordsOf(bytesOfColour(css))[0] as number);
  /** Of one stride, by diameter, mark and phase. */
  let stamps: (Stamp | undefined)[] = [];

  const stampAt = (step: number, mark: number, phase: number, stride: number): Stamp => {
    const key = (step * 8 + mark) * PHASES * PHASES + phase;
    let stamp = stamps[key];
    if (!stamp) {
      const shape = SHAPES[mark - 1] ?? "circle";
      stamp = stampOf(shape, step / DIAMETER_STEPS, phase % PHASES, Math.floor(phase / PHASES), stride);
      stamps[key] = stamp;
    }
    return stamp;
  };

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
      palette = wordsOf(entries);
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
      stamps = [];
    },
    draw(camera, style) {
      const width = canvas.width + 2 * MARGIN;
      const height = canvas.height + 2 * MARGIN;
      image ??= context.createImageData(width, height);
      const pixels = new Uint32Array(image.data.buffer);
      const ground = groundWord(style.ground);
      pixels.fill(ground);
      for (const line of style.lines) {
        const word = mixed(ground, lineWord(style.line), Math.round(256 * lineStrength(line)));
        const { first, thick } = linePixels(line, ratio);
        for (let at = first + MARGIN; at < first + MARGIN + thick; at++) {
          if (!line.upright) pixels.fill(word, at * width, (at + 1) * width);
          else for (let pixel = at; pixel < pixels.length; pixel += width) pixels[pixel] = word;
        }
      }
      const scale = scaleOf(camera, size);
      const scaleX = scale.x * ratio;
      const scaleY = scale.y * ratio;
      const left = (size.width / 2) * ratio - camera.x * scaleX + MARGIN;
      const top = (size.height / 2) * ratio + camera.y * scaleY + MARGIN;
      const diameter = style.size * ratio;
      const stepOf = (share: number) => Math.max(DIAMETER_STEPS, Math.round(diameter * share * DIAMETER_STEPS));
      const common = stepOf(1);
      // The border of a border: half the largest point must not leave the picture's margin.
      const [rightmost, lowest] = [canvas.width + 2 * MARGIN - 1, canvas.height + 2 * MARGIN - 1];
      const most = Math.ceil((sizes ? stepOf(SIZES.most) : common) / DIAMETER_STEPS / 2) + 1;
      for (const pass of style.selecting ? [1, SELECTED] : [0]) {
        const strength = pass === 1 ? Math.round(256 * style.dimmed) : 256;
        for (let row = 0; row < flags.length; row++) {
          const flag = flags[row] as number;
          if ((flag & VISIBLE) === 0) continue;
          if (pass !== 0 && (pass === SELECTED) !== ((flag & SELECTED) !== 0)) continue;
          const entry = colours[row] as number;
          let mark = marks[entry] as number;
          // An entry beyond the palette is as good as hidden: labels that were added come with their palette.
          if (!(mark > 0)) continue;
          const x = left + (xy[2 * row] as number) * scaleX;
          const y = top - (xy[2 * row + 1] as number) * scaleY;
          // Not the other way round: NaN lies nowhere.
          if (!(x >= most && x < rightmost - most && y >= most && y < lowest - most)) continue;
          const step = sizes
            ? stepOf(SIZES.least + ((sizes[row] as number) / 255) * (SIZES.most - SIZES.least))
            : common;
          if (step < LEAST_SHAPE_PIXELS * DIAMETER_STEPS) mark = 1;
          const column = x | 0;
          const line = y | 0;
          const phase = (((y - line) * PHASES) | 0) * PHASES + (((x - column) * PHASES) | 0);
          const { offsets, covers } = stampAt(step, mark, phase, width);
          const at = line * width + column;
          const colour = palette[entry] as number;
          const evens = colour & 0xff00ff;
          const odds = colour & 0x00ff00;
          for (let k = 0; k < offsets.length; k++) {
            const pixel = at + (offsets[k] as number);
            const cover = (Math.imul(covers[k] as number, strength) >> 8) | 0;
            const before = pixels[pixel] as number;
            // Red and blue in one multiplication: what overflows lies above them and is cut off.
            const beforeEvens = before & 0xff00ff;
            const beforeOdds = before & 0x00ff00;
            pixels[pixel] =
              ((beforeEvens + (Math.imul(evens - beforeEvens, cover) >> 8)) & 0xff00ff) |
              ((beforeOdds + (Math.imul(odds - beforeOdds, cover) >> 8)) & 0x00ff00) |
              0xff000000;
          }
        }
      }
      context.putImageData(image, -MARGIN, -MARGIN);
    },
    destroy() {
      image = undefined;
    },
  };
}

/** Opaque colours as words in the memory order of ImageData, red lowest on the little-endian machines that browsers run on. */
function wordsOf(entries: Uint8Array | Uint8ClampedArray): Uint32Array<ArrayBuffer> {
  const opaque = new Uint8Array(entries);
  for (let at = 3; at < opaque.length; at += 4) opaque[at] = 255;
  return new Uint32Array(opaque.buffer);
}

/** One opaque word over another. @param cover of the upper one, 0 to 256 */
function mixed(below: number, above: number, cover: number): number {
  const mix = (shift: number) => {
    const from = (below >> shift) & 255;
    return (from + ((((above >> shift) & 255) - from) * cover) / 256) << shift;
  };
  return (mix(0) | mix(8) | mix(16) | 0xff000000) >>> 0;
}
