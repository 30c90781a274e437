"""Refuses requests that a foreign web page made in the user's browser.

The console has no password. What protects it from other sites: the `Host` must be an address or a name of this machine
(else a foreign name was made to resolve here: DNS rebinding), and an `Origin`, which browsers send with cross-site
requests, must be the console itself.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from riacho.serve.refusals import refusal


class SameOriginOnly:
    """ASGI middleware. `names` are host names, beside `localhost`, under which the console is reached."""

    def __init__(self, app: ASGIApp, names: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            reason = self.refusal({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})
            if reason is not None:
                await refusal(403, reason)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def refusal(self, headers: dict[str, str]) -> str | None:
        """Why a request with these headers is refused, or None.

        >>> guard = SameOriginOnly(lambda scope, receive, send: None)
        >>> guard.refusal({"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"})
        >>> guard.refusal({"host": "127.0.0.1:8080", "origin": "http://evil.example"})
        'requests from http://evil.example are refused: this page is not the console'
        """
        host = headers.get("host", "")
        if not self._is_ours(_split(f"//{host}").hostname or ""):
            return f"the host {host!r} is not this console's: open it by its address"
        origin = headers.get("origin")
        if origin is not None and _split(origin).netloc != host:
            return f"requests from {origin} are refused: this page is not the console"
        return None

    def _is_ours(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True  # an address cannot be rebound, only a name


def _split(address: str) -> SplitResult:
    """The parts of an address; of what is none, an empty one's."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
