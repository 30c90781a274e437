"""Conditions on pairs of kept rows: what a join asks beyond its keys."""

from __future__ import annotations

import numpy as np

from riacho.dataflow.batch import Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Predicate, Settings
from riacho.dataflow.programs import filter_program
from riacho.dataflow.state.given_rows import OutputRows
from riacho.dataflow.state.rows import RowStore
from riacho.kernels import join_rows as kernel
from riacho.kernels.row_words import LEAF_NULL_BIT, LEAF_NULL_WORD, LEAF_WORD
from riacho.plan.expressions import Call, Column, Expression, columns_used, conjuncts, remap
from riacho.plan.relations import Join, Schema
from riacho.plan.types import DataType, DateType, IntegerType, TimestampLtzType, TimestampType, TimeType


class PairCondition:
    """The residual condition of a join; of each pair it looks at the fields that the condition reads, and no others."""

    def __init__(self, relation: Join, left: RowStore, right: RowStore, settings: Settings) -> None:
        assert relation.residual is not None
        width, pair = len(relation.left.schema), relation.pair
        used = sorted(columns_used(relation.residual)) or [0]
        schema = Schema(tuple(pair[index] for index in used))
        self._left, self._right = left, right
        self._left_fields = left.choose([index for index in used if index < width])
        self._right_fields = right.choose([index - width for index in used if index >= width])
        self._pairs = OutputRows(schema.fields, [len(self._left_fields.fields), len(self._right_fields.fields)])
        self.comparisons = _comparisons(relation.residual, width, left, right)
        """The condition as a table of comparisons of kept words, by which a kernel can judge pairs itself."""
        condition = remap(relation.residual, {old: new for new, old in enumerate(used)}.__getitem__)
        self._program = filter_program(condition, schema, settings)
        self._predicate = Predicate(condition, schema, settings)

    def kept(
        self, lefts: Int64Array, rights: Int64Array, sequence: Int64Array, watermark: WatermarkSteps
    ) -> Int64Array:
        """Which of these pairs of row slots it is true for, ascending. There must be pairs.

        Raises `RowError` with the pairs on which it failed.
        """
        if self.comparisons is not None:
            kept = np.empty(len(lefts), np.int64)
            words = self._left.words, self._right.words
            return kept[: kernel.compare_pairs(lefts, rights, *words, self.comparisons, kept)]
        parts = [self._left.give(lefts, self._left_fields), self._right.give(rights, self._right_fields)]
        rows = self._pairs.rows(parts, len(lefts))
        if self._program is not None:
            numbered = Batch(rows, np.arange(len(lefts)), WatermarkSteps.still())
            return self._program.run(numbered).sequence
        return np.flatnonzero(self._predicate.holds(Batch(rows, sequence, watermark)).to_numpy())


_OPERATORS = {
    "<": (kernel.LESS, False),
    ">": (kernel.LESS, True),
    "<=": (kernel.LESS_OR_EQUAL, False),
    ">=": (kernel.LESS_OR_EQUAL, True),
    "=": (kernel.EQUAL, False),
    "<>": (kernel.NOT_EQUAL, False),
}
"""The kernel's operators, and whether the operands change places."""


def _comparisons(condition: Expression, width: int, left: RowStore, right: RowStore) -> Int64Array | None:
    """A condition that only compares whole values of the rows, as the kernel's table; None for any other.

    Such values are kept as words that order as they do, so no column is made of them.
    """
    found: list[tuple[str, Expression, Expression]] = []
    for part in conjuncts(condition):
        if not isinstance(part, Call):
            return None
        if part.function == "BETWEEN":
            value, low, high = part.arguments
            found += [("<=", low, value), ("<=", value, high)]
        elif part.function in _OPERATORS and len(part.arguments) == 2:
            found.append((part.function, *part.arguments))
        else:
            return None
    table = np.zeros((len(found), kernel.COMPARISON_COLUMNS), np.int64)
    for line, (function, one, other) in zip(table, found, strict=True):
        operator, swapped = _OPERATORS[function]
        operands = (other, one) if swapped else (one, other)
        if not _comparable(one.type, other.type):
            return None
        line[kernel.COMPARISON_OPERATOR] = operator
        for place, operand in enumerate(operands):
            if not isinstance(operand, Column):
                return None
            side = int(operand.index >= width)
            leaf = (left, right)[side].leaf(operand.index - side * width)
            at = place * kernel.OPERAND_COLUMNS
            line[at + kernel.OPERAND_SIDE] = side
            line[at + kernel.OPERAND_WORD] = leaf[LEAF_WORD]
            line[at + kernel.OPERAND_NULL_WORD] = leaf[LEAF_NULL_WORD]
            line[at + kernel.OPERAND_NULL_BIT] = leaf[LEAF_NULL_BIT]
    return table


def _comparable(one: DataType, other: DataType) -> bool:
    integers = isinstance(one, IntegerType) and isinstance(other, IntegerType)
    return integers or (one.same_as(other) and isinstance(one, DateType | TimeType | TimestampType | TimestampLtzType))
