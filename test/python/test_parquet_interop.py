"""Verger's Parquet against pyarrow, pandas, DuckDB and Polars, both ways. Numbers are compared, not only schemas."""

import base64
import datetime
import itertools
import json
import math
import shutil
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[2]
DUMP = ROOT / "test" / "support" / "parquet-dump.mjs"
ROWS = 2501
WIDTH = 37


def dump(*arguments):
    command = ["node", str(DUMP), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def read_features(source):
    """paths, labels and a rows x dimension array, as openFeatures gives them."""
    document = dump("read", source)
    assert "error" not in document, document
    raw = b"".join(base64.b64decode(block) for block in document["features"])
    values = np.frombuffer(raw, np.float32).reshape(document["rows"], document["dimension"])
    return document["paths"], document["labels"], values


# --- What Verger writes ----------------------------------------------------------------------------------------------


def ours():
    rng = np.random.default_rng(20)
    validity = (np.arange(ROWS) % 3 != 1).astype(int)
    lengths = np.arange(ROWS) % 4
    return {
        "path": [f"Training/Pêche {row % 7}/{row}_100.jpg" for row in range(ROWS)],
        "label": [None if row % 11 == 0 else f"label {row // 400}" for row in range(ROWS)],
        "width": rng.integers(-(2**31), 2**31, ROWS).tolist(),
        "size": rng.integers(-(2**63), 2**63, ROWS, endpoint=False).tolist(),
        "mtime": (1_700_000_000_000_000 + rng.integers(0, 10**15, ROWS)).tolist(),
        "validity": validity.tolist(),
        "ratio": rng.standard_normal(ROWS).tolist(),
        "flag": rng.integers(0, 2, ROWS).tolist(),
        "features": rng.standard_normal((ROWS, WIDTH)).astype(np.float32),
        "offsets": np.concatenate([[0], np.cumsum(lengths)]).tolist(),
        "ragged": rng.standard_normal(int(lengths.sum())).astype(np.float32),
    }


@pytest.fixture(scope="module", params=["zstd", "none", "snappy"])
def written(request, tmp_path_factory):
    data = ours()
    folder = tmp_path_factory.mktemp("ours")
    columns = [
        {"name": "path", "type": "string", "values": data["path"]},
        {"name": "label", "type": "string", "nullable": True, "values": data["label"]},
        {"name": "width", "type": "int32", "values": data["width"]},
        {"name": "size", "type": "int64", "values": [str(value) for value in data["size"]]},
        {
            "name": "mtime",
            "type": "timestamp",
            "nullable": True,
            "values": [str(value) for value in data["mtime"]],
            "validity": data["validity"],
        },
        {
            "name": "captured_at",
            "type": "local-timestamp",
            "nullable": True,
            "values": [str(value) for value in data["mtime"]],
            "validity": data["validity"],
        },
        {"name": "ratio", "type": "float64", "values": data["ratio"]},
        {"name": "flag", "type": "boolean", "values": data["flag"]},
        {"name": "features", "type": "list<float32>", "values": data["features"].ravel().tolist(), "width": WIDTH},
        {"name": "ragged", "type": "list<float32>", "values": data["ragged"].tolist(), "offsets": data["offsets"]},
    ]
    options = {"compression": request.param, "rowGroupRows": 1000, "metadata": {"clé": "valeur"}}
    spec = folder / "columns.json"
    spec.write_text(json.dumps({"rows": ROWS, "columns": columns, "options": options}))
    out = folder / "part-00000.parquet"
    result = dump("write", spec, out)
    if result.get("error") == "parquet/unsupported" and request.param == "snappy":
        pytest.skip("this build has no snappy")
    assert result == {"bytes": out.stat().st_size}
    return data, out


def expected_times(data):
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return [
        epoch + datetime.timedelta(microseconds=value) if valid else None
        for value, valid in zip(data["mtime"], data["validity"], strict=True)
    ]


def expected_local_times(data):
    """Of a clock without a time zone: the same numbers, naive."""
    return [time and time.replace(tzinfo=None) for time in expected_times(data)]


def expected_ragged(data):
    return [data["ragged"][a:b].tolist() for a, b in itertools.pairwise(data["offsets"])]


def test_pyarrow_reads_ours(written):
    data, file = written
    parquet = pq.ParquetFile(file)
    assert parquet.metadata.num_row_groups == 3
    assert parquet.metadata.created_by == "verger (format 1)"
    assert parquet.metadata.metadata == {"clé".encode(): b"valeur"}
    table = parquet.read()
    table.validate(full=True)
    assert table.schema.field("path").type == pa.string()
    assert not table.schema.field("path").nullable
    assert table.schema.field("label").nullable
    assert table.schema.field("mtime").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("features").type.value_type == pa.float32()
    for name in ("path", "label", "width", "size", "ratio"):
        assert table[name].to_pylist() == data[name], name
    assert table["flag"].to_pylist() == [bool(value) for value in data["flag"]]
    assert table["mtime"].to_pylist() == expected_times(data)
    assert table.schema.field("captured_at").type == pa.timestamp("us")
    assert table["captured_at"].to_pylist() == expected_local_times(data)
    assert table["ragged"].to_pylist() == expected_ragged(data)
    features = table["features"].combine_chunks().flatten().to_numpy().reshape(ROWS, WIDTH)
    assert np.array_equal(features, data["features"])


def test_statistics_are_the_columns_own(written):
    data, file = written
    metadata = pq.ParquetFile(file).metadata
    names = [metadata.row_group(0).column(i).path_in_schema for i in range(metadata.num_columns)]
    for group in range(metadata.num_row_groups):
        rows = slice(group * 1000, min(group * 1000 + 1000, ROWS))
        for name in ("path", "label", "width", "size", "ratio"):
            statistics = metadata.row_group(group).column(names.index(name)).statistics
            present = [value for value in data[name][rows] if value is not None]
            assert statistics.min == min(present), name
            assert statistics.max == max(present), name
            assert statistics.null_count == len(data[name][rows]) - len(present), name
        mtime = metadata.row_group(group).column(names.index("mtime")).statistics
        assert mtime.null_count == data["validity"][rows].count(0)


def test_pandas_reads_ours(written):
    data, file = written
    frame = pd.read_parquet(file)
    assert frame["path"].tolist() == data["path"]
    assert [None if pd.isna(label) else label for label in frame["label"]] == data["label"]
    assert frame["width"].tolist() == data["width"]
    assert frame["size"].tolist() == data["size"]
    assert str(frame["captured_at"].dtype) == "datetime64[us]"
    assert [None if pd.isna(t) else t.to_pydatetime() for t in frame["captured_at"]] == expected_local_times(data)
    assert np.array_equal(np.stack(frame["features"].to_numpy()), data["features"])


def test_duckdb_reads_ours(written):
    data, file = written
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(
            f"SELECT path, label, width, size, epoch_us(mtime), captured_at, ratio, features, ragged FROM '{file}'"
        ).fetchall()
        path, label, width, size, mtime, captured, ratio, features, ragged = map(list, zip(*rows, strict=True))
        assert captured == expected_local_times(data)
        assert connection.execute(f"SELECT any_value(typeof(captured_at)) FROM '{file}'").fetchone() == ("TIMESTAMP",)
        assert (path, label, width, size, ratio) == tuple(data[n] for n in ("path", "label", "width", "size", "ratio"))
        assert mtime == [m if v else None for m, v in zip(data["mtime"], data["validity"], strict=True)]
        assert np.array_equal(np.array(features, np.float32), data["features"])
        assert [list(map(np.float32, row)) for row in ragged] == expected_ragged(data)
        # Filters go through the statistics of row groups.
        target = data["label"][2000]
        count = connection.execute(f"SELECT count(*) FROM '{file}' WHERE label = '{target}'").fetchone()
        assert count == (data["label"].count(target),)
        where = connection.execute(f"SELECT path FROM '{file}' WHERE width = {data['width'][1700]}").fetchall()
        assert (data["path"][1700],) in where


def test_polars_reads_ours(written):
    data, file = written
    frame = pl.read_parquet(file)
    assert frame.schema["features"] == pl.List(pl.Float32)
    assert frame.schema["mtime"] == pl.Datetime("us", "UTC")
    for name in ("path", "label", "width", "size", "ratio"):
        assert frame[name].to_list() == data[name], name
    assert frame["mtime"].to_list() == expected_times(data)
    assert frame.schema["captured_at"] == pl.Datetime("us")
    assert frame["captured_at"].to_list() == expected_local_times(data)
    assert np.array_equal(np.array(frame["features"].to_list(), np.float32), data["features"])
    assert frame["ragged"].to_list() == expected_ragged(data)
    label = data["label"][2000]
    lazy = pl.scan_parquet(file).filter(pl.col("label") == label).select("path").collect()
    assert lazy["path"].to_list() == [p for p, l in zip(data["path"], data["label"], strict=True) if l == label]


def test_values_of_no_size_and_no_rows(tmp_path):
    spec = tmp_path / "columns.json"
    out = tmp_path / "empty.parquet"
    columns = [
        {"name": "path", "type": "string", "values": []},
        {"name": "features", "type": "list<float32>", "values": [], "width": 4},
    ]
    spec.write_text(json.dumps({"rows": 0, "columns": columns, "options": {}}))
    dump("write", spec, out)
    assert pq.read_table(out).num_rows == 0
    assert pl.read_parquet(out).height == 0
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT count(*) FROM '{out}'").fetchone() == (0,)


# --- What others write -----------------------------------------------------------------------------------------------

FOREIGN_ROWS = 1500
FOREIGN_WIDTH = 24
# A few distinct values, so that dictionaries are kept; exact in float32.
FOREIGN = (np.arange(FOREIGN_ROWS * FOREIGN_WIDTH).reshape(FOREIGN_ROWS, FOREIGN_WIDTH) * 7 % 64 / 8 - 3).astype(np.float64)
PATHS = [f"dossier é/{row}.png" for row in range(FOREIGN_ROWS)]
LABELS = [None if row % 13 == 5 else f"variety {row % 9}" for row in range(FOREIGN_ROWS)]


def list_array(kind, element):
    flat = pa.array(FOREIGN.ravel(), pa.float64()).cast(element)
    if kind == "fixed_size_list":
        return pa.FixedSizeListArray.from_arrays(flat, FOREIGN_WIDTH)
    offsets = np.arange(FOREIGN_ROWS + 1) * FOREIGN_WIDTH
    if kind == "large_list":
        return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), flat)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat)


