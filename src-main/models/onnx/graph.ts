/** Reading and cutting ONNX graphs. Everything here is about the protobuf; nothing is run. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { VergerError } from "../../core/errors.js";
import { nearest } from "../names.js";
import type { Precision } from "../schema.js";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.js";

/** A model whose graph is known to be there. */
export type OnnxModel = ModelProto & { graph: GraphProto };

/**
 * Parses an ONNX file's content; weights stay views on `content`.
 *
 * @param file for the sentence of an error
 * @throws VergerError `model/corrupt`, `model/external-data`
 */
export function parseModel(content: Uint8Array, file: string): OnnxModel {
  let model: ModelProto | undefined;
  let reason = "it holds no graph";
  try {
    model = fromBinary(ModelProtoSchema, content);
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  if (!model?.graph || model.graph.output.length === 0 || model.irVersion === 0n) throw corruptModel(file, reason);
  const external = model.graph.initializer.find(
    (tensor) => tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || tensor.externalData.length > 0,
  );
  if (external) {
    const side = external.externalData.find((entry) => entry.key === "location")?.value ?? "another file";
    throw new VergerError(
      "model/external-data",
      `Expected one ONNX file with all its weights, but ${file} keeps some in ${side}; save it as one file first ` +
        '(Python: onnx.save(onnx.load("in.onnx"), "out.onnx")).',
    );
  }
  return model as OnnxModel;
}

export function corruptModel(file: string, reason: string, cause?: unknown): VergerError {
  return new VergerError(
    "model/corrupt",
    `Expected ${file} to be an ONNX model, but it cannot be read (${reason.replace(/[.\s]+$/, "")}); export or copy it anew.`,
    { cause, details: { file } },
  );
}

export function encodeModel(model: OnnxModel): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}

/** One dimension: a number, or undefined where the graph leaves it open. */
export type Dimension = number | undefined;

export interface ImageInput {
  readonly name: string;
  readonly layout: "nchw" | "nhwc";
  readonly batch: Dimension;
  readonly height: Dimension;
  readonly width: Dimension;
}

/**
 * The graph's image input.
 *
 * @param layout decides where the graph leaves both the second and the last dimension open
 * @throws VergerError `model/inputs`, `model/input-type`, `model/input-rank`, `model/input-channels`, `model/layout`
 */
export function imageInput(model: OnnxModel, layout?: "nchw" | "nhwc"): ImageInput {
  // Before IR version 4 every weight is listed as an input too.
  const weights = new Set(model.graph.initializer.map((tensor) => tensor.name));
  const inputs = model.graph.input.filter((value) => !weights.has(value.name));
  const [input] = inputs;
  if (!input || inputs.length !== 1) {
    const names = inputs.map((value) => value.name).join(", ") || "none";
    throw new VergerError("model/inputs", `Expected a model with one input, the images, but it has: ${names}.`);
  }
  const type = input.type?.value.case === "tensorType" ? input.type.value.value : undefined;
  if (type?.elemType !== TensorProto_DataType.FLOAT) {
    const received = TensorProto_DataType[type?.elemType ?? 0]?.toLowerCase() ?? "no tensor";
    throw new VergerError(
      "model/input-type",
      `Expected the model's input ${input.name} to be float32, but it is ${received}; export the model with float32 inputs.`,
    );
  }
  const dims: Dimension[] = (type.shape?.dim ?? []).map(({ value }) =>
    // Some exporters write 0 or -1 for a dimension that is open.
    value.case === "dimValue" && value.value > 0n ? Number(value.value) : undefined,
  );
  if (dims.length !== 4) {
    throw new VergerError(
      "model/input-rank",
      `Expected the model's input ${input.name} to have 4 dimensions (batch, channels, height, width in either order), ` +
        `but it has ${dims.length} (${describeDims(dims)}); only models of images can be used.`,
      { details: { rank: dims.length } },
    );
  }
  // A written 3 says more than an open dimension.
  const fits = {
    nchw: dims[1] === 3 || (dims[1] === undefined && dims[3] !== 3),
    nhwc: dims[3] === 3 || (dims[3] === undefined && dims[1] !== 3),
  };
  if (!fits.nchw && !fits.nhwc) {
    throw new VergerError(
      "model/input-channels",
      `Expected the model's input ${input.name} to have 3 colour channels, but it is ${describeDims(dims)}.`,
    );
  }
  if (layout && !fits[layout]) {
    throw new VergerError(
      "model/layout",
      `Expected layout ${layout === "nchw" ? "nhwc" : "nchw"} for input ${input.name} (${describeDims(dims)}), but received ${layout}.`,
    );
  }
  const chosen = layout ?? (fits.nchw ? "nchw" : "nhwc");
  const [height, width] = chosen === "nchw" ? [dims[2], dims[3]] : [dims[1], dims[2]];
  return { name: input.name, layout: chosen, batch: dims[0], height, width };
}

function describeDims(dims: readonly Dimension[]): string {
  return `[${dims.map((dim) => dim ?? "?").join(", ")}]`;
}

/** int8 when any weight is quantised, fp16 when any is half precision, else fp32. */
export function precisionOf(model: OnnxModel): Precision {
  let precision: Precision = "fp32";
  for (const { dataType, dims } of model.graph.initializer) {
    // Zero points and indices are scalars or vectors; weights have two dimensions or more.
    if (dims.length < 2) continue;
    if (dataType === TensorProto_DataType.INT8 || dataType === TensorProto_DataType.UINT8) return "int8";
    if (dataType === TensorProto_DataType.FLOAT16 || dataType === TensorProto_DataType.BFLOAT16) precision = "fp16";
  }
  return precision;
}

