"""Watermark alignment: sources that are far ahead in event time wait for the others of their group.

Source: Flink, "Watermark alignment" (SourceCoordinator): every so often it is announced how far a source may go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK
from riacho.host import Clock
from riacho.jobs.trigger import SMALL_ROWS
from riacho.plan.relations import Alignment

FIRST_ROWS = SMALL_ROWS
"""So many rows of a source are read at first before it is looked how far they have come: fewer would cost as much."""

Levels = Callable[[], Mapping[str, tuple[int, int]]]


class SourceAlignment:
    """Which sources are not to be polled now.

    `levels` says, by scan, which split holds the watermark back and how far it is. A scan that is idle or has ended is
    not there, and nobody waits for it.
    """

    def __init__(self, alignments: Mapping[str, Alignment], levels: Levels, clock: Clock) -> None:
        self._alignments = dict(alignments)
        self._levels = levels
        self._clock = clock
        self._limits: dict[str, int] = {}
        self._announced_ms: dict[str, float] = {}
        self._most_rows: dict[str, int] = {}
        """Of those that have not waited since so many were read at once."""

    def ahead(self) -> Collection[str]:
        """The scans that wait."""
        if not self._alignments:
            return ()
        levels = {scan: level for scan, (_, level) in self._levels().items() if scan in self._alignments}
        now = self._clock.monotonic_ms()
        for scan, alignment in self._alignments.items():
            announced = self._announced_ms.get(scan)
            if announced is None or now >= announced + alignment.update_ms:
                self._limits[scan] = self._limit(alignment, levels)
                self._announced_ms[scan] = now
        ahead = {scan for scan, level in levels.items() if level > self._limits[scan]}
        for scan in ahead:
            self._most_rows.pop(scan, None)
        return ahead

    def most_rows(self, scan: str, share: int) -> int:
        """How many rows one that does not wait may be asked for, whose share would be so many.

        Twice as many as came before, where those did not take it too far: so it goes too far by no more rows than it
        had read by then, or by the first.
        """
        return min(share, self._most_rows.get(scan, FIRST_ROWS)) if scan in self._alignments else share

    def came(self, scan: str, rows: int) -> None:
        """So many rows came."""
        if scan in self._alignments and rows >= self._most_rows.get(scan, FIRST_ROWS):
            self._most_rows[scan] = 2 * rows

    def _limit(self, alignment: Alignment, levels: Mapping[str, int]) -> int:
        """How far a scan may go: the watermark of the slowest in its group, and the drift."""
        group = [level for scan, level in levels.items() if self._alignments[scan].group == alignment.group]
        slowest = min(group, default=END_OF_TIME)
        if slowest == NO_WATERMARK:
            return NO_WATERMARK
        return min(slowest + alignment.max_drift_ms, END_OF_TIME)
