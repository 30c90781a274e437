"""`riacho topic`, through its process."""

from __future__ import annotations

import json
import subprocess

import pytest
from commands import DEADLINE_S, Commands

from running_broker import RIACHO


def test_a_topic_is_made_with_partitions_and_configuration_and_described(riacho: Commands, topic: str) -> None:
    made = riacho.succeed("topic", "create", topic, "--partitions", "3", "--config", "cleanup.policy=compact")

    described = json.loads(riacho.succeed("topic", "describe", topic, "--json").text)
    assert made.text == f"created {topic} with 3 partitions\n"
    assert [partition["partition"] for partition in described["partitions"]] == [0, 1, 2]
    assert described["configs"] == {"cleanup.policy": "compact"}


def test_offsets_and_records_are_described(riacho: Commands, topic: str) -> None:
    riacho.succeed("produce", topic, given=b"a\nb\nc\n")

    (partition,) = json.loads(riacho.succeed("topic", "describe", topic, "--json").text)["partitions"]
    assert (partition["first_offset"], partition["end_offset"], partition["records"]) == (0, 3, 3)
    assert "3 records" in riacho.succeed("topic", "describe", topic).text


def test_the_list_counts_partitions_and_records_and_hides_internal_topics(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic, "--partitions", "2")
    riacho.succeed("topic", "create", f"__{topic}")

    listed = {each["name"]: each for each in json.loads(riacho.succeed("topic", "list", "--json").text)}
    assert listed[topic] == {"name": topic, "partitions": 2, "records": 0, "internal": False}
    assert f"__{topic}" not in listed
    assert f"__{topic}" in riacho.succeed("topic", "list", "--internal").text


def test_altering_sets_and_resets_configurations_and_adds_partitions(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic, "--config", "retention.ms=1000")
    riacho.succeed(
        "topic", "alter", topic, "--delete-config", "retention.ms", "--config", "retention.bytes=5", "--partitions", "2"
    )

    described = json.loads(riacho.succeed("topic", "describe", topic, "--json").text)
    assert described["configs"] == {"retention.bytes": "5"}
    assert len(described["partitions"]) == 2


def test_a_deleted_topic_is_gone(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic)
    riacho.succeed("topic", "delete", topic)

    assert riacho.run("topic", "describe", topic).code == 2


def test_a_misspelt_topic_is_answered_with_the_nearest_one(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic)

    for command in (["topic", "describe"], ["topic", "delete"], ["consume"]):
        ended = riacho.run(*command, topic[:-1])
        assert ended.code == 2
        assert f"there is no topic {topic[:-1]!r}" in ended.stderr
        assert repr(topic) in ended.stderr


def test_a_misspelt_configuration_is_answered_with_the_nearest_one(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic)

    for command in (["create", f"{topic}_2"], ["alter", topic]):
        ended = riacho.run("topic", *command, "--config", "retenion.ms=1")
        assert ended.code == 2
        assert "did you mean 'retention.ms'" in ended.stderr
    assert riacho.run("topic", "alter", topic, "--delete-config", "retenion.ms").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "{topic}", "--config", "retention.ms=soon"], "Not a value of type LONG"),
        (["create", "{topic}", "--config", "cleanup.policy=compac"], "String must be one of: compact, delete"),
        (["create", "{topic}", "--replication-factor", "3"], "only 1 broker(s) are registered"),
        (["create", "no/topic"], "Topic name is invalid"),
        (["create", "letters_and.numbers"], "collides with existing topic: letters.and.numbers"),
        (["alter", "letters.and.numbers", "--config", "retention.ms=-2"], "Value must be at least -1"),
    ],
)
def test_what_cannot_be_is_a_wrong_request_in_the_brokers_words(
    riacho: Commands, topic: str, arguments: list[str], said: str
) -> None:
    riacho.succeed("topic", "create", "letters.and.numbers", "--if-not-exists")
    ended = riacho.run("topic", *(argument.format(topic=topic) for argument in arguments))

    assert ended.code == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_making_a_topic_twice_is_refused_unless_that_is_accepted(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic)

    assert "exists already" in riacho.run("topic", "create", topic).stderr
    assert riacho.run("topic", "create", topic, "--if-not-exists").code == 0


def test_partitions_are_not_taken_away(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic, "--partitions", "2")

    ended = riacho.run("topic", "alter", topic, "--partitions", "1")
    assert ended.code == 2
    assert "can only be raised" in ended.stderr


def test_a_broker_that_is_not_there_is_named_at_once() -> None:
    done = subprocess.run(
        [str(RIACHO), "topic", "list", "--kafka", "127.0.0.1:1"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )

    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "riacho up" in done.stderr


def test_the_help_shows_examples(riacho: Commands) -> None:
    assert "riacho topic create bids --partitions 8\n" in riacho.succeed("topic", "create", "--help").text
