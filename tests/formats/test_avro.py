"""Avro: bytes as Avro's specification has them, read back as they were written; what is none is bad."""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone

from __future__ import annotations

import datetime
import io
import re
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from riacho.errors import RiachoError
from riacho.formats.avro import AvroFiles, open_avro_files
from riacho.formats.decoding import Spans
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.options import OptionError, Options
from riacho.formats.registry import open_format

TINYINT = FieldType(Kind.INTEGER, "TINYINT", bits=8)
INT = FieldType(Kind.INTEGER, "INT", bits=32)
BIGINT = FieldType(Kind.INTEGER, "BIGINT", bits=64)
FLOAT = FieldType(Kind.FLOAT, "FLOAT", bits=32)
DOUBLE = FieldType(Kind.FLOAT, "DOUBLE", bits=64)
BOOLEAN = FieldType(Kind.BOOLEAN, "BOOLEAN")
STRING = FieldType(Kind.STRING, "STRING")
BYTES = FieldType(Kind.BYTES, "BYTES")
DATE = FieldType(Kind.DATE, "DATE")
TIME = FieldType(Kind.TIME, "TIME(3)", precision=3)
TIMESTAMP = FieldType(Kind.TIMESTAMP, "TIMESTAMP(3)", precision=3)
MICROS = FieldType(Kind.TIMESTAMP, "TIMESTAMP(6)", precision=6)
INSTANT = FieldType(Kind.TIMESTAMP_LTZ, "TIMESTAMP_LTZ(3)", precision=3)
AMOUNT = FieldType(Kind.DECIMAL, "DECIMAL(10, 2)", precision=10, scale=2)
NESTED = FieldType(Kind.ROW, "ROW<x …, t …>", children=(Field("x", AMOUNT), Field("t", TIMESTAMP)))
ROWS = FieldType(Kind.ARRAY, "ARRAY<ROW<…>>", children=(Field("item", NESTED),))
MAP = FieldType(Kind.MAP, "MAP<STRING, INT>", children=(Field("key", STRING), Field("value", INT)))
REQUIRED = replace(BIGINT, nullable=False)


def opened(fields: list[Field], **options: str) -> Any:
    named = {f"avro.{key.replace('__', '.')}": value for key, value in options.items()}
    return open_format("avro", fields, Options("table t", named))


def columns(*types: FieldType) -> list[Field]:
    return [Field(f"c{place}", kind) for place, kind in enumerate(types)]


def frame(fields: list[Field], *rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={item.name: item.type.polars() for item in fields}, orient="row")


def written(fields: list[Field], *rows: tuple[Any, ...], **options: str) -> list[bytes | None]:
    spans = opened(fields, **options).encoder().encode(frame(fields, *rows))
    return [spans[row] for row in range(len(spans))]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (REQUIRED, -65, b"\x81\x01"),
        (BIGINT, None, b"\x00"),
        (BIGINT, 1, b"\x02\x02"),
        (TINYINT, -1, b"\x02\x01"),
        (BOOLEAN, True, b"\x02\x01"),
        (FLOAT, 1.5, b"\x02\x00\x00\xc0\x3f"),
        (STRING, "é", b"\x02\x04\xc3\xa9"),
        (BYTES, b"\x00\x01", b"\x02\x04\x00\x01"),
        (DATE, datetime.date(1969, 12, 30), b"\x02\x03"),
        (TIME, datetime.time(0, 0, 1), b"\x02\xd0\x0f"),
        (TIMESTAMP, datetime.datetime(1970, 1, 1, 0, 0, 0, 1000), b"\x02\x02"),
        (TIMESTAMP, datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999), b"\x02\x01"),
        (AMOUNT, Decimal("1.27"), b"\x02\x02\x7f"),
        (AMOUNT, Decimal("1.28"), b"\x02\x04\x00\x80"),
        (AMOUNT, Decimal("-1.28"), b"\x02\x02\x80"),
        (AMOUNT, Decimal("0.00"), b"\x02\x02\x00"),
        (MAP, [{"key": "a", "value": 1}, {"key": "b", "value": None}], b"\x02\x04\x02a\x02\x02\x02b\x00\x00"),
        (ROWS, [{"x": Decimal("0.01"), "t": None}, None], b"\x02\x04\x02\x02\x02\x01\x00\x00\x00"),
    ],
)
def test_a_value_is_written_as_the_specification_says(kind: FieldType, value: Any, expected: bytes) -> None:
    assert written(columns(kind), (value,)) == [expected]


