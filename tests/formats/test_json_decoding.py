"""JSON to columns: the kernels agree with a slow, complete parser, and conversions are Flink's."""

from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from json_reference import BAD, decode_record

from riacho.formats.decoding import Spans
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.json_decoder import CHUNK, JsonDecoder
from riacho.formats.options import Options
from riacho.formats.registry import open_format
from riacho.formats.values import Failures, Rules, Target, Texts, ValueColumn
from riacho.kernels import tokens

pytestmark = pytest.mark.no_cover  # the same lines many thousand times: tracing them triples the time

BIGINT = FieldType(Kind.INTEGER, "BIGINT", bits=64)
INT = FieldType(Kind.INTEGER, "INT", bits=32)
TINYINT = FieldType(Kind.INTEGER, "TINYINT", bits=8)
DOUBLE = FieldType(Kind.FLOAT, "DOUBLE", bits=64)
STRING = FieldType(Kind.STRING, "STRING")
BOOLEAN = FieldType(Kind.BOOLEAN, "BOOLEAN")
BYTES = FieldType(Kind.BYTES, "BYTES")
DATE = FieldType(Kind.DATE, "DATE")
TIME = FieldType(Kind.TIME, "TIME(3)", precision=3)
TIMESTAMP = FieldType(Kind.TIMESTAMP, "TIMESTAMP(3)", precision=3)
TIMESTAMP_LTZ = FieldType(Kind.TIMESTAMP_LTZ, "TIMESTAMP_LTZ(3)", precision=3)
NESTED = FieldType(Kind.ROW, "ROW<x BIGINT, y STRING>", children=(Field("x", BIGINT), Field("y", STRING)))
NUMBERS = FieldType(Kind.ARRAY, "ARRAY<BIGINT>", children=(Field("item", BIGINT),))
ROWS = FieldType(Kind.ARRAY, "ARRAY<ROW<x BIGINT, y STRING>>", children=(Field("item", NESTED),))
COUNTS = FieldType(Kind.MAP, "MAP<STRING, INT>", children=(Field("key", STRING), Field("value", INT)))

FIELDS = (
    Field("a", BIGINT),
    Field("b", STRING),
    Field('é"', DOUBLE),
    Field("c", BOOLEAN),
    Field("row", NESTED),
    Field("list", NUMBERS),
    Field("t", TINYINT),
    Field("deep", ROWS),
)


def local(text: str) -> datetime.datetime:
    """A TIMESTAMP: it has no zone."""
    return datetime.datetime.fromisoformat(text)


def decimal(precision: int, scale: int) -> FieldType:
    return FieldType(Kind.DECIMAL, f"DECIMAL({precision}, {scale})", precision=precision, scale=scale)


def decode(fields: Any, *texts: bytes | None, **options: str) -> Any:
    opened = open_format("json", fields, Options("table t", {f"json.{key}": value for key, value in options.items()}))
    return opened.decoder([item.name for item in fields]).decode(Spans.of(texts))


def one(kind: FieldType, value: str, **options: str) -> Any:
    """The value of one field; the reason where it has none."""
    decoded = decode([Field("v", kind)], b'{"v": %s}' % value.encode(), **options)
    return decoded.bad[0].reason if decoded.bad else decoded.frame["v"][0]


# Texts as strings: objects whose members are often wanted, in any order, with odd numbers, escapes and white space.
spaces = st.sampled_from(["", "", "", " ", "\n\t ", "\r"])
numbers = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-200, 200).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["-0", "1e5", "1E+2", "0.5e-3", "01", "1.", "-", "1e", "+1", ".5", "9223372036854775808", "1e400"]),
)
plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
escaped = st.sampled_from(
    [
        '"a\tb"',
        '"\x00"',
        '"\\u00e9"',
        '"\\n\\"\\\\"',
        '"\\ud83d\\ude00"',
        '"\\ud800"',
        '"\\u12"',
        '"\\x"',
        '"12"',
        '" 7 "',
        '"TRUE"',
        '"1.5"',
    ]
)
strings = st.one_of(
    plain_text.map(lambda text: json.dumps(text)),
    plain_text.map(lambda text: json.dumps(text, ensure_ascii=False)),
    escaped,
)
scalars = st.one_of(st.sampled_from(["null", "true", "false", "nul", "NaN"]), numbers, strings)
keys = st.one_of(
    st.sampled_from(['"a"', '"b"', '"é\\""', '"c"', '"row"', '"list"', '"t"', '"x"', '"y"', '"deep"', '"\\u0061"']),
    plain_text.map(json.dumps),
)


