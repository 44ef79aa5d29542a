"""How well the embedded models' features tell fruit apart, on the shared Fruits-360 photos.

    python bench/accuracy.py [--photos FOLDER] [--model NAME@SIZE ...] [--json]

Needs numpy, pillow and onnxruntime (test/python/requirements.txt). Two questions, each answered by the k = 5 nearest
neighbours by cosine:

variety  One half of all photos labels the other half with one of 67 varieties, both ways round, over five random
         halves. Neighbouring photos of Fruits-360 are frames of one turning fruit: this is the easy question.
unseen   The photos of Training label those of Test as apple, cherry or tomato. No variety is in both.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "resources" / "models"
PRESETS = {
    "fast": "efficientnet-lite0-int8@128",
    "balanced": "efficientnet-lite0-int8@224",
    "exact": "efficientnet-lite0-fp32@224",
}
NEIGHBOURS = 5
HALVES = 5
# Small batches stay in the processor's cache.
BATCH = 8


def photos_folder() -> Path:
    """VERGER_PHOTOS, else the shared folder beside the checkout."""
    return Path(os.environ.get("VERGER_PHOTOS") or ROOT.parent / "shared" / "data" / "fruits360")


def list_photos(folder: Path) -> list[str]:
    """POSIX paths relative to `folder`, in code point order: Training|Test/<variety>/<photo>.jpg."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*/*.jpg"))


def embed(folder: Path, paths: list[str], model: Path, size: int, workers: int | None = None) -> np.ndarray:
    """[len(paths), 1280] float32; one single-threaded session for each worker, by default one a processor."""
    workers = workers or os.cpu_count() or 1
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1

    def work(worker: int) -> list[tuple[int, np.ndarray]]:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return [
            (start, session.run(None, {"images": _load(folder, paths[start : start + BATCH], size)})[0])
            for start in range(worker * BATCH, len(paths), workers * BATCH)
        ]

    with ThreadPoolExecutor(workers) as pool:
        batches = sorted(batch for done in pool.map(work, range(workers)) for batch in done)
    return np.concatenate([features for _, features in batches])


def _load(folder: Path, paths: list[str], size: int) -> np.ndarray:
    images = np.empty((len(paths), 3, size, size), np.float32)
    for slot, path in zip(images, paths, strict=True):
        with Image.open(folder / path) as photo:
            pixels = photo.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
        slot[:] = (np.asarray(pixels, np.float32).transpose(2, 0, 1) - 127) / 128
    return images


def nearest_labels(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The label that most of the nearest `known` vectors have; among equals, that of the nearer ones."""
    similarity = asked @ known.T
    near = np.argpartition(-similarity, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    names, index = np.unique(labels, return_inverse=True)
    votes = np.zeros((len(asked), len(names)))
    for column in near.T:
        rows = np.arange(len(asked))
        votes[rows, index[column]] += 1 + 1e-3 * similarity[rows, column]
    return names[votes.argmax(axis=1)]


def accuracy(paths: list[str], features: np.ndarray) -> dict[str, float]:
    """Percentages of right answers to both questions; see the module's text."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    split, variety, _ = np.array([path.split("/") for path in paths]).T
    kind = np.array([name.split(" ")[0] for name in variety])

    def right(known: np.ndarray, labels: np.ndarray) -> float:
        answers = nearest_labels(unit[known], labels[known], unit[~known])
        return 100 * float(np.mean(answers == labels[~known]))

    shares = []
    for seed in range(HALVES):
        # By hash: the same halves with any version of anything.
        order = sorted(range(len(paths)), key=lambda i: hashlib.sha256(f"{seed} {paths[i]}".encode()).digest())
        half = np.zeros(len(paths), bool)
        half[order[::2]] = True
        shares += [right(half, variety), right(~half, variety)]
    return {"variety": float(np.mean(shares)), "unseen": right(split == "Training", kind)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=photos_folder())
    parser.add_argument("--model", action="append", metavar="NAME@SIZE", help="by default the three presets")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    paths = list_photos(arguments.photos)
    if not paths:
        raise SystemExit(f"expected Fruits-360 photos in {arguments.photos}, found none; name the folder with --photos")
    results = []
    for model in arguments.model or PRESETS.values():
        name, size = model.split("@")
        features = embed(arguments.photos, paths, MODELS / f"{name}.onnx", int(size))
        results.append({"model": name, "size": int(size), **accuracy(paths, features)})
        if not arguments.json:
            last = results[-1]
            print(f"{model:32} variety {last['variety']:.1f} %   unseen {last['unseen']:.1f} %", flush=True)
    if arguments.json:
        print(json.dumps({"photos": len(paths), "results": results}))


if __name__ == "__main__":
    main()
