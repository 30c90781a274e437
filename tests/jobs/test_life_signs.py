"""A worker that is busy with the user's code is still known to live."""

from __future__ import annotations

import threading

from riacho.jobs.life_signs import LifeSigns


def test_life_is_told_while_the_worker_says_nothing() -> None:
    beats = threading.Semaphore(0)
    life = LifeSigns(beats.release, interval_s=0.001)

    assert beats.acquire(timeout=60)
    assert beats.acquire(timeout=60)
    life.close()


def test_nothing_is_told_after_the_end() -> None:
    beats: list[int] = []
    life = LifeSigns(lambda: beats.append(1), interval_s=0.001)
    life.close()
    told = len(beats)

    life.alive()

    assert len(beats) == told
    assert not life._thread.is_alive()
