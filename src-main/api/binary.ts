/**
 * Frames: one value whose typed arrays travel as their own bytes instead of as JSON numbers. Used in both directions by
 * every carrier that cannot clone structures itself (HTTP); Electron's IPC needs none of it.
 *
 * Layout, little-endian: `VGF1`, uint32 length of the header, the header (JSON in UTF-8: `{value, arrays}`), zeros up to a
 * multiple of 8, then the arrays, each at a multiple of 8. In `value` an array's place holds null; `arrays` lists for
 * each its path, type, byte offset behind the header, and length in elements. Paths, not markers inside the value, say
 * what is an array: no content can be mistaken for one.
 */

/** Content type of a frame. */
export const FRAME_TYPE = "application/x-verger-frame";

const MAGIC = 0x31464756; // "VGF1"
const ALIGNMENT = 8;

const ARRAY_TYPES = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
} as const;

type ArrayType = keyof typeof ARRAY_TYPES;
type FramedArray = InstanceType<(typeof ARRAY_TYPES)[ArrayType]>;

interface ArrayEntry {
  readonly path: readonly (string | number)[];
  readonly type: ArrayType;
  readonly offset: number;
  readonly length: number;
}

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** A Buffer is a Uint8Array under another name. */
function typeOf(array: ArrayBufferView): ArrayType {
  if (array instanceof Uint8Array) return "Uint8Array";
  const name = array.constructor.name;
  if (name in ARRAY_TYPES) return name as ArrayType;
  throw new TypeError(`A frame holds no ${name}.`);
}

/**
 * Encodes plain data that may hold typed arrays at any depth. The arrays are copied.
 *
 * @throws TypeError for an array type that frames do not know (64-bit integers, DataView) or data that JSON cannot hold
 */
export function encodeFrame(value: unknown): Uint8Array<ArrayBuffer> {
  const arrays: ArrayEntry[] = [];
  const views: FramedArray[] = [];
  let end = 0;
  const strip = (item: unknown, path: readonly (string | number)[]): unknown => {
    if (ArrayBuffer.isView(item)) {
      const view = item as FramedArray;
      arrays.push({ path, type: typeOf(view), offset: end, length: view.length });
      views.push(view);
      end = padded(end + view.byteLength);
      return null;
    }
    if (Array.isArray(item)) return item.map((child, index) => strip(child, [...path, index]));
    if (typeof item === "object" && item !== null) {
      return Object.fromEntries(Object.entries(item).map(([key, child]) => [key, strip(child, [...path, key])]));
    }
    return item;
  };
  const header = new TextEncoder().encode(JSON.stringify({ value: strip(value, []) ?? null, arrays }));
  const body = padded(8 + header.length);
  const frame = new Uint8Array(body + end);
  const view = new DataView(frame.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, header.length, true);
  frame.set(header, 8);
  for (const [index, array] of views.entries()) {
    const offset = body + (arrays[index] as ArrayEntry).offset;
    frame.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
  }
  return frame;
}

/**
 * Decodes a frame. The arrays are views into `frame` where its memory is aligned, copies elsewhere. Every length and
 * offset is checked, and no path can reach a prototype.
 *
 * @throws TypeError when the bytes are no frame
 */
export function decodeFrame(frame: ArrayBuffer | Uint8Array): unknown {
  const bytes = frame instanceof Uint8Array ? frame : new Uint8Array(frame);
  if (bytes.length < 8) throw broken("is too short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw broken("has no mark");
  const headerLength = view.getUint32(4, true);
  if (8 + headerLength > bytes.length) throw broken("ends inside its header");
  let header: { value: unknown; arrays: ArrayEntry[] };
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + headerLength)));
  } catch {
    throw broken("has a damaged header");
  }
  if (typeof header !== "object" || header === null || !Array.isArray(header.arrays)) throw broken("has no header");
  const body = padded(8 + headerLength);
  const root = { value: header.value };
  for (const entry of header.arrays) place(root, entry, readArray(bytes, body, entry));
  return root.value;
}

function readArray(bytes: Uint8Array, body: number, entry: ArrayEntry): FramedArray {
  const { type, offset, length } = entry ?? {};
  if (typeof type !== "string" || !Object.hasOwn(ARRAY_TYPES, type)) throw broken("names an unknown array type");
  const Type = ARRAY_TYPES[type];
  const fits =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset % ALIGNMENT === 0 &&
    body + offset + length * Type.BYTES_PER_ELEMENT <= bytes.length;
  if (!fits) throw broken("has an array outside of itself");
  const start = bytes.byteOffset + body + offset;
  if (start % Type.BYTES_PER_ELEMENT === 0) return new Type(bytes.buffer as ArrayBuffer, start, length);
  const copy = bytes.slice(body + offset, body + offset + length * Type.BYTES_PER_ELEMENT);
  return new Type(copy.buffer, 0, length);
}

function place(root: { value: unknown }, entry: ArrayEntry, array: FramedArray): void {
  if (!Array.isArray(entry.path)) throw broken("has an array without a place");
  let holder: unknown = root;
  let key: string | number = "value";
  for (const step of entry.path) {
    holder = (holder as Record<string | number, unknown>)[key];
    key = step;
    if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, key)) {
      throw broken("has an array without a place");
    }
  }
  (holder as Record<string | number, unknown>)[key] = array;
}

function broken(how: string): TypeError {
  return new TypeError(`Expected a frame of Verger, but what was received ${how}.`);
}
