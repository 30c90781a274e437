"""Functions of text, by character. What Polars cannot express on columns goes row by row or by distinct value."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote_plus, unquote_plus, urlsplit

import polars as pl

from riacho.dataflow.evaluation.casts.formatting import utf8
from riacho.dataflow.evaluation.failures import MOST_CHARACTERS, ValueFailure, too_long
from riacho.dataflow.evaluation.guard import guard
from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.dataflow.evaluation.kernels import Report
from riacho.dataflow.functions.java_format import FormatMismatch, java_format
from riacho.dataflow.functions.regex import java_split
from riacho.plan.types import IntegerType, is_bytes, is_text

_EMPTY = pl.lit("")


def _length(text: pl.Expr) -> pl.Expr:
    return text.str.len_chars().cast(pl.Int32)


def _constant(call: Invocation, *indexes: int) -> bool:
    """Whether all these arguments are literals and none is NULL."""
    return all(call.literal(index) is not None for index in indexes)


def _concat_ws(call: Invocation) -> pl.Expr:
    if call.is_literal(0):
        separator = call.literal(0)
        if separator is None:
            return pl.lit(None, pl.String)
        return pl.concat_str(call.arguments[1:], separator=separator, ignore_nulls=True)

    def joined(separator: str | None, *parts: str | None) -> str | None:
        return None if separator is None else separator.join(part for part in parts if part is not None)

    return call.per_row(joined, nulls=True)


_WORD = re.compile(r"[A-Za-z0-9]+")


def _capitalized(text: str) -> str:
    return _WORD.sub(lambda word: word.group().capitalize(), text)


def _position(part: pl.Expr, text: pl.Expr) -> pl.Expr:
    """Polars finds a byte offset; the characters before it are counted."""
    offset = text.str.find(part, literal=True)
    before = text.cast(pl.Binary).bin.slice(0, offset.fill_null(0)).cast(pl.String).str.len_chars() + 1
    place = pl.when(offset.is_null()).then(0).otherwise(before).cast(pl.Int32)
    return pl.when(text.is_not_null() & part.is_not_null()).then(place)


def _find(part: str, text: str, start: int) -> int:
    """Nothing is found at once, wherever the search starts."""
    if not part:
        return 1
    return text.find(part, max(start - 1, 0)) + 1


def _locate(call: Invocation) -> pl.Expr:
    if len(call) == 2:
        return _position(call[0], call[1])
    return call.per_row(_find)


def _instr(call: Invocation) -> pl.Expr:
    if len(call) == 2:
        return _position(call[1], call[0])
    return call.per_row(_nth_occurrence)


def _nth_occurrence(text: str, part: str, start: int, occurrence: int = 1) -> int:
    """Forward from `start`, or backward from the `start`-th character from the end if negative; 0 if nowhere."""
    if start == 0 or occurrence <= 0:
        return 0
    if start > 0:
        place = start - 2
        for _ in range(occurrence):
            place = text.find(part, place + 1)
            if place < 0:
                return 0
        return place + 1
    place = len(text) + start + 1
    for _ in range(occurrence):
        place = text.rfind(part, 0, place + len(part) - 1) if place + len(part) > 0 else -1
        if place < 0:
            return 0
    return place + 1


def _trim(call: Invocation) -> pl.Expr:
    strip = {"LEADING": _strip_start, "TRAILING": _strip_end}.get(call.keyword(0, "BOTH"), _strip)
    return strip(call[2], call[1])


def _strip(text: pl.Expr, characters: pl.Expr) -> pl.Expr:
    """NULL for NULL characters, which Polars takes for white space."""
    return pl.when(characters.is_not_null()).then(text.str.strip_chars(characters))


def _strip_start(text: pl.Expr, characters: pl.Expr) -> pl.Expr:
    return pl.when(characters.is_not_null()).then(text.str.strip_chars_start(characters))


def _strip_end(text: pl.Expr, characters: pl.Expr) -> pl.Expr:
    return pl.when(characters.is_not_null()).then(text.str.strip_chars_end(characters))


def _blank_or(call: Invocation) -> pl.Expr:
    return call[1] if len(call) == 2 else pl.lit(" ")


def _replace(call: Invocation) -> pl.Expr:
    if _constant(call, 1, 2) and call.literal(1):
        return call[0].str.replace_all(call.literal(1), call.literal(2), literal=True)
    return call.per_row(lambda text, search, replacement: text.replace(search, replacement))


def _translate(text: str | None, given: str | None, wanted: str | None) -> str | None:
    """NULL in place of the characters changes none, in place of the replacements it removes them."""
    if text is None:
        return None
    given, wanted = given or "", wanted or ""
    table: dict[int, str | None] = {}
    for index, character in enumerate(given):
        table.setdefault(ord(character), wanted[index] if index < len(wanted) else None)
    return text.translate(table)


def _overlay(call: Invocation) -> pl.Expr:
    text, part = call[0], call[1]
    start = call[2].cast(pl.Int64)
    length = call[3].cast(pl.Int64) if len(call) == 4 else part.str.len_chars().cast(pl.Int64)
    size = text.str.len_chars().cast(pl.Int64)
    head = text.str.slice(0, pl.max_horizontal(start - 1, pl.lit(0)))
    rest = text.str.slice(pl.max_horizontal(start - 1 + length, pl.lit(0)))
    replaced = (
        pl.when((length <= 0) | (start + length > size))
        .then(pl.concat_str(head, part))
        .otherwise(pl.concat_str(head, part, rest))
    )
    known = part.is_not_null() & start.is_not_null() & length.is_not_null()
    return pl.when(known).then(pl.when((start <= 0) | (start > size)).then(text).otherwise(replaced))


def _substring(call: Invocation) -> pl.Expr:
    """From the end for a negative start, which must lie within the text; 0 counts as 1; NULL for a negative length."""
    text = call[0]
    start = call[1].cast(pl.Int64)
    if _constant(call, 1) and call.literal(1) >= 0:
        begin = max(call.literal(1) - 1, 0)
        part = text.str.slice(begin, call[2].cast(pl.Int64).clip(0) if len(call) == 3 else None)
    else:
        size = text.str.len_chars().cast(pl.Int64)
        first = pl.when(start > 0).then(start - 1).when(start < 0).then(size + start).otherwise(0)
        length = call[2].cast(pl.Int64).clip(0) if len(call) == 3 else size
        inside = text.str.slice(first.clip(0), length)
        part = pl.when(start.is_not_null() & text.is_not_null()).then(pl.when(first < 0).then(_EMPTY).otherwise(inside))
    return part if len(call) == 2 else pl.when(call[2] >= 0).then(part)


def _left(call: Invocation) -> pl.Expr:
    return pl.when(call[1].is_not_null()).then(call[0].str.head(call[1].clip(0)))


def _right(call: Invocation) -> pl.Expr:
    return pl.when(call[1].is_not_null()).then(call[0].str.tail(call[1].clip(0)))


_FEW_TIMES = 1_000
"""Polars repeats a text by a list of as many, which for long ones takes more than a Python call per row."""


def _repeat(call: Invocation) -> pl.Expr:
    def run(series: list[pl.Series], report: Report) -> pl.Series:
        text, times = series[0], series[1].cast(pl.Int64).clip(0)
        length = text.str.len_chars().cast(pl.Int64) * times
        report.rows(length > MOST_CHARACTERS, lambda row: too_long("REPEAT", length[row]))
        times = times.set((length > MOST_CHARACTERS) | text.is_null(), None)
        most = times.max()
        if isinstance(most, int) and most > _FEW_TIMES:
            pairs = zip(text.to_list(), times.to_list(), strict=True)
            return pl.Series([None if count is None else part * count for part, count in pairs], dtype=pl.String)
        return pl.select(pl.lit(text).repeat_by(pl.lit(times)).list.join("")).to_series()

    return call.columnwise(run)


def _padded(text: str, length: int, pad: str, *, left: bool) -> str | None:
    if length < 0 or not pad:
        return None
    if length <= len(text):
        return text[:length]
    if length > MOST_CHARACTERS:
        raise ValueFailure(too_long("LPAD" if left else "RPAD", length))
    missing = length - len(text)
    filling = (pad * (missing // len(pad) + 1))[:missing]
    return filling + text if left else text + filling


def _pad(call: Invocation, *, left: bool) -> pl.Expr:
    """NULL for a negative length and for an empty pad."""
    if not _constant(call, 1, 2):
        return call.per_row(lambda text, length, pad: _padded(text, length, pad, left=left))
    length, pad, text = call.literal(1), call.literal(2), call[0]
    if length < 0 or not pad:
        return pl.lit(None, pl.String)
    if length > MOST_CHARACTERS:
        message = too_long("LPAD" if left else "RPAD", length)
        return guard(text.str.head(length), text.str.len_chars() < length, message, call)
    filling = pl.lit((pad * (length // len(pad) + 1))[:length])
    missing = (length - text.str.len_chars().cast(pl.Int64)).clip(0)
    parts = [filling.str.head(missing), text.str.head(length)]
    return pl.concat_str(parts if left else parts[::-1])


def _ascii(call: Invocation) -> pl.Expr:
    """The first byte as Java sees it, signed."""
    first = call[0].cast(pl.Binary).bin.slice(0, 1)
    code = pl.when(call[0] == "").then(pl.lit(b"\0")).otherwise(first)
    return code.bin.reinterpret(dtype=pl.Int8).cast(pl.Int32)


_LATIN = pl.Series([chr(code) for code in range(256)])


def _chr(call: Invocation) -> pl.Expr:
    def run(series: list[pl.Series], _: Report) -> pl.Series:
        codes = series[0]
        return _LATIN.gather(codes & 255).set(codes < 0, "")

    return call.columnwise(run)


_CHARSETS = {
    "US-ASCII": "ascii",
    "ISO-8859-1": "latin-1",
    "UTF-8": "utf-8",
    "UTF-16BE": "utf-16-be",
    "UTF-16LE": "utf-16-le",
    "UTF-16": "utf-16",
}


def _codec(charset: str) -> str:
    try:
        return _CHARSETS[charset.upper()]
    except KeyError:
        raise ValueFailure(f"there is no character set {charset!r}, only {', '.join(_CHARSETS)}") from None


def _encoded(text: str, charset: str) -> bytes:
    """Java writes UTF-16 big-endian with a byte order mark before any text, and '?' for what a character set lacks."""
    if charset.upper() == "UTF-16":
        return b"\xfe\xff" + text.encode("utf-16-be") if text else b""
    return text.encode(_codec(charset), "replace")


def _decoded(raw: bytes, charset: str) -> str:
    codec = _codec(charset)
    if codec == "utf-16" and raw[:2] not in (b"\xfe\xff", b"\xff\xfe"):
        codec = "utf-16-be"
    return raw.decode(codec, "replace")


def _encode(call: Invocation) -> pl.Expr:
    if call.keyword(1, "") == "UTF-8":
        return call[0].cast(pl.Binary)
    return call.per_row(_encoded)


def _decode(call: Invocation) -> pl.Expr:
    if call.keyword(1, "") == "UTF-8":
        return utf8(call[0])
    return call.per_row(_decoded)


def _from_base64(call: Invocation) -> pl.Expr:
    text = utf8(call[0]) if is_bytes(call.type(0)) else call[0]
    # Java does not ask for the padding at the end.
    padding = pl.lit("==").str.head((4 - text.str.len_bytes() % 4) % 4)
    raw = pl.concat_str(text, padding).str.decode("base64", strict=False)
    return utf8(guard(raw, raw.is_null() & text.is_not_null(), "this is not base 64", call, pl.Binary()))


def _to_base64(call: Invocation) -> pl.Expr:
    raw = call[0].cast(pl.Binary) if is_text(call.type(0)) else call[0]
    return raw.bin.encode("base64")


def _split_index(call: Invocation) -> pl.Expr:
    """An integer delimiter is a character's code, 1 to 255; an empty text has no parts."""
    if not (call.is_literal(1) and call.literal(1) not in (None, "")):
        return call.per_row(_part_of)
    delimiter = call.literal(1)
    if isinstance(call.type(1), IntegerType):
        if not 1 <= delimiter <= 255:
            return pl.lit(None, pl.String)
        delimiter = chr(delimiter)
    index = call[2]
    part = call[0].str.split(delimiter).list.get(index.clip(0), null_on_oob=True)
    return pl.when((index >= 0) & (call[0] != "")).then(part)