ALL = columns(
    *(REQUIRED, TINYINT, INT, BIGINT, FLOAT, DOUBLE, BOOLEAN, STRING),
    *(BYTES, DATE, TIME, TIMESTAMP, AMOUNT, NESTED, ROWS, MAP),
)
_MILLIS = st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
_AMOUNTS = st.decimals(Decimal("-99999999.99"), Decimal("99999999.99"), places=2)
_NESTED = st.fixed_dictionaries({"x": st.none() | _AMOUNTS, "t": st.none() | _MILLIS})
ALL_VALUES = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    *(
        st.none() | values
        for values in (
            st.integers(-128, 127),
            st.integers(-(2**31), 2**31 - 1),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(width=32, allow_nan=False),
            st.floats(),
            st.booleans(),
            st.text(st.characters(codec="utf-8"), max_size=20),
            st.binary(max_size=20),
            st.dates(),
            _MILLIS.map(lambda time: time.time()),
            _MILLIS,
            _AMOUNTS,
            _NESTED,
            st.lists(st.none() | _NESTED, max_size=3),
            st.dictionaries(st.text("abc", max_size=2), st.none() | st.integers(-9, 9), max_size=3).map(
                lambda given: [{"key": key, "value": value} for key, value in sorted(given.items())]
            ),
        )
    ),
)


@pytest.mark.parametrize("encoding", ["binary", "json"])
@given(rows=st.lists(ALL_VALUES, max_size=5))
@settings(max_examples=25, deadline=None)
def test_what_is_written_reads_back(encoding: str, rows: list[tuple[Any, ...]]) -> None:
    avro = opened(ALL, encoding=encoding)
    given_frame = frame(ALL, *rows)
    names = [item.name for item in ALL]

    decoded = avro.decoder(names).decode(avro.encoder().encode(given_frame))

    assert decoded.bad == ()
    assert_frame_equal(decoded.frame, given_frame)


def read(files: AvroFiles, path: Path, columns: list[str]) -> pl.DataFrame:
    (piece,) = files.read(path, columns, 0)
    return piece


@given(rows=st.lists(ALL_VALUES, max_size=5), codec=st.sampled_from(["null", "deflate", "snappy", "bzip2", "xz"]))
@settings(max_examples=10, deadline=None)
def test_files_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]], codec: str) -> None:
    path = tmp_path_factory.mktemp("avro") / "part"
    files = open_avro_files(tuple(ALL), Options("table t", {"codec": codec}))
    given_frame = frame(ALL, *rows)
    path.write_bytes(files.write(given_frame))
    assert_frame_equal(read(files, path, [item.name for item in ALL]), given_frame)
    assert read(files, path, ["c3", "c0"]).columns == ["c3", "c0"]


