"""JSON texts as Jackson prints them."""

from __future__ import annotations

import json
import re

from riacho.formats.java_numbers import double_text

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\s"{}\[\],:]+|[{}\[\],:]', re.DOTALL)
_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t"}
_ESCAPES.update({code: f"\\u{code:04X}" for code in range(32) if code not in _ESCAPES})


def quote(text: str) -> str:
    """A JSON string; only what must be escaped is.

    >>> quote('a"é' + chr(10) + chr(1))
    '"a\\\\"é\\\\n\\\\u0001"'
    """
    return f'"{text.translate(_ESCAPES)}"'


def rewrite_container(text: bytes) -> bytes:
    """A well-formed object or array without white space, its strings and fractions as Jackson prints them.

    >>> rewrite_container(b'{ "a" : [1.50, "x\\\\/y"] }')
    b'{"a":[1.5,"x/y"]}'
    """
    return b"".join(_rewrite(token) for token in _TOKEN.findall(text))


def _rewrite(token: bytes) -> bytes:
    if token[:1] == b'"':
        plain = b"\\" not in token and min(token) >= ord(" ")
        return token if plain else quote(json.loads(token, strict=False)).encode("utf-8", "replace")
    if token[:1] in b"-0123456789" and any(mark in token for mark in b".eE"):
        return double_text(float(token)).encode()
    return token
