import { readFileSync } from "node:fs";
import path from "node:path";
import { create, fromBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, it, vi } from "vitest";
import { hashFile, userModelsFolder } from "../../src-main/models/files.js";
import { defaultPreset, embeddedModelsFolder, PRESETS } from "../../src-main/models/index.js";
import { nearest } from "../../src-main/models/names.js";
import {
  classifierInput,
  cutAt,
  encodeModel,
  imageInput,
  parseModel,
  precisionOf,
} from "../../src-main/models/onnx/graph.js";
import { AttributeProtoSchema, ModelProtoSchema, TensorProto_DataType } from "../../src-main/models/onnx/onnx_pb.js";
import { presetOf } from "../../src-main/models/presets.js";
import { modelEntrySchema, registrySchema } from "../../src-main/models/schema.js";
import { bytesOf, node, tinyClassifier, value } from "../support/models-graphs.js";

afterEach(() => vi.unstubAllEnvs());

const registry = registrySchema.parse(
  JSON.parse(readFileSync(path.join(embeddedModelsFolder(), "registry.json"), "utf8")),
);

describe("the embedded registry", () => {
  it.each(registry.models)("describes $name as its file is", async (entry) => {
    const file = path.join(embeddedModelsFolder(), entry.file);
    expect(await hashFile(file)).toEqual({ sha256: entry.sha256, bytes: entry.bytes });
    const model = parseModel(readFileSync(file), file);
    const { name, layout } = imageInput(model);
    expect({ name, layout }).toEqual({ name: entry.input.name, layout: entry.input.layout });
    expect(model.graph.output.map((output) => output.name)).toEqual([entry.output.name]);
    expect(precisionOf(model)).toBe(entry.precision);
  });

  it("knows every preset's model and takes its size", () => {
    for (const { model, size } of Object.values(PRESETS)) {
      const entry = registry.models.find(({ name }) => name === model);
      expect(entry, model).toBeDefined();
      expect(size % (entry?.input.multiple ?? 0)).toBe(0);
    }
  });

  it("refuses files outside its folder, odd names and zero deviations", () => {
    const [entry] = registry.models;
    if (!entry) throw new Error("no models");
    expect(modelEntrySchema.safeParse(entry).success).toBe(true);
    for (const change of [
      { file: "../x.onnx" },
      { file: "c:x.onnx" },
      { name: "Über" },
      { sha256: "abc" },
      { input: { ...entry.input, std: [0, 1, 1] } },
    ]) {
      expect(modelEntrySchema.safeParse({ ...entry, ...change }).success, JSON.stringify(change)).toBe(false);
    }
  });
});

describe("presets", () => {
  it("default to int8 on a CPU and fp32 on a GPU", () => {
    expect([undefined, "cpu", "auto", "cuda", "dml", "coreml"].map(defaultPreset)).toEqual([
      "balanced",
      "balanced",
      "balanced",
      "exact",
      "exact",
      "exact",
    ]);
  });

  it("are recognised by model and size", () => {
    expect(presetOf("efficientnet-lite0-int8", 128, 128)).toBe("fast");
    expect(presetOf("efficientnet-lite0-int8", 160, 160)).toBeNull();
    expect(presetOf("efficientnet-lite0-fp32", 128, 128)).toBeNull();
  });
});

describe("the user's folder", () => {
  it("is the platform's own, or VERGER_HOME", () => {
    vi.stubEnv("HOME", "/home/ada");
    expect(userModelsFolder({ VERGER_HOME: "/data/v" }, "linux")).toBe(path.resolve("/data/v/models"));
    expect(userModelsFolder({ XDG_DATA_HOME: "/data" }, "linux")).toBe(path.join("/data", "verger", "models"));
    expect(userModelsFolder({ XDG_DATA_HOME: "relative" }, "linux")).toContain(path.join("share", "verger", "models"));
    expect(userModelsFolder({}, "darwin")).toContain(path.join("Application Support", "Verger", "models"));
    expect(userModelsFolder({ LOCALAPPDATA: "C:\\Local" }, "win32")).toContain(path.join("Verger", "models"));
  });
});

describe("nearest", () => {
  it("puts what was probably meant first", () => {
    expect(nearest("efficentnet", ["mobilenetv2", "efficientnet-lite0-int8", "resnet"], 1)).toEqual([
      "efficientnet-lite0-int8",
    ]);
    expect(nearest("featurs", ["logits", "features", "map"], 2)[0]).toBe("features");
  });
});

describe("parseModel", () => {
  it.each([
    ["nothing", new Uint8Array()],
    ["text", new TextEncoder().encode("this is no model, whatever its name says")],
    ["half a model", bytesOf(tinyClassifier()).subarray(0, 300)],
    ["zeros", new Uint8Array(1000)],
  ])("refuses %s", (_, content) => {
    expect(() => parseModel(content, "x.onnx")).toThrowError(
      expect.objectContaining({ code: "model/corrupt", message: expect.stringContaining("x.onnx") }),
    );
  });

  it("refuses weights in side files, naming the file", () => {
    const model = tinyClassifier();
    for (const tensor of model.graph.initializer.slice(0, 1)) {
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = 1;
      tensor.externalData = [{ $typeName: "onnx.StringStringEntryProto", key: "location", value: "weights.bin" }];
    }
    expect(() => parseModel(bytesOf(model), "x.onnx")).toThrowError(
      expect.objectContaining({ code: "model/external-data", message: expect.stringContaining("weights.bin") }),
    );
  });
});