def foreign_table(kind="list", element=None):
    return pa.table({"path": PATHS, "label": LABELS, "features": list_array(kind, element or pa.float32())})


def check(source, values=FOREIGN, paths=PATHS, labels=LABELS):
    got_paths, got_labels, got = read_features(source)
    assert got_paths == list(paths)
    assert got_labels == list(labels)
    assert np.array_equal(got, np.asarray(values, np.float32))


# brotli and lz4 are left to the general reader; the rest is read natively.
@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("kind", ["list", "large_list", "fixed_size_list"])
def test_codecs_and_list_types(tmp_path, codec, kind):
    for element, page, dictionary in itertools.product((pa.float32(), pa.float64()), ("1.0", "2.0"), (True, False)):
        file = tmp_path / f"{element}-{page}-{dictionary}.parquet"
        pq.write_table(
            foreign_table(kind, element),
            file,
            compression=codec,
            data_page_version=page,
            use_dictionary=dictionary,
            row_group_size=700,
            data_page_size=4096,
        )
    # One folder: 8 files of equal rows, in name order.
    check(tmp_path, np.tile(FOREIGN, (8, 1)), PATHS * 8, LABELS * 8)


@pytest.mark.parametrize("element", [pa.float32(), pa.float64()])
def test_byte_stream_split(tmp_path, element):
    encoding = {"path": "PLAIN", "label": "PLAIN", "features.list.element": "BYTE_STREAM_SPLIT"}
    file = tmp_path / "split.parquet"
    pq.write_table(foreign_table("list", element), file, use_dictionary=False, column_encoding=encoding)
    check(file)


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_encodings_of_the_general_reader(tmp_path, encoding):
    file = tmp_path / "delta.parquet"
    chosen = {"path": encoding, "label": encoding, "features.list.element": "PLAIN"}
    pq.write_table(foreign_table(), file, use_dictionary=False, column_encoding=chosen, row_group_size=400)
    check(file)


