"""Where the console listens: addresses that are none, and ports that are taken."""

from __future__ import annotations

import socket

import pytest

from riacho.console.server import listen_on
from riacho.errors import RiachoError, UsageError


@pytest.mark.parametrize("address", ["8080", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        listen_on(address)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RiachoError, match=f"cannot listen on {address}"):
            listen_on(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", ""])
def test_port_0_takes_a_free_one(host: str) -> None:
    with listen_on(f"{host}:0") as listening:
        assert listening.getsockname()[1] > 0
