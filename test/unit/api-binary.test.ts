import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame } from "../../src-main/api/binary.js";

const SAMPLE = {
  text: "Pêche ✓",
  none: null,
  nested: { list: [1, { axis: Float32Array.of(1.5, -2, Number.NaN) }, Uint8Array.of(1, 2, 3)] },
  ids: Uint32Array.of(0, 4_294_967_295),
  shorts: Uint16Array.of(1, 65_535, 7),
  doubles: Float64Array.of(Math.PI, Number.NEGATIVE_INFINITY),
  signed: Int32Array.of(-1),
  empty: new Float32Array(0),
};

/** A frame with another header and the given bytes behind it. */
function frameOf(header: unknown, body = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const start = Math.ceil((8 + text.length) / 8) * 8;
  const frame = new Uint8Array(start + body.length);
  frame.set(encodeFrame(null).subarray(0, 4));
  new DataView(frame.buffer).setUint32(4, text.length, true);
  frame.set(text, 8);
  frame.set(body, start);
  return frame;
}

describe("frames", () => {
  it("carry typed arrays at any depth unchanged", () => {
    expect(decodeFrame(encodeFrame(SAMPLE))).toEqual(SAMPLE);
    expect(decodeFrame(encodeFrame(Float64Array.of(1, 2)))).toEqual(Float64Array.of(1, 2));
    expect(decodeFrame(encodeFrame(undefined))).toBeNull();
  });

  it("decode from memory that is not aligned", () => {
    const frame = encodeFrame(SAMPLE);
    for (const shift of [1, 2, 4]) {
      const memory = new Uint8Array(frame.length + shift);
      memory.set(frame, shift);
      expect(decodeFrame(memory.subarray(shift))).toEqual(SAMPLE);
    }
  });

  it("hold only the part of a buffer that a view shows", () => {
    const whole = Float32Array.of(1, 2, 3, 4);
    const frame = encodeFrame({ part: whole.subarray(1, 3) });
    expect(decodeFrame(frame)).toEqual({ part: Float32Array.of(2, 3) });
    expect(frame.length).toBeLessThan(160);
  });

  it("take no content for an array, and an array that a Node Buffer is", () => {
    const value = { arrays: [{ path: ["x"], type: "Float32Array", offset: 0, length: 9 }], x: null };
    expect(decodeFrame(encodeFrame(value))).toEqual(value);
    expect(decodeFrame(encodeFrame({ bytes: Buffer.from("ab") }))).toEqual({ bytes: Uint8Array.of(97, 98) });
  });

  it("refuse 64-bit integers, which JSON cannot name", () => {
    expect(() => encodeFrame({ big: BigInt64Array.of(1n) })).toThrow(TypeError);
  });

  it("refuse bytes that are no frame", () => {
    const good = encodeFrame({ ids: Uint32Array.of(1, 2) });
    expect(() => decodeFrame(new Uint8Array(3))).toThrow(/too short/);
    expect(() => decodeFrame(new Uint8Array(64))).toThrow(/no mark/);
    expect(() => decodeFrame(good.subarray(0, 12))).toThrow(/inside its header/);
    expect(() => decodeFrame(good.subarray(0, good.length - 8))).toThrow(/outside of itself/);
    expect(() => decodeFrame(frameOf("{"))).toThrow(/damaged header/);
    expect(() => decodeFrame(frameOf("1"))).toThrow(/no header/);
  });

  it.each([
    ["an offset before the arrays", { path: ["x"], type: "Uint8Array", offset: -8, length: 1 }],
    ["an offset between elements", { path: ["x"], type: "Float32Array", offset: 4, length: 1 }],
    ["a length that overflows", { path: ["x"], type: "Float64Array", offset: 0, length: 2 ** 52 }],
    ["a type that is none", { path: ["x"], type: "constructor", offset: 0, length: 1 }],
    ["a place that is not there", { path: ["y"], type: "Uint8Array", offset: 0, length: 1 }],
    ["a place on a prototype", { path: ["__proto__", "z"], type: "Uint8Array", offset: 0, length: 1 }],
    ["no place", { type: "Uint8Array", offset: 0, length: 1 }],
  ])("refuse %s", (_what, entry) => {
    expect(() => decodeFrame(frameOf({ value: { x: null }, arrays: [entry] }, new Uint8Array(16)))).toThrow(TypeError);
    expect(({} as Record<string, unknown>).z).toBeUndefined();
  });
});
