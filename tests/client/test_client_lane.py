"""A producer's queue for one partition: order and sequence numbers, whatever is answered."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from riacho.client.batches import Batch, Identity
from riacho.client.cluster import TopicPartition
from riacho.client.lane import SEQUENCE_MASK, Lane


def filled(count: int) -> Batch:
    batch = Batch(np.empty(0, np.uint8), 0)
    batch.count = count
    return batch


def lane_of(batches: list[Batch]) -> Lane:
    lane = Lane(TopicPartition("t", 0), 5)
    lane.ready.extend(batches)
    return lane


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.data())
def test_a_broker_sees_each_batch_in_order_however_sendings_fail(counts: list[int], data: st.DataObject) -> None:
    """The broker of this test takes a batch only if its sequence number is the next one, as Kafka's does."""
    batches = [filled(count) for count in counts]
    lane = lane_of(batches)
    taken: list[Batch] = []
    expected = 0
    under_way: list[Batch] = []
    failures = 0

    while not lane.idle:
        if lane.sendable(0, 0) and (not under_way or data.draw(st.booleans(), label="send")):
            batch = lane.take()
            if batch.sequence < 0:
                batch.sequence = lane.assign_sequence(batch)
            under_way.append(batch)
            continue
        batch = under_way.pop(0)
        lost = failures < 20 and data.draw(st.booleans(), label="lost")
        if not lost and batch.sequence == expected:
            taken.append(batch)
            expected += batch.count
            lane.acknowledge(batch)
        else:
            failures += lost
            lane.fail(batch, 0)

    assert taken == batches


def test_no_more_batches_are_under_way_than_a_broker_remembers() -> None:
    lane = lane_of([filled(1) for _ in range(9)])

    while lane.sendable(0, 0):
        lane.take()

    assert len(lane.in_flight) == 5


def test_nothing_is_sent_between_a_failure_and_the_last_answer() -> None:
    lane = lane_of([filled(1) for _ in range(3)])
    first, second = lane.take(), lane.take()

    lane.fail(first, 0)
    assert not lane.sendable(0, 0)
    lane.fail(second, 0)

    assert lane.take() is first


def test_a_failed_batch_waits_for_its_pause() -> None:
    lane = lane_of([filled(1)])
    lane.fail(lane.take(), retry_at_ms=50)

    assert not lane.sendable(49, 0)
    assert lane.sendable(50, 0)


def test_a_batch_being_filled_lingers_but_a_full_one_does_not() -> None:
    lane = lane_of([])
    lane.filling = filled(1)

    assert not lane.sendable(4, linger_ms=5)
    assert lane.sendable(5, linger_ms=5)
    lane.close_filling()
    assert lane.sendable(0, linger_ms=5)


def test_sequence_numbers_wrap_to_zero() -> None:
    lane = lane_of([])
    lane.next_sequence = SEQUENCE_MASK - 1

    assert [lane.assign_sequence(filled(3)), lane.assign_sequence(filled(1))] == [SEQUENCE_MASK - 1, 1]


def test_under_another_producer_id_what_is_not_acknowledged_is_numbered_from_zero() -> None:
    lane = lane_of([filled(2), filled(3)])
    first, second = lane.take(), lane.take()
    first.sequence, second.sequence = lane.assign_sequence(first), lane.assign_sequence(second)

    lane.fail(first, 0)
    lane.renew(Identity(8, 0))
    lane.fail(second, 0)

    resent = [lane.take(), lane.take()]
    assert resent == [first, second]
    assert [batch.sequence for batch in resent] == [-1, -1]
    assert [lane.assign_sequence(batch) for batch in resent] == [0, 2]
