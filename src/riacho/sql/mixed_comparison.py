"""Numbers beside texts in IN and BETWEEN, which convert one to the other; `=` and `<` refuse them, as in Flink."""

from __future__ import annotations

from collections.abc import Callable

from riacho.plan.expressions import Cast, Expression
from riacho.plan.types import BooleanType, DataType, is_numeric, is_text
from riacho.sql.functions import common_type


def as_first(operands: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """IN: numbers in a list behind a text become texts, and texts behind a number become numbers of its type.

    A list of both stays as it is.
    """
    first, *others = operands
    if not ((_alike(others, is_text) and _plain(first.type)) or (_alike(others, _plain) and is_text(first.type))):
        return operands
    return (first, *(_converted(item, first.type) for item in others))


def as_numbers(operands: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """BETWEEN: texts beside numbers become numbers."""
    numbers = [item.type for item in operands if is_numeric(item.type)]
    texts = [item for item in operands if is_text(item.type)]
    kind = common_type(numbers) if numbers and texts and len(numbers) + len(texts) == len(operands) else None
    if kind is None:
        return operands
    return tuple(_converted(item, kind) if is_text(item.type) else item for item in operands)


def _alike(operands: list[Expression], test: Callable[[DataType], bool]) -> bool:
    return all(test(item.type) for item in operands)


def _plain(kind: DataType) -> bool:
    return is_numeric(kind) or isinstance(kind, BooleanType)


def _converted(operand: Expression, kind: DataType) -> Expression:
    return Cast(kind.with_nullable(operand.type.nullable), operand, position=operand.position)
