"""Writes test/integration/data/spark: small features files as Spark itself writes them.

Run once, by hand, with pyspark 3.5.6, numpy 2.x and Java 17; the result is committed. The values follow from the row
number alone (see `value`), so the tests recompute them.
"""

import shutil
import sys
from pathlib import Path

from pyspark.ml.linalg import DenseVector, SparseVector, VectorUDT
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, FloatType, StringType, StructField, StructType

ROWS = 60
WIDTH = 16


def value(row: int, column: int) -> float:
    """Exact in float32."""
    return (row * 37 + column * 11) % 256 / 16 - 4


def label(row: int):
    return None if row % 10 == 9 else ["Apple: Red", "Pêche", "Banana"][row % 3]


def main(out: Path) -> None:
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    shutil.rmtree(out, ignore_errors=True)
    paths = [f"Training/fruit {row:03d}.jpg" for row in range(ROWS)]
    floats = [[value(row, column) for column in range(WIDTH)] for row in range(ROWS)]

    arrays = StructType(
        [
            StructField("path", StringType()),
            StructField("label", StringType()),
            StructField("features", ArrayType(FloatType())),
        ]
    )
    rows = [(paths[row], label(row), floats[row]) for row in range(ROWS)]
    frame = spark.createDataFrame(rows, arrays)
    for codec in ("snappy", "gzip", "zstd"):
        frame.coalesce(1).write.option("compression", codec).parquet(str(out / f"array-{codec}"))
    frame.repartitionByRange(3, "path").write.parquet(str(out / "array-parts"))
    frame.coalesce(1).write.partitionBy("label").parquet(str(out / "array-by-label"))
    frame.coalesce(1).write.option("parquet.writer.version", "PARQUET_2_0").parquet(str(out / "array-v2"))

    vectors = StructType(
        [
            StructField("path", StringType()),
            StructField("label", StringType()),
            StructField("features", VectorUDT()),
        ]
    )

    def sparse(row: int) -> SparseVector:
        return SparseVector(WIDTH, [(c, floats[row][c]) for c in range(WIDTH) if c % 4 == row % 4])

    dense = [(paths[row], label(row), DenseVector(floats[row])) for row in range(ROWS)]
    mixed = [(paths[row], label(row), sparse(row) if row % 2 else DenseVector(floats[row])) for row in range(ROWS)]
    spark.createDataFrame(dense, vectors).coalesce(1).write.parquet(str(out / "vector-dense"))
    spark.createDataFrame(mixed, vectors).coalesce(1).write.parquet(str(out / "vector-sparse"))
    spark.stop()
    for noise in [*out.rglob("*.crc"), *out.rglob("_SUCCESS")]:
        noise.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
