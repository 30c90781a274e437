"""Wrong input at the command line: what is said, and with which exit code. Never a traceback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from commands import DEADLINE_S, Commands

import forked
from running_broker import RIACHO


class Ended(NamedTuple):
    """A command that has ended."""

    returncode: int
    stderr: str


def run(*arguments: str, cwd: Path | None = None) -> Ended:
    done = forked.run(*arguments, cwd=cwd, timeout=DEADLINE_S)
    return Ended(done.returncode, done.stderr.decode())


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An address at which nobody listens, and nobody will."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{reserved.getsockname()[1]}"


@pytest.fixture
def latin(tmp_path: Path) -> str:
    """A script that is not UTF-8."""
    path = tmp_path / "latin.sql"
    path.write_bytes("SELECT 'é'".encode("latin-1"))
    return str(path)


@pytest.mark.parametrize("command", [["run"], ["sql", "-f"], ["job", "submit"]])
def test_a_script_that_cannot_be_read_is_named(command: list[str], latin: str, tmp_path: Path) -> None:
    for path, reason in ((latin, "not UTF-8"), ("missing.sql", "No such file"), (str(tmp_path), "Is a directory")):
        ended = run(*command, path)
        assert ended.returncode == 2
        assert ended.stderr == f"error: cannot read the script: {ended.stderr.partition('script: ')[2]}"
        assert reason in ended.stderr
        assert f"at {path}" in ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["topic", "list", "--kafka"],
        ["job", "list", "--kafka"],
        ["consume", "flights", "--kafka"],
        ["produce", "flights", "--kafka"],
        [
            "sql",
            "-e",
            "CREATE TABLE t (v STRING) WITH ('connector'='kafka', 'topic'='t', 'format'='raw'); SELECT * FROM t",
            "--kafka",
        ],
        ["up", "--kafka"],
        ["demo", "--kafka"],
    ],
)
def test_a_broker_that_is_not_there_is_told_at_once(command: list[str], closed_port: str, tmp_path: Path) -> None:
    ended = run(*command, closed_port, cwd=tmp_path)

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: cannot connect to the broker: Connection refused")
    assert closed_port in ended.stderr
    assert "Traceback" not in ended.stderr


COPY = """
CREATE TABLE a (v STRING) WITH (
  'connector' = 'kafka', 'topic' = 'a', 'format' = 'raw', 'scan.startup.mode' = 'earliest-offset'{servers});
