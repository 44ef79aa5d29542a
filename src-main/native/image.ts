import { addon } from "./addon.js";
import { type NativeJob, withSignal } from "./job.js";

/** The tensor that one image becomes: 3 x height x width floats. */
export interface ImageTarget {
  /** Pixels, 1 to 16,384. */
  readonly width: number;
  readonly height: number;
  /** Both are antialiased when shrinking; bicubic has a = -0.5, as Pillow. */
  readonly filter: "bilinear" | "bicubic";
  /** `out[c] = (v - mean[c]) / std[c]`, v from 0 to 255, c in the order of the output's channels; std > 0. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly layout: "nchw" | "nhwc";
  readonly channels: "rgb" | "bgr";
  /** `stretch`: the whole picture, whatever its shape; `cover`: its largest centred part of the target's shape. */
  readonly fit: "stretch" | "cover";
}

/** What a decoder accepts. */
export interface DecodeLimits {
  /** Most pixels of an image, checked against its header before anything is allocated; default 268,000,000. */
  readonly pixelLimit?: number;
  /** Most scans of a progressive JPEG; default 500. */
  readonly scanLimit?: number;
  /** Keep what can be decoded of a file that ends early (the rest is grey) instead of failing `image/truncated`. */
  readonly tolerateTruncated?: boolean;
  /** Cancels the call, which then rejects with code `cancelled`. */
  readonly signal?: AbortSignal;
}

export interface DecodeOptions extends DecodeLimits {
  /** Most threads of the addon's pool to use; default all of them. */
  readonly threads?: number;
}

export interface BatchOptions extends DecodeOptions {
  /**
   * Also make a small upright JPEG of each picture from the rows that are decoded for its tensor, which stays the same.
   * There is none of a picture whose longer side is at most `side`, nor where fewer rows are decoded than it needs.
   * `side`: pixels of the longer side; `quality`: 1 to 100.
   */
  readonly thumbnail?: { readonly side: number; readonly quality: number };
}

/**
 * An image that could not be decoded. `code` is one of `image/missing`, `image/unreadable`, `image/empty`,
 * `image/unknown-format`, `image/unsupported`, `image/corrupt`, `image/truncated`, `image/too-large`,
 * `image/too-many-scans`, `image/memory`; the sentence does not name the file.
 */
export interface ImageFailure {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
}

/** When a photo was taken, as far as its EXIF says. */
export interface CaptureTime {
  /**
   * What the camera's clock showed: a local date and time without a time zone, as microseconds from 1970-01-01 00:00:00 of
   * the same clock. DateTimeOriginal with its fraction of a second; without a valid one DateTimeDigitized, then DateTime.
   */
  readonly capturedAt?: number;
  /** Minutes that this clock was ahead of UTC, -720 to 840, where the camera knew. */
  readonly capturedOffset?: number;
}

/** Size of the original once upright (EXIF orientation applied) and its time of capture, or why there is none. */
export type ImageResult =
  | ({
      readonly ok: true;
      readonly width: number;
      readonly height: number;
      /** A JPEG: see `BatchOptions.thumbnail`. */
      readonly thumbnail?: Uint8Array<ArrayBuffer>;
    } & CaptureTime)
  | ImageFailure;

/** What an image's header says. Width and height are those of the upright picture; orientation is EXIF's, 1 to 8. */
export interface ImageHeader extends CaptureTime {
  readonly ok: true;
  readonly format: "jpeg" | "png" | "webp";
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
}

