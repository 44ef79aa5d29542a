"""The int8 graph: QuantizeLinear/DequantizeLinear pairs, per-channel weights, unsigned 8-bit activations.

ONNX Runtime's own quantiser is not used: it cannot give depthwise convolutions 8-bit and the others 7-bit weights, it
rounds each weight alone, and its result changes between versions. What is done here beyond scale and round, with the
mean cosine of int8 to fp32 features at 224 px after each step (round to nearest alone: 0.979):

- Kernels larger than 1x1 are rounded together so that their response to smooth image areas is kept (`_round_kernels`).
- The mean shift that rounded weights add to each channel is taken out of the bias, for the mean input seen in
  calibration (M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
  section 4.2). Together: 0.995.
- 1x1 kernels use the full 8 bits wherever that cannot saturate (`PAIR_LIMIT`). Together: 0.997.
"""

from __future__ import annotations

import numpy as np
import onnx
from network import Conv, finish, tensor
from onnx import helper

# On x86-64 without VNNI, u8 x s8 products of two neighbouring input channels are added in int16 (vpmaddubsw), which
# saturates when 255 * (w0 + w1) > 32,767. Where the order of the products is known (1x1 convolutions: channels 2i and
# 2i + 1) the scale keeps every such sum within +-128; in the stem, where it is not, all weights stay within +-63.
# Depthwise kernels widen to 32 bits before they add. So AVX2, AVX-512 and VNNI machines agree exactly.
WEIGHT_LIMIT = 127
PAIR_LIMIT = 128
STEM_WEIGHT_LIMIT = 63
# The input is (pixel - 127) / 128 with pixels 0..255: this scale and zero point hold every 8-bit pixel exactly.
INPUT_SCALE, INPUT_ZERO = 1 / 128, 127
# Correlation of neighbouring pixels, and of two colour channels at one pixel, in smooth areas of photos and feature
# maps. Results hardly depend on them between 0.9 and 0.99.
_NEIGHBOUR_CORRELATION, _CHANNEL_CORRELATION = 0.97, 0.9


def int8_model(layers: list[Conv], observed: dict[str, dict], doc: str) -> onnx.ModelProto:
    """The quantised graph of `layers`; `observed` holds low, high and mean of each convolution's and sum's result.

    ReLU6 needs no node: its result is quantised with zero point 0, and quantising saturates at both ends.
    """
    initializers: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []
    scales: dict[str, float] = {}

    def pair(value: str, target: str, scale: float, zero: int) -> None:
        """value (float) -> QuantizeLinear -> DequantizeLinear -> target (float)."""
        scales[target] = scale
        initializers.append(tensor(f"{target}.scale", np.float32(scale)))
        initializers.append(tensor(f"{target}.zero", np.uint8(zero)))
        parameters = [f"{target}.scale", f"{target}.zero"]
        quantized = f"{target}.u8"
        nodes.append(helper.make_node("QuantizeLinear", [value, *parameters], [quantized], name=f"{target}.q"))
        nodes.append(helper.make_node("DequantizeLinear", [quantized, *parameters], [target], name=f"{target}.dq"))

    def observed_pair(value: str, target: str, key: str) -> None:
        low, high = observed[key]["low"], observed[key]["high"]
        scale = float(np.float32((high - low) / 255))
        pair(value, target, scale, int(np.clip(round(-low / scale), 0, 255)))

    def constant(name: str, values: np.ndarray, scale: np.ndarray) -> str:
        initializers.append(tensor(f"{name}.q", values))
        initializers.append(tensor(f"{name}.scale", scale.astype(np.float32)))
        initializers.append(tensor(f"{name}.zero", np.zeros(scale.shape, values.dtype)))
        inputs = [f"{name}.q", f"{name}.scale", f"{name}.zero"]
        nodes.append(helper.make_node("DequantizeLinear", inputs, [name], name=f"{name}.dq", axis=0))
        return name

    pair("images", "images.in", INPUT_SCALE, INPUT_ZERO)
    for layer in layers:
        source = "images.in" if layer.input == "images" else layer.input
        weight, scale = _quantize_weight(layer)
        bias = layer.bias.astype(np.float64)
        if layer.input in observed:
            bias += _mean_shift(layer, weight * scale[:, None, None, None], np.array(observed[layer.input]["mean"]))
        bias_scale = (scale * scales[source]).astype(np.float32)
        bias = np.rint(bias / bias_scale).clip(-(2**31), 2**31 - 1).astype(np.int32)
        inputs = [
            source,
            constant(f"{layer.name}.weight", weight.astype(np.int8), scale),
            constant(f"{layer.name}.bias", bias, bias_scale),
        ]
        convolved = f"{layer.name}.conv"
        nodes.append(
            helper.make_node(
                "Conv",
                inputs,
                [convolved],
                name=layer.name,
                kernel_shape=[layer.kernel] * 2,
                strides=[layer.stride] * 2,
                pads=layer.pads,
                group=layer.groups,
            )
        )
        if layer.residual is None:
            observed_pair(convolved, layer.output, layer.output)
        else:
            branch, total = f"{layer.name}.branch", f"{layer.name}.sum"
            observed_pair(convolved, branch, convolved)
            nodes.append(helper.make_node("Add", [branch, layer.residual], [total], name=f"{layer.name}.add"))
            observed_pair(total, layer.output, layer.output)
    nodes.append(helper.make_node("GlobalAveragePool", [layers[-1].output], ["pooled"], name="pool"))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["features"], name="flatten", axis=1))
    return finish(nodes, initializers, "efficientnet-lite0-int8", doc)


