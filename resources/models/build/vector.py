"""Writes test-vector.json: the features of one drawn image, which every machine must reproduce.

The image is drawn with whole numbers only, so that any language draws the same; test/integration/models-vector.test.ts
and test/python/test_model_build.py do.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

SIZE = 128


def drawn_fruit(size: int = SIZE) -> np.ndarray:
    """[size, size, 3] uint8: a red fruit with a stem and a highlight on white."""
    y, x = np.mgrid[0:size, 0:size].astype(np.int64) * 128 // size
    image = np.full((size, size, 3), 255, np.int64)

    def paint(where: np.ndarray, red, green, blue) -> None:
        for channel, value in enumerate((red, green, blue)):
            image[..., channel] = np.where(where, value, image[..., channel])

    distance = (x - 62) ** 2 + (y - 70) ** 2
    paint(distance < 48 * 48, 205 - distance // 24, 40 + (3 * x + y) // 8, 30 + distance // 64)
    paint((x - 46) ** 2 + (y - 52) ** 2 < 81, 250, 225, 215)
    paint((abs(x - 62) < 3) & (y < 30), 96, 62, 30)
    paint((x - 74) ** 2 + 4 * (y - 18) ** 2 < 144, 60 + x, 150, 40)
    return image.clip(0, 255).astype(np.uint8)


def tensor(image: np.ndarray) -> np.ndarray:
    """[1, 3, size, size] float32, as the models read it."""
    return ((image.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]


def features(model: Path, image: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"images": tensor(image)})[0][0]


def main() -> None:
    models = Path(__file__).parent.parent
    vectors = {
        f"efficientnet-lite0-{precision}": [
            round(float(value), 5) for value in features(models / f"efficientnet-lite0-{precision}.onnx", drawn_fruit())
        ]
        for precision in ("fp32", "int8")
    }
    path = models / "test-vector.json"
    path.write_text(json.dumps({"size": SIZE, "features": vectors}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