def test_two_level_lists_and_older_writers(tmp_path):
    file = tmp_path / "old.parquet"
    pq.write_table(foreign_table(), file, version="1.0", use_compliant_nested_type=False, store_schema=False)
    check(file)


def test_dictionary_strings_and_large_strings(tmp_path):
    table = pa.table(
        {
            "features": list_array("list", pa.float32()),
            "label": pa.array(LABELS).dictionary_encode(),
            "path": pa.array(PATHS, pa.large_string()),
            "extra": pa.array([[["nested"]]] * FOREIGN_ROWS),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    check(tmp_path / "a.parquet")


def test_pandas_polars_and_duckdb_writers(tmp_path):
    frame = pd.DataFrame({"path": PATHS, "label": LABELS, "features": list(FOREIGN.astype(np.float32))})
    frame.to_parquet(tmp_path / "pandas.parquet")
    check(tmp_path / "pandas.parquet")
    polars = pl.DataFrame({"path": PATHS, "label": LABELS, "features": FOREIGN.tolist()})
    polars.write_parquet(tmp_path / "polars.parquet")
    check(tmp_path / "polars.parquet")
    as_array = polars.with_columns(pl.col("features").cast(pl.Array(pl.Float32, FOREIGN_WIDTH)))
    as_array.write_parquet(tmp_path / "array.parquet", row_group_size=311)
    check(tmp_path / "array.parquet")
    with duckdb.connect() as connection:
        source = connection.from_arrow(polars.to_arrow())
        for version, codec in itertools.product(("V1", "V2"), ("snappy", "zstd")):
            file = tmp_path / f"duckdb-{version}-{codec}.parquet"
            connection.execute(
                f"COPY (SELECT * FROM source) TO '{file}' (FORMAT parquet, PARQUET_VERSION {version}, CODEC {codec})"
            )
            check(file)
        assert source is not None


def test_one_row_group_larger_than_a_block(tmp_path):
    rows = 30_000
    values = np.arange(rows * 8, dtype=np.float32).reshape(rows, 8)
    features = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 8)
    paths = [str(row) for row in range(rows)]
    pq.write_table(pa.table({"path": paths, "features": features}), tmp_path / "big.parquet", row_group_size=rows)
    check(tmp_path / "big.parquet", values, paths, [None] * rows)


def test_integers_as_labels(tmp_path):
    labels = [None if row % 5 == 0 else row % 131 for row in range(FOREIGN_ROWS)]
    for kind in (pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.int64()):
        file = tmp_path / f"{kind}.parquet"
        fitting = [None if label is None else label % 100 for label in labels]
        table = pa.table(
            {"path": PATHS, "label": pa.array(fitting, kind), "features": list_array("list", pa.float32())}
        )
        pq.write_table(table, file)
        check(file, labels=[None if label is None else str(label) for label in fitting])


@pytest.mark.parametrize("codec", ["snappy", "brotli"])
@pytest.mark.parametrize("fault", ["null row", "null element", "ragged", "empty"])
def test_rows_that_do_not_fit_are_named(tmp_path, fault, codec):
    rows = [[1.0, 2.0]] * 50
    rows[41] = {"null row": None, "null element": [1.0, None], "ragged": [1.0, 2.0, 3.0], "empty": []}[fault]
    table = pa.table({"path": [str(i) for i in range(50)], "features": pa.array(rows, pa.list_(pa.float32()))})
    file = tmp_path / "faulty.parquet"
    pq.write_table(table, file, row_group_size=17, compression=codec)
    answer = dump("read", file)
    assert answer["error"] == ("features/null" if "null" in fault else "features/ragged")
    assert f"row 42 of {file}" in answer["message"]


def test_shapes_that_are_refused_name_the_columns(tmp_path):
    wrong = {
        "text": pa.array(["a"]),
        "number": pa.array([1.0]),
        "nested": pa.array([[[1.0]]]),
        "half": pa.array([[np.float16(1)]], pa.list_(pa.float16())),
        "integers": pa.array([[1]]),
    }
    for name, features in wrong.items():
        file = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"path": ["a"], "features": features, "other": [1]}), file)
        answer = dump("read", file)
        assert answer["error"] == "features/columns", name
        assert "path (string)" in answer["message"] and "other (int64)" in answer["message"], answer


def test_not_a_number_passes_through(tmp_path):
    table = pa.table({"path": ["a", "b"], "features": [[1.0, math.nan], [math.inf, -0.0]]})
    pq.write_table(table, tmp_path / "nan.parquet")
    _, _, values = read_features(tmp_path / "nan.parquet")
    assert np.array_equal(values, np.array([[1, np.nan], [np.inf, -0.0]], np.float32), equal_nan=True)
    assert np.signbit(values[1, 1])


def test_damaged_files_end_in_an_error_with_a_code(tmp_path):
    """Every byte of a small file, one after another; the fuzzer goes further, this goes through the whole stack."""
    good = tmp_path / "good.parquet"
    small = pa.table({"path": ["a", "b"], "features": pa.array([[1.0], [2.0]], pa.list_(pa.float32()))})
    pq.write_table(small, good, compression="none", store_schema=False)
    content = good.read_bytes()
    folder = tmp_path / "bad"
    for at in range(4, len(content), 53):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        damaged = bytearray(content)
        damaged[at] ^= 0xFF
        (folder / "bad.parquet").write_bytes(damaged)
        answer = dump("read", folder)
        if "error" in answer:
            area = answer["error"].split("/")[0]
            assert area in ("parquet", "features", "storage"), answer
