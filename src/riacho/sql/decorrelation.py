"""Correlated queries without their correlation: conditions on the row around are pulled up out of the query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from riacho.plan.expressions import (
    Call,
    Column,
    Expression,
    Literal,
    columns_used,
    conjunction,
    conjuncts,
    rewrite,
)
from riacho.plan.relations import (
    Aggregate,
    Filter,
    Join,
    JoinKind,
    Over,
    Project,
    Rank,
    Relation,
    Union,
    unique_names,
    walk_relations,
)
from riacho.plan.types import BIGINT
from riacho.sql.functions import bind
from riacho.sql.subqueries import Correlated, numbers_read, with_arguments

_ZERO_OF_NOTHING = frozenset({"COUNT", "APPROX_COUNT_DISTINCT"})
"""Aggregates that are 0, not null, over no rows."""


class CorrelationError(Exception):
    """The query reads the row around it in a place from which that cannot be pulled up."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A query whose `relation` reads nothing around it.

    For one row around it, the query's rows are those of the relation for which all `conditions` hold, its values the
    `fields`: both are over the relation's fields and the query's arguments. A query of `one_row` has a row even where
    none holds: its fields then are right if all the relation's are taken for null.
    """

    relation: Relation
    fields: tuple[Expression, ...]
    conditions: tuple[Expression, ...] = ()
    one_row: bool = False

    @property
    def numbers(self) -> frozenset[int]:
        """The arguments that are read."""
        return numbers_read(*self.fields, *self.conditions)


def columns_of(relation: Relation, first: int = 0) -> tuple[Expression, ...]:
    """All fields of a relation, as they are in another where they begin at `first`."""
    return tuple(replace(relation.schema.column(place), index=first + place) for place in range(len(relation.schema)))


def substituted(expression: Expression, fields: Sequence[Expression]) -> Expression:
    """The expression with what its columns are in their place."""

    def replaced(part: Expression) -> Expression:
        return fields[part.index] if isinstance(part, Column) else part

    return rewrite(expression, replaced)


@dataclass(frozen=True, slots=True)
class Decorrelator:
    """Pulls conditions up out of a query.

    `outer` is the relation around it, `arguments` what the query reads of it. Where a condition cannot go up as it is,
    because an aggregate of other rows would come out, the query is joined below with the different `arguments` that
    there are: then it holds an answer for each of them.

    ```sql
    (SELECT SUM(x) FROM t WHERE t.k = o.k)
    -- (SELECT k, SUM(x) FROM t GROUP BY k) on the condition k = o.k
    (SELECT SUM(x) FROM t WHERE t.k > o.k)
    -- (SELECT d.k, SUM(x) FROM (SELECT DISTINCT k FROM o) AS d JOIN t ON t.k > d.k GROUP BY d.k) on d.k = o.k
    ```
    """

    outer: Relation
    arguments: tuple[Expression, ...]

    def pull(self, relation: Relation) -> Pulled:
        """The query without its correlation. Raises `CorrelationError`."""
        match relation:
            case Project():
                below = self.pull(relation.input)
                return replace(below, fields=tuple(substituted(part, below.fields) for part in relation.expressions))
            case Aggregate(keys=()) if not _is_correlated(relation):
                return Pulled(relation, _zeros_of_nothing(relation, columns_of(relation)), one_row=True)
        if not _is_correlated(relation):
            return Pulled(relation, columns_of(relation))
        match relation:
            case Aggregate():
                return self._aggregate(relation)
            case Filter():
                return self._filter(relation)
            case Join() if relation.kind is JoinKind.INNER:
                return self._inner_join(relation)
            case Join() if not relation.kind.keeps_right:
                return self._left_join(relation)
            case Over() | Rank():
                return self._partitioned(relation)
            case Union():
                return self._union(relation)
        raise CorrelationError(f"a subquery cannot read the row around it from below {type(relation).__name__}")

    def plain(self, pulled: Pulled, also: frozenset[int] = frozenset()) -> Pulled:
        """The same with an answer for each of the arguments that it, or `also` somebody else, reads.

        Its conditions then only say which of the arguments an answer is for, its fields read none.
        """
        numbers = sorted(pulled.numbers | also)
        if not numbers:
            return replace(pulled, one_row=False)
        domain = self._domain(numbers)
        places = {number: place for place, number in enumerate(numbers)}
        inner = _moved(columns_of(pulled.relation), len(numbers), nullable=pulled.one_row)

        def placed(expression: Expression) -> Expression:
            return _answered(substituted(expression, inner), places)

        joined = Join(
            domain,
            pulled.relation,
            JoinKind.LEFT if pulled.one_row else JoinKind.INNER,
            (),
            (),
            conjunction(tuple(placed(part) for part in pulled.conditions)) if pulled.conditions else None,
        )
        same = tuple(
            bind("IS NOT DISTINCT FROM", (Correlated(self.arguments[number].type, number), _column(domain, place)))
            for number, place in places.items()
        )
        return Pulled(joined, tuple(placed(part) for part in pulled.fields), same)

    def projected(self, pulled: Pulled) -> Pulled:
        """The same with its fields as the first ones of the relation."""
        if numbers_read(*pulled.fields):
            pulled = self.plain(pulled)
        used = sorted(columns_used(*pulled.conditions))
        expressions = (*pulled.fields, *(_column(pulled.relation, index) for index in used))
        relation = Project(pulled.relation, expressions, _names(len(expressions)))
        moved = {index: _column(relation, len(pulled.fields) + place) for place, index in enumerate(used)}

        def follow(part: Expression) -> Expression:
            return moved[part.index] if isinstance(part, Column) else part

        return Pulled(
            relation,
            columns_of(relation)[: len(pulled.fields)],
            tuple(rewrite(condition, follow) for condition in pulled.conditions),
            pulled.one_row,
        )

    def _domain(self, numbers: list[int]) -> Relation:
        """Each combination of these arguments once."""
        chosen = tuple(self.arguments[number] for number in numbers)
        names = _names(len(numbers))
        return Aggregate(Project(self.outer, chosen, names), tuple(range(len(numbers))), (), names)

    # ---- steps ------------------------------------------------------------------------------------------------

    def _filter(self, step: Filter) -> Pulled:
        below = self.pull(step.input)
        if below.one_row:  # the condition decides about the row that is there for nothing, too
            below = self.plain(below)
        parts = [substituted(part, below.fields) for part in conjuncts(step.predicate)]
        here, above = _split(parts)
        relation = Filter(below.relation, conjunction(here)) if here else below.relation
        return replace(below, relation=relation, conditions=(*below.conditions, *above))

    def _keyed(self, step: Relation) -> tuple[Pulled, list[tuple[Call, Expression]]]:
        """What a step that puts rows together reads: below it the conditions are equalities.

        Each comes with the value of the rows that it compares with one of the row around.
        """
        below = self.pull(step)
        sides = [_equality(part) for part in below.conditions]
        if below.one_row or None in sides or numbers_read(*below.fields):
            below = self.plain(below)
        below = self.projected(below)
        found = [(part, _equality(part)) for part in below.conditions]
        return below, [(part, value) for part, value in found if value is not None and isinstance(part, Call)]

    def _aggregate(self, step: Aggregate) -> Pulled:
        below, equalities = self._keyed(step.input)
        width, keys = len(step.input.schema), len(step.keys)
        values = list(dict.fromkeys(value for _, value in equalities))
        relation = Aggregate(
            _appended(below.relation, width, values),
            (*step.keys, *range(width, width + len(values))),
            step.calls,
            tuple(unique_names([*step.names[:keys], *_names(len(values)), *step.names[keys:]])),
        )
        fields = list(columns_of(relation))
        answers = fields[keys : keys + len(values)]
        del fields[keys : keys + len(values)]
        conditions = tuple(_with_value(part, value, answers[values.index(value)]) for part, value in equalities)
        if step.keys:
            return Pulled(relation, tuple(fields), conditions)
        return Pulled(relation, _zeros_of_nothing(step, fields), conditions, one_row=True)

    def _partitioned(self, step: Over | Rank) -> Pulled:
        below, equalities = self._keyed(step.input)
        width = len(step.input.schema)
        values = list(dict.fromkeys(value for _, value in equalities))
        relation = replace(
            step,
            input=_appended(below.relation, width, values),
            partition=(*step.partition, *range(width, width + len(values))),
        )
        fields = list(columns_of(relation))
        answers = fields[width : width + len(values)]
        del fields[width : width + len(values)]
        conditions = tuple(_with_value(part, value, answers[values.index(value)]) for part, value in equalities)
        return Pulled(relation, tuple(fields), conditions)

    def _inner_join(self, step: Join) -> Pulled:
        left, right = (self.plain(side) if side.one_row else side for side in map(self.pull, step.inputs))
        shifted = _moved(columns_of(right.relation), len(left.relation.schema))
        outputs = (*left.fields, *(substituted(part, shifted) for part in right.fields))
        parts = [substituted(part, outputs) for part in _conditions_of(step)]
        here, above = _split(parts)
        relation = Join(left.relation, right.relation, step.kind, (), (), conjunction(here) if here else None)
        below = (*left.conditions, *(substituted(part, shifted) for part in right.conditions))
        return Pulled(relation, outputs, (*below, *above))

    def _left_join(self, step: Join) -> Pulled:
        """A join that keeps its left side's rows, or chooses among them: only they can carry what is read around."""
        left, right = self.pull(step.left), self.projected(self.pull(step.right))
        read = right.numbers | numbers_read(*_conditions_of(step))
        if read or left.one_row or numbers_read(*left.fields):
            left = self.plain(left, read)
        places = _places_of(left.conditions) if read else {}
        shifted = _moved(columns_of(right.relation), len(left.relation.schema))
        sides = (*left.fields, *shifted)
        parts = [substituted(part, shifted) for part in right.conditions]
        parts += [substituted(part, sides) for part in _conditions_of(step)]
        parts = [with_arguments(part, places) for part in parts] if read else parts
        relation = replace(
            step,
            left=left.relation,
            right=right.relation,
            residual=conjunction(tuple(parts)) if parts else None,
            names=(),
        )
        added = columns_of(relation)[len(left.relation.schema) :][: len(step.schema) - len(step.left.schema)]
        return Pulled(relation, (*left.fields, *added), left.conditions)

    def _union(self, step: Union) -> Pulled:
        pulled = [self.pull(branch) for branch in step.branches]
        read = frozenset[int]().union(*(branch.numbers for branch in pulled))
        answered = [self.plain(branch, read) for branch in pulled]
        width = len(read)
        branches = []
        for branch in answered:
            expressions = (*columns_of(branch.relation)[:width], *branch.fields)
            branches.append(Project(branch.relation, expressions, _names(len(expressions))))
        relation = Union(tuple(branches))
        return Pulled(relation, columns_of(relation)[width:], answered[0].conditions)


