"""Child processes: restarted when they die, ended with their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from processes import alive
from riacho.host.child import ALIKE, Child, ChildError, ChildSpec

SERVES = "import time; print('ready', flush=True); time.sleep(600)"
DEADLINE_S = 60.0


def python(code: str, **options: bool) -> ChildSpec:
    return ChildSpec("part", [sys.executable, "-c", code], **options)


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


def run_with(spec: ChildSpec, body: Callable[[Child], Awaitable[None]]) -> Child:
    async def scenario() -> Child:
        child = Child(spec)
        task = asyncio.create_task(child.run())
        try:
            await asyncio.wait_for(child.ready, DEADLINE_S)
            await body(child)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return child

    return asyncio.run(scenario())


def test_a_killed_child_is_started_again() -> None:
    async def body(child: Child) -> None:
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: child.pid not in (None, first))
        assert child.restarts == 1

    run_with(python(SERVES, announces=True), body)


def test_a_cancelled_child_is_ended() -> None:
    pids: list[int] = []

    async def body(child: Child) -> None:
        assert child.pid is not None
        pids.append(child.pid)

    run_with(python(SERVES, announces=True), body)
    assert not alive(pids[0])


def test_a_oneshot_child_that_ends_well_stays_ended() -> None:
    async def scenario() -> Child:
        child = Child(python("print('done')", oneshot=True))
        await asyncio.wait_for(child.run(), DEADLINE_S)
        return child

    child = asyncio.run(scenario())
    assert (child.exit_code, child.restarts) == (0, 0)


def test_a_child_that_never_serves_is_an_error_that_says_how_it_ended() -> None:
    async def scenario() -> None:
        await asyncio.wait_for(Child(python("raise SystemExit(3)", announces=True)).run(), DEADLINE_S)

    with pytest.raises(ChildError, match="part did not start: exit code 3"):
        asyncio.run(scenario())


def test_a_child_that_is_killed_before_it_serves_is_started_again(tmp_path: Path) -> None:
    once = tmp_path / "once"
    code = f"""
import os, pathlib, signal, time
once = pathlib.Path({str(once)!r})
if not once.exists():
    once.touch()
    os.kill(os.getpid(), signal.SIGKILL)
print("ready", flush=True)
time.sleep(600)
"""

    async def body(child: Child) -> None:
        assert child.restarts == 1

    run_with(python(code, announces=True), body)


def test_a_patient_child_that_fails_before_it_serves_is_started_again_but_not_one_asked_wrongly(tmp_path: Path) -> None:
    once = tmp_path / "once"
    code = f"""
import pathlib, time
once = pathlib.Path({str(once)!r})
if not once.exists():
    once.touch()
    raise SystemExit(1)
print("ready", flush=True)
time.sleep(600)
"""

    async def body(child: Child) -> None:
        assert child.restarts == 1

    run_with(python(code, announces=True, patient=True), body)

    async def scenario() -> None:
        await asyncio.wait_for(Child(python("raise SystemExit(2)", announces=True, patient=True)).run(), DEADLINE_S)

    with pytest.raises(ChildError, match="exit code 2"):
        asyncio.run(scenario())


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children are started again at once."""
    monkeypatch.setattr("riacho.host.backoff.FIRST_BACKOFF_S", 0.001)


def given_up(code: str, said: str) -> Child:
    """A patient child that is given up, with an error that says this."""

    async def scenario() -> Child:
        child = Child(python(code, announces=True, patient=True))
        with pytest.raises(ChildError, match=said):
            await asyncio.wait_for(child.run(), DEADLINE_S)
        return child

    return asyncio.run(scenario())


def started_again_and_again(code: str) -> None:
    """See a patient child started more often than one that is given up."""

    async def scenario() -> None:
        child = Child(python(code, announces=True, patient=True))
        task = asyncio.create_task(child.run())
        await until(lambda: child.restarts > ALIKE or task.done())
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())


@pytest.mark.usefixtures("hurried")
def test_a_patient_child_that_ends_again_and_again_for_one_reason_is_given_up() -> None:
    code = "import os; raise SystemExit(f'log line of {os.getpid()}\\nerror: no topic\\n  at t.sql')"

    child = given_up(code, f"part did not start, {ALIKE} times in a row for this reason")

    assert (child.restarts, child.reason) == (ALIKE - 1, "no topic\n  at t.sql")


SERVES_AND_FAILS = "print('ready', flush=True); raise SystemExit('error: a bad record')"


@pytest.mark.usefixtures("hurried")
def test_a_patient_child_that_serves_and_fails_at_once_for_one_reason_is_given_up() -> None:
    child = given_up(SERVES_AND_FAILS, f"part failed, {ALIKE} times in a row for this reason")

    assert (child.restarts, child.reason) == (ALIKE - 1, "a bad record")


@pytest.mark.usefixtures("hurried")
def test_a_patient_child_that_comes_further_each_time_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riacho.host.child.RECORDED_AFTER_S", 0.0)

    started_again_and_again(SERVES_AND_FAILS)


@pytest.mark.usefixtures("hurried")
def test_a_patient_child_that_ends_for_other_reasons_each_time_is_started_again() -> None:
    started_again_and_again("import os; raise SystemExit(f'error: no process {os.getpid()}')")


@pytest.mark.usefixtures("hurried")
def test_the_reason_of_a_crash_begins_with_the_line_that_names_the_error() -> None:
    child = given_up("print('ready', flush=True); [][1]", "for this reason")

    first, *rest = child.reason.splitlines()
    assert first == "IndexError: list index out of range"
    assert rest[0] == "Traceback (most recent call last):"


def test_a_child_ends_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"""
import os, pathlib, time
from riacho.host.parent import die_with_parent
die_with_parent()
pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))
print("ready", flush=True)
time.sleep(600)
"""
    parent = f"""
import asyncio, sys
from riacho.host.child import Child, ChildSpec
async def main():
    await Child(ChildSpec("part", [sys.executable, "-c", {child!r}], announces=True)).run()
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", parent])
    deadline = time.monotonic() + DEADLINE_S
    while not (pid_file.exists() and pid_file.read_text()):
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.kill()
    process.wait()
    pid = int(pid_file.read_text())
    while alive(pid):
        assert time.monotonic() < deadline, "the child outlived its parent"
