import { readFileSync } from "node:fs";
import path from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { embeddedModelsFolder } from "../../src-main/models/index.js";

/** The features that resources/models/build/vector.py has computed. */
const vector = JSON.parse(readFileSync(path.join(embeddedModelsFolder(), "test-vector.json"), "utf8")) as {
  size: number;
  features: Record<string, number[]>;
};

/** The same recipe as drawn_fruit in resources/models/build/vector.py, in whole numbers. */
function drawnFruit(size: number): Float32Array {
  const input = new Float32Array(3 * size * size);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const y = Math.floor((row * 128) / size);
      const x = Math.floor((column * 128) / size);
      const distance = (x - 62) ** 2 + (y - 70) ** 2;
      let color = [255, 255, 255];
      if (distance < 48 * 48) {
        const { floor } = Math;
        color = [205 - floor(distance / 24), 40 + floor((3 * x + y) / 8), 30 + floor(distance / 64)];
      }
      if ((x - 46) ** 2 + (y - 52) ** 2 < 81) color = [250, 225, 215];
      if (Math.abs(x - 62) < 3 && y < 30) color = [96, 62, 30];
      if ((x - 74) ** 2 + 4 * (y - 18) ** 2 < 144) color = [60 + x, 150, 40];
      for (const [channel, value] of color.entries()) {
        input[(channel * size + row) * size + column] = (Math.min(Math.max(value, 0), 255) - 127) / 128;
      }
    }
  }
  return input;
}

async function features(model: string, size: number): Promise<Float32Array> {
  const file = path.join(embeddedModelsFolder(), `${model}.onnx`);
  const session = await InferenceSession.create(file, { executionProviders: ["cpu"], intraOpNumThreads: 1 });
  const { features } = await session.run({ images: new Tensor("float32", drawnFruit(size), [1, 3, size, size]) });
  await session.release();
  return features?.data as Float32Array;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let index = 0; index < a.length; index += 1) {
    ab += (a[index] ?? 0) * (b[index] ?? 0);
    aa += (a[index] ?? 0) ** 2;
    bb += (b[index] ?? 0) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

describe("the embedded models on this machine", () => {
  it("fp32 gives the committed vector", async () => {
    const expected = vector.features["efficientnet-lite0-fp32"] ?? [];
    const received = await features("efficientnet-lite0-fp32", vector.size);
    expect(received).toHaveLength(1280);
    expect(expected).toHaveLength(1280);
    for (const [index, value] of expected.entries()) {
      expect(Math.abs((received[index] ?? 0) - value), `feature ${index}`).toBeLessThan(1e-3);
    }
  });

  it("int8 gives the committed vector, with or without VNNI", async () => {
    const expected = vector.features["efficientnet-lite0-int8"] ?? [];
    expect(expected).toHaveLength(1280);
    expect(cosine(await features("efficientnet-lite0-int8", vector.size), expected)).toBeGreaterThan(0.999);
  });

  it.each([128, 224])("int8 and fp32 agree at %i px", async (size) => {
    const exact = await features("efficientnet-lite0-fp32", size);
    expect(cosine(await features("efficientnet-lite0-int8", size), exact)).toBeGreaterThan(0.98);
  });

  it("takes several images and other sizes", async () => {
    const file = path.join(embeddedModelsFolder(), "efficientnet-lite0-int8.onnx");
    const session = await InferenceSession.create(file, { executionProviders: ["cpu"], intraOpNumThreads: 1 });
    const one = drawnFruit(96);
    const three = new Float32Array(3 * one.length);
    for (const position of [0, 1, 2]) three.set(one, position * one.length);
    const { features: result } = await session.run({ images: new Tensor("float32", three, [3, 3, 96, 96]) });
    await session.release();
    expect(result?.dims).toEqual([3, 1280]);
    const data = result?.data as Float32Array;
    expect(data.subarray(0, 1280)).toEqual(data.subarray(2560));
    expect(Math.max(...data)).toBeGreaterThan(0.5);
  });
});
