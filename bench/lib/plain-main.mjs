/**
 * The job as a person would write it in one file: sharp decodes and resizes, JavaScript normalises, ONNX Runtime infers.
 * One loop, the libraries' own defaults. It writes nothing and computes no PCA: what it leaves out is to its advantage.
 *
 *   node plain-main.mjs '{"folder": ..., "model": ..., "side": 224, "batch": 8, "images": 6030}'
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";

const { folder, model, side, batch, images } = JSON.parse(process.argv[2]);
const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".jpg")).sort();
const session = await InferenceSession.create(model);
const [inputName] = session.inputNames;
const [outputName] = session.outputNames;
const plane = side * side;
const features = [];
const began = performance.now();

for (let at = 0; at < images; at += batch) {
  const files = names.slice(at, Math.min(at + batch, images));
  const pixels = await Promise.all(
    files.map((name) =>
      sharp(path.join(folder, name))
        .resize(side, side, { fit: "fill", kernel: "cubic" })
        .removeAlpha()
        .toColourspace("srgb")
        .raw()
        .toBuffer(),
    ),
  );
  const input = new Float32Array(files.length * 3 * plane);
  for (const [index, rgb] of pixels.entries()) {
    const start = index * 3 * plane;
    for (let pixel = 0; pixel < plane; pixel += 1) {
      input[start + pixel] = (rgb[3 * pixel] - 127) / 128;
      input[start + plane + pixel] = (rgb[3 * pixel + 1] - 127) / 128;
      input[start + 2 * plane + pixel] = (rgb[3 * pixel + 2] - 127) / 128;
    }
  }
  const outputs = await session.run({ [inputName]: new Tensor("float32", input, [files.length, 3, side, side]) });
  features.push(outputs[outputName].data);
}
const values = features.reduce((sum, part) => sum + part.length, 0);
console.log(JSON.stringify({ images, values, seconds: (performance.now() - began) / 1000 }));
