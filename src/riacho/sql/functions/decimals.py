"""Precision and scale of DECIMAL results.

Source: Flink, `LogicalTypeMerging` (for arithmetic the rules of SQL Server and Hive: when 38 digits do not suffice,
digits after the point are given up first, but not below 6).
"""

from __future__ import annotations

from riacho.plan.types import MAX_DECIMAL_PRECISION, DecimalType

MINIMUM_ADJUSTED_SCALE = 6
"""Digits after the point that a result keeps, if it has them, when its precision is cut to 38."""


def adjusted(precision: int, scale: int) -> DecimalType:
    """The type for a wanted precision and scale, cut to 38 digits.

    >>> str(adjusted(41, 20)), str(adjusted(50, 10))
    ('DECIMAL(38, 17)', 'DECIMAL(38, 6)')
    """
    if precision <= MAX_DECIMAL_PRECISION:
        return DecimalType(precision, scale)
    before_point = precision - scale
    kept = max(MAX_DECIMAL_PRECISION - before_point, min(scale, MINIMUM_ADJUSTED_SCALE))
    return DecimalType(MAX_DECIMAL_PRECISION, kept)


def of_sum(left: DecimalType, right: DecimalType) -> DecimalType:
    """The type of `left + right` and `left - right`."""
    scale = max(left.scale, right.scale)
    before_point = max(left.precision - left.scale, right.precision - right.scale)
    return adjusted(before_point + scale + 1, scale)


def of_product(left: DecimalType, right: DecimalType) -> DecimalType:
    return adjusted(left.precision + right.precision + 1, left.scale + right.scale)


def of_quotient(left: DecimalType, right: DecimalType) -> DecimalType:
    """The type of `left / right`.

    >>> str(of_quotient(DecimalType(10, 2), DecimalType(5, 1)))
    'DECIMAL(17, 8)'
    """
    scale = max(MINIMUM_ADJUSTED_SCALE, left.scale + right.precision + 1)
    return adjusted(left.precision - left.scale + right.scale + scale, scale)


def of_remainder(left: DecimalType, right: DecimalType) -> DecimalType:
    scale = max(left.scale, right.scale)
    before_point = min(left.precision - left.scale, right.precision - right.scale)
    return adjusted(before_point + scale, scale)


def of_round(operand: DecimalType, digits: int) -> DecimalType:
    """The type of ROUND(operand, digits)."""
    if digits >= operand.scale:
        return DecimalType(operand.precision, operand.scale)
    before_point = operand.precision - operand.scale
    if digits < 0:
        return DecimalType(min(MAX_DECIMAL_PRECISION, 1 + before_point), 0)
    return DecimalType(min(MAX_DECIMAL_PRECISION, 1 + before_point + digits), digits)


def of_common(left: DecimalType, right: DecimalType) -> DecimalType:
    """The type that holds the values of both: where 38 digits do not suffice, none before the point is given up.

    >>> str(of_common(DecimalType(38, 0), DecimalType(38, 18)))
    'DECIMAL(38, 0)'
    """
    before_point = max(left.precision - left.scale, right.precision - right.scale)
    scale = min(max(left.scale, right.scale), MAX_DECIMAL_PRECISION - before_point)
    return DecimalType(before_point + scale, scale)
