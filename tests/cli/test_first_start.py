"""What a first command shows while it compiles the kernels."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import DEADLINE_S

from job_process import until
from riacho.cli.kernels import ensure_compiled
from riacho.kernels import compile as compiling
from running_broker import RIACHO

ANNOUNCED = "compiling kernels, once for this machine: a minute or two\n"

ALL_GONE_S = 5.0
"""All that was started is gone so long after a signal (design, section 6)."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_all(progress: compiling.Progress) -> None:
        for done in range(4):
            progress(done, 3)

    monkeypatch.setattr(compiling, "is_compiled", lambda: False)
    monkeypatch.setattr(compiling, "compile_all", compile_all)


@pytest.mark.usefixtures("nothing_compiled")
def test_a_terminal_shows_how_many_kernels_of_all_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    ensure_compiled()

    assert "compiling kernels, once for this machine" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()


@pytest.mark.usefixtures("nothing_compiled")
def test_without_a_terminal_one_line_says_what_takes_so_long(capfd: pytest.CaptureFixture[str]) -> None:
    ensure_compiled()

    assert capfd.readouterr().err == ANNOUNCED


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["run", "missing.sql"], "cannot read the script"),
        (["sql", "-f", "missing.sql"], "cannot read the script"),
        (["sql", "-f", "."], "cannot read the script"),
        (["sql", "-e", "SELECT 1; SELEC ${HOME}"], "'SELEC' begins no statement"),
        (["run", "wrong.sql"], "'SELEC' begins no statement"),
        (["job", "submit", "missing.sql"], "cannot read the script"),
        (["job", "submit", "wrong.sql"], "'SELEC' begins no statement"),
        (["produce"], "Missing argument"),
        (["produce", "orders", "--file", "missing.txt"], "cannot read the file"),
        (["consume", "orders", "--from", "noon"], "this is no position"),
        (["test", "missing"], "there is no such folder"),
        (["demo", "--from", "2014-01-01"], "the flights are those of 2013"),
        (["bench", "nexmark", "--queries", "q99"], "there is no query 'q99'"),
        (["bench", "nexmark", "--events", "none"], "Invalid value"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_a_command_that_is_typed_wrongly_says_so_before_anything_is_compiled(
    command: list[str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "wrong.sql").write_text("SELECT 1;\nSELEC ${HOME};\n")
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    process = subprocess.Popen(
        [str(RIACHO), *command],
        env={**environment, "XDG_CACHE_HOME": str(tmp_path)},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        first = process.stderr.readline()
        if first == ANNOUNCED:
            process.terminate()
        told = first + process.stderr.read()

    assert first != ANNOUNCED
    assert said in told


@pytest.mark.parametrize(
    ("ending", "to_all"),
    [(signal.SIGTERM, False), (signal.SIGINT, True), (signal.SIGKILL, False)],
    ids=["SIGTERM", "Ctrl-C", "SIGKILL"],
)
def test_a_signal_ends_the_compilers_too_in_the_middle_of_a_module(
    tmp_path: Path, ending: signal.Signals, to_all: bool
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    process = subprocess.Popen(
        [str(RIACHO), "kernels"],
        env={**environment, "XDG_CACHE_HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    until(lambda: any(tmp_path.rglob("*.nbc")), "a kernel is compiled", DEADLINE_S)

    (os.killpg if to_all else os.kill)(process.pid, ending)
    said = process.communicate(timeout=ALL_GONE_S)[1].decode()  # stderr ends with the last that was started

    if ending is not signal.SIGKILL:  # of which nobody can say anything
        assert (process.returncode, said) == (1, f"{ANNOUNCED}error: interrupted\n")