def _part_of(text: str, delimiter: str | int, index: int) -> str | None:
    if isinstance(delimiter, int):
        if not 1 <= delimiter <= 255:
            return None
        delimiter = chr(delimiter)
    parts = (text.split(delimiter) if delimiter else re.split(r"\s", text)) if text else []
    return parts[index] if 0 <= index < len(parts) else None


def _split(call: Invocation) -> pl.Expr:
    """An empty text has no parts."""
    if call.literal(1):
        none = pl.lit([], dtype=call.result)
        return pl.when(call[0] == "").then(none).otherwise(call[0].str.split(call.literal(1)))
    return call.per_row(lambda text, delimiter: text.split(delimiter) if delimiter and text else list(text))


def _str_to_map(text: str, pairs: str = ",", values: str = "=") -> list[dict[str, Any]]:
    made: dict[str, str | None] = {}
    for pair in java_split(text, pairs) if text else []:
        key, *rest = java_split(pair, values, most=2)
        made[key] = rest[0] if rest else None
    return [{"key": key, "value": value} for key, value in made.items()]


_SCHEMES = frozenset({"http", "https", "ftp", "file", "jar", "mailto"})


def _url_part(url: str, part: str, key: str | None = None) -> str | None:
    """Java's `URL`: only protocols that it knows; a part that is not there is NULL, a path is empty."""
    try:
        split = urlsplit(url)
    except ValueError:
        return None
    if split.scheme not in _SCHEMES:
        return None
    if key is not None and part != "QUERY":
        return None
    before_fragment, mark, _ = url.partition("#")
    query = before_fragment.partition("?")[2] if "?" in before_fragment else None
    match part:
        case "PROTOCOL":
            return split.scheme
        case "HOST":
            return split.netloc.rpartition("@")[2].partition(":")[0]
        case "PATH":
            return split.path
        case "QUERY" if key is not None:
            found = re.search(rf"(?:&|^){re.escape(key)}=([^&]*)", query or "")
            return found.group(1) if found else None
        case "QUERY":
            return query
        case "REF":
            return split.fragment if mark else None
        case "AUTHORITY":
            return split.netloc
        case "FILE":
            return split.path if query is None else f"{split.path}?{query}"
        case "USERINFO":
            return split.netloc.rpartition("@")[0] if "@" in split.netloc else None
    return None


