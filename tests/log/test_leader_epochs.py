from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.log.epochs import EpochEnd, LeaderEpochs

UNKNOWN = EpochEnd(-1, -1)


def epochs_of(*entries: tuple[int, int]) -> LeaderEpochs:
    epochs = LeaderEpochs()
    for epoch, start in entries:
        assert epochs.assign(epoch, start)
    return epochs


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (-1, UNKNOWN),
        (0, EpochEnd(0, 10)),  # before the first: ends where that begins
        (2, EpochEnd(2, 50)),
        (3, EpochEnd(2, 50)),  # never wrote: the largest below it
        (5, EpochEnd(5, 80)),
        (9, EpochEnd(9, 100)),  # the current one ends at the log's end
        (10, UNKNOWN),
    ],
)
def test_an_epochs_end_is_the_start_of_the_next_one(asked: int, answer: EpochEnd) -> None:
    assert epochs_of((2, 10), (5, 50), (9, 80)).end_offset(asked, log_end=100) == answer


def test_without_epochs_nothing_is_known() -> None:
    assert LeaderEpochs().end_offset(0, log_end=100) == UNKNOWN


def test_an_epoch_that_wrote_nothing_is_forgotten() -> None:
    epochs = epochs_of((2, 10), (5, 50))
    epochs.assign(6, 50)
    assert epochs.end_offset(5, log_end=60) == EpochEnd(2, 50)


def test_an_older_epoch_is_not_taken_up_again() -> None:
    epochs = epochs_of((2, 10))
    assert not epochs.assign(2, 30)
    assert not epochs.assign(1, 30)
    assert epochs.latest == 2


def test_a_torn_tail_takes_the_epochs_that_began_in_it() -> None:
    epochs = epochs_of((2, 10), (5, 50), (6, 70))
    epochs.truncate_from_end(50)
    assert epochs.latest == 2
    assert epochs.end_offset(2, log_end=50) == EpochEnd(2, 50)


def test_deleted_records_take_their_epochs_but_leave_the_one_that_goes_on() -> None:
    epochs = epochs_of((2, 10), (5, 50), (6, 70))
    epochs.truncate_from_start(60)
    assert (epochs.epoch_at(60), epochs.epoch_at(59), epochs.epoch_at(70)) == (5, -1, 6)
    assert epochs.end_offset(2, log_end=100) == EpochEnd(2, 60)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 100)), max_size=20), st.integers(0, 120))
def test_the_checkpoint_restores_every_answer(steps: list[tuple[int, int]], asked: int) -> None:
    epochs, epoch, start = LeaderEpochs(), 0, 0
    for epoch_step, start_step in steps:
        epoch, start = epoch + epoch_step, start + start_step
        epochs.assign(epoch, start)
    restored = LeaderEpochs.decode(epochs.encode())
    assert restored is not None
    assert restored.end_offset(asked, log_end=5000) == epochs.end_offset(asked, log_end=5000)


@pytest.mark.parametrize(
    "text", [b"", b"0", b"0\n", b"0\n1\n", b"0\n1\n2 3", b"0\n2\n2 3\n", b"1\n0\n", b"0\n1\nx 3\n", b"0\n2\n3 5\n2 9\n"]
)
def test_a_damaged_checkpoint_is_not_believed(text: bytes) -> None:
    assert LeaderEpochs.decode(text) is None
