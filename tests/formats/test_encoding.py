"""JSON, CSV and raw in both directions: what is written is what Flink writes, and it reads back."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.errors import RiachoError
from riacho.formats.arrow import Column
from riacho.formats.buffered import BufferedColumns, gathered
from riacho.formats.csv_decoder import split_lines
from riacho.formats.decoding import Spans
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.options import OptionError, Options
from riacho.formats.registry import open_format

INT = FieldType(Kind.INTEGER, "INT", bits=32)
BIGINT = FieldType(Kind.INTEGER, "BIGINT", bits=64)
DOUBLE = FieldType(Kind.FLOAT, "DOUBLE", bits=64)
STRING = FieldType(Kind.STRING, "STRING")
BYTES = FieldType(Kind.BYTES, "BYTES")
DATE = FieldType(Kind.DATE, "DATE")
TIMESTAMP = FieldType(Kind.TIMESTAMP, "TIMESTAMP(6)", precision=6)
TIMESTAMP_LTZ = FieldType(Kind.TIMESTAMP_LTZ, "TIMESTAMP_LTZ(3)", precision=3)
PRICE = FieldType(Kind.DECIMAL, "DECIMAL(12, 8)", precision=12, scale=8)
AMOUNT = FieldType(Kind.DECIMAL, "DECIMAL(10, 2)", precision=10, scale=2)
ROW = FieldType(Kind.ROW, "ROW<x BIGINT, y STRING>", children=(Field("x", BIGINT), Field("y", STRING)))
LIST = FieldType(Kind.ARRAY, "ARRAY<STRING>", children=(Field("item", STRING),))
MAP = FieldType(Kind.MAP, "MAP<STRING, INT>", children=(Field("key", STRING), Field("value", INT)))


def opened(name: str, fields: list[Field], **options: str) -> Any:
    return open_format(name, fields, Options("table t", {f"{name}.{key}": value for key, value in options.items()}))


def frame(fields: list[Field], *rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={item.name: item.type.polars() for item in fields}, orient="row")


def written(name: str, kind: FieldType, *values: Any, **options: str) -> list[str | None]:
    fields = [Field("v", kind)]
    spans = opened(name, fields, **options).encoder().encode(frame(fields, *((value,) for value in values)))
    return [None if spans[row] is None else (spans[row] or b"").decode() for row in range(len(spans))]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (BIGINT, -(2**63), "-9223372036854775808"),
        (BIGINT, 0, "0"),
        (DOUBLE, 100.0, "100.0"),
        (DOUBLE, 1e7, "1.0E7"),
        (DOUBLE, 0.00012, "1.2E-4"),
        (DOUBLE, -1.7976931348623157e308, "-1.7976931348623157E308"),
        (DOUBLE, float("nan"), '"NaN"'),
        (DOUBLE, float("-inf"), '"-Infinity"'),
        (PRICE, Decimal("0.00000012"), "1.2E-7"),
        (PRICE, Decimal("1.5"), "1.50000000"),
        (STRING, 'a"\\/\n\x01é', '"a\\"\\\\/\\n\\u0001é"'),
        (BYTES, b"hi\xff", '"aGn/"'),
        (DATE, datetime.date(9, 1, 2), '"0009-01-02"'),
        (TIMESTAMP, datetime.datetime.fromisoformat("1969-12-31T23:59:59.000001"), '"1969-12-31 23:59:59.000001"'),
        (TIMESTAMP_LTZ, datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), '"2024-01-01 00:00:00Z"'),
        (ROW, {"x": 1, "y": None}, '{"x":1,"y":null}'),
        (LIST, ["a", None], '["a",null]'),
        (MAP, [{"key": "k", "value": 1}], '{"k":1}'),
        (MAP, None, "null"),
    ],
)
def test_json_values_are_printed_as_flink_prints_them(kind: FieldType, value: Any, text: str) -> None:
    assert written("json", kind, value) == [f'{{"v":{text}}}']


INTEGERS = {"c": (np.int8, 8), "s": (np.int16, 16), "i": (np.int32, 32), "l": (np.int64, 64)}


@given(st.data())
def test_integers_from_kernels_are_written_as_those_of_frames_are(data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.sampled_from(sorted(INTEGERS)), min_size=1, max_size=4))
    height = data.draw(st.integers(1, 8))
    names = tuple(f"field {place}" for place in range(len(codes)))
    columns = []
    for code in codes:
        kind, bits = INTEGERS[code]
        edge = 2 ** (bits - 1)
        values = data.draw(st.lists(st.integers(-edge, edge - 1), min_size=height, max_size=height))
        valid = data.draw(st.none() | st.lists(st.booleans(), min_size=height, max_size=height))
        columns.append(Column(code, height, (np.array(values, kind),), None if valid is None else np.array(valid)))
    rows = BufferedColumns(names, tuple(columns), height)
    places = np.array(data.draw(st.lists(st.integers(0, height - 1), max_size=height)), np.int64)
    skips = data.draw(st.booleans())
    fields = [
        Field(name, FieldType(Kind.INTEGER, "INT", bits=INTEGERS[code][1]))
        for name, code in zip(names, codes, strict=True)
    ]
    encoder = opened("json", fields, **{"encode.ignore-null-fields": str(skips).lower()}).encoder()
    for some, taken in ((rows, np.arange(height)), (gathered(rows, places), places)):
        expected = [
            {name: value for name, value in row.items() if value is not None or not skips}
            for row in rows.frame[taken].to_dicts()
        ]
        spans = encoder.encode(some)
        assert [spans[row] for row in range(len(spans))] == [
            json.dumps(row, separators=(",", ":")).encode() for row in expected
        ]


def test_json_options_of_writing() -> None:
    fields = [Field("a", INT), Field("b", STRING), Field("c", INT)]
    encoder = opened("json", fields, **{"encode.ignore-null-fields": "true"}).encoder()
    spans = encoder.encode(frame(fields, (None, "x", None), (1, None, 2), (None, None, None)))
    assert [spans[row] for row in range(3)] == [b'{"b":"x"}', b'{"a":1,"c":2}', b"{}"]
    assert written("json", PRICE, Decimal("0.00000012"), **{"encode.decimal-as-plain-number": "true"}) == [
        '{"v":0.00000012}'
    ]
    moment = datetime.datetime.fromisoformat("2024-01-01T00:00")
    assert written("json", TIMESTAMP, moment, **{"timestamp-format.standard": "ISO-8601"}) == [
        '{"v":"2024-01-01T00:00:00"}'
    ]


def test_a_null_key_of_a_map_fails_is_dropped_or_replaced() -> None:
    entries = [{"key": None, "value": 1}, {"key": "k", "value": 2}]
    with pytest.raises(RiachoError, match="null key"):
        written("json", MAP, entries)
    assert written("json", MAP, entries, **{"map-null-key.mode": "drop"}) == ['{"v":{"k":2}}']
    literal = {"map-null-key.mode": "LITERAL", "map-null-key.literal": "none"}
    assert written("json", MAP, entries, **literal) == ['{"v":{"none":1,"k":2}}']


FIELDS = [
    Field("id", BIGINT),
    Field("d", DOUBLE),
    Field("s", STRING),
    Field("b", BYTES),
    Field("ts", TIMESTAMP),
    Field("amount", AMOUNT),
    Field("list", LIST),
    Field("row", ROW),
    Field("map", MAP),
]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
rows = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | texts,
    st.none() | st.binary(max_size=20),
    st.none() | st.datetimes(),
    st.none() | st.decimals(-99_999_999, 99_999_999, places=2),
    st.none() | st.lists(st.none() | texts, max_size=3),
    st.none() | st.fixed_dictionaries({"x": st.none() | st.integers(-5, 5), "y": st.none() | texts}),
    st.none()
    | st.dictionaries(texts, st.none() | st.integers(-5, 5), max_size=3).map(
        lambda found: [{"key": key, "value": value} for key, value in sorted(found.items())]
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, max_size=6))
def test_what_json_writes_it_reads(values: list[tuple[Any, ...]]) -> None:
    made = frame(FIELDS, *values)
    json = opened("json", FIELDS)
    decoded = json.decoder([item.name for item in FIELDS]).decode(json.encoder().encode(made))
    assert not decoded.bad
    assert decoded.frame.equals(made)


csv_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.none() | csv_texts.filter(lambda text: text != "n/a")), max_size=6))
@pytest.mark.parametrize("escape", [None, "\\"])
def test_what_csv_writes_it_reads(escape: str | None, values: list[tuple[Any, ...]]) -> None:
    fields = [Field("id", INT), Field("s", STRING)]
    options = {"null-literal": "n/a"} | ({"escape-character": escape} if escape else {})
    csv = opened("csv", fields, **options)
    made = frame(fields, *values)
    decoded = csv.decoder(["id", "s"]).decode(csv.encoder().encode(made))
    assert not decoded.bad
    assert decoded.frame.equals(made)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (STRING, "plain", "plain"),
        (STRING, "two words", '"two words"'),
        (STRING, 'say "x"', '"say ""x"""'),
        (STRING, "x" * 24, "x" * 24),
        (STRING, "x" * 25, '"' + "x" * 25 + '"'),
        (STRING, "é" * 24, "é" * 24),
        (STRING, "é" * 25, '"' + "é" * 25 + '"'),
        (STRING, "😀" * 12, "😀" * 12),
        (STRING, "😀" * 13, '"' + "😀" * 13 + '"'),  # of two characters each, for Java
        (STRING, 'a text "of some" words, "quoted" in it', '"a text ""of some"" words, ""quoted"" in it"'),
        (AMOUNT, Decimal("100.00"), "1E+2"),
        (AMOUNT, Decimal("1.50"), "1.5"),
        (AMOUNT, Decimal("0.00"), "0"),
        (DOUBLE, float("nan"), "NaN"),
        (TIMESTAMP, datetime.datetime.fromisoformat("2024-01-01T01:02:03.5"), '"2024-01-01 01:02:03.5"'),
        (LIST, ["a", "b"], "a;b"),
        (ROW, {"x": 1, "y": "z"}, "1;z"),
        (STRING, None, ""),
    ],
)
def test_csv_values_are_printed_as_flink_prints_them(kind: FieldType, value: Any, text: str) -> None:
    assert written("csv", kind, value) == [text]


