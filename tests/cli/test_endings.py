"""Ctrl-C and SIGTERM end a command in order: what serves has then done its duty, what was to finish has failed."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

import pytest
from commands import DEADLINE_S, Commands, read_until

from riacho.cli.ending import stopping_at_signals
from running_broker import RIACHO

ENDINGS = [signal.SIGINT, signal.SIGTERM]


def end(process: subprocess.Popen[bytes], ending: signal.Signals) -> tuple[int, str]:
    """Its exit code, and what it said."""
    process.send_signal(ending)
    said = process.communicate(timeout=DEADLINE_S)[1].decode()
    assert "Traceback" not in said
    return process.returncode, said


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_broker_that_serves_ends_with_0(tmp_path: Path, ending: signal.Signals) -> None:
    command = [str(RIACHO), "broker", "--dir", str(tmp_path / "log"), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    read_until(process, b"ready kafka=")

    assert end(process, ending)[0] == 0


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_console_that_serves_ends_with_0(riacho: Commands, ending: signal.Signals) -> None:
    process = riacho.start("console", "--http", "127.0.0.1:0")
    read_until(process, b"ready kafka=")

    assert end(process, ending)[0] == 0


def test_a_second_ctrl_c_does_not_disturb_a_console_that_ends(riacho: Commands) -> None:
    process = riacho.start("console", "--http", "127.0.0.1:0")
    read_until(process, b"ready kafka=")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while b"Shutting down" not in process.stderr.readline():
        assert process.poll() is None

    assert end(process, signal.SIGINT)[0] == 0


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_follower_ends_with_0_and_says_nothing(riacho: Commands, topic: str, ending: signal.Signals) -> None:
    riacho.succeed("produce", topic, given=b"a\n")
    process = riacho.start("consume", topic, "--follow")
    read_until(process, b"a\n")

    assert end(process, ending) == (0, "")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_query_that_is_under_way_has_failed(riacho: Commands, ending: signal.Signals) -> None:
    source = "CREATE TABLE g (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1000000000000000');"
    process = riacho.start("sql", "-e", f"{source} SHOW TABLES; SELECT COUNT(*) FROM g")
    read_until(process, b"g\n")

    assert end(process, ending) == (1, "error: interrupted before the end\n")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_signal_stops_also_where_the_main_thread_holds_what_stopping_takes(ending: signal.Signals) -> None:
    held, stopped = threading.Lock(), threading.Event()
    handler = signal.getsignal(ending)

    def stop() -> None:
        with held:
            stopped.set()

    with stopping_at_signals(stop, "nothing"):
        with held:
            signal.raise_signal(ending)
        assert stopped.wait(DEADLINE_S)
        signal.raise_signal(ending)  # impatience changes nothing

    assert signal.getsignal(ending) is handler


PRINTED = """
CREATE TABLE numbers (n INT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '1000000', 'number-of-rows' = '100000000'
);
CREATE TABLE printed (n INT) WITH ('connector' = 'print');
INSERT INTO printed SELECT n FROM numbers;
"""


@pytest.mark.parametrize("command", [["run"], ["sql", "-f"]])
def test_a_command_whose_output_nobody_reads_any_more_ends_with_0(
    riacho: Commands, tmp_path: Path, command: list[str]
) -> None:
    script = tmp_path / "print.sql"
    script.write_text(PRINTED)
    process = riacho.start(*command, str(script))
    read_until(process, b"+I[")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read().decode()

    assert process.wait(DEADLINE_S) == 0
    assert "rror" not in said
