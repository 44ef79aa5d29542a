"""EfficientNet-Lite0 up to its head convolution, as a list of convolutions with batch norm folded, and its fp32 graph.

Source of the layout: M. Tan and Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(ICML 2019), and the `lite` variant published with TensorFlow's TPU models: no squeeze-and-excitation, ReLU6 for swish,
stem and head not scaled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Kernel, stride of the first block, expansion, output channels, repeats.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_BATCH_NORM_EPSILON = 1e-3
FEATURES = 1280
# Opset 13 is the first with per-channel QuantizeLinear; every ONNX Runtime since 1.7 reads it.
OPSET = 13
IR_VERSION = 8


@dataclass(frozen=True)
class Conv:
    """One convolution: `output = act(conv(input)) [+ residual]`."""

    name: str
    input: str
    output: str
    weight: np.ndarray  # [out, in / groups, kernel, kernel] float32
    bias: np.ndarray  # [out] float32
    stride: int
    groups: int
    relu6: bool
    residual: str | None = None

    @property
    def kernel(self) -> int:
        return self.weight.shape[2]

    @property
    def pads(self) -> list[int]:
        """TensorFlow's SAME padding: for stride 2 and an even input the odd row goes to the bottom and right."""
        total = self.kernel - self.stride
        begin = total // 2
        return [begin, begin, total - begin, total - begin]


def convolutions(state: dict[str, np.ndarray]) -> list[Conv]:
    """The network's convolutions in order of execution, from the checkpoint's state dict."""
    layers: list[Conv] = []

    def add(conv: str, norm: str, source: str, stride: int, relu6: bool, *, depthwise=False, residual=None) -> str:
        weight = state[f"{conv}.weight"].astype(np.float64)
        variance = state[f"{norm}.running_var"].astype(np.float64)
        scale = state[f"{norm}.weight"].astype(np.float64) / np.sqrt(variance + _BATCH_NORM_EPSILON)
        bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"].astype(np.float64) * scale
        name = conv.lstrip("_").replace("._", ".").replace("_conv", "")
        layers.append(
            Conv(
                name=name,
                input=source,
                output=f"{name}.out",
                weight=(weight * scale[:, None, None, None]).astype(np.float32),
                bias=bias.astype(np.float32),
                stride=stride,
                groups=weight.shape[0] if depthwise else 1,
                relu6=relu6,
                residual=residual,
            )
        )
        return layers[-1].output

    tensor = add("_conv_stem", "_bn0", "images", 2, True)
    channels, index = 32, 0
    for _kernel, first_stride, expansion, out_channels, repeats in _STAGES:
        for repeat in range(repeats):
            block, source = f"_blocks.{index}", tensor
            stride = first_stride if repeat == 0 else 1
            if expansion != 1:
                tensor = add(f"{block}._expand_conv", f"{block}._bn0", tensor, 1, True)
            tensor = add(f"{block}._depthwise_conv", f"{block}._bn1", tensor, stride, True, depthwise=True)
            residual = source if stride == 1 and channels == out_channels else None
            tensor = add(f"{block}._project_conv", f"{block}._bn2", tensor, 1, False, residual=residual)
            channels, index = out_channels, index + 1
    add("_conv_head", "_bn1", tensor, 1, True)
    return layers


def finish(nodes: list, initializers: list, name: str, doc: str, outputs: list[str] | None = None) -> onnx.ModelProto:
    """Wraps nodes into a checked model: `images` [N, 3, H, W] float -> `features` [N, 1280] float."""
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, "height", "width"])
    if outputs is None:
        results = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", FEATURES])]
    else:
        results = [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None] * 4) for output in outputs]
    graph = helper.make_graph(nodes, name, [images], results, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="verger")
    model.ir_version = IR_VERSION
    model.producer_version = ""
    model.doc_string = doc
    onnx.checker.check_model(model, full_check=True)
    return model


def tensor(name: str, value: np.ndarray) -> TensorProto:
    # Not ascontiguousarray: that makes scalars one-dimensional, and ONNX Runtime fuses Add and Clip for scalars only.
    return numpy_helper.from_array(np.asarray(value), name)


def fp32_model(layers: list[Conv], doc: str, inner: bool = False) -> onnx.ModelProto:
    """The fp32 graph. With `inner`, every convolution's result is an output instead of `features` (calibration)."""
    # Every Clip shares these two; ONNX Runtime folds Clip into the convolution before it.
    initializers = [tensor("zero", np.float32(0)), tensor("six", np.float32(6))]
    nodes = []
    for layer in layers:
        initializers += [tensor(f"{layer.name}.weight", layer.weight), tensor(f"{layer.name}.bias", layer.bias)]
        plain = not layer.relu6 and layer.residual is None
        convolved = layer.output if plain else f"{layer.name}.conv"
        nodes.append(
            helper.make_node(
                "Conv",
                [layer.input, f"{layer.name}.weight", f"{layer.name}.bias"],
                [convolved],
                name=layer.name,
                kernel_shape=[layer.kernel] * 2,
                strides=[layer.stride] * 2,
                pads=layer.pads,
                group=layer.groups,
            )
        )
        if layer.relu6:
            clipped = helper.make_node("Clip", [convolved, "zero", "six"], [layer.output], name=f"{layer.name}.relu6")
            nodes.append(clipped)
        elif layer.residual is not None:
            total = helper.make_node("Add", [convolved, layer.residual], [layer.output], name=f"{layer.name}.add")
            nodes.append(total)
    nodes.append(helper.make_node("GlobalAveragePool", [layers[-1].output], ["pooled"], name="pool"))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["features"], name="flatten", axis=1))
    outputs = None
    if inner:
        outputs = [n.output[0] for n in nodes if n.op_type in ("Conv", "Clip", "Add")]
    return finish(nodes, initializers, "efficientnet-lite0", doc, outputs)
