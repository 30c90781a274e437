"""Functions that the user wrote in Python. The plan carries them; it never calls them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A function of the user's. Two are equal when they have one name and come from one place.

    So a job keeps its state when the function's code was mended, and loses it when another function took its place.
    """

    name: str
    """As SQL calls it."""
    target: str
    """`module.function`."""
    style: str = "general"
    """`general`: called with a row's values; `polars`, `arrow`, `pandas`: with columns."""
    deterministic: bool = True
    table: bool = False
    """Whether it gives rows: then its result is an ARRAY of ROWs, which LATERAL TABLE expands."""
    implementation: Any = field(default=None, compare=False, repr=False)
    """The function, or an object with `eval` (or, of an aggregate, with `accumulate`)."""
    merges: bool = field(default=False, compare=False, repr=False)
    """Whether an aggregate function puts accumulators together."""
