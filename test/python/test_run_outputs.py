"""What a run writes, read by pyarrow, pandas, DuckDB and Polars; and its PCA against numpy and scikit-learn.

Schema and numbers: every reader must see the same bits, the projection must follow from the model in float64, and
scikit-learn must find the same components in the same features.
"""

import datetime
import json
import os
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.decomposition import PCA

ROOT = Path(__file__).resolve().parents[2]
DIMENSION = 1280
IMAGES = 300
DATED = 100
LABELS = 10


def verger(*arguments, code=0):
    """Runs the command line and returns its JSON document."""
    node = os.environ.get("NODE", "node")
    command = [node, str(ROOT / "bin" / "verger"), *map(str, arguments), "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == code, result.stderr
    return json.loads(result.stdout)


def taken(hour):
    return datetime.datetime(2026, 5, 1) + datetime.timedelta(hours=hour, microseconds=250_000)


def date(photo, hour):
    """Gives a photo the EXIF of a camera, by Pillow: every second one with the offset of its clock."""
    with Image.open(photo) as image:
        exif = image.getexif()
        details = exif.get_ifd(0x8769)
        details[0x9003] = taken(hour).strftime("%Y:%m:%d %H:%M:%S")  # DateTimeOriginal
        details[0x9291] = "250"  # SubSecTimeOriginal
        if hour % 2 == 0:
            details[0x9011] = "-05:30"  # OffsetTimeOriginal
        image.save(photo, exif=exif, quality="keep")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run over drawn photos: an image set aside, one without a label, a name beyond ASCII."""
    folder = tmp_path_factory.mktemp("run")
    photos = folder / "photos"
    verger("sample", photos, "--images", IMAGES, "--labels", LABELS, "--size", 64)
    drawn = sorted(photos.rglob("*.jpg"))
    for hour, photo in enumerate(drawn[:DATED]):
        date(photo, hour)
    (photos / "verger d'été 🍎.jpg").write_bytes(drawn[0].read_bytes())
    (photos / "broken.jpg").write_text("no image")
    table = folder / "list.csv"
    rows = [(path, path.parent.name) for path in drawn] + [(path, "") for path in sorted(photos.glob("*.jpg"))]
    table.write_text("path,label\n" + "".join(f'"{path}","{label}"\n' for path, label in rows))
    out = folder / "out"
    summary = verger("run", table, "--out", out, "--preset", "fast", code=3)
    assert (summary["images"], summary["setAside"]) == (IMAGES + 2, 1)
    return out


def parts(run, kind):
    return sorted((run / kind).glob("part-*.parquet"))


def table(run, kind):
    return pa.concat_tables(pq.read_table(part) for part in parts(run, kind))


def matrix(table, column):
    lists = table.column(column).combine_chunks()
    return lists.flatten().to_numpy().reshape(len(table), -1)


def standardised(features):
    """As Verger standardises: float64, sample standard deviation, 1 where a column is constant."""
    features = features.astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0, ddof=1)
    return (features - mean) / np.where(scale == 0, 1, scale)


FLOATS = pa.list_(pa.field("element", pa.float32(), nullable=False))
SCHEMAS = {
    "manifest": {
        "id": (pa.int64(), False),
        "path": (pa.string(), False),
        "label": (pa.string(), True),
        "size": (pa.int64(), False),
        "mtime": (pa.timestamp("us", tz="UTC"), False),
        "etag": (pa.string(), True),
    },
    "features": {
        "path": (pa.string(), False),
        "label": (pa.string(), True),
        "width": (pa.int32(), False),
        "height": (pa.int32(), False),
        "captured_at": (pa.timestamp("us"), True),
        "captured_offset": (pa.int32(), True),
        "features": (FLOATS, False),
    },
    "errors": {name: (pa.string(), False) for name in ("path", "stage", "code", "message")},
    "pca": {
        "path": (pa.string(), False),
        "label": (pa.string(), True),
        "label_original": (pa.string(), True),
        "pca": (FLOATS, False),
    },
}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_schema(run, kind):
    schema = pq.read_schema(parts(run, kind)[0])
    assert {field.name: (field.type, field.nullable) for field in schema} == SCHEMAS[kind]
    rows = {"manifest": IMAGES + 2, "features": IMAGES + 1, "errors": 1, "pca": IMAGES + 1}
    assert len(table(run, kind)) == rows[kind]


def test_row_groups_and_statistics(run):
    """Small enough groups to stream, whole-file integrity, and no dictionary surprises in the numbers."""
    for kind in SCHEMAS:
        metadata = pq.read_metadata(parts(run, kind)[0])
        assert metadata.num_row_groups >= 1
        assert all(metadata.row_group(group).num_rows <= 20_000 for group in range(metadata.num_row_groups))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_reader_sees_the_same(run, kind):
    expected = table(run, kind).to_pydict()
    glob = str(run / kind / "part-*.parquet")

    def plain(value):
        """Lists of numpy and of Python compare alike; times by their instant."""
        if isinstance(value, (np.ndarray, list, pl.Series)):
            return np.asarray(value, dtype=np.float32).tobytes()
        if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
            return None
        if not hasattr(value, "tzinfo"):
            return value
        time = pd.Timestamp(value)
        return time if time.tzinfo is None else time.tz_convert("UTC")

    expected = {name: [plain(value) for value in values] for name, values in expected.items()}
    frames = {
        "pandas, part by part": pd.concat(map(pd.read_parquet, parts(run, kind))).to_dict("list"),
        "DuckDB": duckdb.connect().sql(f"SELECT * FROM '{glob}'").to_arrow_table().to_pydict(),
        "Polars": pl.read_parquet(glob).to_dict(as_series=False),
        "Polars, lazily": pl.scan_parquet(glob).collect().to_dict(as_series=False),
    }
    # pca/ holds the model beside its parts; the other folders can be named as a whole.
    if kind != "pca":
        frames["pandas, the folder"] = pd.read_parquet(run / kind).to_dict("list")
    for reader, columns in frames.items():
        seen = {name: [plain(value) for value in values] for name, values in columns.items()}
        assert list(seen) == list(expected), reader
        for name in expected:
            assert seen[name] == expected[name], f"{reader}, column {name}"


def test_readers_compute_the_same(run):
    """Each engine's own arithmetic over its own idea of a list agrees with numpy's."""
    features = table(run, "features")
    values = matrix(features, "features").astype(np.float64)
    glob = str(run / "features" / "part-*.parquet")
    sums = duckdb.execute(
        "SELECT list_sum(list_transform(features, lambda x: x::DOUBLE)) FROM read_parquet(?) ORDER BY path", [glob]
    ).fetchnumpy()
    order = np.argsort([path.encode() for path in features.column("path").to_pylist()], kind="stable")
    np.testing.assert_allclose(next(iter(sums.values())), values.sum(axis=1)[order], rtol=1e-12)
    lengths = pl.scan_parquet(glob).select(pl.col("features").list.len().unique()).collect()
    assert lengths["features"].to_list() == [DIMENSION]
    polars_sums = pl.read_parquet(glob)["features"].list.eval(pl.element().cast(pl.Float64)).list.sum()
    np.testing.assert_allclose(polars_sums.to_numpy(), values.sum(axis=1), rtol=1e-12)
    by_label = pd.read_parquet(run / "features").groupby("label", dropna=False).size()
    counted = duckdb.execute("SELECT label, count(*) FROM read_parquet(?) GROUP BY label", [glob]).fetchall()
    assert {None if pd.isna(label) else label: rows for label, rows in by_label.items()} == dict(counted)
    assert len(counted) == LABELS + 1


def test_rows_agree_between_the_files(run):
    manifest, features = table(run, "manifest"), table(run, "features")
    errors, projected = table(run, "errors"), table(run, "pca")
    paths = manifest.column("path").to_pylist()
    assert manifest.column("id").to_pylist() == list(range(len(paths)))
    assert paths == sorted(paths, key=str.encode)
    set_aside = errors.column("path").to_pylist()
    assert [Path(path).name for path in set_aside] == ["broken.jpg"]
    assert errors.column("code").to_pylist() == ["image/unknown-format"]
    embedded = [path for path in paths if path not in set_aside]
    assert features.column("path").to_pylist() == embedded == projected.column("path").to_pylist()
    assert features.column("label").equals(projected.column("label"))
    assert features.column("label").null_count == 1
    assert {"verger d'été 🍎.jpg"} == {
        Path(path).name for path, label in zip(embedded, features.column("label").to_pylist()) if label is None
    }
    named = features.select(["path", "captured_at", "captured_offset"]).to_pylist()
    dates = {Path(row["path"]).parts[-2:]: row for row in named}
    photos = sorted((run.parent / "photos").rglob("*/*.jpg"))
    for hour, photo in enumerate(photos):
        row = dates[photo.parts[-2:]]
        assert row["captured_at"] == (taken(hour) if hour < DATED else None)
        assert row["captured_offset"] == (-330 if hour < DATED and hour % 2 == 0 else None)
    for row in manifest.slice(0, 20).to_pylist():
        file = run.parent / row["path"]
        assert row["size"] == file.stat().st_size
        # The manifest keeps microseconds; the file system may know more.
        assert abs(row["mtime"].timestamp() - file.stat().st_mtime) < 2e-6


def test_projection_follows_from_the_model(run):
    model = json.loads((run / "pca" / "model.json").read_text())
    components = pq.read_table(run / "pca" / "model.parquet")
    loadings = matrix(components, "loadings").astype(np.float64)
    mean, scale = np.array(model["mean"]), np.array(model["scale"])
    features = matrix(table(run, "features"), "features").astype(np.float64)
    expected = ((features - mean) / scale) @ loadings.T
    projected = matrix(table(run, "pca"), "pca")
    assert projected.shape == (IMAGES + 1, model["components"])
    np.testing.assert_allclose(projected, expected, rtol=0, atol=1e-4)

    np.testing.assert_allclose(mean, features.mean(axis=0), rtol=1e-6, atol=1e-9)
    deviation = features.std(axis=0, ddof=1)
    # Products are float32 inside a block of rows, so a single column may be off by a little more than the variances.
    np.testing.assert_allclose(scale, np.where(deviation == 0, 1, deviation), rtol=1e-5)
    np.testing.assert_allclose(loadings @ loadings.T, np.eye(len(loadings)), atol=1e-5)
    assert (loadings[np.arange(len(loadings)), np.abs(loadings).argmax(axis=1)] > 0).all()
    assert components.column("component").to_pylist() == list(range(len(loadings)))
    for name in ("explained_variance", "explained_variance_ratio"):
        camel = "explainedVariance" + ("Ratio" if name.endswith("ratio") else "")
        assert components.column(name).to_pylist() == model[camel]
    summary = json.loads((run / "run.json").read_text())["pca"]["summary"]
    assert summary["explainedVariance"] == model["explainedVariance"]
    assert summary["explainedVarianceRatio"] == pytest.approx(sum(model["explainedVarianceRatio"]), rel=1e-12)


def compare_with_scikit(out, features, **target):
    """Same k, explained variance within 1e-6, and the same axes where the variances are apart."""
    model = json.loads((out / "pca" / "model.json").read_text())
    reference = PCA(svd_solver="full", **target).fit(features)
    assert model["components"] == reference.n_components_
    np.testing.assert_allclose(model["explainedVariance"], reference.explained_variance_, rtol=1e-6)
    np.testing.assert_allclose(model["explainedVarianceRatio"], reference.explained_variance_ratio_, rtol=1e-6)
    loadings = matrix(pq.read_table(out / "pca" / "model.parquet"), "loadings")
    for index in range(min(5, len(loadings))):
        assert abs(loadings[index].astype(np.float64) @ reference.components_[index]) > 0.99999


def test_scikit_learn_finds_the_same(run):
    features = standardised(matrix(table(run, "features"), "features"))
    compare_with_scikit(run, features, n_components=0.8)


@pytest.mark.parametrize("solver", ["exact", "randomized"])
def test_scikit_learn_finds_the_same_without_standardising(run, tmp_path, solver):
    features = matrix(table(run, "features"), "features").astype(np.float64)
    verger("pca", run, "--out", tmp_path / "out", "--no-standardize", "--components", 12, "--solver", solver)
    compare_with_scikit(tmp_path / "out", features, n_components=12)


RNG = np.random.default_rng(7)
ROWS, WIDTH = 500, 40
FOREIGN = (RNG.standard_normal((ROWS, WIDTH)) * np.geomspace(10, 0.1, WIDTH) + np.arange(WIDTH)).astype(np.float32)


def write_foreign(folder, compression="snappy", kind=pa.list_(pa.float64()), files=3, label=True):
    """Part files as others write them: other types, codecs and row groups than ours."""
    folder.mkdir(parents=True)
    for number, rows in enumerate(np.array_split(np.arange(ROWS), files)):
        columns = {
            "path": [f"photo {row:04}.jpg" for row in rows],
            "features": pa.array(FOREIGN[rows].tolist(), kind),
            "extra": rows.tolist(),
        }
        if label:
            columns["label"] = [None if row % 7 == 0 else f"kind {row % 3}" for row in rows]
        pq.write_table(pa.table(columns), folder / f"{number}.parquet", compression=compression, row_group_size=61)
    return folder


@pytest.mark.parametrize(
    ("compression", "kind"),
    [
        ("snappy", pa.list_(pa.float64())),
        ("zstd", pa.list_(pa.float32())),
        ("gzip", pa.large_list(pa.float32())),
        ("none", pa.list_(pa.float32(), WIDTH)),
    ],
)
def test_pca_of_features_that_pyarrow_wrote(tmp_path, compression, kind):
    features = write_foreign(tmp_path / "features", compression, kind)
    summary = verger("pca", features, "--out", tmp_path / "out", "--variance", "0.9")
    assert (summary["images"], summary["labels"], summary["model"]) == (ROWS, 3, None)
    compare_with_scikit(tmp_path / "out", standardised(FOREIGN), n_components=0.9)
    projected = table(tmp_path / "out", "pca")
    assert projected.column("path").to_pylist() == [f"photo {row:04}.jpg" for row in range(ROWS)]
    assert projected.column("label").null_count == len(range(0, ROWS, 7))
    # Never touched: they are not ours.
    assert sorted(path.name for path in features.iterdir()) == ["0.parquet", "1.parquet", "2.parquet"]


def test_pca_of_features_without_labels(tmp_path):
    features = write_foreign(tmp_path / "features", label=False, files=1)
    verger("pca", features / "0.parquet", "--out", tmp_path / "out", "--components", 5)
    assert table(tmp_path / "out", "pca").column("label").null_count == ROWS
    assert matrix(table(tmp_path / "out", "pca"), "pca").shape == (ROWS, 5)


def test_pca_of_a_run_in_place_and_elsewhere(run, tmp_path):
    """Polars writes a copy of the run's features; their PCA is the run's own, and the run's own can be replaced."""
    copy = tmp_path / "copy"
    copy.mkdir()
    pl.read_parquet(str(run / "features" / "part-*.parquet")).write_parquet(copy / "a.parquet")
    verger("pca", copy, "--out", tmp_path / "out")
    np.testing.assert_array_equal(matrix(table(tmp_path / "out", "pca"), "pca"), matrix(table(run, "pca"), "pca"))

    before = {part: part.read_bytes() for part in parts(run, "features") + parts(run, "pca")}
    assert verger("pca", run, "--out", run, "--components", 2)["pca"]["components"] == 2
    assert matrix(table(run, "pca"), "pca").shape == (IMAGES + 1, 2)
    verger("pca", run, "--out", run)
    assert {part: part.read_bytes() for part in before} == before


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"path": ["a", "b"], "vector": [[1.0], [2.0]]}, "vector"),
        ({"features": [[1.0], [2.0]]}, "path"),
        ({"path": ["a", "b"], "features": ["x", "y"]}, "features"),
    ],
)
def test_other_shapes_get_one_sentence_with_the_columns_found(tmp_path, columns, said):
    pq.write_table(pa.table(columns), tmp_path / "other.parquet")
    error = verger("pca", tmp_path / "other.parquet", "--out", tmp_path / "out", code=1)["error"]
    assert error["code"].startswith("features/")
    assert said in error["message"] and "\n" not in error["message"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("bad", "said"), [(np.nan, "nan"), (np.inf, "inf")])
def test_a_value_that_is_no_number_is_named_by_row_and_column(tmp_path, bad, said):
    values = FOREIGN[:50].astype(np.float64).tolist()
    values[33][17] = bad
    pq.write_table(pa.table({"path": [str(row) for row in range(50)], "features": values}), tmp_path / "f.parquet")
    error = verger("pca", tmp_path / "f.parquet", "--out", tmp_path / "out", code=1)["error"]
    assert "33" in error["message"] and "17" in error["message"]
    assert said in error["message"].lower()
    # What failed has left no PCA that could be taken for one.
    assert not list((tmp_path / "out").glob("pca/*"))
    assert not (tmp_path / "out" / "_SUCCESS").exists()
