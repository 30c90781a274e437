"""The process that `launch.ForkServer` forks from: it imports, then forks whenever it is asked to.

It speaks over a socket of messages (SOCK_SEQPACKET) in JSON. Asked {"command", "environment"}, a module with its
arguments, and with stderr and maybe stdout as descriptors, it answers {"forked": pid} or {"refused": errno}. It passes
{"signal", "to": pid} on, and tells of each fork's end {"ended": pid, "code"}. It runs until the socket's other end is
closed.

Each fork has such a socket too (`parent.forked_by`): it may ask for forks of its own, which end with it.

It has one thread, and so do its forks at first. What starts threads when it is imported (Polars does) is left to them:
a fork has none of its parent's other threads, and would wait for ever for a lock that one of them held.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from riacho.host import parent
from riacho.host.parent import DIE_WITH_PARENT, die_with_parent

ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1"}
"""NumPy's linear algebra, which nobody here uses, starts threads when it is imported."""

LARGEST_MESSAGE: Final = 1 << 16
MOST_DESCRIPTORS: Final = 2

STDOUT, STDERR = 1, 2

FIRST_AFTER_NAME, ARG_START, ARG_END = 3, 48, 49
"""Fields of /proc/pid/stat, counted from 1; the second, in parentheses, may hold spaces."""


def main(descriptor: int, modules: Sequence[str]) -> None:
    """Serve until there is nobody left to serve; in a fork, run the module that was asked for."""
    die_with_parent()
    for module in modules:
        import_module(module)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, f"one of {modules} starts threads"
    gc.freeze()  # what all share is not to be written to by a fork's collector
    with socket.socket(fileno=descriptor) as control:
        command = _serve(control)
    if command is not None:
        _show_as([sys.executable, "-m", *command])
        module, *sys.argv[1:] = command
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _serve(control: socket.socket) -> list[str] | None:
    """Fork as asked. Returns in every fork, with its command; and here, None, when nobody asks any more."""
    server = os.getpid()
    asking = [control]
    forks: dict[int, socket.socket] = {}
    woken, wake = socket.socketpair()
    with woken, wake:
        wake.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake.fileno())
        while True:
            ready, _, _ = select.select([woken, *asking], [], [])
            who = ready[0]
            if who is woken:
                woken.recv(LARGEST_MESSAGE)
                _report_ends(forks)
                continue
            message, descriptors = _hear(who)
            if not message:
                if who is control:
                    return None
                asking.remove(who)
                _leave(who, forks)
                continue
            asked = json.loads(message)
            if "signal" in asked:
                if forks.get(asked["to"]) is who:
                    os.kill(asked["to"], asked["signal"])
                continue
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            if _fork(who, forks):
                for each in (ours, *asking):
                    each.close()
                parent.forked_by = theirs
                _begin(descriptors, {**asked["environment"], DIE_WITH_PARENT: str(server)})
                command: list[str] = asked["command"]
                return command
            asking.append(ours)  # where the fork was refused it is found closed, as after a fork's end
            theirs.close()
            for descriptor in descriptors:
                os.close(descriptor)


def _hear(who: socket.socket) -> tuple[bytes, list[int]]:
    """The next message and what came with it; an empty one from whoever has ended."""
    try:
        message, descriptors, _, _ = socket.recv_fds(who, LARGEST_MESSAGE, MOST_DESCRIPTORS)
    except ConnectionResetError:  # it ended before it had heard all
        return b"", []
    return message, descriptors


def _fork(who: socket.socket, forks: dict[int, socket.socket]) -> bool:
    """Fork, and tell; True in the fork."""
    try:
        pid = os.fork()
    except OSError as error:
        _tell(who, {"refused": error.errno})
        return False
    if pid:
        forks[pid] = who
        _tell(who, {"forked": pid})
    return pid == 0


def _leave(who: socket.socket, forks: Mapping[int, socket.socket]) -> None:
    """End the forks of one that has ended itself."""
    for pid, asked_by in forks.items():
        if asked_by is who:
            os.kill(pid, signal.SIGTERM)
    who.close()


def _report_ends(forks: dict[int, socket.socket]) -> None:
    """Tell of every fork that has ended. A process id means a fork until it is waited for here, and not after."""
    while forks:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        who = forks.pop(pid)
        if who.fileno() >= 0:
            _tell(who, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(control: socket.socket, message: Mapping[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more, which the next `recv` says too
        control.send(json.dumps(message).encode())


def _begin(descriptors: Sequence[int], environment: Mapping[str, str]) -> None:
    """Make a process of its own of a fork: session, signals, streams, environment; its end is the server's."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor, stream in zip(descriptors, (STDERR, STDOUT), strict=False):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.environ.update(environment)
    die_with_parent()


def _show_as(command: Sequence[str]) -> None:
    """Write a fork's own command where `ps` looks, over the server's, which has the room: it names many modules.

    Source: proc(5), `arg_start` and `arg_end` in /proc/pid/stat.
    """
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = (int(fields[number - FIRST_AFTER_NAME]) for number in (ARG_START, ARG_END))
    room = end - start
    words = "\0".join(command).encode()[: room - 1]
    ctypes.memmove(start, words.ljust(room, b"\0"), room)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
