"""What a function is to the binder: its name, what it takes, what it gives back, and the errors of a wrong call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from riacho.errors import RiachoError
from riacho.plan.expressions import Expression, Position
from riacho.plan.python_functions import PythonFunction
from riacho.plan.types import DataType

Arguments = tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What inference found: the type that each argument is cast to, and the result's."""

    arguments: tuple[DataType, ...]
    result: DataType


Inference = Callable[[Arguments], Signature]
"""From a call's arguments (an `Expression`, so that literals are visible) to its signature.

Raises `FunctionError` for arguments that the function does not take.
"""


class FunctionError(RiachoError):
    """A call that cannot be: unknown function, wrong number or wrong types of arguments.

    `position` is where the call stands in its SQL text; who knows the file adds it to `where`.
    """

    def __init__(self, what: str, *, mend: str | None = None, position: Position | None = None) -> None:
        super().__init__(what, where=None if position is None else str(position), mend=mend)
        self.position = position


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """A scalar function or operator under its canonical Flink name.

    Parameters
    ----------
    name
        Canonical name, as a plan's `Call` carries it.
    infer
        Type inference, see `Inference`.
    syntax
        The SQL form, for documentation and for the error of a wrong call.
    description
        One sentence: the result, and when it is NULL or fails.
    arity
        Least and greatest number of arguments; None: no upper limit.
    deterministic
        False where equal arguments may give different results, so that calls must not be folded or shared.
    python
        The user's function that computes it, where it is no built-in one.
    """

    name: str
    infer: Inference
    syntax: str
    description: str
    arity: tuple[int, int | None]
    aliases: tuple[str, ...] = ()
    deterministic: bool = True
    python: PythonFunction | None = None

    def check_arity(self, count: int) -> None:
        """Raises `FunctionError` unless the function takes `count` arguments."""
        least, most = self.arity
        if count < least or (most is not None and count > most):
            if least == most:
                takes = f"{least}"
            elif most is None:
                takes = f"at least {least}"
            else:
                takes = f"{least} to {most}"
            raise FunctionError(
                f"{self.name} takes {takes} argument{'' if takes == '1' else 's'}, not {count}",
                mend=f"write it as {self.syntax}",
            )
