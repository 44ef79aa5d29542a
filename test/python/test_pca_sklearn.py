"""Verger's PCA against numpy in float64 and scikit-learn, on the same rows."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

ROOT = Path(os.environ.get("VERGER_ROOT", Path(__file__).resolve().parents[2]))


def features(n, d, seed, offset=0.0):
    """Rectified low-rank rows plus noise, as a network's features are."""
    rng = np.random.default_rng(seed)
    factors = 12
    weights = rng.normal(size=(factors, d)) / np.sqrt(np.arange(1, factors + 1))[:, None]
    rows = np.maximum(rng.normal(size=(n, factors)) @ weights + 0.3 * rng.normal(size=(n, d)), 0)
    return (rows + offset).astype(np.float32)


@pytest.fixture
def verger(tmp_path):
    def run(rows, **options):
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        source, scores = tmp_path / "rows.f32", tmp_path / "scores.f32"
        rows.tofile(source)
        scores.unlink(missing_ok=True)
        command = ["node", ROOT / "test/support/pca-dump.mjs", source, str(rows.shape[1]), json.dumps(options), scores]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        model = json.loads(done.stdout)
        if "error" in model:
            return model
        k = model["components"]
        model["loadings"] = np.array(model["loadings"]).reshape(k, -1)
        model["scores"] = np.fromfile(scores, dtype=np.float32).reshape(-1, k)
        for name in ("mean", "scale", "explainedVariance", "explainedVarianceRatio"):
            model[name] = np.array(model[name])
        return model

    return run


def standardised(rows):
    rows = rows.astype(np.float64)
    scale = rows.std(axis=0, ddof=1)
    # A constant column is one whose values are all equal: the float64 deviation of such a column is rounding noise.
    scale[np.ptp(rows, axis=0) == 0] = 1
    return (rows - rows.mean(axis=0)) / scale, scale


def check_against_sklearn(model, rows, standardize, tolerance=1e-6):
    data, scale = standardised(rows)
    if not standardize:
        data, scale = rows.astype(np.float64), np.ones(rows.shape[1])
    k = model["components"]
    reference = PCA(n_components=k, svd_solver="full").fit(data)
    np.testing.assert_allclose(model["mean"], rows.astype(np.float64).mean(axis=0), rtol=1e-7, atol=1e-6)
    np.testing.assert_allclose(model["scale"], scale, rtol=1e-6)
    np.testing.assert_allclose(model["explainedVariance"], reference.explained_variance_, rtol=tolerance)
    np.testing.assert_allclose(model["explainedVarianceRatio"], reference.explained_variance_ratio_, rtol=tolerance)

    # Components are unique up to sign where eigenvalues are apart.
    variance = reference.explained_variance_
    gaps = np.minimum(
        -np.diff(variance, append=0), np.concatenate([[np.inf], -np.diff(variance)])
    )
    apart = gaps > 1e-2 * variance
    apart[-1] = False
    cosines = np.abs(np.sum(model["loadings"] * reference.components_, axis=1))
    assert apart.any()
    assert (cosines[apart] > 1 - 1e-6).all()
    largest = model["loadings"][np.arange(k), np.abs(model["loadings"]).argmax(axis=1)]
    assert (largest > 0).all()

    expected = reference.transform(data)[:, apart]
    signs = np.sign(np.sum(model["loadings"] * reference.components_, axis=1))[apart]
    size = np.sqrt(variance[apart])
    np.testing.assert_allclose(model["scores"][:, apart] / size, expected * signs / size, atol=2e-3)


@pytest.mark.parametrize("solver", ["auto", "exact", "randomized"])
@pytest.mark.parametrize("offset", [0, 1000])
@pytest.mark.parametrize("standardize", [True, False])
def test_matches_scikit_learn(verger, solver, offset, standardize):
    rows = features(1500, 150, 1, offset)
    model = verger(rows, components=12, solver=solver, standardize=standardize)
    check_against_sklearn(model, rows, standardize)


def test_constant_and_duplicated_columns(verger):
    rows = features(900, 80, 2)
    rows[:, 7] = 0.1
    rows[:, 41] = 0
    rows[:, 20] = rows[:, 3]
    model = verger(rows, components=10)
    check_against_sklearn(model, rows, True)
    assert model["scale"][7] == model["scale"][41] == 1
    assert (np.abs(model["loadings"][:, [7, 41]]) < 1e-12).all()
    np.testing.assert_allclose(model["loadings"][:, 20], model["loadings"][:, 3], atol=1e-6)


def test_fewer_rows_than_features(verger):
    rows = features(40, 300, 3)
    model = verger(rows, components=12)
    check_against_sklearn(model, rows, True)


@pytest.mark.parametrize("variance", [0.3, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("solver", ["exact", "randomized"])
def test_variance_target_keeps_as_many_components_as_scikit_learn(verger, variance, solver):
    rows = features(1200, 300, 4)
    model = verger(rows, variance=variance, solver=solver)
    reference = PCA(n_components=variance, svd_solver="full").fit(standardised(rows)[0])
    assert model["components"] == reference.n_components_
    np.testing.assert_allclose(model["explainedVariance"], reference.explained_variance_, rtol=1e-6)


def test_wide_rows_in_passes(verger):
    rows = features(400, 2000, 5, 1000)
    model = verger(rows, wide=True, components=10, slice=130)
    assert model["solver"] == "sketch"
    check_against_sklearn(model, rows, True, tolerance=2e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("wide", [False, True])
def test_not_finite_names_row_and_column(verger, value, wide):
    rows = features(700, 30, 6)
    rows[612, 17] = value
    answer = verger(rows, components=2, wide=wide, slice=250)
    assert answer["error"]["code"] == "pca/not-finite"
    assert "row 612, column 17 " in answer["error"]["message"]


def test_too_many_components_and_one_row(verger):
    assert verger(features(20, 30, 7), components=21)["error"]["code"] == "pca/components"
    assert verger(features(1, 30, 7), components=1)["error"]["code"] == "pca/too-few-rows"
    assert verger(features(20, 30, 7), variance=1.5)["error"]["code"] == "pca/variance"