CREATE TABLE b (v STRING) WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'raw'{servers});
INSERT INTO b SELECT v FROM a;
"""


@pytest.mark.parametrize("named_by", ["option", "table"])
def test_a_job_says_that_it_waits_for_its_broker_and_ends_when_interrupted(
    named_by: str, closed_port: str, tmp_path: Path
) -> None:
    servers = f", 'properties.bootstrap.servers' = '{closed_port}'" if named_by == "table" else ""
    (tmp_path / "copy.sql").write_text(COPY.format(servers=servers))
    command = [str(RIACHO), "run", "copy.sql", *(["--kafka", closed_port] if named_by == "option" else [])]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=DEADLINE_S)[1]

    assert f"waiting for the broker at {closed_port}: Connection refused" in said
    assert process.returncode == 1
    assert rest == "error: interrupted\n"


@pytest.mark.parametrize("address", ["nowhere.invalid:0", "nowhere.invalid:9092", "192.0.2.1:0"])
@pytest.mark.parametrize("command", ["up", "demo"])
def test_an_address_of_another_machine_cannot_be_listened_on(command: str, address: str, tmp_path: Path) -> None:
    ended = run(command, "--listen", address, "--http", "127.0.0.1:0", cwd=tmp_path)

    assert ended.returncode == 1
    assert f"cannot listen on {address}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_empty_name_is_no_job_and_not_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "job.sql").touch()

    ended = run("job", "submit", "job.sql", "--name", "", cwd=tmp_path)

    assert ended.returncode == 2
    assert "'' cannot be a job's name" in ended.stderr


@pytest.mark.parametrize("option", ["--listen", "--http"])
def test_a_port_that_is_taken_is_told_before_anything_starts(option: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run("up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", option, address, cwd=tmp_path)

    assert ended.returncode == 1
    assert ended.stderr == (
        f"error: cannot listen on {address}: Address already in use\n"
        f"  stop what uses it, or choose another with {option}\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ["--from", "tomorrow"],
        ["--from", "2014-01-01"],
        ["--days", "2013-02-01"],
        ["--days", "a:b"],
        ["--days", "2013-02-01:2013-02-02:2013-02-03"],
        ["--speed", "-1"],
    ],
)
def test_the_demo_refuses_a_time_that_it_does_not_have(options: list[str], tmp_path: Path) -> None:
    ended = run("demo", *options, cwd=tmp_path)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {options[0]} {options[1]}: ")
    assert "unpack" not in ended.stderr  # Python's own words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["log", "--fsync", "foo"], "'foo' is not one of 'acks', 'kafka'"),
        (["log", "--megabytes", "-1"], "-1 is not in the range"),
        (["latency", "--seconds", "0"], "0.0 is not in the range"),
    ],
)
def test_a_benchmark_refuses_what_it_cannot_measure(arguments: list[str], wrong: str, tmp_path: Path) -> None:
    ended = run("bench", *arguments, cwd=tmp_path)

    assert ended.returncode == 2
    assert wrong in ended.stderr


@pytest.mark.parametrize(
    "command", [["topic", "list"], ["consume"], ["sql", "--csv", "-e", "SELECT 1 AS a"], ["sql", "-e", "SELECT 1 AS a"]]
)
def test_an_output_that_cannot_be_written_is_a_failure(riacho: Commands, topic: str, command: list[str]) -> None:
    riacho.succeed("produce", topic, given=b"a\n")
    arguments = [*command, topic] if command == ["consume"] else command
    with Path("/dev/full").open("wb") as full:
        process = riacho.start(*arguments, stdout=full)
        said = process.communicate(timeout=DEADLINE_S)[1].decode()

    assert process.returncode == 1
    assert said == "error: No space left on device\n  at standard output\n"


def test_closed_standard_streams_are_as_good_as_the_null_device(riacho: Commands, topic: str) -> None:
    riacho.succeed("produce", topic, given=b"a\n")
    for arguments in (["consume", topic], ["topic", "list"], ["produce", topic]):
        process = riacho.start(*arguments, closed=True)
        process.wait(DEADLINE_S)
        assert process.returncode == 0
    assert riacho.succeed("consume", topic).lines == ["a"]


def test_a_line_that_is_wrong_in_another_way_than_a_later_one_is_named(riacho: Commands, topic: str) -> None:
    ended = riacho.run("produce", topic, "--json", given=b'{"value": 1}\n{"vlaue": 2}\n{no JSON\n')

    assert ended.code == 1
    assert "standard input:2" in ended.stderr
    assert "1 record" in ended.stderr


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (["broker", "--listen", "127.0.0.1:0"], ["up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]):
        ended = run(*command, "--dir", str(tmp_path / "file"))
        assert ended.returncode == 1
        assert str(tmp_path / "file") in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_variable_that_is_not_set_is_named_with_its_place(tmp_path: Path) -> None:
    assert "RIACHO_NOT_SET" not in os.environ
    script = tmp_path / "job.sql"
    script.write_text("CREATE TABLE t (v STRING) WITH ('connector' = '${RIACHO_NOT_SET}');")
    for command in (["run"], ["sql", "-f"], ["job", "submit"]):
        ended = run(*command, str(script))
        assert ended.returncode == 2
        assert f"{script}:1:" in ended.stderr
        assert "--set RIACHO_NOT_SET=VALUE" in ended.stderr


@pytest.mark.parametrize("command", [["run"], ["job", "submit"]])
@pytest.mark.parametrize(
    "text", ["", "-- CREATE TABLE comes here", "CREATE TABLE t (v INT) WITH ('connector' = 'print');"]
)
def test_a_script_that_starts_no_job_is_refused_when_it_shall_run(
    command: list[str], text: str, tmp_path: Path
) -> None:
    script = tmp_path / "job.sql"
    script.write_text(text)

    ended = run(*command, str(script))

    mend = "write INSERT INTO a table SELECT …"
    assert ended == (2, f"error: the script starts no job\n  at {script}\n  {mend}\n")


def test_a_script_that_only_shows_something_runs(tmp_path: Path) -> None:
    script = tmp_path / "show.sql"
    script.write_text("SHOW TABLES;")

    assert run("run", str(script)) == (0, "")


def test_a_script_without_statements_is_no_mistake_for_sql(tmp_path: Path) -> None:
    script = tmp_path / "empty.sql"
    script.write_text("-- nothing yet")

    assert run("sql", "-f", str(script)) == (0, "")


LATIN = os.fsdecode("São".encode("latin-1"))
"""Bytes that are no UTF-8, as Python hands them over."""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sql", "-e", f"SELECT '{LATIN}'"], "error: an argument is not UTF-8\n  at SELECT 'S\\xe3o'\n"),
        (["consume", "t", "--format", LATIN], "error: an argument is not UTF-8\n  at S\\xe3o\n"),
        (["sql", "-e", "SELECT '${TOWN}'"], "error: variable 'TOWN' is not UTF-8\n  at -e:1:9\n"),
    ],
    ids=["SQL", "format", "variable"],
)
def test_text_that_is_not_utf_8_is_refused(words: list[str], said: str) -> None:
    done = subprocess.run(
        [str(RIACHO), *words], env={**os.environ, "TOWN": LATIN}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith(said)


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "São €".encode()),
        ({"PYTHONIOENCODING": "latin-1"}, b"S\xe3o \\u20ac"),
    ],
    ids=["locale", "streams"],
)
def test_text_is_written_whatever_the_encoding_is(variables: dict[str, str], shown: bytes) -> None:
    done = subprocess.run(
        [str(RIACHO), "sql", "-e", "SELECT 'São €' AS town"],
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, shown, b"")
