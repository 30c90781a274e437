"""What a first command shows while it compiles the kernels."""

from __future__ import annotations

import io
import sys

import pytest

from riacho.cli.kernels import ensure_compiled
from riacho.kernels import compile as compiling


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

    assert capfd.readouterr().err == "compiling kernels, once for this machine: a minute or two\n"
