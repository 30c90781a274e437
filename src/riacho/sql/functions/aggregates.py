"""The aggregate functions' types. Source: Flink, "Aggregate Functions", and `FlinkTypeSystem` for decimals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from riacho.plan.expressions import Call, Cast, Constant, Expression, Literal
from riacho.plan.types import (
    BIGINT,
    DOUBLE,
    INT,
    MAX_DECIMAL_PRECISION,
    STRING,
    ArrayType,
    DataType,
    DecimalType,
    IntegerType,
    MapType,
    MultisetType,
    NullType,
    RowType,
    VarcharType,
    is_bytes,
    is_interval,
    is_numeric,
    is_text,
)
from riacho.sql.functions.decimals import MINIMUM_ADJUSTED_SCALE
from riacho.sql.functions.definition import Arguments, FunctionError

JSON_TEXT = VarcharType(2000, nullable=False)
"""What Flink gives the JSON aggregates: Calcite's default length."""


@dataclass(frozen=True, slots=True)
class AggregateSignature:
    """The types that the arguments are cast to, the result's, and the arguments that are constants of the call.

    `arguments` has a type for each argument that is left when the constants are taken away.
    """

    arguments: tuple[DataType, ...]
    result: DataType
    constants: tuple[Constant, ...] = ()


AggregateRule = Callable[[Arguments, bool], AggregateSignature]
"""From the arguments, and whether a group may have no rows, to the signature."""


@dataclass(frozen=True, slots=True)
class AggregateDefinition:
    """An aggregate function under its canonical name; `arity` is the least and the greatest number of arguments."""

    name: str
    infer: AggregateRule
    syntax: str
    description: str
    arity: tuple[int, int] = (1, 1)
    aliases: tuple[str, ...] = ()
    takes_distinct: bool = True


TypeRule = Callable[[DataType], DataType | None]
"""From the argument's type to the result's, nullability aside; None: such an argument is refused."""


def _of_one(name: str, rule: TypeRule) -> AggregateRule:
    """Functions of one argument that are NULL over no rows, or over NULL only."""

    def infer(arguments: Arguments, may_be_empty: bool) -> AggregateSignature:
        given = _known(arguments[0].type)
        result = rule(given)
        if result is None:
            raise FunctionError(f"{name} does not take {given.name()}")
        return AggregateSignature((given,), result.with_nullable(given.nullable or may_be_empty))

    return infer


def _known(given: DataType) -> DataType:
    return INT if isinstance(given, NullType) else given


def _sum(given: DataType) -> DataType | None:
    """Integers and floats keep their type (and wrap); a decimal gets all 38 digits."""
    if isinstance(given, DecimalType):
        return DecimalType(MAX_DECIMAL_PRECISION, given.scale)
    return given if is_numeric(given) else None


def _average(given: DataType) -> DataType | None:
    """Integers and floats keep their type (integers truncate); a decimal gets 38 digits, 6 or more after the point."""
    if isinstance(given, DecimalType):
        return DecimalType(MAX_DECIMAL_PRECISION, max(MINIMUM_ADJUSTED_SCALE, given.scale))
    return given if is_numeric(given) else None


def _extreme(given: DataType) -> DataType | None:
    refused = isinstance(given, ArrayType | MapType | RowType) or is_bytes(given) or is_interval(given)
    return None if refused else given


def _same(given: DataType) -> DataType:
    return given


def _count(arguments: Arguments, may_be_empty: bool) -> AggregateSignature:  # noqa: ARG001 - never NULL
    if len(arguments) > 1:
        raise FunctionError("COUNT of several columns is not supported", mend="count one column, or rows by COUNT(*)")
    return AggregateSignature(tuple(argument.type for argument in arguments), BIGINT.with_nullable(False))


def _listagg(arguments: Arguments, may_be_empty: bool) -> AggregateSignature:  # noqa: ARG001 - as in Flink
    """The result has the argument's own type, also where a group has no row."""
    value, *rest = arguments
    if not is_text(value.type):
        raise FunctionError(f"LISTAGG does not take {value.type.name()}", mend="cast it to STRING")
    separator = ","
    if rest:
        if not isinstance(rest[0], Literal) or not isinstance(rest[0].value, str):
            raise FunctionError("the separator of LISTAGG must be a text literal")
        separator = rest[0].value
    return AggregateSignature((value.type,), value.type, (separator,))