def _conditions_of(join: Join) -> tuple[Expression, ...]:
    return () if join.residual is None else conjuncts(join.residual)


def _places_of(conditions: Sequence[Expression]) -> dict[int, Expression]:
    """Where a query with an answer for each argument holds the argument, by number."""
    places = {}
    for condition in conditions:
        assert isinstance(condition, Call)
        around, answer = condition.arguments
        assert isinstance(around, Correlated)
        places[around.number] = answer
    return places


def _is_correlated(relation: Relation) -> bool:
    return any(numbers_read(*_expressions_of(step)) for step in walk_relations(relation))


def _zeros_of_nothing(aggregate: Aggregate, fields: Sequence[Expression]) -> tuple[Expression, ...]:
    """The results of an aggregate without keys, right also where they are null for lack of any row."""
    zero = Literal(BIGINT.with_nullable(False), 0)
    results = []
    for call, result in zip(aggregate.calls, fields, strict=True):
        assert isinstance(result, Column)
        maybe = replace(result, type=call.type.with_nullable(True))
        results.append(bind("COALESCE", (maybe, zero)) if call.function in _ZERO_OF_NOTHING else maybe)
    return tuple(results)


def _expressions_of(step: Relation) -> Iterator[Expression]:
    """The expressions that a step evaluates."""
    for item in fields(step):
        value = getattr(step, item.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Expression):
                yield part


