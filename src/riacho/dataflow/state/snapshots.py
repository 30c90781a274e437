"""Names within a snapshot: the arrays of a part are named after it, `part.array`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from riacho.dataflow.operator import StateArrays


def prefixed(part: str, arrays: StateArrays) -> StateArrays:
    """The arrays of a part under their full names."""
    return {f"{part}.{name}": array for name, array in arrays.items()}


def section(part: str, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The inverse of `prefixed`: the arrays of one part under their own names."""
    start = f"{part}."
    return {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}