/**
 * The tensor that the classifier receives: the data input of the last Gemm or MatMul, behind any Flatten or Reshape.
 *
 * @throws VergerError `model/no-such-output`
 */
export function classifierInput(model: OnnxModel): string {
  const classifier = model.graph.node.findLast((node) => node.opType === "Gemm" || node.opType === "MatMul");
  const name = classifier?.input[0];
  if (name === undefined) {
    throw new VergerError(
      "model/no-such-output",
      "Expected a classifier that ends in a Gemm or MatMul, but the model has neither; name the feature tensor with --output.",
    );
  }
  return name;
}

/**
 * Makes `tensor` the graph's only output and drops every node and weight that it does not need.
 *
 * @throws VergerError `model/no-such-output`: names the nearest tensors
 */
export function cutAt(model: OnnxModel, tensor: string): void {
  const { graph } = model;
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node) for (const output of node.output) if (output) producers.set(output, node);
  if (!producers.has(tensor)) {
    const names = nearest(tensor, [...producers.keys()], 5);
    // Features are mostly near the end: worth showing whatever was typed.
    const last = [...producers.keys()].slice(-5);
    throw new VergerError(
      "model/no-such-output",
      `Expected a tensor of the model for --output, but it has none named "${tensor}"; nearest: ${names.join(", ")}; ` +
        `last: ${last.join(", ")}.`,
      { details: { nearest: names, last } },
    );
  }
  const needed = new Set<string>();
  const kept = new Set<NodeProto>();
  const open = [tensor];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue;
    needed.add(name);
    const node = producers.get(name);
    if (!node || kept.has(node)) continue;
    kept.add(node);
    open.push(...inputsOf(node));
  }
  const weights = new Set(graph.initializer.map(({ name }) => name));
  graph.node = graph.node.filter((node) => kept.has(node));
  graph.initializer = graph.initializer.filter(({ name }) => needed.has(name));
  graph.sparseInitializer = graph.sparseInitializer.filter(({ values }) => needed.has(values?.name ?? ""));
  graph.input = graph.input.filter(({ name }) => !weights.has(name) || needed.has(name));
  graph.valueInfo = graph.valueInfo.filter(({ name }) => needed.has(name));
  graph.quantizationAnnotation = graph.quantizationAnnotation.filter(({ tensorName }) => needed.has(tensorName));
  graph.output = [create(ValueInfoProtoSchema, { name: tensor })];
}

/** Everything a node reads, also from inside its subgraphs (If, Loop, Scan read outer tensors by name). */
function inputsOf(node: NodeProto): string[] {
  const names = node.input.filter((name) => name !== "");
  for (const attribute of node.attribute) {
    for (const graph of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs) {
      for (const inner of graph.node) names.push(...inputsOf(inner));
      names.push(...graph.output.map(({ name }) => name));
    }
  }
  return names;
}

/** Puts a global mean and a Flatten behind the graph's only output, [N, C, H, W]; the result is [N, C]. */
export function poolOutput(model: OnnxModel): void {
  const { graph } = model;
  const source = graph.output[0]?.name ?? "";
  const pooled = fresh(graph, `${source}.pooled`);
  const features = fresh(graph, `${source}.features`);
  graph.node.push(
    create(NodeProtoSchema, { opType: "GlobalAveragePool", input: [source], output: [pooled], name: pooled }),
    create(NodeProtoSchema, { opType: "Flatten", input: [pooled], output: [features], name: features }),
  );
  graph.output = [create(ValueInfoProtoSchema, { name: features })];
}

function fresh(graph: GraphProto, name: string): string {
  const taken = new Set(graph.node.flatMap((node) => node.output));
  let candidate = name;
  for (let index = 2; taken.has(candidate); index += 1) candidate = `${name}.${index}`;
  return candidate;
}

/**
 * Lets the graph take any number of images, where the exporter has fixed it (mostly to 1). The shapes noted for inner
 * tensors go, since they repeat the old number.
 */
export function openBatch(model: OnnxModel, input: string): void {
  const { graph } = model;
  graph.valueInfo = [];
  for (const value of graph.input) if (value.name === input) openFirstDimension(value);
  for (const value of graph.output) openFirstDimension(value);
}

function openFirstDimension(value: ValueInfoProto): void {
  const type = value.type?.value.case === "tensorType" ? value.type.value.value : undefined;
  if (!type?.shape?.dim.length) return;
  type.shape.dim[0] = create(TensorShapeProto_DimensionSchema, { value: { case: "dimParam", value: "batch" } });
}

/** Notes the type of the graph's only output: float32 [batch, dimension]. */
export function describeOutput(model: OnnxModel, dimension: number): void {
  const name = model.graph.output[0]?.name ?? "";
  model.graph.output = [
    create(ValueInfoProtoSchema, {
      name,
      type: {
        value: {
          case: "tensorType",
          value: {
            elemType: TensorProto_DataType.FLOAT,
            shape: {
              dim: [
                { value: { case: "dimParam", value: "batch" } },
                { value: { case: "dimValue", value: BigInt(dimension) } },
              ],
            },
          },
        },
      },
    }),
  ];
}