def test_a_csv_escape_stands_before_quotes_and_itself() -> None:
    texts = ("it's a|b, isn't it, and a good deal more", "a|b", "ab")

    lines = written("csv", STRING, *texts, **{"escape-character": "|", "quote-character": "'"})

    assert lines == ["'it|'s a||b, isn|'t it, and a good deal more'", "'a||b'", "ab"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1", "row length mismatch: 2 fields expected, but there are 1"),
        (b"1,2,3", "row length mismatch: 2 fields expected, but there are more"),
        (b'1,"x', "field 2 has no closing quote"),
        (b'1,"x"y', "field 2 goes on after its closing quote"),
        (b"x,y", "field 'id': 'x' is not a INT"),
        (b"1,\xff", "field 2 is not UTF-8"),
    ],
)
def test_a_bad_csv_line_is_told_with_its_reason(line: bytes, reason: str) -> None:
    csv = opened("csv", [Field("id", INT), Field("s", STRING)])
    decoded = csv.decoder(["id", "s"]).decode(Spans.of([b"1,a", line, b"2,b,"]))
    assert [item.reason for item in decoded.bad] == [reason]
    assert decoded.frame.rows() == [(1, "a"), (2, "b")]


def test_csv_reads_other_characters_comments_and_nested_values() -> None:
    fields = [Field("id", INT), Field("list", LIST), Field("row", ROW)]
    csv = opened("csv", fields, **{"field-delimiter": "\\t", "allow-comments": "true", "array-element-delimiter": "|"})
    decoded = csv.decoder(["row", "list", "id"]).decode(Spans.of([b"# no data", b"1\ta|b\t7|z", b""]))
    assert decoded.frame.rows() == [({"x": 7, "y": "z"}, ["a", "b"], 1)]


