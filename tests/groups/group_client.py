"""A Kafka client that speaks one message at a time, at whatever version the test names."""

from __future__ import annotations

import io
import socket
import struct
from importlib import import_module
from typing import Any

from kio.serial import entity_reader, entity_writer

from riacho.broker import wire

_CLIENT_ID = b"raw"


class RawClient:
    """One connection."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=30)
        self._correlation = 0

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def call(self, api: str, version: int, **fields: Any) -> Any:
        """Send a request, given in the newest version's names, and read its answer."""
        self.send(api, version, **fields)
        return self.receive(api, version)

    def send(self, api: str, version: int, **fields: Any) -> None:
        request = _entity(api, version, "request")
        self._correlation += 1
        out = io.BytesIO()
        out.write(struct.pack(">hhih", request.__api_key__, version, self._correlation, len(_CLIENT_ID)))
        out.write(_CLIENT_ID + (b"\0" if request.__flexible__ else b""))
        entity_writer(request)(out, wire.build(request, fields))
        body = out.getvalue()
        self._socket.sendall(struct.pack(">i", len(body)) + body)

    def receive(self, api: str, version: int) -> Any:
        response = _entity(api, version, "response")
        (length,) = struct.unpack(">i", self._exactly(4))
        frame = self._exactly(length)
        assert struct.unpack_from(">i", frame)[0] == self._correlation
        header: Any = response.__header_schema__
        answer, _ = entity_reader(response)(frame, 5 if header.__flexible__ else 4)
        return answer

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self._socket.recv(size - len(data))
            assert chunk, "the broker closed the connection"
            data += chunk
        return data


def _entity(api: str, version: int, kind: str) -> Any:
    module = import_module(f"kio.schema.{api}.v{version}.{kind}")
    return getattr(module, "".join(part.capitalize() for part in api.split("_")) + kind.capitalize())
