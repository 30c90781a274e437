"""Random values. With a seed the sequence is that of Java's `java.util.Random`, continued from batch to batch."""

from __future__ import annotations

import uuid

import numpy as np
import polars as pl

from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.dataflow.evaluation.kernels import Report

_MULTIPLIER, _INCREMENT, _MASK = 0x5DEECE66D, 0xB, (1 << 48) - 1


class JavaRandom:
    """The linear congruential generator that `java.util.Random` documents.

    >>> round(JavaRandom(1).next_double(), 12)
    0.730878190703
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ _MULTIPLIER) & _MASK

    def _next(self, bits: int) -> int:
        self._state = (self._state * _MULTIPLIER + _INCREMENT) & _MASK
        number = self._state >> (48 - bits)
        return number - (1 << bits) if number >= 1 << (bits - 1) and bits == 32 else number

    def next_double(self) -> float:
        return float((self._next(26) << 27) + self._next(27)) / float(1 << 53)

    def next_int(self, bound: int) -> int:
        """A number in [0, bound). `bound` must be positive."""
        if bound & -bound == bound:
            return (bound * self._next(31)) >> 31
        while True:
            number = self._next(31)
            result = number % bound
            if number - result + (bound - 1) < 1 << 31:
                return result


def _rand(call: Invocation) -> pl.Expr:
    if len(call) == 0:
        source = np.random.default_rng()
        return call.columnwise(lambda series, _: pl.Series(source.random(len(series[0]))), (_HEIGHT,))
    if call.is_literal(0) and call.literal(0) is not None:
        sequence = JavaRandom(call.literal(0))
        return call.columnwise(lambda series, _: pl.Series([sequence.next_double() for _ in series[0]]), (_HEIGHT,))
    return call.per_row(lambda seed: JavaRandom(seed).next_double())


_HEIGHT = pl.int_range(pl.len(), dtype=pl.UInt32)


def _rand_integer(call: Invocation) -> pl.Expr:
    """A bound that is not positive fails the row, as Java's `nextInt` does."""
    bound = call[len(call) - 1]
    seed = call.literal(0) if len(call) == 2 and call.is_literal(0) else None
    if len(call) == 2 and seed is None:
        return call.per_row(lambda start, limit: JavaRandom(start).next_int(limit))
    sequence = JavaRandom(uuid.uuid4().int if seed is None else seed)

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        report.rows(series[0] <= 0, "the bound of RAND_INTEGER must be positive")
        made = [sequence.next_int(limit) if limit is not None and limit > 0 else None for limit in series[0].to_list()]
        return pl.Series(made, dtype=pl.Int32)

    return call.columnwise(run, (bound,))


def _uuid(call: Invocation) -> pl.Expr:
    return call.columnwise(
        lambda series, _: pl.Series([str(uuid.uuid4()) for _ in series[0]], dtype=pl.String), (_HEIGHT,)
    )


FUNCTIONS: dict[str, Evaluate] = {"RAND": _rand, "RAND_INTEGER": _rand_integer, "UUID": _uuid}