def _url_decoded(text: str) -> str | None:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return None
    return unquote_plus(text)


def _affix(call: Invocation, *, start: bool) -> pl.Expr:
    if is_bytes(call.type(0)):
        return call[0].bin.starts_with(call[1]) if start else call[0].bin.ends_with(call[1])
    return call[0].str.starts_with(call[1]) if start else call[0].str.ends_with(call[1])


def _elt(call: Invocation) -> pl.Expr:
    made: Any = pl.when(call[0] == 1).then(call[1])
    for index in range(2, len(call)):
        made = made.when(call[0] == index).then(call[index])
    elected: pl.Expr = made.otherwise(None)
    return elected


def _printf(call: Invocation) -> pl.Expr:
    """NULL where format and values do not fit."""
    bits = [kind.bits if isinstance(kind, IntegerType) else 0 for kind in map(call.type, range(1, len(call)))]

    def written(pattern: str | None, *values: object) -> str | None:
        try:
            return None if pattern is None else java_format(pattern, values, bits)
        except FormatMismatch:
            return None

    return call.per_row(written, nulls=True)


def _matches(call: Invocation, regex: str) -> pl.Expr:
    return call[0].str.contains(regex).fill_null(value=False)


_DECIMAL = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_HEXADECIMAL = r"0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+"
_DOUBLE = rf"^[\x00-\x20]*[+-]?(NaN|Infinity|({_DECIMAL}|{_HEXADECIMAL})[fFdD]?)[\x00-\x20]*$"
"""What Java's `Double.parseDouble` reads."""


