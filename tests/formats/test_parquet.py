"""Parquet files, read by Polars and by pyarrow alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riacho.errors import RiachoError
from riacho.formats import parquet
from riacho.formats.fields import Field, FieldType, Kind

BIGINT = FieldType(Kind.INTEGER, "BIGINT", bits=64)
STRING = FieldType(Kind.STRING, "STRING")
TIMESTAMP = FieldType(Kind.TIMESTAMP, "TIMESTAMP(3)", precision=3)


def row(**fields: FieldType) -> FieldType:
    return FieldType(Kind.ROW, "ROW", children=tuple(Field(name, kind) for name, kind in fields.items()))


WHOLE = {
    "n": BIGINT,
    "r": row(x=BIGINT, y=STRING, inner=row(t=TIMESTAMP, z=STRING)),
    "s": STRING,
    "l": FieldType(Kind.ARRAY, "ARRAY<BIGINT>", children=(Field("item", BIGINT),)),
}
NARROW = {"r": row(y=STRING, inner=row(t=TIMESTAMP)), "l": WHOLE["l"]}

VALUES = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.integers(-9, 9),
            "r": st.none()
            | st.fixed_dictionaries(
                {
                    "x": st.none() | st.integers(-9, 9),
                    "y": st.none() | st.sampled_from(["", "a", "a text that no view holds"]),
                    "inner": st.none()
                    | st.fixed_dictionaries({"t": st.none() | st.datetimes(), "z": st.none() | st.text(max_size=3)}),
                }
            ),
            "s": st.none() | st.text(max_size=3),
            "l": st.none() | st.lists(st.none() | st.integers(0, 9), max_size=3),
        }
    ),
    max_size=20,
)


def fields(types: dict[str, FieldType]) -> list[Field]:
    return [Field(name, kind) for name, kind in types.items()]


@pytest.fixture(params=["polars", "pyarrow"], autouse=True)
def _reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "PIECE_ROWS", 4)
    if request.param == "polars":
        monkeypatch.setattr(parquet, "_pyarrow", lambda: None)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES, st.sampled_from([WHOLE, NARROW]), st.data())
def test_a_file_is_read_in_pieces_from_any_row_on(
    tmp_path: Path, values: list[dict[str, Any]], wanted: dict[str, FieldType], data: st.DataObject
) -> None:
    schema = {name: kind.polars() for name, kind in WHOLE.items()}
    frame = pl.DataFrame(values, schema=schema)
    frame.write_parquet(tmp_path / "file", row_group_size=data.draw(st.integers(1, 9)))
    first = data.draw(st.integers(0, frame.height))
    pieces = list(parquet.ParquetFiles(fields(wanted)).read(tmp_path / "file", list(wanted), first))
    assert all(0 < piece.height <= 4 for piece in pieces)
    expected = frame.select(pl.col(name).cast(kind.polars()) for name, kind in wanted.items())[first:]
    assert pl.concat([expected.clear(), *pieces]).equals(expected)


def test_rows_of_which_no_column_is_read_are_counted(tmp_path: Path) -> None:
    pl.DataFrame({"n": range(10)}).write_parquet(tmp_path / "file", row_group_size=3)
    pieces = parquet.ParquetFiles(fields({"n": BIGINT})).read(tmp_path / "file", [], 1)
    assert sum(piece.height for piece in pieces) == 9


@pytest.mark.parametrize("content", [b"", b"no Parquet, however long it is"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(RiachoError):
        list(parquet.ParquetFiles(fields({"n": BIGINT})).read(tmp_path / "file", ["n"], 0))


def test_a_file_without_a_column_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"m": [1]}).write_parquet(tmp_path / "file")
    with pytest.raises(RiachoError, match="n"):
        list(parquet.ParquetFiles(fields({"n": BIGINT})).read(tmp_path / "file", ["n"], 0))