def test_a_file_of_others_gives_the_columns_that_it_has(tmp_path: Path) -> None:
    schema = fastavro.parse_schema(
        {
            "type": "record",
            "name": "theirs",
            "fields": [
                {"name": "other", "type": {"type": "enum", "name": "e", "symbols": ["A", "B"]}},
                {"name": "c1", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            ],
        }
    )
    path = tmp_path / "file"
    with path.open("wb") as file:
        fastavro.writer(file, schema, [{"other": "B", "c1": 1}])
    files = open_avro_files(tuple(columns(BIGINT, TIMESTAMP)), Options("table t", {}))
    assert read(files, path, ["c0", "c1"]).rows() == [(None, datetime.datetime(1970, 1, 1, 0, 0, 0, 1000))]
    path.write_bytes(b"Obj?")
    with pytest.raises(RiachoError, match="no Avro file"):
        read(files, path, ["c0"])


def test_only_what_is_asked_for_is_given_and_records_without_a_value_are_no_rows() -> None:
    fields = columns(REQUIRED, STRING)
    records = written(fields, (1, "a"), (2, None))
    decoded = opened(fields).decoder(["c1"]).decode(Spans.of([records[0], None, records[1]]))
    assert decoded.frame.rows() == [("a",), (None,)]
    assert decoded.record.tolist() == [0, 2]


@pytest.mark.parametrize("encoding", ["binary", "json"])
@pytest.mark.parametrize("data", [b"", b"\xff" * 20, b"\x02\x06ab", b"\x02\x03", b"[1]", b'{"c0": 1}'])
def test_what_is_no_record_is_bad(encoding: str, data: bytes) -> None:
    fields = columns(replace(STRING, nullable=False), STRING)
    decoded = opened(fields, encoding=encoding).decoder(["c0"]).decode(Spans.of([data]))
    assert decoded.frame.height == 0
    assert [item.record for item in decoded.bad] == [0]


@given(data=st.binary(max_size=60), encoding=st.sampled_from(["binary", "json"]))
@settings(max_examples=100, deadline=None)
def test_no_bytes_raise(data: bytes, encoding: str) -> None:
    decoded = opened(ALL, encoding=encoding).decoder([item.name for item in ALL]).decode(Spans.of([data]))
    assert len(decoded.bad) + decoded.frame.height == 1


def test_json_is_as_avro_writes_it() -> None:
    assert written(columns(REQUIRED, STRING, BYTES), (1, "é", b"\xff"), encoding="json") == [
        '{"c0":1,"c1":{"string":"é"},"c2":{"bytes":"ÿ"}}'.encode()
    ]


WIDE = FieldType(Kind.DECIMAL, "DECIMAL(38, 10)", precision=38, scale=10)
DEEP = FieldType(Kind.ROW, "ROW<deep DOUBLE>", children=(Field("deep", DOUBLE),))
EVERY = [
    *(Field("id", REQUIRED), Field("b", BOOLEAN), Field("ti", TINYINT), Field("i", INT), Field("f", FLOAT)),
    *(Field("d", DOUBLE), Field("de", AMOUNT), Field("wide", WIDE), Field("s", STRING), Field("bin", BYTES)),
    *(Field("da", DATE), Field("t", TIME), Field("ts", TIMESTAMP)),
    Field("a", FieldType(Kind.ARRAY, "ARRAY<INT>", children=(Field("item", INT),))),
    Field("m", MAP),
    Field("r", FieldType(Kind.ROW, "ROW<…>", children=(Field("x", INT), Field("y", STRING), Field("z", DEEP)))),
]
WRITTEN_BY_FLINK = {
    "binary": "020201020902dfc508020000c03f0200000000000002c00204fb2e021a018ee90ff6c373e0ef2eaefa00020ec3a9207465787402"
    "0600ff10020102a6e2b25202f6d9e2cbbe6302060202000205000202026b020e000202020202790202000000000000e03f",
    "json": (
        '{"id":1,"b":{"boolean":true},"ti":{"int":-5},"i":{"int":-70000},"f":{"float":1.5},"d":{"double":-2.25},'
        '"de":{"bytes":"\u00fb."},"wide":{"bytes":"\\u0001\u008e\u00e9\\u000F\u00f6\u00c3s\u00e0\u00ef.\u00ae\u00fa\\u0000"},'
        '"s":{"string":"\u00e9 text"},"bin":{"bytes":"\\u0000\u00ff\\u0010"},"da":{"int":-1},"t":{"int":86399123},'
        '"ts":{"long":1709208000123},"a":{"array":[{"int":1},null,{"int":-3}]},"m":{"map":{"k":{"int":7}}},'
        '"r":{"org.apache.flink.avro.generated.record_r":{"x":{"int":1},"y":{"string":"y"},'
        '"z":{"org.apache.flink.avro.generated.record_r_z":{"deep":{"double":0.5}}}}}}'
    )
    .encode()
    .hex(),
}
"""What Flink's format writes of the row below."""


@pytest.mark.parametrize("encoding", ["binary", "json"])
def test_a_row_of_every_type_has_the_bytes_that_flink_writes(encoding: str) -> None:
    row = (
        *(1, True, -5, -70000, 1.5, -2.25, Decimal("-12.34"), Decimal("12345678901234567890.5"), "é text"),
        *(b"\x00\xff\x10", datetime.date(1969, 12, 31), datetime.time(23, 59, 59, 123000)),
        *(datetime.datetime(2024, 2, 29, 12, 0, 0, 123000), [1, None, -3], [{"key": "k", "value": 7}]),
        {"x": 1, "y": "y", "z": {"deep": 0.5}},
    )
    data, theirs = frame(EVERY, row), bytes.fromhex(WRITTEN_BY_FLINK[encoding])
    made = opened(EVERY, encoding=encoding)
    assert bytes(made.encoder().encode(data)[0]) == theirs
    assert_frame_equal(made.decoder([item.name for item in EVERY]).decode(Spans.of([theirs])).frame, data)


def test_a_backslash_in_json_is_no_escape_of_a_code_point() -> None:
    made = opened([Field("s", STRING)], encoding="json")
    (text,) = made.encoder().encode(frame([Field("s", STRING)], ("\\u000f\x0f",)))
    assert text == b'{"s":{"string":"\\\\u000f\\u000F"}}'


def test_the_new_mapping_has_local_times_and_instants() -> None:
    fields = columns(MICROS, INSTANT)
    row = (datetime.datetime(1970, 1, 1, 0, 0, 0, 1), datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC))
    assert written(fields, row, timestamp_mapping__legacy="false") == [b"\x02\x02\x02\x00"]
    files = open_avro_files(tuple(fields), Options("table t", {"timestamp_mapping.legacy": "false"}))
    schema = fastavro.reader(io.BytesIO(files.write(frame(fields, row)))).writer_schema
    assert isinstance(schema, dict)
    meanings = [item["type"][1]["logicalType"] for item in schema["fields"]]
    assert meanings == ["local-timestamp-micros", "timestamp-millis"]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (INSTANT, {}, "set 'avro.timestamp_mapping.legacy' = 'false'"),
        (MICROS, {}, r"up to TIMESTAMP\(3\)"),
        (FieldType(Kind.TIME, "TIME(6)", precision=6), {}, r"TIME\(3\)"),
        (FieldType(Kind.INTEGER, "INTERVAL DAY", bits=64), {}, "no intervals"),
        (FieldType(Kind.MAP, "MAP<INT, INT>", children=(Field("key", INT), Field("value", INT))), {}, "keys"),
        (INT, {"codec": "snappy"}, "for files"),
        (INT, {"encoding": "text"}, "'binary' or 'json'"),
    ],
)
def test_what_avro_does_not_hold_is_refused(kind: FieldType, options: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        opened(columns(kind), **options)
    assert re.search(message, str(caught.value))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastavro", None)
    with pytest.raises(OptionError) as caught:
        opened(columns(INT))
    assert "riacho[avro]" in str(caught.value)


def test_formats_that_need_a_registry_are_refused_by_name() -> None:
    with pytest.raises(OptionError, match="there is no schema registry"):
        open_format("avro-confluent", columns(INT), Options("table t", {}))