def container(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.tuples(spaces, keys, spaces, spaces, children, spaces).map(
        lambda part: f"{part[0]}{part[1]}{part[2]}:{part[3]}{part[4]}{part[5]}"
    )
    return st.one_of(
        st.lists(member, max_size=5).map(lambda members: "{" + ",".join(members) + "}"),
        st.lists(children, max_size=4).map(lambda items: "[" + ", ".join(items) + "]"),
    )


values = st.recursive(scalars, container, max_leaves=8)
members = st.tuples(spaces, keys, spaces, spaces, values, spaces).map(
    lambda part: f"{part[0]}{part[1]}{part[2]}:{part[3]}{part[4]}{part[5]}"
)
objects = st.lists(members, max_size=7).map(lambda parts: "{" + ",".join(parts) + "}")


@st.composite
def records(draw: st.DrawFn) -> bytes:
    text = draw(st.one_of(objects, objects, objects, values)).encode()
    match draw(st.integers(0, 9)):
        case 0:
            return text[: draw(st.integers(0, len(text)))]
        case 1:
            place = draw(st.integers(0, len(text)))
            return text[:place] + draw(st.binary(max_size=3)) + text[place:]
        case 2:
            return text + draw(st.sampled_from([b" ", b"x", b"{}", b"\n"]))
        case _:
            return text


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return bool(left == right)


def followed(texts: list[bytes]) -> Spans:
    """The texts in a buffer that goes on after the last one: what is read near its end is read with more care."""
    spans = Spans.of(texts)
    return Spans(np.concatenate((spans.data, np.full(256, ord('"'), np.uint8))), spans.start, spans.length)


def check(texts: list[bytes]) -> None:
    check_decoded(texts, Spans.of(texts))
    check_decoded(texts, followed(texts))


def check_decoded(texts: list[bytes], spans: Spans) -> None:
    decoded = JsonDecoder(FIELDS).decode(spans)
    rows = dict(zip(decoded.record.tolist(), decoded.frame.to_dicts(), strict=True))
    bad = {item.record for item in decoded.bad}
    for place, text in enumerate(texts):
        expected = decode_record(text, FIELDS)
        if expected is BAD:
            assert place in bad, (text, rows.get(place))
        elif expected is None:
            assert place not in rows
        else:
            assert place not in bad, (text, decoded.bad)
            assert same(rows[place], expected), (text, rows[place], expected)


@settings(max_examples=150, deadline=None)
@given(st.lists(records().filter(lambda text: not text.lstrip().startswith(b"[")), max_size=8))
@example([b'{"row":{"x":1},"row":{"y":"2"}}', b'{"row":{"x":1},"row":{"y":"2"}}'])
@example([b'{"a":1,"b":"x"}', b'{"a":5,"b":"y","a":null}', b'{"a":6,"b":"z","b":[}'])
@example([b'{"a":1}', b'{"a": 1}', b'{"a":1', b'{"a":1}x', b'{"a":1,}', b"{}", b"{", b""])
def test_the_kernels_agree_with_a_complete_parser(texts: list[bytes]) -> None:
    check(texts)


@settings(max_examples=60, deadline=None)
@given(objects, st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=2)), max_size=6))
def test_a_row_that_differs_from_the_predicted_one_in_any_byte_is_read_as_if_it_came_alone(
    text: str, changes: list[tuple[int, bytes]]
) -> None:
    original = text.encode()
    texts = [original, original]
    for place, other in changes:
        place = min(place, len(original))
        texts += [original[:place] + other + original[place + len(other) :], original]
    check([record for record in texts if not record.lstrip().startswith(b"[")])


