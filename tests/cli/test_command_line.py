"""What all commands share: help, suggestions, completion, and how little is imported for them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from riacho.cli import COMMANDS
from running_broker import RIACHO

DEADLINE_S = 120.0
SUBCOMMANDS = [
    *(f"topic {name}" for name in ("list", "create", "describe", "alter", "delete")),
    *(f"job {name}" for name in ("submit", "list", "show", "stop", "start", "restart", "delete")),
    *(f"bench {name}" for name in ("log", "sql", "latency", "microbatch", "page", "nexmark")),
]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(RIACHO), *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env={**os.environ, **environment},
    )


def complete(line: str) -> list[str]:
    """What bash offers at the end of a line."""
    words = line.split(" ")
    return run(
        _RIACHO_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), COLUMNS="80"
    ).stdout.split()


def test_the_help_lists_every_command_with_a_whole_sentence() -> None:
    said = run("--help", COLUMNS="80").stdout

    for name, summary in COMMANDS.items():
        assert any(line.split() == [name, *summary.split()] for line in said.splitlines()), (name, said)


@pytest.mark.parametrize(
    "command", [*(name for name in COMMANDS if name not in ("topic", "job", "bench")), *SUBCOMMANDS]
)
def test_the_help_of_a_command_shows_it_at_work(command: str) -> None:
    said = run(*command.split(), "--help", COLUMNS="60")

    assert said.returncode == 0
    shown = [line.strip() for line in said.stdout.splitlines() if f"riacho {command}" in line]
    assert [line for line in shown if not line.startswith("Usage:")] != [], said.stdout


@pytest.mark.parametrize("command", ["", *COMMANDS, *SUBCOMMANDS])
def test_no_line_of_the_help_is_broken_off_or_wider_than_a_narrow_terminal(command: str) -> None:
    lines = run(*command.split(), "--help", COLUMNS="60").stdout.splitlines()

    assert [line for line in lines if len(line) > 60] == []
    assert [line for line in lines if line.endswith("...") and not line.startswith("Usage:")] == []


@pytest.mark.parametrize("command", ["topik", "prduce", "consum", "jbo"])
def test_a_misspelt_command_is_answered_with_the_nearest_one(command: str) -> None:
    ended = run(command)

    assert ended.returncode == 2
    assert "Did you mean" in ended.stderr


@pytest.mark.parametrize("command", ["job", "topic", "bench"])
def test_a_group_of_commands_alone_says_which_there_are(command: str) -> None:
    ended = run(command, COLUMNS="80")

    assert ended.returncode == 2
    for subcommand in SUBCOMMANDS:
        group, _, name = subcommand.partition(" ")
        assert group != command or name in (ended.stdout + ended.stderr).split()


def test_commands_subcommands_and_options_are_completed() -> None:
    assert complete("riacho co") == ["console", "consume"]
    assert complete("riacho topic de") == ["describe", "delete"]
    assert "--partitions" in complete("riacho topic create --pa")
    assert complete("riacho bro") == ["broker"]
    assert "kernels" not in complete("riacho ")


def test_the_help_imports_next_to_nothing_and_a_client_command_neither_numba_nor_hypothesis() -> None:
    assert imported("--help").isdisjoint({"asyncio", "numpy", "polars", "numba", "rich", "ssl"})
    assert imported("topic", "list", "--kafka", "127.0.0.1:1").isdisjoint({"hypothesis", "numba", "polars", "pydantic"})


def imported(*arguments: str) -> set[str]:
    """Which modules a command has imported at its end."""
    code = (
        "import atexit, sys\n"
        "there = lambda: [name for name, module in sys.modules.items() if module]\n"
        "atexit.register(lambda: print('', ' '.join(there()), sep='\\n', end=''))\n"
        f"sys.argv = {['riacho', *arguments]!r}\n"
        "from riacho.__main__ import main\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    return set(ended.stdout.rpartition("\n")[2].split())
