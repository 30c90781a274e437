"""What decoders find in a column of texts, and what becomes of it: numbers that kernels of several modules share."""

from __future__ import annotations

from typing import Final

from riacho.kernels.compile import BYTES, READ_INT32, READ_INT64

SPANS: Final = f"{BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}"
"""The types of a column of texts: the bytes that hold them all, and each one's start, length and kind."""

# The kind of a text. A string's span is without its quotes; ESCAPED ones hold backslashes.
MISSING: Final = 0
NULL: Final = 1
TRUE: Final = 2
FALSE: Final = 3
INTEGER: Final = 4
DECIMAL: Final = 5
STRING: Final = 6
ESCAPED: Final = 7
OBJECT: Final = 8
ARRAY: Final = 9

# What became of a text that is to be a value. What a kernel cannot do exactly is HARD: its caller does it.
ABSENT: Final = 0
VALUE: Final = 1
BAD: Final = 2
HARD: Final = 3
