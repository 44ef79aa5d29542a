import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  addModel,
  embeddedModelsFolder,
  listModels,
  removeModel,
  resolveModel,
  verifyModels,
} from "../../src-main/models/index.js";
import { parseModel } from "../../src-main/models/onnx/graph.js";
import { bytesOf, type TinyModel, tinyClassifier, tinyFeatures, value } from "../support/models-graphs.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-models-"));
  vi.stubEnv("VERGER_HOME", path.join(folder, "home"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes a model into the test's folder. */
function write(model: TinyModel, name = "tiny.onnx"): string {
  const file = path.join(folder, name);
  writeFileSync(file, bytesOf(model));
  return file;
}

/** Two images of `side` x `side` pixels whose values follow from their index. */
function twoImages(side: number): Float32Array {
  return Float32Array.from({ length: 2 * 3 * side * side }, (_, index) => ((index * 31) % 97) / 97 - 0.4);
}

async function run(file: string, side: number): Promise<{ name: string; dims: readonly number[]; data: Float32Array }> {
  const session = await InferenceSession.create(file, { executionProviders: ["cpu"] });
  const outputs = await session.run({ images: new Tensor("float32", twoImages(side), [2, 3, side, side]) });
  const [name = ""] = session.outputNames;
  expect(session.outputNames).toEqual([name]);
  await session.release();
  return { name, dims: outputs[name]?.dims ?? [], data: outputs[name]?.data as Float32Array };
}

function expectTinyFeatures(data: Float32Array, side: number): void {
  const images = twoImages(side);
  const length = 3 * side * side;
  const expected = [
    ...tinyFeatures(images.subarray(0, length), side * side),
    ...tinyFeatures(images.subarray(length), side * side),
  ];
  expect(data).toHaveLength(8);
  for (const [index, feature] of expected.entries()) expect(data[index]).toBeCloseTo(feature, 4);
}

describe("resolveModel", () => {
  it("gives the default preset of the provider, everything checked", async () => {
    const file = path.join(embeddedModelsFolder(), "efficientnet-lite0-int8.onnx");
    expect(await resolveModel()).toEqual({
      id: "efficientnet-lite0-int8",
      name: "efficientnet-lite0-int8",
      file,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      inputName: "images",
      outputName: "features",
      dimension: 1280,
      layout: "nchw",
      channels: "rgb",
      width: 224,
      height: 224,
      filter: "bicubic",
      fit: "stretch",
      mean: [127, 127, 127],
      std: [128, 128, 128],
      preset: "balanced",
      precision: "int8",
    });
    expect(await resolveModel({ provider: "cuda" })).toMatchObject({ preset: "exact", precision: "fp32" });
  });

  it("takes another size, which is no preset any more, and refuses what the network cannot take", async () => {
    expect(await resolveModel({ preset: "fast", size: 160 })).toMatchObject({ width: 160, height: 160, preset: null });
    expect(await resolveModel({ model: "efficientnet-lite0-int8", size: 128 })).toMatchObject({ preset: "fast" });
    for (const size of [100, 0, -32, 3.2, 8192]) {
      await expect(resolveModel({ size }), String(size)).rejects.toMatchObject({ code: "model/size" });
    }
  });

  it("says what is nearest for an unknown name, and how to get a known download", async () => {
    await expect(resolveModel({ model: "efficentnet" })).rejects.toMatchObject({
      code: "model/unknown",
      message: expect.stringContaining("efficientnet-lite0-int8"),
    });
    await expect(resolveModel({ model: "mobilenetv2" })).rejects.toMatchObject({
      code: "model/not-pulled",
      message: expect.stringContaining("verger models pull mobilenetv2"),
    });
    await expect(resolveModel({ model: "exact", preset: "exact" })).rejects.toMatchObject({ code: "model/preset" });
  });

  it("reads a file that is not registered: its id leads back to it", async () => {
    const file = write(tinyClassifier(["n", 3, 48, 40]));
    const model = await resolveModel({ model: file });
    expect(model).toMatchObject({ id: file, name: "tiny.onnx", outputName: "logits", dimension: 2, preset: null });
    expect(model).toMatchObject({ width: 40, height: 48, layout: "nchw", precision: "fp32" });
    expect(await resolveModel({ model: model.id })).toEqual(model);
    await expect(resolveModel({ model: file, size: 64 })).rejects.toMatchObject({ code: "model/size" });
  });

  it("knows an embedded model's file wherever it lies", async () => {
    const copy = path.join(folder, "copied.onnx");
    copyFileSync(path.join(embeddedModelsFolder(), "efficientnet-lite0-int8.onnx"), copy);
    expect(await resolveModel({ model: copy, size: 128 })).toMatchObject({
      id: "efficientnet-lite0-int8",
      file: copy,
      preset: "fast",
      mean: [127, 127, 127],
    });
  });

  it.each([
    ["model/missing", undefined],
    ["model/corrupt", new TextEncoder().encode("<!doctype html><title>404</title>")],
    ["model/corrupt", bytesOf(tinyClassifier()).subarray(0, 200)],
    ["model/input-rank", bytesOf(tinyClassifier(["n", 1000]))],
    ["model/batch", bytesOf(tinyClassifier([1, 3, 8, 8]))],
  ])("refuses a file with %s", async (code, content) => {
    const file = path.join(folder, "x.onnx");
    if (content) writeFileSync(file, content);
    await expect(resolveModel({ model: file })).rejects.toMatchObject({ code });
  });

  it("refuses a graph that ONNX Runtime cannot load", async () => {
    const model = tinyClassifier();
    for (const node of model.graph.node) if (node.opType === "Conv") node.opType = "NoSuchOperator";
    await expect(resolveModel({ model: write(model) })).rejects.toMatchObject({
      code: "model/corrupt",
      message: expect.stringContaining("NoSuchOperator"),
    });
  });
});

describe("addModel", () => {
  it("exposes an inner tensor, drops the rest, and the numbers are right", async () => {
    const added = await addModel(write(tinyClassifier()), { name: "tiny", output: "vector", size: 16 });
    expect(added.entry.output).toEqual({ name: "vector", dimension: 4 });
    const { graph } = parseModel(readFileSync(added.file), added.file);
    expect(graph.node.map(({ opType }) => opType)).not.toContain("Gemm");
    expect(graph.initializer.map(({ name }) => name)).not.toContain("spare");
    const output = await run(added.file, 16);
    expect(output).toMatchObject({ name: "vector", dims: [2, 4] });
    expectTinyFeatures(output.data, 16);
    expect(await resolveModel({ model: "tiny" })).toMatchObject({
      id: "tiny",
      file: added.file,
      outputName: "vector",
      dimension: 4,
      width: 16,
      // ImageNet's own, unless said otherwise.
      mean: [123.675, 116.28, 103.53],
    });
  });

  it.each(["map", "pooled"])("averages %s over its area", async (tensor) => {
    const added = await addModel(write(tinyClassifier()), { output: tensor, size: 16 });
    expect(added.entry.output.dimension).toBe(4);
    const output = await run(added.file, 16);
    expect(output.dims).toEqual([2, 4]);
    expectTinyFeatures(output.data, 16);
  });

  it("keeps a model it need not touch bit for bit, with everything it was told", async () => {
    const file = write(tinyClassifier(["n", 3, "h", "w"]), "My Model (v2).onnx");
    const options = { mean: [1, 2, 3], std: [4, 5, 6], channels: "bgr", filter: "bilinear", fit: "cover" } as const;
    const added = await addModel(file, { ...options, size: 20 });
    expect(readFileSync(added.file)).toEqual(readFileSync(file));
    expect(added.entry.name).toBe("my-model-v2-");
    expect(await resolveModel({ model: "my-model-v2-" })).toMatchObject({ ...options, width: 20, dimension: 2 });
  });

  it("lifts a number of images that the exporter has fixed", async () => {
    const fixed = tinyClassifier([1, 3, 12, 12]);
    fixed.graph.valueInfo = [value("map", [1, 4, 12, 12])];
    const added = await addModel(write(fixed), { name: "fixed", output: "vector" });
    const output = await run(added.file, 12);
    expect(output.dims).toEqual([2, 4]);
    expectTinyFeatures(output.data, 12);
    expect(added.entry.input).toMatchObject({ width: 12, height: 12, fixed: true });
  });

  it("takes a quantised model for what it is", async () => {
    const file = path.join(embeddedModelsFolder(), "efficientnet-lite0-int8.onnx");
    const added = await addModel(file, { name: "mine", size: 64, mean: [127, 127, 127], std: [128, 128, 128] });
    expect(added.entry).toMatchObject({ precision: "int8", output: { name: "features", dimension: 1280 } });
  });

  it.each([
    ["model/no-such-output", { output: "vectr" }, "vector"],
    ["model/name", { name: "Größe" }, "Größe"],
    ["model/exists", { name: "efficientnet-lite0-fp32" }, "comes with Verger"],
    ["model/option", { std: [0, 1, 1] as const }, "std"],
    ["model/layout", { layout: "nhwc" as const }, "nchw"],
    ["model/output-type", { output: "shape" }, "int64"],
  ])("refuses with %s %j", async (code, options, words) => {
    await expect(addModel(write(tinyClassifier()), { size: 8, ...options })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
    expect((await listModels()).filter(({ origin }) => origin === "user")).toEqual([]);
  });

  it("refuses a name that is taken, unless told to replace it", async () => {
    const file = write(tinyClassifier());
    await addModel(file, { size: 8 });
    await expect(addModel(file, { size: 8, output: "vector" })).rejects.toMatchObject({ code: "model/exists" });
    expect(await resolveModel({ model: "tiny" })).toMatchObject({ dimension: 2 });
    await addModel(file, { size: 8, output: "vector", replace: true });
    expect(await resolveModel({ model: "tiny" })).toMatchObject({ dimension: 4 });
  });

  it("says so when the folder cannot be written", async () => {
    const blocked = path.join(folder, "blocked");
    writeFileSync(blocked, "a file where a folder should be");
    vi.stubEnv("VERGER_HOME", blocked);
    await expect(addModel(write(tinyClassifier()), { size: 8 })).rejects.toMatchObject({
      code: "model/not-writable",
      message: expect.stringContaining("VERGER_HOME"),
    });
  });

  it("leaves nothing but the model and its entry behind", async () => {
    await addModel(write(tinyClassifier()), { size: 8 });
    expect(readdirSync(path.join(folder, "home", "models")).sort()).toEqual(["tiny.json", "tiny.onnx"]);
  });
});

describe("installed models", () => {
  it("are listed with what comes with Verger and what can be pulled, and removed", async () => {
    await addModel(write(tinyClassifier()), { size: 8, output: "vector" });
    const models = await listModels();
    expect(models.map(({ name, origin, problem }) => [name, origin, problem])).toEqual([
      ["efficientnet-lite0-int8", "embedded", null],
      ["efficientnet-lite0-fp32", "embedded", null],
      ["tiny", "user", null],
      ["mobilenetv2", "download", null],
    ]);
    expect(models[0]?.presets).toEqual(["fast", "balanced"]);
    const removed = await removeModel("tiny");
    expect(removed).toHaveLength(2);
    expect(removed.some((file) => existsSync(file))).toBe(false);
    await expect(removeModel("tiny")).rejects.toMatchObject({ code: "model/unknown" });
    await expect(removeModel("efficientnet-lite0-fp32")).rejects.toMatchObject({ code: "model/embedded" });
    await expect(resolveModel({ model: "tiny" })).rejects.toMatchObject({ code: "model/unknown" });
  });

  it("are refused when their file has changed or gone, saying what was expected and received", async () => {
    const { file, entry } = await addModel(write(tinyClassifier()), { size: 8 });
    const content = readFileSync(file);
    content[content.length - 1] = (content.at(-1) ?? 0) ^ 1;
    writeFileSync(file, content);
    await expect(resolveModel({ model: "tiny" })).rejects.toMatchObject({
      code: "model/hash",
      message: expect.stringMatching(new RegExp(`${entry.sha256}.*received.*verger models verify`)),
      details: { file, expected: entry.sha256, received: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const results = await verifyModels();
    expect(results.map(({ name, ok, code }) => [name, ok, code])).toEqual([
      ["efficientnet-lite0-int8", true, null],
      ["efficientnet-lite0-fp32", true, null],
      ["tiny", false, "model/hash"],
    ]);
    rmSync(file);
    expect(await verifyModels("tiny")).toMatchObject([{ ok: false, code: "model/missing" }]);
    expect((await listModels()).find(({ name }) => name === "tiny")?.problem).toContain("none");
    await expect(verifyModels("nothing")).rejects.toMatchObject({ code: "model/unknown" });
  });

  it("whose entry is damaged are listed with the reason and can be removed", async () => {
    await addModel(write(tinyClassifier()), { size: 8 });
    const description = path.join(folder, "home", "models", "tiny.json");
    writeFileSync(description, JSON.stringify({ ...JSON.parse(readFileSync(description, "utf8")), bytes: -1 }));
    expect((await listModels()).find(({ name }) => name === "tiny")?.problem).toContain("bytes");
    await expect(resolveModel({ model: "tiny" })).rejects.toMatchObject({ code: "model/registry" });
    await removeModel("tiny");
    expect((await listModels()).some(({ name }) => name === "tiny")).toBe(false);
  });
});