def _quantize_weight(layer: Conv) -> tuple[np.ndarray, np.ndarray]:
    """Integer weights (as float64) and the scale of each output channel; zero point 0."""
    limit = WEIGHT_LIMIT if layer.kernel == 1 or layer.groups > 1 else STEM_WEIGHT_LIMIT
    scale = np.maximum(np.abs(layer.weight).max(axis=(1, 2, 3)).astype(np.float64), 1e-8) / limit
    if layer.kernel == 1:
        pairs = layer.weight.reshape(len(scale), -1, 2).astype(np.float64)
        for side in (pairs, -pairs):
            # One less than the limit: rounding may add a half to each of the two.
            scale = np.maximum(scale, side.clip(min=0).sum(axis=2).max(axis=1) / (PAIR_LIMIT - 1))
    # Through float32, as the graph stores it.
    scale = scale.astype(np.float32).astype(np.float64)
    exact = layer.weight / scale[:, None, None, None]
    rounded = _round_kernels(exact, limit) if layer.kernel > 1 else np.rint(exact)
    return rounded.clip(-limit, limit), scale


def _round_kernels(exact: np.ndarray, limit: int) -> np.ndarray:
    """Rounds each kernel [in, k, k] so that its response to a smooth area is kept, not each weight alone.

    Edge detectors have large weights that cancel; rounded one by one they no longer do, and every flat area shifts.
    From the nearest integers, single steps of +-1 are taken while they lower d'Cd, where d is the rounding error and C
    the covariance of the pixels under the kernel. Elementwise arithmetic only: the same result on every machine.
    """
    channels, size = exact.shape[1], exact.shape[2]
    channel, row, column = (axis.ravel() for axis in np.indices((channels, size, size)))
    distance = np.hypot(row[:, None] - row, column[:, None] - column)
    covariance = _NEIGHBOUR_CORRELATION**distance * np.where(channel[:, None] == channel, 1, _CHANNEL_CORRELATION)
    # A libm may differ in the last bit.
    covariance = np.round(covariance, 6)
    variance = covariance.diagonal()

    rounded = np.rint(exact).clip(-limit, limit)
    flat = rounded.reshape(len(rounded), -1)
    for kernel, target in zip(flat, exact.reshape(flat.shape), strict=True):
        gradient = np.zeros(len(variance))
        for position, error in enumerate(kernel - target):
            gradient += error * covariance[position]
        while True:
            change = np.stack([variance + 2 * step * gradient for step in (1, -1)])
            change[0][kernel >= limit] = np.inf
            change[1][kernel <= -limit] = np.inf
            direction, position = np.unravel_index(change.argmin(), change.shape)
            if change[direction, position] >= -1e-9:
                break
            step = 1 - 2 * int(direction)
            kernel[position] += step
            gradient += step * covariance[position]
    return rounded


def _mean_shift(layer: Conv, weight: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """What rounding takes from the mean of each output channel, for an input with these channel means."""
    lost = (layer.weight - weight).sum(axis=(2, 3))
    return lost[:, 0] * mean if layer.groups > 1 else lost @ mean