FUNCTIONS: dict[str, Evaluate] = {
    "||": lambda call: pl.concat_str(call.arguments),
    "CHAR_LENGTH": lambda call: _length(call[0]),
    "UPPER": lambda call: call[0].str.to_uppercase(),
    "LOWER": lambda call: call[0].str.to_lowercase(),
    # Polars capitalizes after digits too, Flink does not.
    "INITCAP": lambda call: call.per_distinct(_capitalized, call[0]),
    "POSITION": lambda call: _position(call[0], call[1]),
    "LOCATE": _locate,
    "INSTR": _instr,
    "TRIM": _trim,
    "LTRIM": lambda call: _strip_start(call[0], _blank_or(call)),
    "RTRIM": lambda call: _strip_end(call[0], _blank_or(call)),
    "BTRIM": lambda call: _strip(call[0], _blank_or(call)),
    "REPEAT": _repeat,
    "REPLACE": _replace,
    "TRANSLATE": lambda call: call.per_row(_translate, nulls=True),
    "OVERLAY": _overlay,
    "SUBSTRING": _substring,
    "LEFT": _left,
    "RIGHT": _right,
    "CONCAT": lambda call: pl.concat_str(call.arguments),
    "CONCAT_WS": _concat_ws,
    "LPAD": lambda call: _pad(call, left=True),
    "RPAD": lambda call: _pad(call, left=False),
    # Not `str.reverse`, which keeps together what is seen as one character: an accent of its own, a CR before an LF.
    "REVERSE": lambda call: call[0].str.split("").list.reverse().list.join(""),
    "ASCII": _ascii,
    "CHR": _chr,
    "ENCODE": _encode,
    "DECODE": _decode,
    "FROM_BASE64": _from_base64,
    "TO_BASE64": _to_base64,
    "SPLIT_INDEX": _split_index,
    "SPLIT": _split,
    "STR_TO_MAP": lambda call: call.per_row(_str_to_map),
    "PARSE_URL": lambda call: call.per_row(_url_part),
    "URL_ENCODE": lambda call: call.per_distinct(lambda text: quote_plus(text, safe="*").replace("~", "%7E"), call[0]),
    "URL_DECODE": lambda call: call.per_distinct(_url_decoded, call[0]),
    "STARTSWITH": lambda call: _affix(call, start=True),
    "ENDSWITH": lambda call: _affix(call, start=False),
    "ELT": _elt,
    "PRINTF": _printf,
    "IS_ALPHA": lambda call: _matches(call, r"^\p{L}+$"),
    "IS_DIGIT": lambda call: _matches(call, r"^\p{Nd}+$"),
    "IS_DECIMAL": lambda call: _matches(call, _DOUBLE),
}