@st.composite
def alike(draw: st.DrawFn) -> list[bytes]:
    """Rows of the same members, with texts and numbers that are mostly, or never, as long as those before."""
    row = (
        st.one_of(st.integers(-9, 99), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.just(5), st.integers(0, 8), st.integers(0, 300)),
        st.one_of(st.just(70), st.integers(60, 70), st.integers(120, 140)),
        st.sampled_from(["", "", "", "", "ß", "\\n", '\\"', "\x01"]),
    )
    return [
        b'{"a":%d,"z":"%s","row":{"y":"%s%s","x":%d},"t":7}' % (a, b"z" * first, b"y" * second, odd.encode(), -a)
        for a, first, second, odd in draw(st.lists(st.tuples(*row), min_size=2, max_size=30))
    ]


@settings(max_examples=100, deadline=None)
@given(alike())
def test_values_of_rows_that_look_alike_may_have_any_length(texts: list[bytes]) -> None:
    check(texts)


@pytest.mark.parametrize(
    "number", [b"-", b"-x", b"--1", b"1-", b"01", b"-01", b"1.", b"1e", b"-1.e", b"+1", b"", b"1 1"]
)
def test_what_is_no_number_is_refused_in_a_row_that_looks_like_the_ones_before(number: bytes) -> None:
    check([b'{"a":1,"q":-1}', b'{"a":2,"q":-2}', b'{"a":%s,"q":1}' % number, b'{"a":1,"q":%s}' % number])


def test_records_of_several_kinds_alternate_beyond_the_layouts_that_are_remembered() -> None:
    kinds = [b'{"a":%d}', b'{"b":"x","a":%d}', b'{"a":%d,"b":null}', b'{"z":[1,{"q":2}],"a":%d}', b' {"a" : %d }']
    texts = [kinds[place * place % 5] % place for place in range(3 * CHUNK)]
    decoded = JsonDecoder(FIELDS).decode(Spans.of(texts))
    assert decoded.frame["a"].to_list() == list(range(3 * CHUNK))


@pytest.mark.parametrize("fraction", ["", ".5", ".05", ".123", ".1239", ".", ".x", ".12x"])
@pytest.mark.parametrize("kind", [TIMESTAMP, TIMESTAMP_LTZ])
def test_a_timestamp_is_the_same_wherever_it_stands(kind: FieldType, fraction: str) -> None:
    zone = "Z" if kind is TIMESTAMP_LTZ else ""
    texts = [b'{"v":"2024-02-28 23:59:59%s%s"}' % (fraction.encode(), zone.encode())] * 5
    decoded = JsonDecoder([Field("v", kind)]).decode(Spans.of(texts))
    alone = one(kind, texts[0][5:-1].decode())
    if isinstance(alone, str):
        assert [item.reason for item in decoded.bad] == [alone] * 5
    else:
        assert decoded.frame["v"].to_list() == [alone] * 5
        assert alone.microsecond == int(f"{fraction[1:]:0<3}"[:3]) * 1000


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_integers_of_any_length_are_read_to_their_bounds_and_no_further(bits: int) -> None:
    kind = FieldType(Kind.INTEGER, "N", bits=bits)
    least, greatest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    numbers = [sign * (10**digits + shift) for digits in range(20) for sign in (1, -1) for shift in (-1, 0, 8)]
    numbers += [least - 1, least, greatest, greatest + 1]
    decoded = JsonDecoder([Field("v", kind)]).decode(followed([b'{"v":%d}' % number for number in numbers]))
    assert decoded.frame["v"].to_list() == [number for number in numbers if least <= number <= greatest]
    assert len(decoded.bad) == sum(1 for number in numbers if not least <= number <= greatest)


def test_a_batch_keeps_its_values_when_its_decoder_reads_the_next_one() -> None:
    decoder = JsonDecoder([Field("a", BIGINT), Field("r", NESTED)])
    texts = [
        [b'{"a":%d,"r":{"x":%d,"y":"a text of more than twelve bytes: %d"}}' % (base + n, n, base) for n in range(40)]
        for base in (0, 1000)
    ]
    first = decoder.decode(followed(texts[0]))
    decoder.decode(followed(texts[1]))
    assert first.frame["a"].to_list() == list(range(40))
    assert first.frame["r"].struct.field("y").unique().to_list() == ["a text of more than twelve bytes: 0"]


