"""Kafka's error codes, and the exceptions by which a handler answers with one.

`ErrorCode` is kio's; it is imported here and nowhere else, because importing kio needs one precaution (below).
"""

from __future__ import annotations

import sys

# kio registers strategies with Hypothesis wherever that is installed. In a broker on a developer's machine that
# would cost 0.3 s and 40 MB at the first import, for nothing: kio is told that it is not there.
_blocked = "hypothesis" not in sys.modules
if _blocked:
    sys.modules["hypothesis"] = None  # type: ignore[assignment]
from kio.schema.errors import ErrorCode  # noqa: E402

if _blocked:
    del sys.modules["hypothesis"]

__all__ = ["ApiError", "CloseConnectionError", "ErrorCode", "error_named"]


class ApiError(Exception):
    """A request, or a part of it, is answered with an error code and, where the answer has room, a message."""

    def __init__(self, code: ErrorCode, message: str | None = None) -> None:
        super().__init__(message or code.name)
        self.code = code
        self.message = message


class CloseConnectionError(Exception):
    """The request cannot be answered at all: its connection is closed and the reason logged, as Kafka does."""


def error_named(name: str) -> ErrorCode:
    """The code that Kafka's documentation calls `name`.

    >>> error_named("CORRUPT_MESSAGE")
    <ErrorCode.corrupt_message: 2>
    """
    return ErrorCode[name.lower()]
