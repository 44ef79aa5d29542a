"""scikit-learn's PCA for bench/pca.mjs.

    python pca-sklearn.py probe                          sgemm Gflop/s with the kernels OPENBLAS_CORETYPE names
    python pca-sklearn.py serve <rows.f32> <d> <variance>

`serve` reads lines from stdin: `reference` answers with the float64 explained variance of the standardised rows, and
`fit float32` or `fit float64` with the seconds that StandardScaler and PCA take on rows of that type. One JSON document
a line; threads as OPENBLAS_NUM_THREADS says.
"""

import json
import sys
import time

import numpy as np


def probe():
    a = np.ones((2048, 2048), np.float32)
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - begin)
    return {"gflops": 2 * 2048**3 / best / 1e9}


def reference(rows, variance):
    """Explained variance (n - 1 throughout) and the components that sum to more than `variance`, in float64."""
    rows = rows.astype(np.float64)
    rows -= rows.mean(axis=0)
    scale = rows.std(axis=0, ddof=1)
    rows /= np.where(scale > 0, scale, 1)
    values = np.linalg.eigvalsh(rows.T @ rows / (len(rows) - 1))[::-1]
    ratio = np.cumsum(values / values.sum())
    k = int(np.searchsorted(ratio, variance, side="right") + 1)
    return {"components": k, "explainedVariance": values[:k].tolist()}


def fit(rows, dtype, variance):
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    rows = rows.astype(dtype)
    begin = time.perf_counter()
    standardised = StandardScaler(copy=False).fit_transform(rows)
    model = PCA(n_components=variance, svd_solver="covariance_eigh", copy=False).fit(standardised)
    return {"seconds": time.perf_counter() - begin, "components": int(model.n_components_)}


def serve(file, dimension, variance):
    rows = np.fromfile(file, dtype=np.float32).reshape(-1, dimension)
    for line in sys.stdin:
        words = line.split()
        answer = reference(rows, variance) if words == ["reference"] else fit(rows, words[1], variance)
        print(json.dumps(answer), flush=True)


if sys.argv[1] == "probe":
    print(json.dumps(probe()))
else:
    serve(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