def test_a_missing_field_is_null_unless_it_must_be_there() -> None:
    fields = [Field("a", INT), Field("r", NESTED)]
    text = b'{"r": {"x": 1}}'
    assert decode(fields, text).frame.rows() == [(None, {"x": 1, "y": None})]
    bad = decode(fields, text, b'{"a": 1, "r": null}', **{"fail-on-missing-field": "true"}).bad
    assert [(item.record, item.reason) for item in bad] == [(0, "field 'a' is missing")]


def test_ignored_errors_leave_out_records_and_null_fields_and_are_counted() -> None:
    decoded = decode(
        [Field("a", INT), Field("b", STRING)],
        b'{"a": "x", "b": "kept"}',
        b"no json",
        **{"ignore-parse-errors": "true"},
    )
    assert decoded.frame.rows() == [(None, "kept")]
    assert decoded.ignored == 2


def test_bytes_that_records_do_not_have_take_no_room() -> None:
    # What has no text has no length either: a kernel leaves there what was in memory before.
    rows = 5_000
    length, kind = np.full(rows, 2**31 - 1, np.int32), np.full(rows, tokens.MISSING, np.uint8)
    length[-1], kind[-1] = 4, tokens.STRING
    texts = Texts(np.frombuffer(b"QUI=", np.uint8), np.zeros(rows, np.int64), length, kind)
    column = ValueColumn(BYTES, rows)
    column.fill(texts, Target("b", np.arange(rows), Failures(lenient=True), Rules()))
    assert column.finish().length == rows


def test_a_top_level_array_is_a_row_per_object() -> None:
    decoded = decode([Field("a", INT)], b'{"a": 1}', b'[{"a": 2}, {"a": 3}]', b'{"a": 4}', b"[]")
    assert decoded.frame["a"].to_list() == [1, 2, 3, 4]
    assert decoded.record.tolist() == [0, 1, 1, 2]


def test_records_without_a_value_or_without_bytes_give_no_row() -> None:
    decoded = decode([Field("a", INT)], None, b"", b'{"a": 1}')
    assert decoded.record.tolist() == [2]
    assert not decoded.bad


