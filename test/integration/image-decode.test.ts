/** The native image path through the addon: batches, failures, cancel, arguments. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorCode } from "../../src-main/core/errors.js";
import {
  decodeResize,
  decodeRgb,
  encodeJpeg,
  type ImageFailure,
  type ImageSource,
  type ImageTarget,
  imageLibraries,
  probeImage,
} from "../../src-main/native/image.js";
import { withExif } from "../support/exif.js";
import { realPhotos } from "../support/run-photos.js";

const TARGET: ImageTarget = {
  width: 32,
  height: 32,
  filter: "bicubic",
  mean: [127, 127, 127],
  std: [128, 128, 128],
  layout: "nchw",
  channels: "rgb",
  fit: "stretch",
};
const FLOATS = 3 * 32 * 32;

let folder: string;
let jpeg: Uint8Array;

/** A picture whose every corner differs. */
function slopes(width: number, height: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      rgb.set([30 + (200 * x) / width, 30 + (200 * y) / height, x * 2 > width ? 200 : 20], (y * width + x) * 3);
    }
  }
  return rgb;
}

/** Inserts an EXIF orientation behind the start of a JPEG. */
function turned(file: Uint8Array, orientation: number): Uint8Array {
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
  const body = [...Buffer.from("Exif\0\0"), ...tiff];
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, 0, body.length + 2, ...body, ...file.subarray(2)]);
}

function write(name: string, bytes: Uint8Array): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-image-"));
  jpeg = await encodeJpeg(slopes(60, 40), 60, 40, 95);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return errorCode(error);
  }
  return "resolved";
}

