"""How a child process comes to be: a program that is executed, or a fork of a process that has imported it already."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from riacho.host import fork_server, parent
from riacho.host.backoff import Backoff
from riacho.host.parent import DIE_WITH_PARENT

SERVER_DIED = -signal.SIGTERM
"""The exit code of forks whose server is gone: the kernel sends them SIGTERM then, and nobody learns of their end."""

log = logging.getLogger(__name__)


class Process(Protocol):
    """A child process under way; `asyncio.subprocess.Process` is one."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None:
        """As in `subprocess`: minus the signal's number where one killed it."""
        ...

    @property
    def stdout(self) -> asyncio.StreamReader | None: ...

    @property
    def stderr(self) -> asyncio.StreamReader | None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    async def wait(self) -> int: ...


class Launch(Protocol):
    """Starts a command with these additions to the environment, its stderr in a pipe, and its stdout if `announces`.

    The child has a session of its own, no stdin, and ends with this process. Raises `OSError`.
    """

    async def __call__(self, command: Sequence[str], environment: Mapping[str, str], *, announces: bool) -> Process: ...


async def execute(command: Sequence[str], environment: Mapping[str, str], *, announces: bool) -> Process:
    """`Launch` by executing the command's program."""
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE if announces else None,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment, DIE_WITH_PARENT: str(os.getpid())},
        start_new_session=True,  # a Ctrl-C reaches the supervisor alone, which ends the children in order
    )


