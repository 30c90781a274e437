"""Arithmetic operators and mathematical functions. Source: Flink, "System Functions", Arithmetic Functions."""

from __future__ import annotations

from collections.abc import Callable

from riacho.plan.expressions import Literal
from riacho.plan.types import (
    DOUBLE,
    INT,
    CharType,
    DataType,
    DecimalType,
    FloatType,
    IntegerType,
    NullType,
    is_interval,
    is_numeric,
    is_temporal,
)
from riacho.sql.functions import decimals
from riacho.sql.functions.coercion import as_decimal, common_type, least_restrictive_type
from riacho.sql.functions.definition import Arguments, FunctionDefinition, FunctionError, Inference, Signature
from riacho.sql.functions.parameters import (
    as_double,
    as_int,
    function,
    gives,
    gives_argument,
    gives_never_null,
    literal_int,
    nullable_if_any,
    numeric,
    numeric_or_interval,
)

DecimalRule = Callable[[DecimalType, DecimalType], DecimalType]


def _mismatch(name: str, arguments: Arguments) -> FunctionError:
    given = " and ".join(argument.type.name() for argument in arguments)
    return FunctionError(f"{name} does not take {given}", position=arguments[0].position)


def _numbers(name: str, arguments: Arguments, rule: DecimalRule) -> Signature | None:
    """The usual promotion: the wider integer, a decimal by its rule, or floating point."""
    left, right = (INT if isinstance(item.type, NullType) else item.type for item in arguments)
    if not (is_numeric(left) and is_numeric(right)):
        return None
    nullable = nullable_if_any(arguments)
    if isinstance(left, FloatType) or isinstance(right, FloatType):
        both = common_type([left, right])
        result = least_restrictive_type([left, right])
        assert both is not None, name
        assert result is not None, name
        return _typed(arguments, (both, both), result)
    if isinstance(left, DecimalType) or isinstance(right, DecimalType):
        one, other = as_decimal(left), as_decimal(right)
        return _typed(arguments, (one, other), rule(one, other).with_nullable(nullable))
    both = common_type([left, right])
    assert both is not None, name
    return _typed(arguments, (both, both), both)


def _typed(arguments: Arguments, types: tuple[DataType, ...], result: DataType) -> Signature:
    given = tuple(kind.with_nullable(argument.type.nullable) for kind, argument in zip(types, arguments, strict=True))
    return Signature(given, result.with_nullable(nullable_if_any(arguments)))


def _takes_interval(left: DataType, right: DataType) -> bool:
    """Whether a span can be added to the left operand, or taken from it: to a span of its kind, or to a moment."""
    return is_interval(right) and (type(left) is type(right) or is_temporal(left))


def _plus(arguments: Arguments) -> Signature:
    if len(arguments) == 1:
        return _sign_kept("+", arguments)
    numbers = _numbers("+", arguments, decimals.of_sum)
    if numbers is not None:
        return numbers
    left, right = (item.type for item in arguments)
    if _takes_interval(left, right):
        return _typed(arguments, (left, right), left)
    if is_interval(left) and is_temporal(right):
        return _typed(arguments, (left, right), right)
    raise _mismatch("+", arguments)


def _minus(arguments: Arguments) -> Signature:
    if len(arguments) == 1:
        return _sign_kept("-", arguments)
    numbers = _numbers("-", arguments, decimals.of_sum)
    if numbers is not None:
        return numbers
    left, right = (item.type for item in arguments)
    if _takes_interval(left, right):
        return _typed(arguments, (left, right), left)
    if is_temporal(left) and is_temporal(right):
        raise FunctionError(
            f"- does not take {left.name()} and {right.name()}",
            mend="the time between two moments is TIMESTAMPDIFF(SECOND, earlier, later)",
            position=arguments[0].position,
        )
    raise _mismatch("-", arguments)


def _sign_kept(name: str, arguments: Arguments) -> Signature:
    kind = arguments[0].type
    if isinstance(kind, NullType):
        return Signature((INT,), INT)
    if not (is_numeric(kind) or is_interval(kind)):
        raise _mismatch(name, arguments)
    return Signature((kind,), kind)


def _times(arguments: Arguments) -> Signature:
    numbers = _numbers("*", arguments, decimals.of_product)
    if numbers is not None:
        return numbers
    left, right = (item.type for item in arguments)
    if is_interval(left) and is_numeric(right):
        return _typed(arguments, (left, right), left)
    if is_numeric(left) and is_interval(right):
        return _typed(arguments, (left, right), right)
    raise _mismatch("*", arguments)


def _numeric_only(name: str, rule: DecimalRule) -> Inference:
    def infer(arguments: Arguments) -> Signature:
        numbers = _numbers(name, arguments, rule)
        if numbers is None:
            raise _mismatch(name, arguments)
        return numbers

    return infer


def _remainder(arguments: Arguments) -> Signature:
    """Flink types a remainder of whole numbers by its divisor: MOD(BIGINT, INT) and MOD(DECIMAL(5, 0), INT) are INT."""
    if any(isinstance(argument.type, FloatType) for argument in arguments):
        raise FunctionError(
            "MOD does not take FLOAT and DOUBLE", mend="cast to DECIMAL", position=arguments[0].position
        )
    signature = _numeric_only("%", decimals.of_remainder)(arguments)
    result, divisor = signature.result, arguments[1].type
    whole = isinstance(result, IntegerType) or (isinstance(result, DecimalType) and result.scale == 0)
    if whole and isinstance(divisor, IntegerType | DecimalType):
        return Signature(signature.arguments, divisor.with_nullable(result.nullable))
    return signature