def _collect(arguments: Arguments, may_be_empty: bool) -> AggregateSignature:  # noqa: ARG001 - empty, not NULL
    given = _known(arguments[0].type)
    return AggregateSignature((given,), MultisetType.of(given))


def _array_agg(arguments: Arguments, may_be_empty: bool) -> AggregateSignature:  # noqa: ARG001 - as in Flink
    given = _known(arguments[0].type)
    return AggregateSignature((given,), ArrayType(given, nullable=given.nullable))


def _percentile(arguments: Arguments, may_be_empty: bool) -> AggregateSignature:  # noqa: ARG001 - always nullable
    value, written, *rest = arguments
    if not is_numeric(value.type):
        raise FunctionError(f"PERCENTILE does not take {value.type.name()}")
    fractions = _fractions(written)
    kinds: tuple[DataType, ...] = (DOUBLE.with_nullable(value.type.nullable),)
    if rest:
        if not isinstance(rest[0].type, IntegerType):
            raise FunctionError(f"the frequency of PERCENTILE must be an integer, not {rest[0].type.name()}")
        kinds += (BIGINT.with_nullable(rest[0].type.nullable),)
    if isinstance(fractions, tuple):
        return AggregateSignature(kinds, ArrayType(DOUBLE), (fractions,))
    return AggregateSignature(kinds, DOUBLE, (fractions,))


def _fractions(written: Expression) -> Constant:
    """A literal number, or the numbers of an ARRAY of literals."""
    while isinstance(written, Cast):
        written = written.operand
    if isinstance(written, Call) and written.function == "ARRAY":
        return tuple(_fraction(item) for item in written.arguments)
    return _fraction(written)


def _fraction(written: Expression) -> float:
    while isinstance(written, Cast):
        written = written.operand
    numeric = isinstance(written, Literal) and is_numeric(written.type) and written.value is not None
    if not isinstance(written, Literal) or not numeric:
        raise FunctionError(
            "the percentage of PERCENTILE must be a literal number, or an ARRAY of them", position=written.position
        )
    fraction = float(str(written.value))
    if not 0.0 <= fraction <= 1.0:
        raise FunctionError(
            f"the percentage of PERCENTILE must be between 0 and 1, not {written}", position=written.position
        )
    return fraction


def _json_array(arguments: Arguments, may_be_empty: bool) -> AggregateSignature:  # noqa: ARG001 - empty, not NULL
    """Of elements that are JSON already."""
    return AggregateSignature((STRING.with_nullable(arguments[0].type.nullable),), JSON_TEXT)


def _json_object(arguments: Arguments, may_be_empty: bool) -> AggregateSignature:  # noqa: ARG001 - empty, not NULL
    """Of members that are JSON already, and their keys."""
    return AggregateSignature(tuple(STRING.with_nullable(argument.type.nullable) for argument in arguments), JSON_TEXT)


