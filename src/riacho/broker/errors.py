"""Kafka's error codes, and the exceptions by which a handler answers with one.

`ErrorCode` is kio's.
"""

from __future__ import annotations

from riacho.host.kio import ErrorCode

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
