"""EXPLAIN PLAN_ADVICE: which steps keep or compare more than a query may need, and what to do about it.

Flink advises of mini-batches and warns of functions that vary over rows that change. A pass is a mini-batch here, and
such values are remembered, which costs state.
"""

from __future__ import annotations

from collections.abc import Mapping

from riacho.plan.changelog import is_updating
from riacho.plan.determinism import must_remember
from riacho.plan.relations import Filter, Join, Over, Project, Rank, Relation, walk_relations

_TTL = "set 'table.exec.state.ttl' where old rows are no longer needed"


def advice(relations: tuple[Relation, ...], *, forgets: bool) -> Mapping[Relation, str]:
    """The steps that there is something to say about, in the order of the plan; `forgets`: state has a time to live."""
    readers: dict[Relation, set[Relation]] = {}
    for root in relations:
        for step in walk_relations(root):
            for below in step.inputs:
                readers.setdefault(below, set()).add(step)
    found: dict[Relation, str] = {}
    for root in relations:
        for step in walk_relations(root):
            text = _about(step, readers.get(step, set()), forgets=forgets)
            if text is not None:
                found.setdefault(step, text)
    return found


def _about(step: Relation, readers: set[Relation], *, forgets: bool) -> str | None:
    match step:
        case Filter() | Project() if must_remember([step], readers):
            return (
                "[WARNING] what functions gave that vary, as RAND, is remembered for each row, since rows change and "
                "must be taken back as they were given: use functions that do not vary, or compute them before rows "
                "change"
            )
        case Join(time=None) if not step.left_keys:
            return "[WARNING] every row of one input is compared with every row of the other: join by equal columns"
        case Join(time=None) if not forgets and step.ttls_ms == (None, None):
            return (
                f"[ADVICE] all rows of both inputs are kept for ever: {_TTL}, use the hint STATE_TTL, or bound the "
                "difference of both times in the condition"
            )
        case Over() if not step.by_time and not forgets:
            return f"[ADVICE] all rows are kept for ever, and those of a partition computed anew: {_TTL}"
        case Rank() if is_updating(step.input) and not forgets:
            return f"[ADVICE] all rows are kept for ever, since the first ones may go: {_TTL}"
    return None
