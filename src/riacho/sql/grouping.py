"""GROUP BY: its keys and grouping sets, and the functions that tell the sets apart.

Source: Flink, "Group Aggregation", GROUPING SETS, ROLLUP, CUBE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

from sqlglot import exp

from riacho.plan.expressions import Call, Case, Column, Expression, Literal
from riacho.plan.relations import GroupingSet, unique_names
from riacho.plan.types import BIGINT, BOOLEAN
from riacho.sql.source import SourceText

GROUPING_FUNCTIONS = frozenset({"GROUPING", "GROUPING_ID", "GROUP_ID"})
"""What only an aggregate query knows."""

MAX_SETS = 4096
"""CUBE of twelve keys; each row of the input becomes so many."""

_NUMBER = BIGINT.with_nullable(False)

Set = tuple[int, ...]


@dataclass(slots=True)
class Grouping:
    """The keys of a GROUP BY; `sets` are the keys of each grouping set, None where there is just one set of all."""

    keys: tuple[Expression, ...] = ()
    names: list[str] = field(default_factory=list)
    sets: tuple[Set, ...] | None = None
    written: bool = False
    """Whether there is a GROUP BY."""

    @property
    def grouping_sets(self) -> tuple[GroupingSet, ...]:
        """As the plan has them. A set's number has a bit per key that it leaves out, the first key's the highest."""
        seen: dict[Set, int] = {}
        found = []
        for keys in self.sets or ():
            again = seen.get(keys, 0)
            seen[keys] = again + 1
            found.append(GroupingSet(self._left_out(keys), self._bits(keys) + (again << len(self.keys))))
        return tuple(found)

    def _left_out(self, keys: Set) -> frozenset[int]:
        return frozenset(range(len(self.keys))) - frozenset(keys)

    def _bits(self, keys: Set) -> int:
        return sum(1 << (len(self.keys) - 1 - index) for index in self._left_out(keys))


@dataclass(frozen=True, slots=True)
class GroupingCall(Expression):
    """GROUPING, GROUPING_ID or GROUP_ID until the number of the grouping set is a field.

    `keys` are the grouped expressions that it is asked about.
    """

    function: str
    keys: tuple[Expression, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(str(key) for key in self.keys)})"


def bind_grouping(
    source: SourceText,
    clause: exp.Expr | None,
    bind: Callable[[exp.Expr], Expression],
) -> Grouping:
    """The keys and sets of a GROUP BY; `bind` binds a key. Raises `SqlError`."""
    if clause is None:
        return Grouping()
    keys: list[Expression] = []
    names: list[str] = []

    def key(tree: exp.Expr) -> int:
        bound = bind(tree.unnest() if isinstance(tree, exp.Paren) else tree)
        if bound not in keys:
            keys.append(bound)
            names.append(tree.name if isinstance(tree, exp.Column) else f"$f{len(names)}")
        return keys.index(bound)

    def together(tree: exp.Expr) -> Set:
        parts = tree.expressions if isinstance(tree, exp.Tuple) else [tree]
        return tuple(dict.fromkeys(key(part) for part in parts))

    def sets(tree: exp.Expr) -> list[Set]:
        """The grouping sets of one element."""
        if isinstance(tree, exp.GroupingSets):
            return [item for part in tree.expressions for item in sets(part)]
        if isinstance(tree, exp.Rollup | exp.Cube):
            for part in tree.expressions:
                if isinstance(part, exp.Rollup | exp.Cube | exp.GroupingSets):
                    source.fail("ROLLUP and CUBE take keys, or keys in parentheses", part)
            parts = [together(part) for part in tree.expressions]
            chosen = (_prefixes if isinstance(tree, exp.Rollup) else _subsets)(parts)
            return list({frozenset(found): found for found in map(_joined, chosen)}.values())
        return [together(tree)]

    product: list[Set] = [()]
    for element in clause.expressions:
        found = sets(element)
        if len(product) * len(found) > MAX_SETS:
            source.fail(f"GROUP BY makes more than {MAX_SETS} grouping sets", element)
        product = [_joined([one, other]) for one in product for other in found]
    ordered = tuple(tuple(sorted(item)) for item in product)
    if clause.args.get("distinct"):
        ordered = tuple(dict.fromkeys(ordered))
    single = len(ordered) == 1
    return Grouping(tuple(keys), unique_names(names), None if single else ordered, written=True)


def _joined(parts: list[Set]) -> Set:
    return tuple(dict.fromkeys(key for part in parts for key in part))


def _prefixes(parts: list[Set]) -> Iterator[list[Set]]:
    """All, then all but the last, down to none."""
    for length in range(len(parts), -1, -1):
        yield parts[:length]


def _subsets(parts: list[Set]) -> Iterator[list[Set]]:
    for length in range(len(parts), -1, -1):
        for chosen in combinations(parts, length):
            yield list(chosen)


def resolve(call: GroupingCall, grouping: Grouping, number: Column | None) -> Expression:
    """The call's value by the number of the grouping set; a literal where it is always the same."""
    width = len(grouping.keys)
    asked = [grouping.keys.index(key) for key in call.keys]

    def value(item: GroupingSet) -> int:
        if call.function == "GROUP_ID":
            return item.id >> width
        return sum((index in item.nulled) << (len(asked) - 1 - place) for place, index in enumerate(asked))

    values = {item.id: value(item) for item in grouping.grouping_sets}
    distinct = list(dict.fromkeys(values.values())) or [0]
    if number is None or len(distinct) == 1:
        return _literal(distinct[0])
    last = distinct.pop()
    branches = []
    for result in distinct:
        tests = tuple(
            Call(BOOLEAN.with_nullable(False), "=", (number, _literal(identity)))
            for identity, found in values.items()
            if found == result
        )
        condition = tests[0] if len(tests) == 1 else Call(BOOLEAN.with_nullable(False), "OR", tests)
        branches.append((condition, _literal(result)))
    return Case(_NUMBER, tuple(branches), _literal(last), position=call.position)


def _literal(value: int) -> Literal:
    return Literal(_NUMBER, value)


def grouping_call(source: SourceText, tree: exp.Expr, keys: tuple[Expression, ...]) -> GroupingCall:
    """The call of one of `GROUPING_FUNCTIONS` over bound keys. Raises `SqlError`."""
    name = tree.name.upper()
    if name == "GROUP_ID":
        if keys:
            source.fail("GROUP_ID takes no arguments", tree)
    elif not keys:
        source.fail(f"{name} needs an argument", tree, f"write {name}(key)")
    return GroupingCall(_NUMBER, name, keys, position=source.locate(tree))
