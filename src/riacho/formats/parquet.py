"""Parquet files, a piece at a time: which Polars reads and writes, and pyarrow reads where it is installed.

Polars decodes a ROW whole. pyarrow decodes only those of its fields that are read, which for the events of a table with
wide ROWs is a tenth of the work.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from types import ModuleType

import polars as pl

from riacho.errors import RiachoError
from riacho.formats.fields import Field, Kind

PIECE_ROWS = 131_072
"""Rows that are decoded at once: what a large pass takes."""


class ParquetFiles:
    """A file's columns by name, as these types."""

    def __init__(self, columns: Sequence[Field]) -> None:
        self._columns = {item.name: item for item in columns}
        self._types = {item.name: item.type.polars() for item in columns}

    def read(self, path: Path, columns: Sequence[str], first: int) -> Iterator[pl.DataFrame]:
        """These columns of a file from row `first` on. Raises `RiachoError` where it does not have them."""
        package = _pyarrow() if columns else None
        if package is None:
            pieces = _polars_pieces(path, columns, first)
        else:
            pieces = _arrow_pieces(package, path, [self._columns[name] for name in columns], first)
        try:
            for piece in pieces:
                yield piece.select(pl.col(name).cast(self._types[name]) for name in columns) if columns else piece
        except (pl.exceptions.PolarsError, ValueError) as error:  # pyarrow's are ValueErrors
            raise RiachoError(str(error)) from error

    def write(self, frame: pl.DataFrame) -> bytes:
        """A file of these rows."""
        encoded = io.BytesIO()
        frame.write_parquet(encoded)
        return encoded.getvalue()


def _polars_pieces(path: Path, columns: Sequence[str], first: int) -> Iterator[pl.DataFrame]:
    scanned = pl.scan_parquet(path, glob=False)
    rows = scanned.select(pl.len()).collect().item()
    for start in range(first, rows, PIECE_ROWS):
        height = min(PIECE_ROWS, rows - start)
        yield scanned.select(columns).slice(start, height).collect() if columns else pl.DataFrame(height=height)


def _arrow_pieces(package: ModuleType, path: Path, columns: Sequence[Field], first: int) -> Iterator[pl.DataFrame]:
    with package.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
        ends = list(accumulate(file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)))
        groups = [number for number, end in enumerate(ends) if end > first]
        left = first - (ends[groups[0] - 1] if groups and groups[0] else 0)
        leaves = [leaf for item in columns for leaf in _leaves(item)]
        for batch in file.iter_batches(PIECE_ROWS, row_groups=groups, columns=leaves, use_threads=False):
            piece = pl.DataFrame(batch)
            if left < piece.height:
                yield piece[left:]
            left = max(left - piece.height, 0)


def _leaves(item: Field) -> list[str]:
    """What is read of a column: the fields of its ROWs, by the paths that Parquet has for them."""
    if item.type.kind is not Kind.ROW:
        return [item.name]
    return [f"{item.name}.{leaf}" for child in item.type.children for leaf in _leaves(child)]


def _pyarrow() -> ModuleType | None:
    """What reads Parquet in pyarrow; None where that is not installed."""
    try:
        return import_module("pyarrow.parquet")
    except ImportError:
        return None
