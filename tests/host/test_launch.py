"""Forks of a process that has imported what they need: as good as processes that were executed."""

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

import riacho.host.launch
from processes import alive
from riacho.host.child import Child, ChildSpec
from riacho.host.launch import ForkServer, Process

DEADLINE_S = 60.0

PART = """
import asyncio, os, sys, threading
from riacho.host.launch import ForkServer

async def fork(arguments):
    child = await ForkServer(()).launch([sys.executable, "-m", "part", *arguments], {}, announces=True)
    print(child.pid, (await child.stdout.readline()).decode().strip(), flush=True)
    print("ended", await child.wait())

print("ready", len(threading.enumerate()), flush=True)
print("stderr", file=sys.stderr, flush=True)
match sys.argv[1]:
    case "serve":
        threading.Event().wait()
    case "environment":
        print(os.environ[sys.argv[2]], "imported" if "sqlite3" in sys.modules else "not imported")
    case "fail":
        raise SystemExit(int(sys.argv[2]))
    case "descriptors":
        print(len(os.listdir("/proc/self/fd")))
    case "parent":
        asyncio.run(fork(sys.argv[2:]))
    case "session":
        print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()))
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module `part` to run, and one that may not be imported before a fork."""
    (tmp_path / "part.py").write_text(PART)
    (tmp_path / "threaded.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def part(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "part", *arguments]


def with_server(scenario: Callable[[ForkServer], Awaitable[None]], *imported: str) -> None:
    async def run() -> None:
        server = ForkServer(imported)
        try:
            await asyncio.wait_for(scenario(server), DEADLINE_S)
        finally:
            await server.close()

    asyncio.run(run())


async def printed(process: Process) -> str:
    """All that a process that ends well prints after its first line."""
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"ready 1")
    rest = await process.stdout.read()
    assert await process.wait() == 0
    return rest.decode().strip()


def test_a_fork_runs_the_module_with_its_arguments_and_environment_and_finds_the_imports_made() -> None:
    async def scenario(server: ForkServer) -> None:
        process = await server.launch(part("environment", "COLOUR"), {"COLOUR": "blue"}, announces=True)
        assert await printed(process) == "blue imported"

    with_server(scenario, "sqlite3")


def test_a_fork_has_a_session_of_its_own_no_stdin_and_no_descriptor_of_another() -> None:
    async def scenario(server: ForkServer) -> None:
        other = await server.launch(part("serve"), {}, announces=True)
        process = await server.launch(part("session"), {}, announces=True)
        assert await printed(process) == "True ''"
        process = await server.launch(part("descriptors"), {}, announces=True)
        assert await printed(process) == "5"  # the streams, the connection to the server, and what reads the directory
        other.kill()
        assert await other.wait() == -signal.SIGKILL

    with_server(scenario)


def test_a_fork_is_listed_under_its_own_command() -> None:
    async def scenario(server: ForkServer) -> None:
        process = await server.launch(part("serve"), {}, announces=True)
        assert process.stdout is not None
        await process.stdout.readline()
        listed = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
        assert [word for word in listed if word] == part("serve")
        process.kill()
        await process.wait()

    with_server(scenario)


def test_a_forks_exit_code_and_last_words_are_known() -> None:
    async def scenario(server: ForkServer) -> None:
        process = await server.launch(part("fail", "3"), {}, announces=False)
        assert process.stdout is None
        assert process.stderr is not None
        assert (await process.stderr.read(), await process.wait(), process.returncode) == (b"stderr\n", 3, 3)

    with_server(scenario)


def test_a_child_that_is_forked_is_restarted_when_it_is_killed_and_ended_when_it_is_cancelled() -> None:
    async def scenario(server: ForkServer) -> None:
        child = Child(ChildSpec("part", part("serve"), announces=True), launch=server.launch)
        task = asyncio.create_task(child.run())
        await child.ready
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        while (second := child.pid) in (None, first):
            await asyncio.sleep(0.01)
        assert child.restarts == 1
        assert second is not None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not alive(second)

    with_server(scenario)


def test_a_fork_has_forks_of_the_same_server_and_learns_of_their_end() -> None:
    async def scenario(server: ForkServer) -> None:
        process = await server.launch(part("parent", "serve"), {}, announces=True)
        child = await child_of(process)
        assert parent_of(child) == parent_of(process.pid)
        os.kill(child, signal.SIGKILL)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ended -9\n"
        assert await process.wait() == 0

    with_server(scenario)


def test_a_forks_own_forks_end_with_it_and_those_of_others_go_on() -> None:
    async def scenario(server: ForkServer) -> None:
        other = await server.launch(part("serve"), {}, announces=True)
        process = await server.launch(part("parent", "serve"), {}, announces=True)
        child = await child_of(process)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        while alive(child):
            await asyncio.sleep(0.01)
        assert alive(other.pid)
        again = await server.launch(part("environment", "HOME"), {}, announces=True)
        assert await printed(again)
        other.kill()
        await other.wait()

    with_server(scenario)


