"""What becomes of records that give no row: the table's policy, and the dead letters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from riacho.dataflow.batch import Int64Array
from riacho.dataflow.connectors.bad_records import BadRecordPolicy
from riacho.dataflow.sources import Origins, RecordOrigin, SourceCounts
from riacho.errors import RiachoError

log = logging.getLogger(__name__)

SNIPPET = 200
"""Bytes of a bad record that its error shows."""


class BadRecordError(RiachoError):
    """A record could not be read, and its table says that this ends the job."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that goes to the dead-letter topic, with the reason why it is there."""

    origin: RecordOrigin
    reason: str


class DeadLetters(Protocol):
    """Where dead letters go."""

    def send(self, letters: Sequence[DeadLetter]) -> None: ...

    def flush(self) -> None:
        """Return once all are acknowledged."""
        ...

    def close(self) -> None: ...


class BadRecords:
    """Applies one table's policy and keeps its account."""

    def __init__(
        self, table: str, policy: BadRecordPolicy, open_letters: Callable[[], DeadLetters] | None = None
    ) -> None:
        assert policy is not BadRecordPolicy.DEAD_LETTER or open_letters is not None
        self._table = table
        self._policy = policy
        self._open_letters = open_letters
        self._letters: DeadLetters | None = None
        self.rows = 0
        self.bytes = 0
        self._bad = 0
        self._dead = 0
        self._skipped = 0

    def take(self, records: Sequence[tuple[RecordOrigin, str]]) -> None:
        """Deal with bad records, given with their reasons. Raises `BadRecordError` under `fail`."""
        if not records:
            return
        if self._policy is BadRecordPolicy.FAIL:
            raise self._error(*records[0])
        self._bad += len(records)
        if self._policy is BadRecordPolicy.SKIP:
            if not self._skipped:
                origin, reason = records[0]
                log.warning("table %s: the first bad record is skipped: %s: %s", self._table, origin, reason)
            self._skipped += len(records)
            return
        if self._letters is None:
            assert self._open_letters is not None
            self._letters = self._open_letters()
        if not self._dead:
            origin, reason = records[0]
            log.warning("table %s: the first bad record is a dead letter: %s: %s", self._table, origin, reason)
        self._letters.send([DeadLetter(origin, reason) for origin, reason in records])
        self._dead += len(records)

    def reject(self, origins: Origins, rows: Int64Array, reasons: Sequence[str]) -> None:
        """The same with rows of a batch that was delivered."""
        self.take([(origins.of(int(row)), why) for row, why in zip(rows.tolist(), reasons, strict=True)])

    def ignored(self, count: int) -> None:
        """Count errors that the format's `ignore-parse-errors` swallowed."""
        self._bad += count
        self._skipped += count

    def delivered(self, rows: int, size: int) -> None:
        """Count rows that went into a batch, and the bytes of their input."""
        self.rows += rows
        self.bytes += size

    @property
    def counts(self) -> SourceCounts:
        return SourceCounts(self.rows, self.bytes, self._bad, self._dead, self._skipped)

    def flush(self) -> None:
        """Return once every dead letter is acknowledged."""
        if self._letters is not None:
            self._letters.flush()

    def close(self) -> None:
        if self._letters is not None:
            self._letters.close()

    def _error(self, origin: RecordOrigin, reason: str) -> BadRecordError:
        value = origin.value if origin.value is not None else b""
        snippet = value[:SNIPPET].decode("utf-8", "replace") + ("…" if len(value) > SNIPPET else "")
        return BadRecordError(
            f"table {self._table}: a record cannot be read: {reason}\n  the record: {snippet}",
            where=str(origin),
            mend="set 'riacho.bad-records' = 'skip' or 'dead-letter' in the table's WITH to go on without such records",
        )
