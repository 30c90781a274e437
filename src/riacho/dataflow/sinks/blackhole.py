"""Takes rows and forgets them: for measuring. Source: Flink, "BlackHole SQL Connector"."""

from __future__ import annotations

from collections.abc import Mapping

from riacho.dataflow.batch import Batch
from riacho.dataflow.connectors.tables import options_of
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sources import Json, Positions
from riacho.plan.tables import Table


def check_blackhole(table: Table) -> None:
    """Check the table's options. Raises `OptionError`."""
    options_of(table).finish()


class BlackholeSink:
    """Counts its rows."""

    def __init__(self, table: Table) -> None:
        check_blackhole(table)
        self._rows = 0

    def write(self, batch: Batch) -> None:
        self._rows += len(batch)

    def flush(self) -> None:
        """Nothing waits."""

    def positions(self) -> Positions:
        return {}

    def restore(self, positions: Mapping[str, Json]) -> None:
        """Nothing stays."""

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self._rows)

    def close(self) -> None:
        """Nothing is held."""
