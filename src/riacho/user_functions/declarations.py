"""The decorators: what a Python function is to SQL, beside its code.

Source: PyFlink, "General User-defined Functions" and "Vectorized User-defined Functions", whose parameters these have.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import Any

from riacho.errors import UsageError


class Kind(Enum):
    """What a function makes of rows."""

    SCALAR = "scalar"
    AGGREGATE = "aggregate"
    TABLE = "table"


class Style(Enum):
    """What a function is called with: the values of one row, or the columns of many rows."""

    GENERAL = "general"
    PANDAS = "pandas"
    POLARS = "polars"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declared function. `result_type` and `input_types` are as written: SQL text, Python types or PyFlink's.

    Without a `result_type` the type hints say it. It is still callable, with the values of one row or with columns.
    """

    function: Any
    kind: Kind = Kind.SCALAR
    style: Style = Style.GENERAL
    result_type: Any = None
    input_types: tuple[Any, ...] | None = None
    deterministic: bool = True
    name: str | None = None

    def __call__(self, *arguments: Any) -> Any:
        return entry_point(self.function)(*arguments)


def entry_point(function: Any) -> Callable[..., Any]:
    """What is called for a row: the function, or the `eval` of an object."""
    found = getattr(function, "eval", None)
    return found if callable(found) else function  # type: ignore[no-any-return]


def udf(
    f: Any = None,
    input_types: Any = None,
    result_type: Any = None,
    deterministic: bool | None = None,
    name: str | None = None,
    func_type: str = "general",
) -> Any:
    """Declare a scalar function, called per row or, vectorised, once per batch.

    Parameters
    ----------
    f
        The function, or an object with `eval`; none where this is used as a decorator with arguments.
    input_types
        The arguments' types; the values are cast to them. Without it the function takes what it is given.
    result_type
        SQL text such as `"DECIMAL(10, 2)"`, a Python type such as `int`, or PyFlink's `DataTypes.BIGINT()`. Without it
        the function's type hints say it.
    deterministic
        False where equal arguments may give different results.
    name
        What messages call it.
    func_type
        `general`: the values of a row. `polars`: a `polars.Series` per argument, one back. `arrow`: the same with
        `pyarrow.Array`. `pandas`: with `pandas.Series`.

    Returns
    -------
    PyFlink's object where PyFlink is installed and knows the `func_type`, so that the same file runs on Flink; else a
    `Declaration`, which can be called as the function itself.

    >>> @udf(result_type="BIGINT")
    ... def twice(value):
    ...     return 2 * value
    >>> twice(4)
    8
    """
    declare = functools.partial(
        _declare,
        kind=Kind.SCALAR,
        style=_style(func_type),
        result_type=result_type,
        input_types=input_types,
        deterministic=deterministic,
        name=name,
    )
    return declare if f is None else declare(f)


def udaf(
    f: Any = None,
    input_types: Any = None,
    result_type: Any = None,
    accumulator_type: Any = None,
    deterministic: bool | None = None,
    name: str | None = None,
    func_type: str = "general",
) -> Any:
    """Declare an aggregate function: an `AggregateFunction`, its class, or (vectorised) a function of whole columns.

    `accumulator_type` is PyFlink's and means nothing here: accumulators are any Python objects that `pickle` stores.
    """
    declare = functools.partial(
        _declare,
        kind=Kind.AGGREGATE,
        style=_style(func_type),
        result_type=result_type,
        input_types=input_types,
        deterministic=deterministic,
        name=name,
        accumulator_type=accumulator_type,
    )
    return declare if f is None else declare(f)


def udtf(
    f: Any = None,
    input_types: Any = None,
    result_types: Any = None,
    deterministic: bool | None = None,
    name: str | None = None,
) -> Any:
    """Declare a table function, which yields rows: `result_types` is a list, a type per column, or a ROW type.

    >>> @udtf(result_types=["STRING", "INT"])
    ... def words(line):
    ...     for word in line.split():
    ...         yield word, len(word)
    >>> list(words("to be"))
    [('to', 2), ('be', 2)]
    """
    declare = functools.partial(
        _declare,
        kind=Kind.TABLE,
        style=Style.GENERAL,
        result_type=result_types,
        input_types=input_types,
        deterministic=deterministic,
        name=name,
    )
    return declare if f is None else declare(f)


def _declare(
    function: Any,
    *,
    kind: Kind,
    style: Style,
    result_type: Any,
    input_types: Any,
    deterministic: bool | None,
    name: str | None,
    accumulator_type: Any = None,
) -> Any:
    if find_spec("pyflink") is None or style not in (Style.GENERAL, Style.PANDAS):
        return declaration(function, kind, style, result_type, input_types, deterministic, name)
    from pyflink.table import udf as pyflink

    common = {"input_types": input_types, "deterministic": deterministic, "name": name}
    if kind is Kind.TABLE:
        return pyflink.udtf(function, result_types=result_type, **common)
    if kind is Kind.SCALAR:
        return pyflink.udf(function, result_type=result_type, func_type=style.value, **common)
    return pyflink.udaf(
        function, result_type=result_type, accumulator_type=accumulator_type, func_type=style.value, **common
    )


def declaration(
    function: Any,
    kind: Kind,
    style: Style = Style.GENERAL,
    result_type: Any = None,
    input_types: Any = None,
    deterministic: bool | None = None,
    name: str | None = None,
) -> Declaration:
    """A declaration with what the function itself knows filled in. A class is made an object."""
    if isinstance(function, type) and (hasattr(function, "eval") or hasattr(function, "accumulate")):
        function = function()
    if deterministic is None:
        said = getattr(function, "is_deterministic", None)
        deterministic = bool(said()) if callable(said) else True
    given = None
    if input_types is not None:
        given = tuple(input_types) if isinstance(input_types, Sequence) and not isinstance(input_types, str) else None
        given = (input_types,) if given is None else given
    own = name or getattr(function, "__name__", None) or type(function).__name__
    return Declaration(function, kind, style, result_type, given, deterministic, own)


def _style(func_type: str) -> Style:
    try:
        return Style(func_type)
    except ValueError:
        styles = ", ".join(f"'{style.value}'" for style in Style)
        raise UsageError(f"func_type='{func_type}' does not exist", mend=f"the styles are {styles}") from None