def test_a_server_that_still_imports_is_ended_at_once(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("import time\ntime.sleep(3600)\n")

    async def scenario(server: ForkServer) -> None:
        await server.start()
        await server.close()

    with_server(scenario, "endless")


def test_the_servers_death_ends_its_forks_and_the_next_launch_has_another() -> None:
    async def scenario(server: ForkServer) -> None:
        process = await server.launch(part("serve"), {}, announces=True)
        os.kill(parent_of(process.pid), signal.SIGKILL)
        assert process.stderr is not None
        await process.stderr.read()  # up to the end of the fork itself
        assert await process.wait() == -signal.SIGTERM
        again = await server.launch(part("environment", "HOME"), {}, announces=True)
        assert await printed(again)

    with_server(scenario)


def test_a_server_that_is_killed_while_a_launch_waits_for_it_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pids = tmp_path / "pids"
    (tmp_path / "killed_at_first.py").write_text(f"""
import os, pathlib, signal
pids = pathlib.Path({str(pids)!r})
first = not pids.exists()
with pids.open("a") as file:
    print(os.getpid(), file=file)
if first:
    os.kill(os.getpid(), signal.SIGKILL)
""")

    async def scenario(server: ForkServer) -> None:
        launches = [server.launch(part("environment", "HOME"), {}, announces=True) for _ in range(3)]
        for process in await asyncio.gather(*launches):
            await printed(process)

    with_server(scenario, "killed_at_first")
    assert len(pids.read_text().split()) == 2
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == "the fork server died: killed by SIGKILL; starting another in 0.5 s"


def test_a_server_that_dies_before_it_is_asked_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    make_pipe = riacho.host.launch._pipe

    async def scenario(server: ForkServer) -> None:
        process = await server.launch(part("serve"), {}, announces=True)
        of_forks = parent_of(process.pid)

        async def outlive_the_server() -> tuple[asyncio.StreamReader, int]:
            os.kill(of_forks, signal.SIGKILL)
            await process.wait()
            monkeypatch.setattr(riacho.host.launch, "_pipe", make_pipe)
            return await make_pipe()

        monkeypatch.setattr(riacho.host.launch, "_pipe", outlive_the_server)
        again = await server.launch(part("fail", "3"), {}, announces=True)
        assert await again.wait() == 3

    with_server(scenario)


@pytest.mark.parametrize("imports", ["raise SystemExit(3)", "import no_such_module"])
def test_a_server_that_ends_by_itself_before_it_has_forked_is_a_mistake(tmp_path: Path, imports: str) -> None:
    (tmp_path / "mistaken.py").write_text(imports)

    async def scenario(server: ForkServer) -> None:
        for _ in range(2):
            with pytest.raises(ChildProcessError, match=r"the fork server died: exit code [13]"):
                await server.launch(part("serve"), {}, announces=True)

    with_server(scenario, "mistaken")


@pytest.mark.parametrize("unread", [False, True])
def test_a_signal_to_a_fork_whose_server_has_just_died_is_no_error(unread: bool) -> None:
    async def scenario(server: ForkServer) -> None:
        process = await server.launch(part("serve"), {}, announces=True)
        of_forks = parent_of(process.pid)
        os.kill(of_forks, signal.SIGSTOP)
        if unread:
            process.terminate()
        os.kill(of_forks, signal.SIGKILL)
        while alive(of_forks):
            time.sleep(0.001)  # not the loop's: it has not heard of the death
        process.terminate()
        process.kill()
        assert await process.wait() == -signal.SIGTERM

    with_server(scenario)


def test_what_starts_threads_when_it_is_imported_is_not_forked_from() -> None:
    async def scenario(server: ForkServer) -> None:
        with pytest.raises(ChildProcessError):
            await server.launch(part("serve"), {}, announces=True)

    with_server(scenario, "threaded")


def test_a_fork_that_nobody_waits_for_any_more_is_killed() -> None:
    async def scenario(server: ForkServer) -> None:
        await server.start()
        launching = asyncio.create_task(server.launch(part("serve"), {}, announces=True))
        await asyncio.sleep(0)  # it has asked, and the server is still starting
        launching.cancel()
        await asyncio.gather(launching, return_exceptions=True)
        process = await server.launch(part("serve"), {}, announces=True)
        while children_of(parent_of(process.pid)) != {process.pid}:
            await asyncio.sleep(0.01)
        process.kill()
        await process.wait()

    with_server(scenario)


def test_forks_end_when_whoever_asked_for_them_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    parent = f"""
import asyncio, pathlib, sys
from riacho.host.launch import ForkServer
async def main():
    process = await ForkServer([]).launch([sys.executable, "-m", "part", "serve"], {{}}, announces=True)
    pathlib.Path({str(pid_file)!r}).write_text(str(process.pid))
    await process.wait()
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", parent])
    deadline = time.monotonic() + DEADLINE_S
    while not (pid_file.exists() and pid_file.read_text()):
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.kill()
    process.wait()
    while alive(int(pid_file.read_text())):
        assert time.monotonic() < deadline, "the fork outlived whoever asked for it"


async def child_of(process: Process) -> int:
    """The fork that a `parent` has asked for, once it serves."""
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"ready")
    pid, *said = (await process.stdout.readline()).split()
    assert said[0] == b"ready"
    return int(pid)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
