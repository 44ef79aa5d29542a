/** Tiny ONNX models, made with the protobuf library that the product edits models with. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../../src-main/models/onnx/onnx_pb.js";

export function floats(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: TensorProto_DataType.FLOAT,
    rawData: new Uint8Array(new Float32Array(values).buffer),
  });
}

function int64s(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: TensorProto_DataType.INT64,
    int64Data: values.map(BigInt),
  });
}

export function value(
  name: string,
  dims: readonly (number | string)[],
  type = TensorProto_DataType.FLOAT,
): ValueInfoProto {
  const dim = dims.map((size) =>
    typeof size === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(size) } }
      : { value: { case: "dimParam" as const, value: size } },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: type, shape: { dim } } } },
  });
}

export function node(
  opType: string,
  input: string[],
  output: string[],
  attributes: Record<string, number | number[]> = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([name, given]): AttributeProto => {
    return typeof given === "number"
      ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(given) })
      : create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: given.map(BigInt) });
  });
  return create(NodeProtoSchema, { opType, input, output, name: output[0] ?? "", attribute });
}

export type TinyModel = ModelProto & { graph: GraphProto };

/**
 * A classifier of 4 feature channels and 2 classes, ended as PyTorch exports MobileNetV2: the pooled map is reshaped
 * by numbers computed from its shape. Every weight follows from its index. Tensors: `map` [n, 4, h, w], `pooled`
 * [n, 4, 1, 1], `vector` [n, 4], `logits` [n, 2]; `spare` is an input of nothing but a dead branch.
 */
export function tinyClassifier(input: readonly (number | string)[] = ["batch", 3, "height", "width"]): TinyModel {
  const kernel = Array.from({ length: 4 * 3 }, (_, index) => ((index * 7) % 11) / 10 - 0.3);
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: "", version: 13n }],
    graph: {
      name: "tiny",
      input: [value("images", input)],
      output: [value("logits", [input[0] ?? 1, 2])],
      initializer: [
        floats("kernel", [4, 3, 1, 1], kernel),
        floats("bias", [4], [0.1, 0.2, 0.3, 0.4]),
        int64s("first", [], [0]),
        int64s("axes", [1], [0]),
        int64s("rest", [1], [-1]),
        floats("classes", [4, 2], [1, 0, 0, 1, 1, 1, 0, 0]),
        floats("offset", [2], [0, 1]),
        floats("spare", [1000], new Array<number>(1000).fill(1)),
      ],
      node: [
        node("Conv", ["images", "kernel", "bias"], ["convolved"], { kernel_shape: [1, 1] }),
        node("Relu", ["convolved"], ["map"]),
        node("GlobalAveragePool", ["map"], ["pooled"]),
        node("Shape", ["pooled"], ["shape"]),
        node("Gather", ["shape", "first"], ["count"], { axis: 0 }),
        node("Unsqueeze", ["count", "axes"], ["counts"]),
        node("Concat", ["counts", "rest"], ["target"], { axis: 0 }),
        node("Reshape", ["pooled", "target"], ["vector"]),
        node("Gemm", ["vector", "classes", "offset"], ["logits"]),
        node("Neg", ["spare"], ["dead"]),
      ],
    },
  }) as TinyModel;
}

/** What `vector` must be: for pixels [3, area] of one image. */
export function tinyFeatures(pixels: Float32Array, area: number): number[] {
  return Array.from({ length: 4 }, (_, channel) => {
    let sum = 0;
    for (let position = 0; position < area; position += 1) {
      let total = (channel + 1) / 10;
      for (let color = 0; color < 3; color += 1) {
        total += ((((channel * 3 + color) * 7) % 11) / 10 - 0.3) * (pixels[color * area + position] ?? 0);
      }
      sum += Math.max(total, 0);
    }
    return sum / area;
  });
}

export function bytesOf(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}
