"""Cryptographic digests as lower-case hexadecimal text. Source: Flink, "System Functions", Hash Functions."""

from __future__ import annotations

from riacho.plan.types import CharType, VarcharType
from riacho.sql.functions.definition import FunctionDefinition
from riacho.sql.functions.parameters import as_int, function, gives, text_or_binary

LONGEST_SHA2 = 128
"""Digits of SHA-512, the longest of them."""


def _digest(name: str, digits: int) -> FunctionDefinition:
    description = f"The digest in {digits} hexadecimal digits."
    return function(f"{name}(string)", (text_or_binary,), gives(CharType(digits)), description)


FUNCTIONS: tuple[FunctionDefinition, ...] = (
    _digest("MD5", 32),
    _digest("SHA1", 40),
    _digest("SHA224", 56),
    _digest("SHA256", 64),
    _digest("SHA384", 96),
    _digest("SHA512", 128),
    function(
        "SHA2(string, bits)",
        (text_or_binary, as_int),
        gives(VarcharType(LONGEST_SHA2)),
        "The SHA-2 digest of 224, 256, 384 or 512 bits; fails for another length.",
    ),
)