/** An upright picture: `data` holds height x width x 3 bytes. */
export interface RgbImage {
  readonly ok: true;
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** The native libraries of the image path and the instruction set in use, as Highway names it. */
export interface ImageLibraries {
  readonly libjpegTurbo: string;
  readonly libpng: string;
  readonly libwebp: string;
  readonly highway: string;
  /** Active on this machine. */
  readonly simdTarget: string;
  /** Compiled in, best first. */
  readonly simdTargets: readonly string[];
}

/** What the libraries of the image path call themselves. */
const LIBRARY_NAMES = {
  libjpegTurbo: "libjpeg-turbo",
  libpng: "libpng",
  libwebp: "libwebp",
  highway: "Highway",
} as const;

/** A path, or the encoded bytes themselves. The format is told by the content, never by the name. */
export type ImageSource = string | Uint8Array;

type NativeLimits = Omit<DecodeOptions, "signal">;

interface NativeImage {
  decodeResize(
    sources: readonly ImageSource[],
    target: ImageTarget,
    out: Float32Array,
    options: NativeLimits & Pick<BatchOptions, "thumbnail">,
  ): NativeJob<ImageResult[]>;
  probeImage(source: ImageSource, options: NativeLimits): NativeJob<ImageHeader | ImageFailure>;
  decodeRgb(source: ImageSource, options: NativeLimits & { maxSide?: number }): NativeJob<RgbImage | ImageFailure>;
  encodeJpeg(
    rgb: Uint8Array,
    options: { width: number; height: number; quality: number; subsampling: "4:4:4" | "4:2:0" },
  ): NativeJob<Uint8Array<ArrayBuffer>>;
  imageLibraries(): ImageLibraries;
}

/**
 * Reads, decodes, turns upright, resizes and normalises a batch of images into one tensor, off the JS thread and off
 * libuv's pool. Files are read by the addon's own threads.
 *
 * `out` and every Uint8Array in `sources` are used in place: until the promise settles they must be neither written
 * nor transferred to another thread.
 *
 * @param out sources.length * 3 * height * width values; image i begins at i * 3 * height * width. The slot of an image
 *   that fails is zero.
 * @returns one result per source, in order; a bad image never rejects
 * @throws VergerError-like errors with code `native/argument` or `cancelled` (once no thread touches `out` any more)
 */
export function decodeResize(
  sources: readonly ImageSource[],
  target: ImageTarget,
  out: Float32Array,
  options: BatchOptions = {},
): Promise<ImageResult[]> {
  const { signal, ...limits } = options;
  return withSignal(() => addon<NativeImage>().decodeResize(sources, target, out, limits), signal);
}

/** Reads format, size, orientation and time of capture without decoding. The pixel limit is not applied. */
export function probeImage(source: ImageSource, options: DecodeLimits = {}): Promise<ImageHeader | ImageFailure> {
  const { signal, ...limits } = options;
  return withSignal(() => addon<NativeImage>().probeImage(source, limits), signal);
}

/**
 * Decodes one upright picture. The same rules as for decodeResize hold for a Uint8Array.
 *
 * @param options.maxSide bounds both sides, keeping the shape (bicubic, never enlarged); default: as large as it is
 */
export function decodeRgb(
  source: ImageSource,
  options: DecodeLimits & { readonly maxSide?: number } = {},
): Promise<RgbImage | ImageFailure> {
  const { signal, ...limits } = options;
  return withSignal(() => addon<NativeImage>().decodeRgb(source, limits), signal);
}

/**
 * Encodes a baseline JPEG. The same pixels and options give the same bytes on every machine with the same libjpeg-turbo.
 *
 * @param rgb height x width x 3 bytes
 * @param quality 1 to 100
 */
export function encodeJpeg(
  rgb: Uint8Array,
  width: number,
  height: number,
  quality: number,
  options: { readonly subsampling?: "4:4:4" | "4:2:0"; readonly signal?: AbortSignal } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, subsampling = "4:2:0" } = options;
  return withSignal(() => addon<NativeImage>().encodeJpeg(rgb, { width, height, quality, subsampling }), signal);
}

/** Names and versions for `doctor` and bug reports. */
export function imageLibraries(): ImageLibraries {
  return addon<NativeImage>().imageLibraries();
}

/** The native libraries of the image path by their own names. */
export function imageLibraryVersions(): { name: string; version: string }[] {
  const known = imageLibraries();
  return Object.entries(LIBRARY_NAMES).map(([key, name]) => ({
    name,
    version: known[key as keyof typeof LIBRARY_NAMES],
  }));
}