def _split(parts: Sequence[Expression]) -> tuple[tuple[Expression, ...], tuple[Expression, ...]]:
    """The conditions that read the query alone, and those that read the row around it."""
    here = tuple(part for part in parts if not numbers_read(part))
    return here, tuple(part for part in parts if numbers_read(part))


def _equality(condition: Expression) -> Expression | None:
    """The side of an equality that reads the query's rows, where the other side reads the row around alone."""
    if not isinstance(condition, Call) or condition.function not in ("=", "IS NOT DISTINCT FROM"):
        return None
    for one, other in (condition.arguments, condition.arguments[::-1]):
        if not numbers_read(one) and not columns_used(other):
            return one
    return None


def _with_value(condition: Call, value: Expression, answer: Expression) -> Expression:
    """The equality with another expression for the value of the query's rows."""
    changed = tuple(answer if argument == value else argument for argument in condition.arguments)
    return replace(condition, arguments=changed)


def _answered(expression: Expression, places: dict[int, int]) -> Expression:
    """The expression with the first fields in place of the arguments."""

    def replaced(part: Expression) -> Expression:
        return Column(part.type, places[part.number], "argument") if isinstance(part, Correlated) else part

    return rewrite(expression, replaced)


def _moved(columns: tuple[Expression, ...], by: int, *, nullable: bool = False) -> tuple[Expression, ...]:
    moved = []
    for column in columns:
        assert isinstance(column, Column)
        kind = column.type.with_nullable(True) if nullable else column.type
        moved.append(replace(column, index=column.index + by, type=kind))
    return tuple(moved)


def _appended(relation: Relation, width: int, values: list[Expression]) -> Relation:
    """The first fields of a relation, and these values behind them."""
    expressions = (*columns_of(relation)[:width], *values)
    return Project(relation, expressions, _names(len(expressions)))


def _column(relation: Relation, index: int) -> Column:
    return relation.schema.column(index)


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"$f{place}" for place in range(count))