describe("imageInput", () => {
  const inputOf = (dims: readonly (number | string)[], layout?: "nchw" | "nhwc") =>
    imageInput(parseModel(bytesOf(tinyClassifier(dims)), "x.onnx"), layout);

  it("reads layout and size", () => {
    expect(inputOf(["n", 3, 64, 32])).toMatchObject({ layout: "nchw", batch: undefined, height: 64, width: 32 });
    expect(inputOf([1, 64, 32, 3])).toMatchObject({ layout: "nhwc", batch: 1, height: 64, width: 32 });
    expect(inputOf(["n", "c", "h", 3])).toMatchObject({ layout: "nhwc" });
    expect(inputOf(["n", "c", "h", "w"])).toMatchObject({ layout: "nchw", height: undefined });
    expect(inputOf(["n", "c", "h", "w"], "nhwc")).toMatchObject({ layout: "nhwc" });
    // Open, as some exporters write it.
    expect(inputOf([-1, 3, 0, 0])).toMatchObject({ batch: undefined, height: undefined });
  });

  it.each([
    ["model/input-rank", ["n", 512]],
    ["model/input-rank", ["n", 3, 8, 224, 224]],
    ["model/input-channels", ["n", 1, 28, 28]],
  ])("refuses with %s an input of %j", (code, dims) => {
    expect(() => inputOf(dims)).toThrowError(expect.objectContaining({ code }));
  });

  it("refuses a layout that the graph contradicts", () => {
    expect(() => inputOf(["n", 3, 64, 64], "nhwc")).toThrowError(expect.objectContaining({ code: "model/layout" }));
  });

  it("refuses other types and more inputs, but not weights listed as inputs", () => {
    const bytes = tinyClassifier();
    bytes.graph.input = [value("images", ["n", 3, 8, 8], TensorProto_DataType.UINT8)];
    expect(() => imageInput(bytes)).toThrowError(expect.objectContaining({ code: "model/input-type" }));
    const two = tinyClassifier();
    two.graph.input.push(value("mask", ["n", 1]));
    expect(() => imageInput(two)).toThrowError(
      expect.objectContaining({ code: "model/inputs", message: expect.stringContaining("images, mask") }),
    );
    const old = tinyClassifier();
    old.graph.input.unshift(value("kernel", [4, 3, 1, 1]));
    expect(imageInput(old).name).toBe("images");
  });
});

describe("cutAt", () => {
  it("keeps exactly what the tensor needs", () => {
    const model = tinyClassifier();
    cutAt(model, "pooled");
    const cut = fromBinary(ModelProtoSchema, encodeModel(model)).graph;
    expect(cut?.node.map(({ opType }) => opType)).toEqual(["Conv", "Relu", "GlobalAveragePool"]);
    expect(cut?.initializer.map(({ name }) => name)).toEqual(["kernel", "bias"]);
    expect(cut?.output.map(({ name }) => name)).toEqual(["pooled"]);
    expect(cut?.input.map(({ name }) => name)).toEqual(["images"]);
  });

  it("keeps what a subgraph reads from outside", () => {
    const model = tinyClassifier();
    const loop = node("If", ["condition"], ["chosen"]);
    const branch = { node: [node("Neg", ["vector"], ["inner"])], output: [value("inner", ["n", 4])] };
    loop.attribute = [create(AttributeProtoSchema, { name: "then_branch", type: 5, g: branch })];
    model.graph.node.push(loop);
    cutAt(model, "chosen");
    expect(model.graph.node.map(({ opType }) => opType)).toContain("Reshape");
    expect(model.graph.node.map(({ opType }) => opType)).not.toContain("Gemm");
  });

  it("names the nearest tensors for one that is not there", () => {
    expect(() => cutAt(tinyClassifier(), "vectr")).toThrowError(
      expect.objectContaining({
        code: "model/no-such-output",
        details: expect.objectContaining({ nearest: expect.arrayContaining(["vector"]) }),
      }),
    );
    // Weights and inputs are not results.
    expect(() => cutAt(tinyClassifier(), "kernel")).toThrowError(
      expect.objectContaining({ code: "model/no-such-output" }),
    );
  });
});

describe("classifierInput", () => {
  it("is what the last Gemm receives", () => {
    expect(classifierInput(tinyClassifier())).toBe("vector");
    const headless = tinyClassifier();
    headless.graph.node = headless.graph.node.filter(({ opType }) => opType !== "Gemm");
    expect(() => classifierInput(headless)).toThrowError(expect.objectContaining({ code: "model/no-such-output" }));
  });
});