DEFINITIONS = (
    AggregateDefinition(
        "COUNT", _count, "COUNT(*), COUNT(value)", "The number of rows, or of those whose value is not NULL.", (0, 9)
    ),
    AggregateDefinition(
        "SUM",
        _of_one("SUM", _sum),
        "SUM(number)",
        "The sum, in the number's type, which wraps; a DECIMAL gets 38 digits.",
    ),
    AggregateDefinition(
        "AVG", _of_one("AVG", _average), "AVG(number)", "The average, in the number's type: of integers cut off."
    ),
    AggregateDefinition("MIN", _of_one("MIN", _extreme), "MIN(value)", "The least value."),
    AggregateDefinition("MAX", _of_one("MAX", _extreme), "MAX(value)", "The greatest value."),
    AggregateDefinition(
        "STDDEV_POP",
        _of_one("STDDEV_POP", _average),
        "STDDEV_POP(number)",
        "The population standard deviation, in the type that AVG gives.",
    ),
    AggregateDefinition(
        "STDDEV_SAMP",
        _of_one("STDDEV_SAMP", _average),
        "STDDEV_SAMP(number)",
        "The sample standard deviation; NULL of one row.",
        aliases=("STDDEV",),
    ),
    AggregateDefinition(
        "VAR_POP",
        _of_one("VAR_POP", _average),
        "VAR_POP(number)",
        "The population variance, in the type that AVG gives.",
    ),
    AggregateDefinition(
        "VAR_SAMP",
        _of_one("VAR_SAMP", _average),
        "VAR_SAMP(number)",
        "The sample variance; NULL of one row.",
        aliases=("VARIANCE",),
    ),
    AggregateDefinition(
        "FIRST_VALUE",
        _of_one("FIRST_VALUE", _same),
        "FIRST_VALUE(value)",
        "The value that is not NULL and came first.",
    ),
    AggregateDefinition(
        "LAST_VALUE", _of_one("LAST_VALUE", _same), "LAST_VALUE(value)", "The value that is not NULL and came last."
    ),
    AggregateDefinition(
        "LISTAGG",
        _listagg,
        "LISTAGG(string[, separator])",
        "The strings that are not NULL, in the order that they came in, separated; by a comma if nothing is said.",
        (1, 2),
    ),
    AggregateDefinition(
        "COLLECT",
        _collect,
        "COLLECT(value)",
        "A MULTISET of the values that are not NULL: each with how often it occurs.",
    ),
    AggregateDefinition(
        "ARRAY_AGG",
        _array_agg,
        "ARRAY_AGG(value [RESPECT | IGNORE NULLS])",
        "An array of the values, in the order that they came in; NULL of none.",
    ),
    AggregateDefinition(
        "PERCENTILE",
        _percentile,
        "PERCENTILE(number, fraction or ARRAY[fraction, …][, frequency])",
        "The exact value at a fraction between 0 and 1 of the sorted values, interpolated between neighbours.",
        (2, 3),
    ),
    AggregateDefinition(
        "JSON_ARRAYAGG",
        _json_array,
        "JSON_ARRAYAGG(value [NULL | ABSENT ON NULL])",
        "A JSON array of the values, as text; NULLs are left out if nothing is said.",
        takes_distinct=False,
    ),
    AggregateDefinition(
        "JSON_OBJECTAGG",
        _json_object,
        "JSON_OBJECTAGG([KEY] key VALUE value [NULL | ABSENT ON NULL])",
        "A JSON object of the pairs, as text, in the order of the keys; a key that comes twice is an error.",
        (2, 2),
        takes_distinct=False,
    ),
    AggregateDefinition(
        "APPROX_COUNT_DISTINCT",
        _count,
        "APPROX_COUNT_DISTINCT(value)",
        "COUNT(DISTINCT value), exact. Flink knows it in batch only: *an extension*.",
        takes_distinct=False,
    ),
)
"""Every aggregate function, in the order of the page of functions."""

AGGREGATES: MappingProxyType[str, AggregateDefinition] = MappingProxyType(
    {name: definition for definition in DEFINITIONS for name in (definition.name, *definition.aliases)}
)
"""By name and alias."""


def is_aggregate(name: str) -> bool:
    """Whether the name, in any case, is an aggregate function's."""
    return name.upper() in AGGREGATES


def infer_aggregate(name: str, arguments: Arguments, *, grouped: bool, filtered: bool = False) -> AggregateSignature:
    """The types of an aggregate call; COUNT(*) has no arguments.

    Most functions are NULL over no rows, which can only happen without GROUP BY (`grouped`) or with a FILTER, or where
    the argument is nullable. Raises `FunctionError`.

    >>> from riacho.plan.expressions import Column
    >>> price = Column(DecimalType(8, 2), 0, "price")
    >>> str(infer_aggregate("avg", (price,), grouped=True).result)
    'DECIMAL(38, 6)'
    """
    definition = aggregate_definition(name)
    least, most = definition.arity
    if not least <= len(arguments) <= most:
        takes = f"{least}" if least == most else f"{least} to {most}"
        plural = "" if takes == "1" else "s"
        raise FunctionError(
            f"{definition.name} takes {takes} argument{plural}, not {len(arguments)}",
            mend=f"write it as {definition.syntax}",
        )
    return definition.infer(arguments, not grouped or filtered)


def aggregate_definition(name: str) -> AggregateDefinition:
    """The function of this name or alias, in any case. Raises `FunctionError`."""
    definition = AGGREGATES.get(name.upper())
    if definition is None:
        raise FunctionError(f"there is no aggregate function {name.upper()}")
    return definition
