"""What operators without state have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from riacho.dataflow.operator import StateArrays


class Stateless:
    """The part of the operator contract that is about state, for operators that have none."""

    def snapshot(self) -> StateArrays:
        return {}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        assert not state, f"{type(self).__name__} keeps no state"

    @property
    def state_bytes(self) -> int:
        return 0

    @property
    def late_rows(self) -> int:
        return 0
