"""EXPLAIN: a plan as it was written, as it was optimized, and as it runs. Source: Flink, "EXPLAIN Statements".

The first two are trees of steps. The third is one of operators: filters and projections in a row are one, and each says
its fields, its keys, its row time and what it keeps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from riacho.plan.changelog import unique_keys
from riacho.plan.changelog_modes import changelog_modes
from riacho.plan.relations import Filter, Project, Relation, TimeAttribute, readers_of
from riacho.sql.plan_advice import advice
from riacho.sql.relation_texts import describe, state_of
from riacho.sql.stream_checks import extensions

DETAILS = ("ESTIMATED_COST", "CHANGELOG_MODE", "PLAN_ADVICE", "JSON_EXECUTION_PLAN")
"""What may follow EXPLAIN."""

NO_COSTS = "Tables have no statistics: nothing is estimated. `riacho job show NAME` has each operator's rows and bytes."


def explain(
    written: tuple[Relation, ...],
    optimized: tuple[Relation, ...],
    details: frozenset[str] = frozenset(),
    *,
    forgets: bool = False,
) -> str:
    """The three plans of a statement, under Flink's headings; before them what Flink would refuse of it.

    `forgets`: its state has a time to live.
    """
    modes = {key: mode for sink in optimized for key, mode in changelog_modes(sink).items()}
    shown = modes if "CHANGELOG_MODE" in details else {}
    advised = advice(optimized, forgets=forgets) if "PLAN_ADVICE" in details else {}
    warnings = dict.fromkeys(line for relation in optimized for line in extensions(relation))
    parts = [
        *(f"Warning: {line}" for line in warnings),
        f"== Abstract Syntax Tree ==\n{explain_steps(written)}",
        f"== Optimized Plan{' With Advice' if 'PLAN_ADVICE' in details else ''} ==\n"
        + explain_steps(optimized, shown, tuple(advised)),
    ]
    if "PLAN_ADVICE" in details:
        lines = [f"advice[{number}]: {text}" for number, text in enumerate(advised.values(), 1)]
        parts.append("\n".join(lines or ["No available advice..."]))
    parts.append(f"== Physical Plan ==\n{explain_operators(optimized, shown)}")
    if "ESTIMATED_COST" in details:
        parts.append(f"== Estimated Cost ==\n{NO_COSTS}")
    if "JSON_EXECUTION_PLAN" in details:
        parts.append(f"== Physical Execution Plan ==\n{json_plan(optimized)}")
    return "\n\n".join(parts)


def explain_steps(
    relations: tuple[Relation, ...],
    modes: Mapping[Relation, str] | None = None,
    advised: tuple[Relation, ...] = (),
) -> str:
    """The trees of steps; one that occurs before is only named again. Those `advised` bear their numbers."""
    tree = _Tree(modes or {}, readers_of(relations), operators=False, advised=advised)
    return "\n\n".join("\n".join(tree.lines(relation, "", "")) for relation in relations)


def explain_operators(relations: tuple[Relation, ...], modes: Mapping[Relation, str] | None = None) -> str:
    """The trees of operators, each with its properties."""
    tree = _Tree(modes or {}, readers_of(relations), operators=True)
    return "\n\n".join("\n".join(tree.lines(relation, "", "")) for relation in relations)


def describe_operator(relation: Relation, inputs: Collection[Relation]) -> str:
    """The operator that gives a relation from those that it reads, as EXPLAIN names it."""
    return _operator(relation, lambda below: below not in inputs)[0]


def _operator(relation: Relation, belongs: Callable[[Relation], bool]) -> tuple[str, tuple[Relation, ...]]:
    """An operator and what it reads: steps of one row each, down to the last that `belongs` to it, are one Calc."""
    steps: list[Relation] = []
    while isinstance(relation, Filter | Project) and (not steps or belongs(relation)):
        steps.insert(0, relation)
        relation = relation.input
    if not steps:
        return describe(relation), relation.inputs
    inner = ", ".join(describe(step).removeprefix("Calc(").removesuffix(")") for step in steps)
    return f"Calc({inner})", (relation,)


@dataclass(slots=True)
class _Tree:
    """Draws trees, of steps or of operators; `modes` are the changelog modes, if they are to be told."""

    modes: Mapping[Relation, str]
    readers: Mapping[Relation, list[Relation]]
    operators: bool
    advised: tuple[Relation, ...] = ()
    shared: dict[Relation, int] = field(default_factory=dict)
    """The steps that are read more than once, by the number that they are shown with."""

    def lines(self, relation: Relation, first: str, rest: str) -> Iterator[str]:
        if relation in self.shared:
            yield f"{first}Reused(reference_id=[{self.shared[relation]}])"
            return
        reused = ""
        if len(self.readers.get(relation, ())) > 1 and relation.inputs:
            self.shared[relation] = len(self.shared) + 1
            reused = f"(reuse_id=[{self.shared[relation]}])"
        text, below = self.operator(relation) if self.operators else (describe(relation), relation.inputs)
        if relation in self.advised:
            kind, _, rest_of_text = text.partition("(")
            text = f"{kind}(advice=[{self.advised.index(relation) + 1}], {rest_of_text}"
        mode = self.modes.get(relation)
        yield f"{first}{text if mode is None else _with_mode(text, mode)}{reused}"
        if self.operators:
            margin = f"{rest}{'│  ' if below else '   '}"
            yield from (f"{margin}{line}" for line in _properties(relation))
        for index, part in enumerate(below):
            last = index == len(below) - 1
            yield from self.lines(part, f"{rest}{'└─ ' if last else '├─ '}", f"{rest}{'   ' if last else '│  '}")

    def operator(self, relation: Relation) -> tuple[str, tuple[Relation, ...]]:
        """One operator and what it reads: steps which nobody else reads belong to those above them."""
        return _operator(relation, lambda below: len(self.readers.get(below, ())) == 1)


def _with_mode(text: str, mode: str) -> str:
    opened = text.removesuffix(")")
    return f"{opened}{'' if opened.endswith('(') else ', '}changelogMode=[{mode}])"


def _properties(relation: Relation) -> Iterator[str]:
    schema = relation.schema
    yield f"fields: {', '.join(map(str, schema))}"
    keys = sorted("(" + ", ".join(schema[index].name for index in sorted(key)) + ")" for key in unique_keys(relation))
    if keys:
        yield f"keys: {', '.join(keys)}"
    row_times = [item.name for item in schema if item.time is TimeAttribute.ROWTIME]
    if row_times:
        yield f"row time: {', '.join(row_times)}"
    state = state_of(relation)
    if state is not None:
        yield f"keeps: {state}"


def json_plan(relations: tuple[Relation, ...]) -> str:
    """The operators as JSON, in the form of Flink's execution plans."""
    tree = _Tree({}, readers_of(relations), operators=True)
    nodes: list[dict[str, object]] = []
    numbers: dict[Relation, int] = {}

    def number(relation: Relation) -> int:
        if relation in numbers:
            return numbers[relation]
        text, below = tree.operator(relation)
        inputs = [number(part) for part in below]
        numbers[relation] = len(numbers) + 1
        kind = "Data Sink" if relation in relations else "Operator" if below else "Data Source"
        node: dict[str, object] = {
            "id": numbers[relation],
            "type": text.partition("(")[0],
            "pact": kind,
            "contents": text,
            "parallelism": 1,
        }
        if inputs:
            node["predecessors"] = [{"id": place, "ship_strategy": "FORWARD"} for place in inputs]
        nodes.append(node)
        return numbers[relation]

    for relation in relations:
        number(relation)
    return json.dumps({"nodes": nodes}, indent=2, ensure_ascii=False)
