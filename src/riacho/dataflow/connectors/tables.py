"""A table's WITH options, ready to be read and checked, and what connectors ask of a table together."""

from __future__ import annotations

from riacho.formats.options import Option, Options
from riacho.plan.tables import Table


def _word(value: str) -> str | None:
    return value


_CONNECTOR: Option[str | None] = Option("connector", _word, None)
_IDLE_TIMEOUT: Option[str | None] = Option("scan.watermark.idle-timeout", _word, None)
_EMIT_STRATEGY: Option[str | None] = Option("scan.watermark.emit.strategy", _word, None)


def options_of(table: Table) -> Options:
    """The options of a table. Those that the planner reads count as known."""
    options = Options(f"table {table.name}", dict(table.options), where=table.origin)
    options.get(_CONNECTOR)
    options.get(_IDLE_TIMEOUT)
    strategy = options.get(_EMIT_STRATEGY)
    if strategy not in (None, "on-event", "on-periodic"):
        raise options.wrong(_EMIT_STRATEGY, "must be 'on-event' or 'on-periodic'")
    return options
