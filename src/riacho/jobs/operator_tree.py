"""The operators of a job as a tree, as EXPLAIN draws it: the sinks first, below each operator those that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from riacho.dataflow.graph import OperatorMetrics
from riacho.sql.explain import describe_operator


class Line(NamedTuple):
    """One line of the tree. `place` is its operator's; None if an earlier line shows that one, under another reader."""

    place: int | None
    margin: str
    text: str


def operator_tree(operators: Sequence[OperatorMetrics]) -> list[Line]:
    """The lines that show these operators, of which each names those that it reads by their places."""
    tree = _Tree(operators, {})
    read = {place for operator in operators for place in operator.inputs}
    ends = [place for place in range(len(operators)) if place not in read]
    return [line for place in ends for line in tree.lines(place, "", "")]


@dataclass(slots=True)
class _Tree:
    operators: Sequence[OperatorMetrics]
    shown: dict[int, str]

    def lines(self, place: int, first: str, rest: str) -> Iterator[Line]:
        if place in self.shown:
            yield Line(None, first, f"as above: {self.shown[place]}")
            return
        operator = self.operators[place]
        inputs = [self.operators[each].relation for each in operator.inputs]
        self.shown[place] = describe_operator(operator.relation, inputs)
        yield Line(place, first, self.shown[place])
        for each in operator.inputs:
            last = each == operator.inputs[-1]
            yield from self.lines(each, f"{rest}{'└─ ' if last else '├─ '}", f"{rest}{'   ' if last else '│  '}")
