"""The stream of changes: whole views first, then what changed, whatever happens to topics, broker and viewer."""

from __future__ import annotations

from pathlib import Path

from view_topics import Put, StartBroker, create_compacted, delete_topic, put_records

from running_broker import RunningBroker
from running_console import EventStream, RunningConsole


def test_a_viewer_first_gets_the_whole_view_and_then_what_changed(
    console: RunningConsole, compacted: str, put: Put
) -> None:
    put(compacted, {"a": "1", "b": "2"})
    with console.watch(compacted) as stream:
        picture = stream.next("view")
        assert picture["reset"]
        assert picture["set"] == [["a", "1"], ["b", "2"]]

        put(compacted, {"b": "3", "a": None})
        stream.wait(lambda seen: seen.rows[compacted] == {"b": "3"})


def test_a_change_sends_only_what_changed(console: RunningConsole, compacted: str, put: Put) -> None:
    put(compacted, {str(number): "old" for number in range(100)})
    with console.watch(compacted) as stream:
        stream.wait(lambda seen: len(seen.rows[compacted]) == 100)
        put(compacted, {"7": "new"})

        change = stream.next("view")

        assert not change["reset"]
        assert change["set"] == [["7", "new"]]


def test_a_viewer_may_watch_only_the_newest_rows(console: RunningConsole, compacted: str, put: Put) -> None:
    put(compacted, {str(number): "x" for number in range(20)})
    with console.watch(compacted) as stream:
        stream.wait(lambda seen: len(seen.rows[compacted]) == 20)

    with console.watch(f"{compacted}~3") as stream:
        picture = stream.next("view")

    assert [key for key, _ in picture["set"]] == ["17", "18", "19"]


def test_a_viewer_that_is_told_less_often_is_told_everything(console: RunningConsole, compacted: str, put: Put) -> None:
    put(compacted, {"a": "1"})
    with EventStream(console.address, f"/api/events?view={compacted}&every=100") as stream:
        stream.wait(lambda seen: seen.rows[compacted] == {"a": "1"})
        for number in range(20):
            put(compacted, {"a": str(number), str(number): "x"})

        stream.wait(lambda seen: seen.rows[compacted] == {"a": "19", **{str(number): "x" for number in range(20)}})


def test_a_large_view_comes_in_parts_that_make_the_whole(console: RunningConsole, compacted: str, put: Put) -> None:
    put(compacted, {str(number): "x" * 100 for number in range(9_000)})
    with console.watch(compacted) as stream:
        first = stream.next("view")
        assert first["more"]
        stream.wait(lambda seen: len(seen.rows[compacted]) == 9_000)


def test_several_views_share_a_stream(console: RunningConsole, kafka: RunningBroker, topic: str, put: Put) -> None:
    names = [f"{topic}_{number}" for number in range(3)]
    for name in names:
        create_compacted(kafka.bootstrap, name, partitions=2)
        put(name, {"key": name})

    with console.watch(*names, overview=True) as stream:
        stream.wait(lambda seen: all(seen.rows.get(name) == {"key": name} for name in names))


def test_the_overview_comes_again_and_again(console: RunningConsole) -> None:
    with console.watch(overview=True) as stream:
        first, second = stream.next("overview"), stream.next("overview")

    assert first["kafka"] == second["kafka"]
    assert second["topics"] > 0


def test_a_topic_that_does_not_exist_is_shown_once_it_does(
    console: RunningConsole, kafka: RunningBroker, topic: str, put: Put
) -> None:
    with console.watch(topic) as stream:
        assert not stream.next("view")["exists"]

        create_compacted(kafka.bootstrap, topic)
        put(topic, {"a": "1"})

        stream.wait(lambda seen: seen.exists[topic] and seen.rows[topic] == {"a": "1"})


def test_a_name_that_no_topic_can_have_is_told_like_one_that_none_has(console: RunningConsole) -> None:
    with console.watch("no topic") as stream:
        assert not stream.next("view")["exists"]


def test_a_view_is_empty_when_its_topic_is_deleted_and_follows_a_new_one_of_that_name(
    console: RunningConsole, kafka: RunningBroker, compacted: str, put: Put
) -> None:
    put(compacted, {"a": "1", "b": "2"})
    with console.watch(compacted) as stream:
        stream.wait(lambda seen: len(seen.rows[compacted]) == 2)

        delete_topic(kafka.bootstrap, compacted)
        stream.wait(lambda seen: not seen.exists[compacted] and not seen.rows[compacted])

        create_compacted(kafka.bootstrap, compacted)
        put(compacted, {"c": "3"})
        stream.wait(lambda seen: seen.rows[compacted] == {"c": "3"})


def test_a_deleted_topic_does_not_hold_up_the_other_views(
    console: RunningConsole, kafka: RunningBroker, compacted: str, topic: str, put: Put
) -> None:
    doomed = f"{topic}_doomed"
    create_compacted(kafka.bootstrap, doomed)
    with console.watch(compacted, doomed) as stream:
        stream.wait(lambda seen: seen.exists.get(doomed, False))
        delete_topic(kafka.bootstrap, doomed)
        put(compacted, {"a": "1"})

        stream.wait(lambda seen: seen.rows[compacted] == {"a": "1"} and not seen.exists[doomed])


def test_views_go_on_after_the_broker_was_killed(broker: StartBroker, tmp_path: Path) -> None:
    kafka = broker()
    create_compacted(kafka.bootstrap, "counts")
    put_records(kafka.bootstrap, "counts", {"a": "1", "b": "2"})
    console = RunningConsole(kafka.bootstrap, tmp_path / "console.log")
    try:
        with console.watch("counts") as stream:
            stream.wait(lambda seen: seen.rows["counts"] == {"a": "1", "b": "2"})

            kafka.kill()
            kafka.start()
            put_records(kafka.bootstrap, "counts", {"a": "3", "b": None})

            stream.wait(lambda seen: seen.rows["counts"] == {"a": "3"})
    finally:
        console.close()


def test_a_viewer_that_connects_again_gets_the_present_rows(console: RunningConsole, compacted: str, put: Put) -> None:
    put(compacted, {"a": "1", "b": "2"})
    with console.watch(compacted) as stream:
        stream.wait(lambda seen: len(seen.rows[compacted]) == 2)
    put(compacted, {"a": None, "c": "3"})

    with console.watch(compacted) as stream:
        stream.wait(lambda seen: seen.rows[compacted] == {"b": "2", "c": "3"})


def test_a_viewer_that_does_not_read_misses_steps_and_not_the_outcome(
    console: RunningConsole, compacted: str, put: Put
) -> None:
    size = 500_000
    rounds = 60
    with console.watch(compacted) as slow, console.watch(compacted) as quick:
        slow.next("view")
        for number in range(rounds):
            put(compacted, {"key": str(number).rjust(size)})
        quick.wait(lambda seen: seen.rows[compacted].get("key", "").strip() == str(rounds - 1))

        slow.wait(lambda seen: seen.rows[compacted].get("key", "").strip() == str(rounds - 1))

        assert slow.bytes_read < rounds * size, "a backlog was kept for it"
