"""SET 'table.exec.emit.…': when windows of GROUP BY give rows besides their end, and what has no such rows.

Source: Flink, WindowEmitStrategy.
"""

from __future__ import annotations

from collections.abc import Mapping

from riacho.plan.relations import (
    EmitStrategy,
    Relation,
    TimeAttribute,
    WindowAggregate,
    WindowKind,
    walk_relations,
)
from riacho.sql.batch import is_batch
from riacho.sql.source import SourceText

ONCE = EmitStrategy()
"""Each window gives its row when it closes."""

_PREFIX = "table.exec.emit."
_LATENESS = f"{_PREFIX}allow-lateness"
_TTL = "table.exec.state.ttl"


def emit_strategy(options: Mapping[str, str], kind: WindowKind, time: TimeAttribute | None) -> EmitStrategy:
    """What a session's options say of a window of GROUP BY. Raises `ValueError` where it cannot do so."""
    early, late = is_enabled(options, "early"), is_enabled(options, "late")
    if is_batch(options) or not (early or late):
        return ONCE
    if kind is WindowKind.SESSION:
        raise ValueError("SESSION gives its row once: it has no early and no late fire")
    if time is not TimeAttribute.ROWTIME:  # no row is late by the clock
        return EmitStrategy(_delay(options, "early")) if early else ONCE
    lateness = int(options.get(_LATENESS) or options.get(_TTL) or 0) if late else 0
    if late and not lateness:
        raise ValueError(f"late fire needs rows that may be late: set '{_LATENESS}' or '{_TTL}'")
    return EmitStrategy(
        _delay(options, "early") if early else None, _delay(options, "late") if late else None, lateness
    )


def is_enabled(options: Mapping[str, str], when: str) -> bool:
    """Whether windows fire `early`, or `late`."""
    return options.get(f"{_PREFIX}{when}-fire.enabled") == "true"


def _delay(options: Mapping[str, str], when: str) -> int:
    text = options.get(f"{_PREFIX}{when}-fire.delay")
    if not text:
        raise ValueError(f"{when} fire needs a delay: set '{_PREFIX}{when}-fire.delay', to 0 for every change")
    return int(text)


def check_emission(relation: Relation, options: Mapping[str, str], source: SourceText) -> None:
    """Refuse early and late fire for windows of table functions. Raises `SqlError`."""
    if is_batch(options) or not (is_enabled(options, "early") or is_enabled(options, "late")):
        return
    for step in walk_relations(relation):
        if not isinstance(step, WindowAggregate) or step.emit is not None:
            continue
        source.fail(
            f"windows of table functions have no early and no late fire ('{_PREFIX}early-fire.enabled', "
            f"'{_PREFIX}late-fire.enabled')",
            next((call.position for call in step.calls if call.position is not None), 0),
            "RESET these options, or write the window in GROUP BY: GROUP BY TUMBLE(ts, INTERVAL '1' HOUR)",
        )