class ForkServer:
    """`launch` starts modules as forks of one process, which has imported `modules` before.

    Imports and the loading of kernels are most of what a worker's start costs; so they are paid once. The server
    starts with the first launch, or with `start`, and again, backing off, after a death; it ends with `close`, or with
    us. Where we are a fork ourselves, it is the server that we were forked from.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = modules
        self._server: _Server | None = None
        self._starting = asyncio.Lock()
        self._backoff = Backoff()
        self._has_forked = False

    async def start(self) -> None:
        """Begin to import, so that the first launch waits less. Raises `OSError`."""
        await self._running()

    async def launch(self, command: Sequence[str], environment: Mapping[str, str], *, announces: bool) -> Process:
        """`Launch` of `python -m MODULE …`. A server that is killed meanwhile is replaced.

        Raises `ChildProcessError` where the server ends by itself before it has ever forked, which is a mistake.
        """
        assert list(command[:2]) == [sys.executable, "-m"], "a fork runs a module of this very Python"
        while True:
            server = await self._running()
            try:
                fork = await server.fork(command[2:], environment, announces=announces)
            except _ServerDiedError:
                continue
            self._has_forked = True
            return fork

    async def close(self) -> None:
        """End the server. Forks that still run get SIGTERM."""
        server, self._server = self._server, None
        if server is not None:
            await server.close()

    async def _running(self) -> _Server:
        async with self._starting:
            if self._server is not None and self._server.ended:
                dead, self._server = self._server, None
                await self._pause_after(dead)
            if self._server is None:
                self._server = _Server.joined() or await _Server.start(self._modules)
            return self._server

    async def _pause_after(self, dead: _Server) -> None:
        """Say how it died, and wait before the next one. Raises `ChildProcessError` where that would end as it did."""
        code = await dead.exit_code()
        if code is None:  # we are its fork, and told to end
            raise ChildProcessError(errno.ECHILD, "the fork server died that this process comes from")
        if code >= 0 and not self._has_forked:
            raise ChildProcessError(errno.ECHILD, f"the fork server died: {describe_exit(code)}")
        pause_s = self._backoff.after(asyncio.get_running_loop().time() - dead.started)
        log.warning("the fork server died: %s; starting another in %.1f s", describe_exit(code), pause_s)
        await asyncio.sleep(pause_s)


class Fork:
    """A `Process` that the server forked for us. Its signals go by way of the server, which alone knows whether its
    process id still means it.
    """

    def __init__(self, server: _Server, stdout: asyncio.StreamReader | None, stderr: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        self.stdout = stdout
        self.stderr = stderr
        self.born: asyncio.Future[int] = loop.create_future()
        self.code: asyncio.Future[int] = loop.create_future()
        self._server = server

    @property
    def pid(self) -> int:
        return self.born.result()

    @property
    def returncode(self) -> int | None:
        return self.code.result() if self.code.done() else None

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has died, and its forks with it
                self._server.send({"signal": number, "to": self.pid})

    def kill_if_born(self, born: asyncio.Future[int]) -> None:
        """For a fork that nobody waits for any more."""
        if born.exception() is None:
            self.kill()

    async def wait(self) -> int:
        return await asyncio.shield(self.code)


class _ServerDiedError(ChildProcessError):
    """The server was gone before it forked as asked."""


class _Server:
    """One server process, and the forks that it reports on. It is not our child where we are its fork."""

    def __init__(self, process: asyncio.subprocess.Process | None, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._asked: deque[Fork] = deque()
        self._forks: dict[int, Fork] = {}
        self.ended = False
        loop = asyncio.get_running_loop()
        self.started = loop.time()
        loop.add_reader(control, self._hear)

    @staticmethod
    def joined() -> _Server | None:
        """The server that forked this process, unless it was executed."""
        control, parent.forked_by = parent.forked_by, None
        if control is None:
            return None
        control.setblocking(False)
        return _Server(None, control)

    @staticmethod
    async def start(modules: Sequence[str]) -> _Server:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", fork_server.__name__, str(theirs.fileno()), *modules),
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, **fork_server.ENVIRONMENT, DIE_WITH_PARENT: str(os.getpid())},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return _Server(process, ours)

    async def fork(self, command: Sequence[str], environment: Mapping[str, str], *, announces: bool) -> Fork:
        stderr, stderr_end = await _pipe()
        stdout, stdout_end = await _pipe() if announces else (None, None)
        ends = [end for end in (stderr_end, stdout_end) if end is not None]
        fork = Fork(self, stdout, stderr)
        try:
            self.send({"command": list(command), "environment": dict(environment)}, ends)
        except (BrokenPipeError, ConnectionResetError) as error:
            if not self.ended:
                self._bury()
            raise _ServerDiedError from error
        finally:
            for end in ends:
                os.close(end)
        self._asked.append(fork)
        try:
            await asyncio.shield(fork.born)
        except asyncio.CancelledError:
            fork.born.add_done_callback(fork.kill_if_born)
            raise
        return fork

    def send(self, message: Mapping[str, object], descriptors: Sequence[int] = ()) -> None:
        """Raises `BrokenPipeError` where the server is gone; `OSError` also where it is asked too much at once."""
        if self.ended:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        socket.send_fds(self._control, [json.dumps(message).encode()], descriptors)

    def _hear(self) -> None:
        """What the server says: a fork's process id, in the order asked, or its end; or nothing more, being dead."""
        try:
            message = self._control.recv(fork_server.LARGEST_MESSAGE)
        except BlockingIOError:
            return
        except ConnectionResetError:
            message = b""
        if not message:
            self._bury()
            return
        said = json.loads(message)
        if "forked" in said:
            fork = self._forks[said["forked"]] = self._asked.popleft()
            fork.born.set_result(said["forked"])
        elif "refused" in said:
            self._asked.popleft().born.set_exception(OSError(said["refused"], os.strerror(said["refused"])))
        else:
            self._forks.pop(said["ended"]).code.set_result(said["code"])

    def _bury(self) -> None:
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        self.ended = True
        for fork in self._asked:
            fork.born.set_exception(_ServerDiedError())
        for fork in self._forks.values():
            fork.code.set_result(SERVER_DIED)
        self._asked.clear()
        self._forks.clear()

    async def exit_code(self) -> int | None:
        """How the server ended, once it has; None where it is not our child."""
        return await self._process.wait() if self._process is not None else None

    async def close(self) -> None:
        if not self.ended:
            self._bury()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()  # it may be importing still, and hear nothing
            await self._process.wait()


async def _pipe() -> tuple[asyncio.StreamReader, int]:
    """A pipe's end to read from, and the descriptor of the other."""
    read, write = os.pipe()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb", buffering=0))
    return reader, write


def describe_exit(code: int) -> str:
    """How a process ended, for people.

    >>> describe_exit(-9), describe_exit(1)
    ('killed by SIGKILL', 'exit code 1')
    """
    if code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
