"""Observes the range and the channel means of every activation on fruit photos and writes calibration.json.

Needed only to change the calibration: build.py reads the committed calibration.json, so that the int8 file can be
rebuilt byte for byte anywhere, with or without the photos.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
from network import Conv, convolutions, fp32_model
from PIL import Image

from build import read_state

PHOTOS = 512
SIZES = (128, 224)
BATCH = 8
BINS = 2048
# Ranges are rounded up to this many significant bits: floating-point differences between machines disappear.
SIGNIFICANT_BITS = 8


def pick_photos(root: Path) -> list[str]:
    """`PHOTOS` of the relative paths under `root`, evenly spaced in code point order: the same list everywhere."""
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))
    if len(paths) < PHOTOS:
        raise SystemExit(f"expected at least {PHOTOS} .jpg files below {root}, found {len(paths)}")
    return [paths[index * len(paths) // PHOTOS] for index in range(PHOTOS)]


def load(root: Path, paths: list[str], size: int) -> np.ndarray:
    """[n, 3, size, size] float32, as the product feeds them: whole photo, bicubic, (x - 127) / 128."""
    images = np.empty((len(paths), 3, size, size), np.float32)
    for slot, path in zip(images, paths, strict=True):
        with Image.open(root / path) as photo:
            pixels = photo.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
        slot[:] = (np.asarray(pixels, np.float32).transpose(2, 0, 1) - 127) / 128
    return images


def observe(layers: list[Conv], root: Path, paths: list[str]) -> dict[str, dict]:
    """For each convolution's result: the range [low, high] to quantise, and the mean of each channel.

    The range is the one that minimises the squared error of 8-bit quantisation.
    """
    options = ort.SessionOptions()
    # Unfused, so that each layer's own result can be read.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    model = fp32_model(layers, "", inner=True).SerializeToString()
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    # What ReLU6 receives is never quantised.
    inner = {f"{layer.name}.conv" for layer in layers if layer.relu6}
    names = [output.name for output in session.get_outputs() if output.name not in inner]

    def batches():
        for size in SIZES:
            for start in range(0, len(paths), BATCH):
                images = load(root, paths[start : start + BATCH], size)
                yield zip(names, session.run(names, {"images": images}), strict=True)

    low = dict.fromkeys(names, 0.0)
    high = dict.fromkeys(names, 0.0)
    means: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for batch in batches():
        for name, values in batch:
            low[name] = min(low[name], float(values.min()))
            high[name] = max(high[name], float(values.max()))
            means[name].append(values.mean(axis=(0, 2, 3), dtype=np.float64))
    counts = {name: np.zeros(BINS, np.int64) for name in names}
    for batch in batches():
        for name, values in batch:
            scaled = (values.ravel() - low[name]) * (BINS / (high[name] - low[name]))
            counts[name] += np.bincount(np.minimum(scaled.astype(np.int32), BINS - 1), minlength=BINS)
    result = {}
    for name in names:
        lower, upper = _best_range(counts[name], low[name], high[name])
        mean = [round(float(value), 4) for value in np.mean(means[name], axis=0)]
        result[name] = {"low": _round(lower), "high": _round(upper), "mean": mean}
    return result


def _best_range(counts: np.ndarray, low: float, high: float) -> tuple[float, float]:
    centres = low + (np.arange(BINS) + 0.5) * ((high - low) / BINS)
    best = (np.inf, low, high)
    steps = np.linspace(0.3, 1.0, 36)
    for low_share in steps if low < 0 else (1.0,):
        for high_share in steps:
            lower, upper = low * low_share, high * high_share
            scale = (upper - lower) / 255
            rounding = scale * scale / 12
            clipped = np.clip(centres, lower, upper) - centres
            error = float(counts @ (np.where(clipped == 0, rounding, 0) + clipped * clipped))
            best = min(best, (error, lower, upper))
    return best[1], best[2]


def _round(value: float) -> float:
    mantissa, exponent = np.frexp(value)
    return float(np.ldexp(np.round(mantissa * 2**SIGNIFICANT_BITS), int(exponent) - SIGNIFICANT_BITS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of the Fruits-360 photos")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("calibration.json"))
    arguments = parser.parse_args()

    paths = pick_photos(arguments.photos)
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path}\n".encode())
        digest.update((arguments.photos / path).read_bytes())
    layers = convolutions(read_state())
    head = {
        "photos": {"dataset": "Fruits-360, 100x100", "count": len(paths), "sha256": digest.hexdigest()},
        "sizes": SIZES,
    }
    # One line for each tensor, so that a change of calibration can be reviewed.
    observed = observe(layers, arguments.photos, paths)
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in observed.items())
    text = json.dumps(head, indent=1)[:-2] + f',\n "tensors": {{\n{lines}\n }}\n}}\n'
    arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
