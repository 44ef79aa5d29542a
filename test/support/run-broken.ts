/** Images as they arrive from the field: broken, misnamed, hostile. Each is made here, byte by byte where it matters. */
import { deflateSync } from "node:zlib";
import sharp from "sharp";

/** A sound JPEG of noise-free colours, 64 x 48, without metadata. */
export function soundJpeg(seed = 0): Promise<Buffer> {
  const width = 64;
  const height = 48;
  const rgb = Buffer.alloc(width * height * 3);
  for (let i = 0; i < rgb.length; i += 1) rgb[i] = (i * (3 + seed) + ((i / (width * 3)) | 0) * (5 + seed)) & 255;
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

export async function soundPng(): Promise<Buffer> {
  return sharp(await soundJpeg(7))
    .png()
    .toBuffer();
}

/** A JPEG marker segment. */
function segment(marker: number, body: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Puts segments right after the SOI marker. */
function withSegments(jpeg: Buffer, segments: readonly Buffer[]): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

/** A sound picture whose ICC profile is nonsense: a size that is a lie, and tags that point outside it. */
export async function jpegWithCorruptIcc(): Promise<Buffer> {
  const profile = Buffer.alloc(200, 0xee);
  profile.writeUInt32BE(0xffff_fff0, 0);
  const body = Buffer.concat([Buffer.from("ICC_PROFILE\0", "latin1"), Buffer.from([1, 1]), profile]);
  return withSegments(await soundJpeg(1), [segment(0xe2, body)]);
}

/** A sound picture whose EXIF block claims 65,535 entries beyond its end and an orientation of 200. */
export async function jpegWithCorruptExif(): Promise<Buffer> {
  const tiff = Buffer.from([
    ...[0x49, 0x49, 0x2a, 0x00, 0x08, 0x00, 0x00, 0x00], // little endian, first directory at 8
    ...[0xff, 0xff], // entries
    ...[0x12, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0xc8, 0x00, 0x00, 0x00], // Orientation = 200
    ...[0x0f, 0x01, 0x02, 0x00, 0xff, 0xff, 0xff, 0x7f, 0xf0, 0xff, 0xff, 0x7f], // Make: 2 GB of text, outside
  ]);
  return withSegments(await soundJpeg(2), [segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]))]);
}

/** A JPEG whose frame header claims `side` x `side` pixels and that holds almost nothing. */
export async function jpegClaiming(side: number): Promise<Buffer> {
  const jpeg = Buffer.from(await soundJpeg(3));
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  if (frame < 0) throw new Error("a baseline JPEG has an SOF0 marker");
  jpeg.writeUInt16BE(side, frame + 5);
  jpeg.writeUInt16BE(side, frame + 7);
  return jpeg;
}

function chunk(type: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), body]);
  const out = Buffer.alloc(named.length + 8);
  out.writeUInt32BE(body.length, 0);
  named.copy(out, 4);
  out.writeUInt32BE(crc32(named), named.length + 4);
  return out;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** A complete, valid PNG of `side` x `side` black 8-bit grey pixels: a thousandth of what it unpacks to. */
export function pngBomb(side: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 8;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc((side + 1) * side), { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