describe("decodeResize", () => {
  test("keeps good images and names bad ones, from paths and bytes in one batch", async () => {
    const large = jpeg.slice();
    const frame = Buffer.from(large).indexOf(Buffer.from([0xff, 0xc0]));
    large.set([0xc3, 0x50, 0xc3, 0x50], frame + 5); // 50,000 x 50,000
    const cases: [ImageSource, string | undefined][] = [
      [write("plain.jpg", jpeg), undefined],
      [jpeg, undefined],
      [write("verger/poire d'été 梨 🍐.jpg", jpeg), undefined],
      [Buffer.from(jpeg), undefined],
      [new Uint8Array(Buffer.concat([Buffer.alloc(3), jpeg])).subarray(3), undefined],
      [path.join(folder, "missing.jpg"), "image/missing"],
      [folder, "image/unreadable"],
      [write("empty.jpg", new Uint8Array()), "image/empty"],
      [new Uint8Array(), "image/empty"],
      [write("text.jpg", Buffer.from("this is no picture\n")), "image/unknown-format"],
      [jpeg.subarray(0, jpeg.length * 0.6), "image/truncated"],
      [large, "image/too-large"],
      [write("named like a png.png", jpeg), undefined],
    ];
    const out = new Float32Array(cases.length * FLOATS).fill(9);
    const results = await decodeResize(
      cases.map(([source]) => source),
      TARGET,
      out,
    );
    expect(results.map((result) => (result.ok ? undefined : result.code))).toEqual(cases.map(([, code]) => code));
    const first = out.slice(0, FLOATS);
    for (const [i, [, code]] of cases.entries()) {
      const slot = out.slice(i * FLOATS, (i + 1) * FLOATS);
      expect(slot).toEqual(code ? new Float32Array(FLOATS) : first);
      const result = results[i];
      if (result?.ok) expect(result).toEqual({ ok: true, width: 60, height: 40 });
      // One sentence: what was expected, what was received, what to do.
      else expect(result?.message).toMatch(/^Expected .*[,;].*\.$/);
    }
    expect(first.some((value) => value !== 0)).toBe(true);
  });

  test("decodes what decodeRgb decodes", async () => {
    const picture = await decodeRgb(jpeg);
    if (!picture.ok) throw new Error(picture.message);
    const target = { ...TARGET, width: 60, height: 40, mean: [1, 2, 3], std: [2, 4, 5] } as const;
    for (const channels of ["rgb", "bgr"] as const) {
      for (const layout of ["nchw", "nhwc"] as const) {
        const out = new Float32Array(3 * 60 * 40);
        await decodeResize([jpeg], { ...target, channels, layout }, out);
        let worst = 0;
        for (let i = 0; i < 60 * 40; i += 1) {
          for (const c of [0, 1, 2] as const) {
            const value = picture.data[i * 3 + (channels === "rgb" ? c : 2 - c)] ?? Number.NaN;
            const expected = (value - target.mean[c]) / target.std[c];
            const got = out[layout === "nchw" ? c * 60 * 40 + i : i * 3 + c] ?? Number.NaN;
            worst = Math.max(worst, Math.abs(got - expected));
          }
        }
        expect(worst).toBeLessThan(1e-4);
      }
    }
  });

  test("says when pictures were taken, by the camera's clock, and nothing where they do not say", async () => {
    const time = { DateTimeOriginal: "2026:05:01 10:20:30", SubSecTimeOriginal: "5", OffsetTimeOriginal: "+02:00" };
    const never = { DateTimeOriginal: "0000:00:00 00:00:00", OffsetTimeOriginal: "+02:00" };
    const files = [
      withExif(jpeg, time),
      withExif(jpeg, { ...time, OffsetTimeOriginal: "local" }),
      withExif(jpeg, never),
    ];
    const results = await decodeResize(files, TARGET, new Float32Array(3 * FLOATS));
    const capturedAt = (Date.UTC(2026, 4, 1, 10, 20, 30) + 500) * 1000;
    const plain = { ok: true, width: 60, height: 40 };
    expect(results).toEqual([{ ...plain, capturedAt, capturedOffset: 120 }, { ...plain, capturedAt }, plain]);
    const header = await probeImage(write("taken.jpg", withExif(jpeg, time)));
    expect(header).toEqual({ ...plain, format: "jpeg", orientation: 1, capturedAt, capturedOffset: 120 });
  });

  test("gives the size of the upright picture", async () => {
    const [result] = await decodeResize([turned(jpeg, 6)], TARGET, new Float32Array(FLOATS));
    expect(result).toEqual({ ok: true, width: 40, height: 60 });
  });

  test("limits and tolerance", async () => {
    const out = new Float32Array(FLOATS);
    const [tooLarge] = await decodeResize([jpeg], TARGET, out, { pixelLimit: 60 * 40 - 1 });
    expect((tooLarge as ImageFailure).code).toBe("image/too-large");
    const [fits] = await decodeResize([jpeg], TARGET, out, { pixelLimit: 60 * 40 });
    expect(fits?.ok).toBe(true);
    const short = jpeg.subarray(0, jpeg.length * 0.8);
    const [tolerated] = await decodeResize([short], TARGET, out, { tolerateTruncated: true });
    expect(tolerated?.ok).toBe(true);
  });

  test("an empty batch is an empty result", async () => {
    expect(await decodeResize([], TARGET, new Float32Array(0))).toEqual([]);
  });

  test("is the same on any number of threads, and in batches side by side", async () => {
    const real = realPhotos();
    if (!real) console.warn("VERGER_PHOTOS is absent: drawn pictures instead of real photos");
    const sources: ImageSource[] = real
      ? (readdirSync(real, { recursive: true, encoding: "utf8" }) as string[])
          .filter((name) => name.endsWith(".jpg"))
          .sort()
          .filter((_, i) => i % 40 === 0)
          .map((name) => path.join(real, name))
      : await Promise.all(Array.from({ length: 60 }, (_, i) => encodeJpeg(slopes(80 + i, 50 + i), 80 + i, 50 + i, 90)));
    const decode = async (threads?: number) => {
      const out = new Float32Array(sources.length * FLOATS);
      const results = await decodeResize(sources, TARGET, out, threads ? { threads } : {});
      expect(results.every((result) => result.ok)).toBe(true);
      return Buffer.from(out.buffer);
    };
    const [first, ...others] = await Promise.all([decode(), decode(1), decode(2), decode(7)]);
    for (const other of others) expect(first?.equals(other)).toBe(true);
  });

  test("cancel in mid-batch rejects, and no thread writes afterwards", async () => {
    const large = await encodeJpeg(slopes(2400, 1800), 2400, 1800, 90);
    const sources = Array.from({ length: 400 }, () => large);
    const out = new Float32Array(sources.length * FLOATS).fill(9);
    const controller = new AbortController();
    const batch = decodeResize(sources, TARGET, out, { signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    expect(await codeOf(batch)).toBe("cancelled");
    const after = out.slice();
    expect(after.at(-1)).toBe(9);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(Buffer.from(out.buffer).equals(Buffer.from(after.buffer))).toBe(true);
    // The pool works on.
    expect((await decodeResize([jpeg], TARGET, new Float32Array(FLOATS)))[0]?.ok).toBe(true);
  });

  test("a signal that is aborted already starts nothing", async () => {
    const out = new Float32Array(FLOATS).fill(9);
    expect(await codeOf(decodeResize([jpeg], TARGET, out, { signal: AbortSignal.abort() }))).toBe("cancelled");
    expect(out.every((value) => value === 9)).toBe(true);
  });

  test("refuses wrong arguments before it begins", async () => {
    const out = new Float32Array(FLOATS);
    const wrong: [unknown, unknown, unknown, unknown?][] = [
      ["a.jpg", TARGET, out],
      [[1], TARGET, out],
      [[new Float32Array(4)], TARGET, out],
      [["a\0b.jpg"], TARGET, out],
      [[""], TARGET, out],
      [[jpeg], TARGET, new Float32Array(FLOATS - 1)],
      [[jpeg], TARGET, new Float64Array(FLOATS)],
      [[jpeg, jpeg], TARGET, out],
      [[jpeg], { ...TARGET, width: 0 }, out],
      [[jpeg], { ...TARGET, width: 32.5 }, out],
      [[jpeg], { ...TARGET, width: Number.NaN }, out],
      [[jpeg], { ...TARGET, filter: "nearest" }, out],
      [[jpeg], { ...TARGET, layout: undefined }, out],
      [[jpeg], { ...TARGET, std: [1, 0, 1] }, out],
      [[jpeg], { ...TARGET, mean: [1, 2] }, out],
      [[jpeg], { ...TARGET, mean: [1, 2, Number.POSITIVE_INFINITY] }, out],
      [[jpeg], undefined, out],
      [[jpeg], TARGET, out, { pixelLimit: 0 }],
      [[jpeg], TARGET, out, { threads: -1 }],
    ];
    for (const args of wrong) {
      const call = decodeResize(...(args as unknown as Parameters<typeof decodeResize>));
      expect(await codeOf(call)).toBe("native/argument");
    }
  });
});

describe("probeImage", () => {
  test("reads format, upright size and orientation", async () => {
    for (const orientation of [1, 3, 6, 8]) {
      const swapped = orientation >= 5;
      const expected = { width: swapped ? 40 : 60, height: swapped ? 60 : 40, orientation };
      const file = turned(jpeg, orientation);
      expect(await probeImage(file)).toEqual({ ok: true, format: "jpeg", ...expected });
      expect(await probeImage(write(`turned ${orientation}.jpg`, file))).toEqual({
        ok: true,
        format: "jpeg",
        ...expected,
      });
    }
  });

  test("says why it cannot", async () => {
    expect(await probeImage(path.join(folder, "nothing.jpg"))).toMatchObject({ ok: false, code: "image/missing" });
    expect(await probeImage(jpeg.subarray(0, 30))).toMatchObject({ ok: false, code: "image/truncated" });
  });
});

describe("decodeRgb and encodeJpeg", () => {
  test("one reads what the other wrote", async () => {
    const rgb = slopes(50, 30);
    const file = await encodeJpeg(rgb, 50, 30, 98, { subsampling: "4:4:4" });
    const picture = await decodeRgb(file);
    expect(picture).toMatchObject({ ok: true, width: 50, height: 30 });
    if (!picture.ok) throw new Error(picture.message);
    const error = picture.data.reduce((sum, value, i) => sum + Math.abs(value - (rgb[i] ?? 0)), 0) / rgb.length;
    expect(error).toBeLessThan(2);
    expect(await encodeJpeg(rgb, 50, 30, 98, { subsampling: "4:4:4" })).toEqual(file);
    expect((await encodeJpeg(rgb, 50, 30, 98)).length).toBeLessThan(file.length);
  });

  test("turns upright and bounds the sides", async () => {
    const small = await decodeRgb(turned(jpeg, 6), { maxSide: 30 });
    if (!small.ok) throw new Error(small.message);
    expect([small.width, small.height]).toEqual([20, 30]);
    // Rotated clockwise, the blue right half of the picture lies below.
    const blue = (x: number, y: number) => small.data[(y * 20 + x) * 3 + 2] ?? Number.NaN;
    expect(blue(10, 5)).toBeLessThan(80);
    expect(blue(10, 25)).toBeGreaterThan(150);
  });

  test("refuse wrong arguments", async () => {
    expect(await codeOf(encodeJpeg(new Uint8Array(10), 2, 2, 90))).toBe("native/argument");
    expect(await codeOf(encodeJpeg(new Uint8Array(12), 2, 2, 0))).toBe("native/argument");
    expect(await codeOf(decodeRgb(jpeg, { maxSide: -1 }))).toBe("native/argument");
  });
});

test("imageLibraries names versions and instruction sets", () => {
  const libraries = imageLibraries();
  for (const version of [libraries.libjpegTurbo, libraries.libpng, libraries.libwebp, libraries.highway]) {
    expect(version).toMatch(/^\d+\.\d+/);
  }
  expect(libraries.simdTargets).toContain(libraries.simdTarget);
});

test("files are read byte for byte", async () => {
  // The same bytes by path and from memory, one file after the other through the same reused buffer.
  const files = await Promise.all([200, 20, 120].map((side) => encodeJpeg(slopes(side, side), side, side, 90)));
  const paths = files.map((file, i) => write(`size ${i}.jpg`, file));
  const byPath = new Float32Array(3 * FLOATS);
  const fromMemory = new Float32Array(3 * FLOATS);
  await decodeResize(paths, TARGET, byPath, { threads: 1 });
  await decodeResize(
    paths.map((file) => readFileSync(file)),
    TARGET,
    fromMemory,
    { threads: 1 },
  );
  expect(byPath).toEqual(fromMemory);
});