@pytest.mark.parametrize("digits", [1, 7, 8, 9, 15, 16, 17, 19])
def test_a_byte_that_is_no_digit_is_refused_anywhere_in_a_number(digits: int) -> None:
    number = b"1234567890123456789"[:digits]
    others = [bytes([byte]) for byte in range(33, 127) if chr(byte) not in '0123456789"\\']
    texts = [
        b'{"a":"%s"}' % (number[:place] + other + number[place + 1 :])
        for place in range(digits)
        for other in others
        if place or digits == 1 or other not in b"+-"
    ]
    decoded = decode([Field("a", BIGINT)], *texts)
    assert [item.record for item in decoded.bad] == list(range(len(texts)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[1", "not JSON: an array stands where an object must (byte 1)"),
        (b"7", "not JSON: it is not an object (byte 1)"),
        (b'{"a": 1', "not JSON: it ends in the middle (byte 8)"),
        (b'{"a" 1}', "not JSON: ':' must stand here (byte 6)"),
        (b'{"a": 01}', "not JSON: no number is written like this (byte 9)"),
        (b'{"b": "\xff"}', "not JSON: the bytes are not UTF-8 (byte 8)"),
        (b'{"a": "x"}', "field 'a': 'x' is not a INT"),
        (b'{"r": {"x": 1.5, "y": 1}, "a": 1e30}', "field 'a': 1e30 is not a INT"),
    ],
)
def test_a_bad_record_is_told_with_its_reason(text: bytes, reason: str) -> None:
    fields = [Field("a", INT), Field("r", NESTED)]
    assert [(item.record, item.reason) for item in decode(fields, b"{}", text).bad] == [(1, reason)]


def test_deep_nesting_is_refused_instead_of_overflowing() -> None:
    deep = b'{"z":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    (bad,) = decode([Field("a", INT)], deep).bad
    assert bad.reason.startswith("not JSON: values nest deeper than 1000")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (decimal(10, 2), "1.005", Decimal("1.01")),
        (decimal(10, 2), "-1.005", Decimal("-1.01")),
        (decimal(10, 2), '"2.5"', Decimal("2.50")),
        (decimal(4, 2), "123.4", None),
        (decimal(38, 10), f"{'9' * 28}.{'9' * 10}", Decimal(f"{'9' * 28}.{'9' * 10}")),
        (
            decimal(38, 10),
            "1234567890123456789012345678.0123456789",
            Decimal("1234567890123456789012345678.0123456789"),
        ),
        (decimal(10, 2), "1e3", Decimal("1000.00")),
        (decimal(10, 2), '"x"', "field 'v': 'x' is not a DECIMAL(10, 2)"),
        (BYTES, '"aGk="', b"hi"),
        (BYTES, '"a\\/8="', b"k\xff"),
        (BYTES, '"aGk"', "field 'v': 'aGk' is not a BYTES"),
        (DATE, '"2024-02-29"', datetime.date(2024, 2, 29)),
        (DATE, '"2023-02-29"', "field 'v': '2023-02-29' is not a DATE"),
        (TIME, '"01:02:03.4567"', datetime.time(1, 2, 3, 456_000)),
        (TIMESTAMP, '"2024-01-01 12:00:00.123456"', local("2024-01-01T12:00:00.123")),
        (TIMESTAMP, '"2023-02-30 00:00:00"', local("2023-02-28T00:00")),
        (TIMESTAMP, '"2023-12-31 24:00:00"', local("2024-01-01T00:00")),
        (TIMESTAMP, '"2024-01-01T12:00:00"', "field 'v': '2024-01-01T12:00:00' is not a TIMESTAMP(3)"),
        (TIMESTAMP, "1700000000", "field 'v': 1700000000 is not a TIMESTAMP(3)"),
        (TIMESTAMP_LTZ, '"2024-01-01 12:00:00Z"', datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.UTC)),
        (BOOLEAN, "1", False),
        (INT, "1.9", 1),
        (TINYINT, "1.9", "field 'v': 1.9 is not a TINYINT"),
        (STRING, '{"b": [1, 2.50, "x"]}', '{"b":[1,2.5,"x"]}'),
        (STRING, '"a\tb\x00"', "a\tb\x00"),
        (STRING, '["a\tb"]', '["a\\tb"]'),
        (DOUBLE, "0.1234567890123456789", 0.1234567890123456789),
        (DOUBLE, '"Infinity"', math.inf),
    ],
)
def test_values_are_converted_as_flink_converts_them(kind: FieldType, text: str, value: Any) -> None:
    assert one(kind, text) == value


def test_iso_timestamps_and_offsets() -> None:
    noon = local("2024-01-01T12:00")
    iso = {"timestamp-format.standard": "ISO-8601"}
    assert one(TIMESTAMP, '"2024-01-01T12:00"', **iso) == noon
    assert one(TIMESTAMP_LTZ, '"2024-01-01T12:00:00Z"', **iso) == noon.replace(tzinfo=datetime.UTC)
    offset = {"timestamp-format.standard": "ISO-8601-WITH-OFFSET"}
    assert one(TIMESTAMP, '"2024-01-01T14:00:00+02:00"', **offset) == noon


def test_the_last_of_equal_keys_of_a_map_counts() -> None:
    assert one(COUNTS, '{"a": 1, "b": 2, "a": 3}').to_list() == [{"key": "a", "value": 3}, {"key": "b", "value": 2}]


def test_maps_of_the_same_entries_are_the_same_in_whatever_order_they_are_written() -> None:
    written = (b'{"v": {"a": 1, "b": null}}', b'{"v": null}', b'{"v": {"b": null, "a": 1}}', b'{"v": {}}')
    values = decode([Field("v", COUNTS)], *written).frame["v"].to_list()
    entries = [{"key": "a", "value": 1}, {"key": "b", "value": None}]
    assert values == [entries, None, entries, []]
