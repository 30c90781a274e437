"""What all benchmarks measure: what a process spends meanwhile, and how delays are spread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of a process, and those of the clock."""

    cpu_s: float
    elapsed_s: float

    @property
    def share_of_core(self) -> float:
        return self.cpu_s / self.elapsed_s


class Meter:
    """What a process spends from here on."""

    def __init__(self, cpu_s: Callable[[], float]) -> None:
        """`cpu_s` tells what it has spent so far."""
        self._cpu_s = cpu_s
        self._at_first_s = cpu_s()
        self._began = time.perf_counter()

    def spent(self) -> Spent:
        """So far."""
        return Spent(self._cpu_s() - self._at_first_s, time.perf_counter() - self._began)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The middle of many delays and their end, in milliseconds."""

    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, delays_s: Sequence[float] | npt.NDArray[np.float64]) -> Self:
        """Of delays in seconds; of one at least.

        >>> Quantiles.of([0.001, 0.003, 0.002])
        Quantiles(p50_ms=2.0, p99_ms=2.98)
        """
        p50, p99 = np.percentile(np.asarray(delays_s) * 1000, [50, 99]).tolist()
        return cls(p50, p99)
