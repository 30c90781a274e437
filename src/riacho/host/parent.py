"""What ties a process to the one that started it: it ends when that does, even by `kill -9`."""

from __future__ import annotations

import os
import signal
import socket
import sys

DIE_WITH_PARENT = "RIACHO_DIE_WITH_PARENT"
"""Set to the parent's process id for every child that is to end with it."""

PR_SET_PDEATHSIG = 1

forked_by: socket.socket | None = None
"""The connection to the server that this process was forked from (see `fork_server`); none in one that was executed."""


def die_with_parent() -> None:
    """Ask for SIGTERM when the parent ends, where the parent wants it so. Called first thing in a child."""
    parent = os.environ.pop(DIE_WITH_PARENT, None)
    if parent is None:
        return
    be_told_of_parents_end()
    if os.getppid() != int(parent):  # it ended before the kernel was asked
        sys.exit(f"the process that started this one has ended: {parent}")


def be_told_of_parents_end() -> None:
    """Ask the kernel for SIGTERM when the thread ends that started this process. What is executed next keeps that.

    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
