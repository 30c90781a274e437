"""Calls of code that the user wrote: whatever it raises becomes one exception, which names the line of theirs."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_REASON = 500
"""Characters of an exception's message that are told."""

_OURS = str(Path(__file__).parents[1])


class UserCodeError(Exception):
    """The user's code raised `error`, or gave what it must not."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error) if isinstance(error, WrongResultError) else _raised(error))
        self.error = error


class WrongResultError(Exception):
    """A function returned what its result's type cannot hold."""


def called(code: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """What the code gives. Raises `UserCodeError` for whatever it raises, also where it means to end the process."""
    try:
        return code(*arguments, **named)
    except (Exception, SystemExit) as error:
        raise UserCodeError(error) from error


def _raised(error: BaseException) -> str:
    """What was raised, and in which line of the user's."""
    reason = str(error)[:LONGEST_REASON]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_OURS)]
    where = f" ({frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{f': {reason}' if reason else ''}{where}"
