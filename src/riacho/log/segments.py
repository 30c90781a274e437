"""The segments of one log: which one holds an offset or a time, and which keep their files and indexes at hand."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from riacho.log.segment import Segment

Work = Callable[[], None]

OPEN_SEGMENTS: Final = 8
"""So many older segments keep their file and indexes at hand, beside the newest."""


class Segments:
    """A log's segments, the oldest first; there is always one. The newest, `active`, is appended to.

    One thread begins segments and drops them, at most; another may look up meanwhile.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._all = tuple(segments)
        self.active = self._all[-1]
        self._at_hand: OrderedDict[int, Segment] = OrderedDict()

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def all(self) -> tuple[Segment, ...]:
        """As they are now: a tuple that does not change."""
        return self._all

    def begin(self, segment: Segment) -> None:
        """Append to this one from now on."""
        self._all = (*self._all, segment)
        self.active = segment

    def forget_oldest(self) -> Segment:
        """Take the oldest one, which is not the only one, from the log."""
        gone, *kept = self._all
        assert kept, "a log has a segment"
        self._all = tuple(kept)
        self._at_hand.pop(gone.base_offset, None)
        return gone

    def count_before(self, offset: int) -> int:
        """How many of the oldest segments hold nothing from this offset on."""
        return max(bisect_right(self._all, offset, key=_base_offset) - 1, 0)

    def find(self, offset: int, log_end: int) -> tuple[Segment, int] | None:
        """The segment that holds `offset`, and the offset after its last record; None before the first."""
        segments = self._all
        active = segments[-1]
        if offset >= active.base_offset:
            return active, log_end
        after = bisect_right(segments, offset, key=_base_offset)
        if after == 0:
            return None
        segment = segments[after - 1]
        self.keep_at_hand(segment)
        return segment, segments[after].base_offset

    def unsynced(self) -> list[Segment]:
        """The segments with bytes that were not synced, oldest first: they follow those that were, and are few."""
        found = []
        for segment in reversed(self._all):
            if segment.synced_size != segment.size:
                found.append(segment)
            elif segment is not self.active:
                break
        return found[::-1]

    def keep_at_hand(self, segment: Segment) -> None:
        """Let the least recently read of the older segments go, so that files and indexes stay few."""
        if segment is self.active:
            return
        at_hand = self._at_hand
        at_hand[segment.base_offset] = segment
        at_hand.move_to_end(segment.base_offset)
        if len(at_hand) > OPEN_SEGMENTS:
            at_hand.popitem(last=False)[1].release()

    def release_older(self) -> None:
        """Let go of the files of those that are neither appended to nor at hand."""
        for segment in self._all[:-1]:
            if segment.base_offset not in self._at_hand:
                segment.release()

    def release_all(self) -> None:
        """Let go of all files."""
        for segment in self._all:
            segment.release()

    def loading_for(self, offset: int) -> Work | None:
        """What a disk thread should do before `find(offset)`; None where that reads little itself."""
        segments = self._all
        if not segments[0].base_offset <= offset < segments[-1].base_offset:
            return None
        segment = segments[bisect_right(segments, offset, key=_base_offset) - 1]
        return None if segment.is_at_hand else segment.load

    def loading_for_time(self, timestamp_ms: int | None) -> Work | None:
        """The same before looking for the first record that is not older or, for None, for the largest timestamp."""
        older = self._all[:-1]
        if all(segment.knows_its_times for segment in older):
            segment = _first_of_time(older, timestamp_ms)
            if segment is None or segment.is_at_hand:
                return None

        def load() -> None:
            segment = _first_of_time(older, timestamp_ms)
            if segment is not None:
                segment.load()

        return load


def _base_offset(segment: Segment) -> int:
    return segment.base_offset


def _first_of_time(segments: Sequence[Segment], timestamp_ms: int | None) -> Segment | None:
    """The first segment with a record that is not older; for None, the first with the largest timestamp of all."""
    if timestamp_ms is None:
        return max(segments, key=lambda segment: segment.largest_timestamp()[0], default=None)
    return next((segment for segment in segments if segment.largest_timestamp()[0] >= timestamp_ms), None)