def _whole(arguments: Arguments) -> DataType:
    """A decimal loses its digits after the point; other numbers keep their type."""
    kind = INT if isinstance(arguments[0].type, NullType) else arguments[0].type
    return DecimalType(kind.precision, 0, nullable=kind.nullable) if isinstance(kind, DecimalType) else kind


def _floor_or_ceil(name: str) -> Inference:
    """Of a number, or of a point in time to a unit (see `temporal`)."""

    def infer(arguments: Arguments) -> Signature:
        kind = arguments[0].type
        if len(arguments) == 1 and (is_numeric(kind) or isinstance(kind, NullType)):
            result = _whole(arguments)
            return Signature((INT if isinstance(kind, NullType) else kind,), result)
        if len(arguments) == 2 and is_temporal(kind):
            unit = arguments[1]
            if isinstance(unit, Literal) and isinstance(unit.value, str) and unit.value.upper() in FLOOR_UNITS:
                return Signature((kind, unit.type), kind)
            raise FunctionError(
                f"{name} … TO {unit} is not possible",
                mend=f"the units are {', '.join(FLOOR_UNITS)}",
                position=unit.position,
            )
        raise _mismatch(name, arguments)

    return infer


FLOOR_UNITS = (
    "MILLENNIUM",
    "CENTURY",
    "DECADE",
    "YEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAY",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
)
"""What FLOOR and CEIL round a point in time to."""


def _rounded(arguments: Arguments) -> DataType:
    kind = INT if isinstance(arguments[0].type, NullType) else arguments[0].type
    nullable = nullable_if_any(arguments)
    if not isinstance(kind, DecimalType):
        return kind.with_nullable(nullable)
    if len(arguments) == 1:
        return decimals.of_round(kind, 0).with_nullable(nullable)
    return decimals.of_round(kind, literal_int(arguments[1], kind.scale)).with_nullable(nullable)


def _double(syntax: str, description: str) -> FunctionDefinition:
    """A function of one number, computed in double precision."""
    return function(syntax, (as_double,), gives(DOUBLE), description)


FUNCTIONS: tuple[FunctionDefinition, ...] = (
    FunctionDefinition("+", _plus, "a + b", "The sum; also point in time + interval.", (1, 2)),
    FunctionDefinition("-", _minus, "a - b", "The difference, or the negative; also point in time - interval.", (1, 2)),
    FunctionDefinition("*", _times, "a * b", "The product; also interval * number.", (2, 2)),
    FunctionDefinition(
        "/",
        _numeric_only("/", decimals.of_quotient),
        "a / b",
        "The quotient. Integers truncate toward zero; integers and decimals fail on division by zero.",
        (2, 2),
    ),
    FunctionDefinition(
        "%",
        _remainder,
        "MOD(a, b)",
        "The remainder, with the sign of a; fails on division by zero.",
        (2, 2),
        ("MOD",),
    ),
    function("ABS(number)", (numeric_or_interval,), gives_argument(0), "The absolute value."),
    FunctionDefinition("CEIL", _floor_or_ceil("CEIL"), "CEIL(a [TO unit])", "Rounded up.", (1, 2), ("CEILING",)),
    FunctionDefinition("FLOOR", _floor_or_ceil("FLOOR"), "FLOOR(a [TO unit])", "Rounded down.", (1, 2)),
    function("ROUND(number[, digits])", (numeric, as_int), _rounded, "Rounded half up to digits.", optional=1),
    function("TRUNCATE(number[, digits])", (numeric, as_int), _rounded, "Cut after digits.", optional=1),
    function("SIGN(number)", (numeric,), gives_argument(0), "-1, 0 or 1, in the number's type."),
    function("POWER(base, exponent)", (as_double, as_double), gives(DOUBLE), "base raised to exponent."),
    _double("SQRT(number)", "The square root; NaN of a negative number."),
    _double("EXP(number)", "e raised to number."),
    _double("LN(number)", "The natural logarithm."),
    _double("LOG10(number)", "The logarithm to base 10."),
    _double("LOG2(number)", "The logarithm to base 2."),
    function(
        "LOG([base, ]number)", (as_double, as_double), gives(DOUBLE), "The logarithm, natural by default.", optional=1
    ),
    _double("SIN(number)", "The sine."),
    _double("COS(number)", "The cosine."),
    _double("TAN(number)", "The tangent."),
    _double("COT(number)", "The cotangent."),
    _double("ASIN(number)", "The arc sine."),
    _double("ACOS(number)", "The arc cosine."),
    _double("ATAN(number)", "The arc tangent."),
    function("ATAN2(y, x)", (as_double, as_double), gives(DOUBLE), "The arc tangent of the point (x, y)."),
    _double("SINH(number)", "The hyperbolic sine."),
    _double("COSH(number)", "The hyperbolic cosine."),
    _double("TANH(number)", "The hyperbolic tangent."),
    _double("DEGREES(number)", "Radians as degrees."),
    _double("RADIANS(number)", "Degrees as radians."),
    function("PI()", (), gives_never_null(DOUBLE), "The number pi."),
    function("E()", (), gives_never_null(DOUBLE), "The number e."),
    function(
        "RAND([seed])", (as_int,), gives(DOUBLE), "A pseudo-random number in [0, 1).", optional=1, deterministic=False
    ),
    function(
        "RAND_INTEGER([seed, ]bound)",
        (as_int, as_int),
        gives(INT),
        "A pseudo-random integer in [0, bound).",
        optional=1,
        deterministic=False,
    ),
    function("UUID()", (), gives_never_null(CharType(36)), "A random UUID (RFC 4122, type 4).", deterministic=False),
)
