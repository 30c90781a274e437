"""Commits a job's offsets beside its passes: they only show lag, and no row should wait for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from riacho.client import Admin, Cluster, CommittedOffset, TopicPartition
from riacho.errors import RiachoError

log = logging.getLogger(__name__)

CLOSE_S = 5.0
"""A broker that does not answer holds the end of a job no longer than this."""

Offsets = Mapping[TopicPartition, CommittedOffset]


class OffsetCommits:
    """Commits offsets of one group in a thread, from the first on. What is committed while another commit is under
    way waits for it, and is replaced by what comes later.
    """

    def __init__(self, cluster: Cluster, group: str) -> None:
        self._cluster = cluster
        self._group = group
        self._changed = threading.Condition()
        self._waiting: Offsets | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def commit(self, offsets: Offsets) -> None:
        """Commit these soon. Returns at once; a failure is logged."""
        with self._changed:
            assert not self._closed, "commits are closed"
            self._waiting = offsets
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="riacho-offset-commits", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Return once the last offsets are committed, or have failed to be, or after `CLOSE_S`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._waiting is None:
                    if self._closed:
                        return
                    self._changed.wait()
                offsets, self._waiting = self._waiting, None
            try:
                Admin(self._cluster).groups.commit_offsets(self._group, offsets)
            except RiachoError as error:
                log.warning("offsets of group %s are not committed: %s", self._group, error)
