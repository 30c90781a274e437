"""Conditions that literals decide."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.expressions import Call, Case, Expression, Literal, rewrite
from riacho.plan.passes.substitution import is_volatile
from riacho.plan.relations import Filter, Join, Project, Relation, rewrite_relation
from riacho.plan.types import BOOLEAN, BooleanType, FloatType

_TRUE = Literal(BOOLEAN.with_nullable(False), True)
_FALSE = Literal(BOOLEAN.with_nullable(False), False)

_OF_ITSELF = {
    **dict.fromkeys(("=", "<=", ">=", "IS NOT DISTINCT FROM"), True),
    **dict.fromkeys(("<>", "<", ">", "IS DISTINCT FROM"), False),
}
"""Comparisons, and what they say of a number and itself."""


def fold_constants(relation: Relation) -> Relation:
    """Decide AND, OR, NOT and IS … where literals do, comparisons of a number with itself, and drop what always holds.

    A FLOAT or DOUBLE equals itself also where it is NaN, which equals no other one: so Flink's planner decides.

    ```sql
    SELECT a FROM t WHERE TRUE AND a > 1 AND NOT FALSE
    SELECT a FROM t WHERE a > 1
    ```
    """
    return rewrite_relation(relation, _fold_step)


def _fold_step(relation: Relation) -> Relation:
    if isinstance(relation, Filter):
        predicate = fold(relation.predicate)
        return relation.input if predicate == _TRUE else replace(relation, predicate=predicate)
    if isinstance(relation, Project):
        return replace(relation, expressions=tuple(_typed(part) for part in relation.expressions))
    if isinstance(relation, Join) and relation.residual is not None:
        residual = fold(relation.residual)
        return replace(relation, residual=None if residual == _TRUE else residual)
    return relation


def _typed(expression: Expression) -> Expression:
    """Folded where the type, and with it the schema, stays as it is."""
    folded = fold(expression)
    return folded if folded.type == expression.type else expression


def fold(expression: Expression) -> Expression:
    """The expression with its constant conditions decided."""
    return rewrite(expression, _fold_part)


def _fold_part(expression: Expression) -> Expression:
    if isinstance(expression, Case):
        return _fold_case(expression)
    if not isinstance(expression, Call):
        return expression
    match expression.function:
        case "AND":
            return _fold_connective(expression, neutral=_TRUE, decisive=_FALSE)
        case "OR":
            return _fold_connective(expression, neutral=_FALSE, decisive=_TRUE)
        case "NOT" if _is_constant(expression.arguments[0]):
            return _FALSE if expression.arguments[0] == _TRUE else _TRUE
        case "IS NULL" if not expression.arguments[0].type.nullable:
            return _FALSE
        case "IS NOT NULL" if not expression.arguments[0].type.nullable:
            return _TRUE
        case "IS TRUE" if _is_constant(expression.arguments[0]):
            return expression.arguments[0]
        case name if name in _OF_ITSELF and _is_one_number_twice(expression):
            return _compared_with_itself(expression, holds=_OF_ITSELF[name])
    return expression


def _is_one_number_twice(call: Call) -> bool:
    left, right = call.arguments
    return left == right and isinstance(left.type, FloatType) and not is_volatile(left)


def _compared_with_itself(call: Call, *, holds: bool) -> Expression:
    """The answer, unless the number is NULL and the comparison has none."""
    answer = _TRUE if holds else _FALSE
    if not call.type.nullable:
        return answer
    known = Call(_TRUE.type, "IS NOT NULL", call.arguments[:1])
    return Case(call.type, ((known, replace(answer, type=call.type)),), Literal(call.type, None))


def _fold_connective(call: Call, neutral: Literal, decisive: Literal) -> Expression:
    if decisive in call.arguments:
        return decisive
    rest = tuple(argument for argument in call.arguments if argument != neutral)
    if not rest:
        return neutral
    if len(rest) == 1:
        return rest[0]
    return call if len(rest) == len(call.arguments) else replace(call, arguments=rest)


def _fold_case(case: Case) -> Expression:
    branches = tuple(branch for branch in case.branches if branch[0] != _FALSE)
    if branches and branches[0][0] == _TRUE and branches[0][1].type == case.type:
        return branches[0][1]
    if not branches and case.otherwise.type == case.type:
        return case.otherwise
    return replace(case, branches=branches) if branches else case


def _is_constant(expression: Expression) -> bool:
    known = isinstance(expression, Literal) and isinstance(expression.type, BooleanType)
    return known and isinstance(expression, Literal) and expression.value is not None
