"""Views and viewers as state machines: what is told of them is always enough to know them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from riacho.serve.feed import MAX_BACKLOG_BYTES, Viewer
from riacho.serve.views import Block, View

KEYS = st.sampled_from([b"a", b"b", b"c", None])
RECORDS = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=2)), max_size=6)
STEPS = st.lists(st.one_of(RECORDS, st.sampled_from(["tell", "lose", "restart"])), max_size=30)


@given(STEPS)
def test_whoever_follows_the_changes_knows_the_rows(steps: list[list[tuple[bytes | None, bytes | None]] | str]) -> None:
    view = View("counts")
    view.restart({0: 0}, {0: 0})
    told: dict[bytes, bytes] = {}
    expected: dict[bytes, bytes] = {}
    for step in [*steps, "tell"]:
        if step == "tell":
            reset, rows, deleted = view.take_changes()
            if reset:
                told.clear()
            told.update(rows)
            for key in deleted:
                told.pop(key, None)
            assert told == expected == view.rows
            assert not view.has_changes
        elif step == "lose":
            view.lose()
            expected.clear()
        elif step == "restart":
            view.restart({0: 0}, {0: 0})
            expected.clear()
        else:
            assert isinstance(step, list)
            view.apply(Block("counts", 0, [key for key, _ in step], [value for _, value in step], 0))
            for key, value in step:
                if key is not None and value is None:
                    expected.pop(key, None)
                elif key is not None and value is not None:
                    expected[key] = value


def test_a_view_is_settled_when_every_partition_was_read_up_to_where_it_ended() -> None:
    view = View("counts")
    view.restart({0: 0, 1: 5, 2: 0}, {0: 2, 1: 5, 2: 1})
    assert not view.settled.is_set()

    view.apply(Block("counts", 0, [b"a"], [b"1"], 2))
    assert not view.settled.is_set()
    view.apply(Block("counts", 2, [b"b"], [b"1"], 1))

    assert view.settled.is_set()


def test_the_newest_rows_are_those_of_the_keys_that_came_last() -> None:
    view = View("counts")
    view.restart({0: 0}, {0: 0})
    view.apply(Block("counts", 0, [b"a", b"b", b"c", b"a"], [b"1", b"2", b"3", b"4"], 4))

    assert view.newest(2) == [(b"b", b"2"), (b"c", b"3")]
    assert view.newest() == [(b"a", b"4"), (b"b", b"2"), (b"c", b"3")]


@given(st.lists(st.integers(0, MAX_BACKLOG_BYTES), max_size=12))
def test_what_waits_for_a_viewer_is_bounded(sizes: list[int]) -> None:
    content = bytes(MAX_BACKLOG_BYTES)
    viewer = Viewer(wants_overview=False)

    for sent, size in enumerate(sizes, 1):
        viewer.send(content[:size])

        waiting = sum(len(message) for message in viewer.waiting)
        assert waiting <= MAX_BACKLOG_BYTES
        assert viewer.behind or waiting == sum(sizes[:sent]), "nothing is left out without a fresh start"
