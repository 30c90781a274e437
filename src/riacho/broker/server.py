"""The listener: accepts connections, and ends them all when the broker stops."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket

from riacho.broker.broker import Broker
from riacho.broker.connection import Connection
from riacho.broker.dispatcher import Dispatcher
from riacho.broker.group_commit import DiskThreads
from riacho.broker.refusals import Refusals
from riacho.errors import RiachoError
from riacho.host import tcp

logger = logging.getLogger(__name__)

ACCEPTS_PER_TURN = 64
"""Connections taken in one turn of the loop, so that a storm of them does not starve those that exist."""
ACCEPT_PAUSE_SECONDS = 0.1
"""How long no connection is accepted once the process has run out of files."""
_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class CannotListenError(RiachoError):
    """The address cannot be listened on."""


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `CannotListenError`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CannotListenError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        mend = "stop what uses it, or choose another with --listen" if error.errno == errno.EADDRINUSE else None
        raise CannotListenError(f"cannot listen on {host}:{port}: {error.strerror}", mend=mend) from error
    sock.setblocking(False)
    return sock


class Server:
    """One listening socket and its connections."""

    def __init__(self, broker: Broker, sock: socket.socket) -> None:
        self.loop = asyncio.get_running_loop()
        self.threads: DiskThreads = broker.threads
        self.dispatcher = Dispatcher(broker)
        self.refusals = Refusals(broker.clock)
        self.largest_request = broker.settings.integer("socket.request.max.bytes")
        self.max_idle_seconds = broker.settings.integer("connections.max.idle.ms") / 1000
        self.address: tuple[str, int] = sock.getsockname()[:2]
        self._most_connections = broker.settings.integer("max.connections")
        self._socket = sock
        self._connections: set[Connection] = set()
        self._listening = True
        self.loop.add_reader(sock.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                sock, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_FILES:
                    raise
                logger.error("cannot accept connections for now: %s", error.strerror)
                self.loop.remove_reader(self._socket.fileno())
                self.loop.call_later(ACCEPT_PAUSE_SECONDS, self._accept_again)
                return
            if len(self._connections) >= self._most_connections:
                sock.close()
                self.refusals.closed(address[0], address[1], f"max.connections={self._most_connections} are open")
                continue
            sock.setblocking(False)
            tcp.tune(sock, address[0])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._connections.add(Connection(sock, self, address[:2]))

    def _accept_again(self) -> None:
        if self._listening:
            self.loop.add_reader(self._socket.fileno(), self._accept)

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)

    async def close(self) -> None:
        """Accept nothing more and end every connection."""
        self._listening = False
        self.loop.remove_reader(self._socket.fileno())
        self._socket.close()
        for connection in tuple(self._connections):
            connection.close("the broker is stopping", expected=True)
        await self.dispatcher.close()
