"""The embedded models are what their build script makes, and compute what the published network computes."""

from __future__ import annotations

import io
import json
import pickle
import platform
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
MODELS = ROOT / "resources" / "models"
sys.path[:0] = [str(MODELS / "build"), str(ROOT / "bench")]

import accuracy  # noqa: E402
import build  # noqa: E402
import checkpoint  # noqa: E402
import vector  # noqa: E402

FP32 = MODELS / "efficientnet-lite0-fp32.onnx"
INT8 = MODELS / "efficientnet-lite0-int8.onnx"
GRANNY_SMITH = 948  # ImageNet's class


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    return build.read_state()


@pytest.fixture(scope="module")
def photos() -> Path:
    folder = accuracy.photos_folder()
    if not folder.is_dir():
        pytest.skip(f"no photos in {folder}; set VERGER_PHOTOS")
    return folder


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_build_reproduces_the_committed_files_byte_for_byte():
    for name, content in build.build().items():
        assert (MODELS / name).read_bytes() == content, f"{name}: run resources/models/build/build.py"


class Layers:
    """The published network with its batch norms, in plain numpy and float64; TensorFlow's SAME padding."""

    def __init__(self, state: dict[str, np.ndarray]) -> None:
        self.state = state

    def conv(self, x: np.ndarray, name: str, stride: int, depthwise: bool) -> np.ndarray:
        weight = self.state[f"{name}.weight"].astype(np.float64)
        kernel = weight.shape[2]
        pads = []
        for size in x.shape[1:]:
            out = -(-size // stride)
            total = max((out - 1) * stride + kernel - size, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, [(0, 0), *pads])
        windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
        if depthwise:
            return np.einsum("chwij,cij->chw", windows, weight[:, 0])
        return np.einsum("chwij,ocij->ohw", windows, weight, optimize=True)

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        mean, variance, gain, bias = (
            self.state[f"{name}.{key}"].astype(np.float64)[:, None, None]
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * gain + bias

    def features(self, x: np.ndarray) -> np.ndarray:
        def relu6(values):
            return values.clip(0, 6)

        x = relu6(self.norm(self.conv(x, "_conv_stem", 2, False), "_bn0"))
        strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
        for index, stride in enumerate(strides):
            block, source = f"_blocks.{index}", x
            if f"{block}._expand_conv.weight" in self.state:
                x = relu6(self.norm(self.conv(x, f"{block}._expand_conv", 1, False), f"{block}._bn0"))
            x = relu6(self.norm(self.conv(x, f"{block}._depthwise_conv", stride, True), f"{block}._bn1"))
            x = self.norm(self.conv(x, f"{block}._project_conv", 1, False), f"{block}._bn2")
            if stride == 1 and x.shape == source.shape:
                x = x + source
        return relu6(self.norm(self.conv(x, "_conv_head", 1, False), "_bn1")).mean(axis=(1, 2))


def test_fp32_agrees_with_a_float64_reference_of_the_published_network(state):
    image = vector.tensor(vector.drawn_fruit(96))
    expected = Layers(state).features(image[0].astype(np.float64))
    received = vector.features(FP32, vector.drawn_fruit(96))
    assert expected.max() > 1
    np.testing.assert_allclose(received, expected, atol=2e-4)


def test_features_with_the_published_classifier_recognise_granny_smith(state, photos):
    paths = [path for path in accuracy.list_photos(photos) if "/Apple Granny Smith" in path]
    assert len(paths) >= 50
    features = accuracy.embed(photos, paths, FP32, 224)
    scores = features @ state["_fc.weight"].T + state["_fc.bias"]
    first = scores.argmax(axis=1)
    # The background is white and the photo tiny: not every frame, but no other class comes near.
    assert np.bincount(first).argmax() == GRANNY_SMITH
    assert np.mean(first == GRANNY_SMITH) > 0.5


def test_int8_stays_within_half_a_point_of_fp32(photos):
    paths = accuracy.list_photos(photos)
    exact, balanced = (accuracy.accuracy(paths, accuracy.embed(photos, paths, model, 224)) for model in (FP32, INT8))
    for question in ("variety", "unseen"):
        assert balanced[question] > exact[question] - 0.5, (exact, balanced)


def test_features_of_the_drawn_image_are_those_of_the_test_vector():
    expected = json.loads((MODELS / "test-vector.json").read_text())["features"]
    fp32, int8 = (vector.features(model, vector.drawn_fruit()) for model in (FP32, INT8))
    np.testing.assert_allclose(fp32, expected["efficientnet-lite0-fp32"], atol=1e-3)
    assert cosine(int8, np.array(expected["efficientnet-lite0-int8"])) >= 0.999


def test_int8_weights_cannot_saturate_without_vnni():
    """vpmaddubsw adds two u8 x s8 products in int16; see resources/models/build/quantize.py."""
    model = onnx.load(INT8)
    values = {tensor.name: tensor for tensor in model.graph.initializer}
    checked = 0
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        weight = numpy_helper.to_array(values[f"{node.name}.weight.q"]).astype(int)
        group = next(attribute.i for attribute in node.attribute if attribute.name == "group")
        if group > 1:
            continue
        checked += 1
        if weight.shape[2] == 1:
            pairs = weight.reshape(len(weight), -1, 2)
            largest = max(pairs.clip(min=0).sum(axis=2).max(), (-pairs).clip(min=0).sum(axis=2).max())
        else:
            largest = 2 * np.abs(weight).max()
        assert 255 * largest <= 32767, node.name
    assert checked == 33


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the fused kinds are those of x86-64")
def test_every_node_is_fused(tmp_path):
    """Speed: a Clip, Add or quantisation step that ONNX Runtime cannot fold is work for every image."""
    expected = {
        # 49 convolutions with ReLU6 and residual sums inside.
        FP32: {"Conv": 49, "GlobalAveragePool": 1, "Flatten": 1},
        # Quantise the image, de-quantise the last map; nothing in between.
        INT8: {"QLinearConv": 49, "QLinearAdd": 9, "QuantizeLinear": 1, "DequantizeLinear": 1},
    }
    for model, wanted in expected.items():
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(tmp_path / model.name)
        ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        kinds = [node.op_type for node in onnx.load(tmp_path / model.name).graph.node]
        for kind, count in wanted.items():
            assert kinds.count(kind) == count, (model.name, kind, kinds)
        if model == INT8:
            assert not {"Conv", "Add", "Clip"} & set(kinds)
        else:
            assert not {"Add", "Clip", "FusedConv"} & set(kinds)


def test_the_checkpoint_reader_refuses_to_resolve_anything_else():
    class Harmful:
        def __reduce__(self):
            return (print, ("run",))

    stream = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, Harmful()):
        pickle.dump(value, stream, protocol=2)
    with pytest.raises(pickle.UnpicklingError, match="which no weight file needs"):
        checkpoint.read_checkpoint(stream.getvalue())


def test_the_drawn_image_is_a_picture():
    """A guard against a recipe that draws nothing: a red fruit on white."""
    image = np.asarray(Image.fromarray(vector.drawn_fruit()))
    assert (image[0, 0] == 255).all()
    red, green, blue = image[90, 62].astype(int)
    assert red > 150 > green > blue