def test_lines_end_outside_quotes_only() -> None:
    data = np.frombuffer(b'1,"a\nb"\n2,c', np.uint8)
    lines = split_lines(data, b"\n", '"')
    assert [lines[row] for row in range(len(lines))] == [b'1,"a\nb"', b"2,c"]


@pytest.mark.parametrize(
    ("kind", "options", "record", "value"),
    [
        (STRING, {}, "é".encode(), "é"),
        (STRING, {"charset": "ISO-8859-1"}, b"\xe9", "é"),
        (BYTES, {}, b"\x00\xff", b"\x00\xff"),
        (INT, {}, b"\x00\x00\x01\x00", 256),
        (INT, {"endianness": "little-endian"}, b"\x00\x01\x00\x00", 256),
        (DOUBLE, {}, b"\x3f\xf8" + bytes(6), 1.5),
        (FieldType(Kind.BOOLEAN, "BOOLEAN"), {}, b"\x01", True),
    ],
)
def test_raw_is_the_value_itself(kind: FieldType, options: dict[str, str], record: bytes, value: Any) -> None:
    raw = opened("raw", [Field("v", kind)], **options)
    decoded = raw.decoder(["v"]).decode(Spans.of([record, None]))
    assert decoded.frame["v"].to_list() == [value, None]
    spans = raw.encoder().encode(decoded.frame)
    assert [spans[0], spans[1]] == [record, None]


def test_a_raw_number_of_another_size_is_bad() -> None:
    decoded = opened("raw", [Field("v", INT)]).decoder(["v"]).decode(Spans.of([b"abc", b"\x00\x00\x00\x01"]))
    assert [(item.record, item.reason) for item in decoded.bad] == [(0, "INT takes 4 bytes, but the record has 3")]
    assert decoded.frame["v"].to_list() == [1]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("json", {"json.timestamp-format.standard": "RFC"}, "must be 'SQL', 'ISO-8601' or 'ISO-8601-WITH-OFFSET'"),
        ("json", {"json.ignore-parse-errors": "maybe"}, "must be true or false"),
        ("csv", {"csv.field-delimiter": ";;"}, "must be a single ASCII character"),
        ("xml", {}, "unknown format 'xml'"),
    ],
)
def test_wrong_options_say_what_is_allowed(name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        open_format(name, [Field("v", INT)], Options("table t", options))


def test_raw_takes_a_single_column() -> None:
    with pytest.raises(OptionError, match="single physical column"):
        opened("raw", [Field("a", INT), Field("b", INT)])
