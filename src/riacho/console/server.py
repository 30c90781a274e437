"""The console's web server: the HTTP API, and the built pages beside it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
from importlib.resources import files
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from riacho.errors import RiachoError, UsageError
from riacho.host import Clock
from riacho.host.address import WILDCARDS, format_address, parse_address
from riacho.serve.api import application

SHUTDOWN_S = 2
"""How long open streams may take to end: viewers reconnect by themselves."""

STARTING_POLL_S = 0.005
"""Uvicorn notes that it has started, and tells nobody: it can only be looked at again."""

PAGES = ("/", "/overview", "/topics", "/views", "/groups", "/jobs")
"""Every address that is a page: the script shows the right one."""

MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

log = logging.getLogger(__name__)


class ConsoleServer:
    """Listens from construction on; `run` serves until it is stopped."""

    def __init__(self, *, kafka: str, listen: str, clock: Clock) -> None:
        self._socket = listen_on(listen)
        host, port = self._socket.getsockname()[:2]
        self.address = format_address(host, port)
        names = frozenset({parse_address(listen)[0]}) - WILDCARDS
        app = application(kafka, clock, more=pages(), names=names)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=SHUTDOWN_S
        )
        self._server = _PatientServer(config)

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._socket])

    async def started(self) -> None:
        """Return once requests are answered."""
        while not self._server.started:
            await asyncio.sleep(STARTING_POLL_S)

    def stop(self) -> None:
        self._server.should_exit = True


class _PatientServer(uvicorn.Server):
    """A server that a signal stops, and a second one does not hurry."""

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """Uvicorn's own cancels at the second Ctrl-C what is ending in order, which takes it `SHUTDOWN_S` at most, and
        shows that as a traceback."""
        self.should_exit = True


def listen_on(address: str) -> socket.socket:
    """A listening socket. Raises `UsageError` for what is no address, `RiachoError` where the port is taken."""
    try:
        host, port = parse_address(address)
    except ValueError as error:
        raise UsageError(str(error), mend="write HOST:PORT, as in 127.0.0.1:8080") from error
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise RiachoError(
            f"cannot listen on {address}: {error.strerror}", mend="choose another address with --http HOST:PORT"
        ) from error
    return listening


def pages() -> list[BaseRoute]:
    """Routes for the built pages. Raises `RiachoError` where they were not built."""
    static = Path(str(files("riacho.console") / "static"))
    if not (static / "index.html").exists():
        raise RiachoError(
            "the console's pages were not built",
            where=str(static),
            mend="install riacho from a wheel, or run: pip install --editable .",
        )

    async def page(request: Request) -> Response:
        """The console. A view that its address names is read while the browser still loads the scripts."""
        response = _file(static / "index.html", request)
        view = request.query_params.get("view")
        if view is not None:
            response.background = BackgroundTask(request.app.state.service.expect, view)
        return response

    async def asset(request: Request) -> Response:
        """A file of the console."""
        path = static / request.path_params["name"]
        if path.suffix not in MEDIA_TYPES or not path.is_file():
            return await nothing(request)
        return _file(path, request)

    async def nothing(request: Request) -> Response:
        """For an address that there is not: the console, which says so to people, or the API's error to scripts."""
        if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
            raise HTTPException(404)
        return Response((static / "index.html").read_bytes(), 404, media_type=MEDIA_TYPES[".html"])

    return [*(Route(path, page) for path in PAGES), Route("/{name}", asset), Route("/{path:path}", nothing)]


def _file(path: Path, request: Request) -> Response:
    """A file's content, or that the browser's copy is still right.

    Read here and not by Starlette in a thread: the files are few, small and in the page cache, and what threads take
    to be imported made the first page wait for 0.2 s.
    """
    content = path.read_bytes()
    headers = {"cache-control": "no-cache", "etag": f'"{hashlib.sha256(content).hexdigest()[:16]}"'}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=MEDIA_TYPES[path.suffix], headers=headers)
