"""`riacho produce` and `riacho consume`, through their processes."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from commands import DEADLINE_S, Commands, read_until

FOR_EVER = ("--config", "retention.ms=-1")
"""Records of 2013 are past the default retention."""


@pytest.fixture(scope="module")
def letters(riacho: Commands) -> str:
    """A topic of four records, a second of 8 February 2013 apart."""
    records = [{"value": letter, "timestamp": 1360281600000 + 1000 * row} for row, letter in enumerate("abcd")]
    riacho.succeed("topic", "create", "letters", *FOR_EVER)
    riacho.succeed("produce", "letters", "--json", given="\n".join(map(json.dumps, records)).encode())
    return "letters"


def test_lines_come_back_as_they_were_written(riacho: Commands, topic: str, tmp_path: Path) -> None:
    given = b"".join(b"line %d \xff\x00\n" % number for number in range(50_000)) + b"\nthe last has no end"
    (tmp_path / "lines").write_bytes(given)

    said = riacho.succeed("produce", topic, "--file", str(tmp_path / "lines")).stderr
    assert riacho.succeed("consume", topic).stdout == given + b"\n"
    assert f"wrote 50,002 records to {topic}" in said


@pytest.mark.parametrize(("compression", "acks"), [("gzip", "0"), ("snappy", "1"), ("lz4", "all"), ("zstd", "all")])
def test_every_codec_and_acknowledgement_works(riacho: Commands, topic: str, compression: str, acks: str) -> None:
    riacho.succeed("topic", "create", topic)
    riacho.succeed("produce", topic, "--compression", compression, "--acks", acks, given=b"a\nb\n")

    follower = riacho.start("consume", topic, "--follow", "--count", "2")
    assert follower.communicate(timeout=DEADLINE_S)[0] == b"a\nb\n"


def test_a_separator_splits_keys_from_values_and_a_text_stands_for_null(riacho: Commands, topic: str) -> None:
    riacho.succeed("produce", topic, "--key-separator", "::", "--null", "-", given=b"a::1::2\nb::-\n-::\n")

    records = riacho.succeed("consume", topic, "--json").json_lines
    assert [(record["key"], record["value"]) for record in records] == [("a", "1::2"), ("b", None), (None, "")]


def test_a_line_without_the_separator_is_named_and_those_before_it_are_written(riacho: Commands, topic: str) -> None:
    ended = riacho.run("produce", topic, "--key-separator", ":", given=b"a:1\nb:2\nc\nd:4\n")

    assert ended.code == 1
    assert "standard input:3" in ended.stderr
    assert "2 records" in ended.stderr
    assert riacho.succeed("consume", topic).lines == ["1", "2"]


def test_a_json_field_becomes_the_key_and_the_line_stays_the_value(riacho: Commands, topic: str) -> None:
    lines = ['{"id": "é\\n1", "n": 1.10}', '{"n": {"id": 3}, "id": 7}', '{"id": null}']
    riacho.succeed("produce", topic, "--key", "id", given="\n".join(lines).encode())

    records = riacho.succeed("consume", topic, "--json").json_lines
    assert [record["key"] for record in records] == ["é\n1", "7", None]
    assert [record["value"] for record in records] == lines


def test_a_missing_key_field_is_answered_with_the_nearest_one(riacho: Commands, topic: str) -> None:
    ended = riacho.run("produce", topic, "--key", "auction", given=b'{"auction": 1}\n{"auctoin": 2}\n')

    assert ended.code == 1
    assert "standard input:2" in ended.stderr
    assert "did you mean 'auctoin'" in ended.stderr


def test_json_records_carry_key_headers_partition_and_timestamp(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic, "--partitions", "2", *FOR_EVER)
    given = [
        {"key": "k", "value": "text", "headers": {"a": "1", "b": None}, "partition": 1, "timestamp": 1360281600000},
        {"value": {"nested": [1, "two"]}, "partition": 1, "timestamp": "2013-02-08T00:00:01Z"},
        {"value": None, "key_base64": "/wA=", "partition": 1, "timestamp": 0},
    ]
    text = "\n\n".join(json.dumps(each) for each in given)
    riacho.succeed("produce", topic, "--json", "--header", "source=test", given=text.encode())

    first, second, third = riacho.succeed("consume", topic, "--json").json_lines
    assert first == {
        "topic": topic,
        "partition": 1,
        "offset": 0,
        "timestamp": 1360281600000,
        "key": "k",
        "value": "text",
        "headers": [["a", "1"], ["b", None], ["source", "test"]],
    }
    assert (second["value"], second["timestamp"]) == ('{"nested": [1, "two"]}', 1360281601000)
    assert (third["value"], third["key_base64"], third["timestamp"]) == (None, "/wA=", 0)


def test_what_consume_prints_as_json_is_what_produce_reads(riacho: Commands, topic: str) -> None:
    given = b'{"value":"a\\n\\"\\u0001","key":"k","headers":[["h","1"],["h",null]]}\n{"value_base64":"/wA="}\n'
    riacho.succeed("produce", topic, "--json", given=given)
    printed = riacho.succeed("consume", topic, "--json")

    riacho.succeed("produce", f"{topic}_copy", "--json", given=printed.stdout)
    copied = riacho.succeed("consume", f"{topic}_copy", "--json").json_lines
    assert [{**record, "topic": topic} for record in copied] == printed.json_lines


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"value": 1', "no JSON"),
        ('{"value": 1} {"value": 2}', "Extra data (column 14)"),
        ('{"value": 1},{"value": 2}', "Extra data"),
        ("[1]", "a JSON object must stand here"),
        ('{"vlaue": 1}', "no field 'value'"),
        ('{"value": 1, "partition": -1}', "'partition' is wrong"),
        ('{"value": 1, "headers": [["a"]]}', "'headers' is wrong"),
        ('{"value": 1, "timestamp": "soon"}', "'timestamp' is wrong"),
        ('{"value_base64": "?"}', "'value_base64' is wrong"),
    ],
)
def test_a_malformed_record_is_named_by_file_and_line(
    riacho: Commands, topic: str, tmp_path: Path, line: str, reason: str
) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text(f'{{"value": "good"}}\n{{"value": "better"}}\n{line}\n{{"value": "never"}}\n')

    ended = riacho.run("produce", topic, "--json", "--file", str(file))
    assert ended.code == 1
    assert f"{file}:3" in ended.stderr
    assert reason in ended.stderr
    assert "the lines before it are written: 2 records" in ended.stderr


def test_an_interrupted_producer_says_how_many_records_were_acknowledged(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic)
    producer = riacho.start("produce", topic)
    follower = riacho.start("consume", topic, "--follow")
    assert producer.stdin is not None
    producer.stdin.write(b"one\ntwo\nthree\n")
    producer.stdin.flush()
    read_until(follower, b"one\ntwo\nthree\n")

    producer.send_signal(signal.SIGINT)
    assert b"3 of 3 records acknowledged" in producer.communicate(timeout=DEADLINE_S)[1]
    assert producer.returncode == 1
    follower.send_signal(signal.SIGINT)
    assert follower.communicate(timeout=DEADLINE_S)[1] == b""
    assert follower.returncode == 0


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("earliest", "abcd"),
        ("2", "cd"),
        ("99", ""),
        ("-1", "d"),
        ("latest", ""),
        ("2013-02-08T00:00:02Z", "cd"),
        ("2013-02-09", ""),
    ],
)
def test_reading_begins_at_any_position(riacho: Commands, letters: str, position: str, expected: str) -> None:
    assert "".join(riacho.succeed("consume", letters, "--from", position).lines) == expected


def test_a_count_ends_reading_and_a_partition_narrows_it(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic, "--partitions", "3")
    for partition in range(3):
        riacho.succeed("produce", topic, "--partition", str(partition), given=b"%d a\n%d b\n" % (partition, partition))

    assert riacho.succeed("consume", topic, "--partition", "1").lines == ["1 a", "1 b"]
    assert len(riacho.succeed("consume", topic, "--count", "5").lines) == 5
    assert riacho.succeed("consume", topic, "--partition", "2", "--count", "1").lines == ["2 a"]
    assert "no partition 7" in riacho.run("consume", topic, "--partition", "7").stderr


def test_a_template_arranges_the_fields(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic, *FOR_EVER)
    riacho.succeed(
        "produce", topic, "--json", given=b'{"key":"k","value":"v","timestamp":1360281600123}\n{"value":null}\n'
    )

    form = r"{{{topic}-{partition}}}\t{offset} {key}={value}"
    printed = riacho.succeed("consume", topic, "--format", form, "--null", "NIL").lines
    assert printed == [f"{{{topic}-0}}\t0 k=v", f"{{{topic}-0}}\t1 NIL=NIL"]
    timed = riacho.succeed("consume", topic, "--format", "{timestamp}", "--count", "1").text
    assert timed == "2013-02-08T00:00:00.123Z\n"


def test_several_topics_are_read_at_once(riacho: Commands, topic: str) -> None:
    for name in ("a", "b"):
        riacho.succeed("produce", f"{topic}_{name}", given=name.encode())

    assert sorted(riacho.succeed("consume", f"{topic}_a", f"{topic}_b").lines) == ["a", "b"]


def test_a_reader_that_has_seen_enough_ends_it_quietly(riacho: Commands, topic: str) -> None:
    riacho.succeed("produce", topic, given=b"".join(b"%d\n" % number for number in range(200_000)))
    consumer = riacho.start("consume", topic)
    assert consumer.stdout is not None
    read_until(consumer, b"0\n")
    consumer.stdout.close()

    assert consumer.stderr is not None
    assert consumer.stderr.read() == b""
    assert consumer.wait(DEADLINE_S) == 0


@pytest.mark.parametrize(
    "options",
    [
        ["produce", "--json", "--key", "id"],
        ["produce", "--json", "--null", "-"],
        ["produce", "--key-separator", ""],
        ["produce", "--header", "nothing"],
        ["produce", "--file", "/does/not/exist"],
        ["consume", "--from", "yesterday"],
        ["consume", "--format", "{vaule}"],
        ["consume", "--json", "--format", "{value}"],
    ],
)
def test_contradictions_and_mistakes_are_usage_errors(riacho: Commands, topic: str, options: list[str]) -> None:
    ended = riacho.run(options[0], topic, *options[1:])
    assert ended.code == 2
    assert ended.stderr.startswith("error: ")
    assert "Traceback" not in ended.stderr


def test_a_partition_that_is_not_there_is_refused(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic)

    ended = riacho.run("produce", topic, "--partition", "4", given=b"a\n")
    assert ended.code == 1
    assert "no partition 4" in ended.stderr


@pytest.mark.parametrize("position", ["earliest", "latest"])
def test_a_follower_waits_for_a_topic_that_does_not_exist_yet(riacho: Commands, topic: str, position: str) -> None:
    follower = riacho.start("consume", topic, "--follow", "--count", "1", "--from", position)
    assert follower.stderr is not None
    assert follower.stderr.readline().startswith(f"waiting for the topic '{topic}', which does not exist yet".encode())
    riacho.succeed("produce", topic, given=b"a\n")

    assert follower.communicate(timeout=DEADLINE_S)[0] == b"a\n"
    assert follower.returncode == 0


def test_a_follower_that_waits_for_a_topic_is_interrupted(riacho: Commands, topic: str) -> None:
    follower = riacho.start("consume", topic, "--follow")
    assert follower.stderr is not None
    follower.stderr.readline()
    follower.send_signal(signal.SIGINT)

    assert follower.communicate(timeout=DEADLINE_S) == (b"", b"")
    assert follower.returncode == 0


def test_why_a_broker_takes_no_records_for_now_is_said_while_they_wait(riacho: Commands, topic: str) -> None:
    riacho.succeed("topic", "create", topic, "--config", "min.insync.replicas=2")
    producer = riacho.start("produce", topic)
    assert producer.stdin is not None
    assert producer.stderr is not None
    producer.stdin.write(b"a\n")
    producer.stdin.close()

    assert producer.stderr.readline() == f"{topic}-0 takes no records for now: NOT_ENOUGH_REPLICAS\n".encode()
    riacho.succeed("topic", "alter", topic, "--config", "min.insync.replicas=1")
    said = producer.stderr.read().decode().splitlines()
    assert said == [f"{topic}-0 takes records again", f"wrote 1 record to {topic}"]
    assert producer.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("name", ["bad name!", "..", "a" * 250])
def test_a_name_that_no_topic_can_have_is_refused_and_not_called_new(riacho: Commands, name: str) -> None:
    ended = riacho.run("produce", name, given=b"a\n")

    assert ended.code == 2
    assert "error: Topic name is invalid: " in ended.stderr
    assert "new topic" not in ended.stderr


def test_a_time_that_is_none_is_told_as_such(riacho: Commands, topic: str) -> None:
    ended = riacho.run("produce", topic, "--json", given=b'{"value": 1, "timestamp": "soon"}\n')

    assert ended.code == 1
    assert "'soon' is no time: milliseconds since 1970, or text as in 2013-02-08T12:00:00Z" in ended.stderr


def test_the_brokers_own_topics_are_not_written_to(riacho: Commands) -> None:
    ended = riacho.run("produce", "__consumer_offsets", given=b"a\n")

    assert ended.code == 2
    assert "error: clients may not write to __consumer_offsets" in ended.stderr
    assert "new topic" not in ended.stderr
