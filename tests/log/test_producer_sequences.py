from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.log import BatchHeader, InvalidProducerEpoch, OutOfOrderSequence
from riacho.log.header import MAX_SEQUENCE
from riacho.log.producers import REMEMBERED_BATCHES, Producers


def batch(sequence: int, count: int = 1, *, epoch: int = 0, producer_id: int = 7) -> BatchHeader:
    return BatchHeader(0, 49, 0, 2, 0, 0, count - 1, 0, 0, producer_id, epoch, sequence, count)


def stored(*headers: BatchHeader) -> Producers:
    producers, offset = Producers(), 100
    for header in headers:
        assert producers.check(header) is None
        producers.record(header, offset, timestamp_ms=5, now_ms=1000)
        offset += header.record_count
    return producers


def test_the_next_sequence_is_accepted_and_a_gap_is_not() -> None:
    producers = stored(batch(0, 3))
    assert producers.check(batch(3)) is None
    with pytest.raises(OutOfOrderSequence):
        producers.check(batch(4))


def test_a_repeat_is_answered_with_its_first_offsets() -> None:
    producers = stored(batch(0, 3), batch(3, 2))
    repeat = producers.check(batch(0, 3))
    assert repeat is not None
    assert (repeat.base_offset, repeat.last_offset) == (100, 102)


def test_a_repeat_that_was_cut_differently_is_out_of_order() -> None:
    with pytest.raises(OutOfOrderSequence):
        stored(batch(0, 3)).check(batch(0, 2))


def test_only_the_last_five_batches_are_known_as_repeats() -> None:
    producers = stored(*(batch(sequence) for sequence in range(6)))
    with pytest.raises(OutOfOrderSequence):
        producers.check(batch(0))
    assert [producers.check(batch(sequence)) is not None for sequence in range(1, 6)] == [True] * REMEMBERED_BATCHES


def test_an_unknown_producer_may_begin_anywhere() -> None:
    assert Producers().check(batch(17)) is None


def test_a_new_epoch_begins_at_zero_and_fences_the_old_one() -> None:
    producers = stored(batch(0, 3), batch(3))
    with pytest.raises(OutOfOrderSequence):
        producers.check(batch(4, epoch=1))
    producers.record(batch(0, epoch=1), 104, timestamp_ms=5, now_ms=1000)
    with pytest.raises(InvalidProducerEpoch):
        producers.check(batch(4, epoch=0))
    assert producers.check(batch(1, epoch=1)) is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_sequences_go_on_at_zero_after_the_largest(count: int) -> None:
    producers = stored(batch(MAX_SEQUENCE - 1, count))
    following = (MAX_SEQUENCE - 1 + count) % 2**31
    assert producers.check(batch(following)) is None
    assert producers.check(batch(MAX_SEQUENCE - 1, count)) is not None
    with pytest.raises(OutOfOrderSequence):
        producers.check(batch(following + 1))


def test_a_producer_not_heard_from_is_forgotten() -> None:
    producers = stored(batch(0))
    producers.expire(1000)
    assert len(producers) == 1
    producers.expire(1001)
    assert len(producers) == 0
    assert producers.check(batch(9)) is None


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50)), max_size=30),
    st.integers(0, MAX_SEQUENCE),
    st.integers(0, 2**62),
)
def test_a_snapshot_restores_exactly_what_it_was_taken_of(
    appends: list[tuple[int, int]], first: int, end_offset: int
) -> None:
    producers, sequences, offset = Producers(), {}, 0
    for producer_id, count in appends:
        sequence = sequences.get(producer_id, first)
        producers.record(batch(sequence, count, producer_id=producer_id), offset, timestamp_ms=offset, now_ms=offset)
        sequences[producer_id] = (sequence + count) % 2**31
        offset += count
    restored = Producers.decode(producers.encode(end_offset), end_offset)
    assert restored is not None
    assert [restored.state(id_) for id_ in range(4)] == [producers.state(id_) for id_ in range(4)]


@given(st.data())
def test_a_damaged_snapshot_is_not_believed(data: st.DataObject) -> None:
    snapshot = bytearray(stored(batch(0, 3), batch(3)).encode(104))
    if data.draw(st.booleans()):
        del snapshot[data.draw(st.integers(0, len(snapshot) - 1)) :]
    else:
        snapshot[data.draw(st.integers(0, len(snapshot) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert Producers.decode(bytes(snapshot), 104) is None


def test_a_snapshot_of_another_offset_is_not_believed() -> None:
    assert Producers.decode(stored(batch(0)).encode(101), 102) is None
