"""Parquet files, which Polars reads and writes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from riacho.errors import RiachoError
from riacho.formats.fields import Field


class ParquetFiles:
    """A file's columns by name, as these types."""

    def __init__(self, columns: Sequence[Field]) -> None:
        self._types = {item.name: item.type.polars() for item in columns}

    def read(self, path: Path, columns: Sequence[str]) -> pl.DataFrame:
        """These columns of a file. Raises `RiachoError` where it does not have them."""
        try:
            frame = pl.read_parquet(path, columns=list(columns))
            return frame.select(pl.col(name).cast(self._types[name]) for name in columns)
        except pl.exceptions.PolarsError as error:
            raise RiachoError(str(error)) from error

    def write(self, frame: pl.DataFrame) -> bytes:
        """A file of these rows."""
        encoded = io.BytesIO()
        frame.write_parquet(encoded)
        return encoded.getvalue()
