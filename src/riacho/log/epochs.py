"""The leader epochs of one log and the offset at which each began (KIP-101, KIP-279)."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, NamedTuple

NO_EPOCH: Final = -1
NO_OFFSET: Final = -1


class EpochEnd(NamedTuple):
    """The largest epoch not above the one asked for, and the offset after its last record."""

    epoch: int
    end_offset: int


class LeaderEpochs:
    """Epochs and their start offsets, both strictly rising.

    Kept in Kafka's `leader-epoch-checkpoint` format: version, count, then a line for each epoch.

    >>> epochs = LeaderEpochs()
    >>> epochs.assign(3, 0), epochs.assign(5, 120)
    (True, True)
    >>> epochs.end_offset(4, log_end=200)
    EpochEnd(epoch=3, end_offset=120)
    >>> LeaderEpochs.decode(epochs.encode()).end_offset(5, log_end=200)
    EpochEnd(epoch=5, end_offset=200)
    """

    __slots__ = ("_epochs", "_starts")

    def __init__(self) -> None:
        self._epochs: list[int] = []
        self._starts: list[int] = []

    @property
    def latest(self) -> int:
        """The newest epoch, `NO_EPOCH` where there is none."""
        return self._epochs[-1] if self._epochs else NO_EPOCH

    def assign(self, epoch: int, start_offset: int) -> bool:
        """Note that `epoch` begins at this offset; False where it is not newer than what is known.

        An earlier epoch that began there too wrote nothing, and is forgotten.
        """
        if epoch <= self.latest:
            return False
        self.truncate_from_end(start_offset)
        self._epochs.append(epoch)
        self._starts.append(start_offset)
        return True

    def truncate_from_end(self, end_offset: int) -> None:
        """Forget the epochs that began at or after `end_offset`."""
        while self._starts and self._starts[-1] >= end_offset:
            self._starts.pop()
            self._epochs.pop()

    def truncate_from_start(self, start_offset: int) -> None:
        """Forget the epochs that ended at or before the log's new start."""
        at = bisect_right(self._starts, start_offset) - 1
        if at >= 0:
            del self._starts[:at], self._epochs[:at]
            self._starts[0] = start_offset

    def epoch_at(self, offset: int) -> int:
        """The epoch in which the record at `offset` was (or would be) written."""
        at = bisect_right(self._starts, offset) - 1
        return self._epochs[at] if at >= 0 else NO_EPOCH

    def end_offset(self, epoch: int, *, log_end: int) -> EpochEnd:
        """Where `epoch` ended, as OffsetForLeaderEpoch answers; both −1 where it is unknown or newer than all."""
        if not self._epochs or epoch < 0 or epoch > self._epochs[-1]:
            return EpochEnd(NO_EPOCH, NO_OFFSET)
        if epoch == self._epochs[-1]:
            return EpochEnd(epoch, log_end)
        above = bisect_right(self._epochs, epoch)
        return EpochEnd(self._epochs[above - 1] if above else epoch, self._starts[above])

    def encode(self) -> bytes:
        lines = [b"0", b"%d" % len(self._epochs)]
        lines += [b"%d %d" % entry for entry in zip(self._epochs, self._starts, strict=True)]
        return b"\n".join(lines) + b"\n"

    @classmethod
    def decode(cls, text: bytes) -> LeaderEpochs | None:
        """What `encode` wrote; None where the text is damaged."""
        epochs = cls()
        try:
            version, count, *lines, last = text.split(b"\n")
            entries = [(int(epoch), int(start)) for epoch, start in map(bytes.split, lines)]
            if int(version) != 0 or int(count) != len(entries) or last:
                return None
        except ValueError:
            return None
        for epoch, start in entries:
            if epoch < 0 or start < 0 or not epochs.assign(epoch, start):
                return None
        return epochs if len(epochs._epochs) == len(entries) else None
