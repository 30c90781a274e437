"""From a frame to the one who answers it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from riacho.broker import wire
from riacho.broker.apis import api_versions, fetch, produce
from riacho.broker.errors import ApiError, CloseConnectionError
from riacho.broker.registry import Api, Reply, load_apis
from riacho.broker.request_context import RequestContext

if TYPE_CHECKING:
    from riacho.broker.broker import Broker
    from riacho.broker.connection import AnswerSlot, Connection

logger = logging.getLogger(__name__)

_SASL_HANDSHAKE = 17


class Dispatcher:
    """Serves one request: Produce and Fetch where they lie in the buffer, all others through kio."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._apis = load_apis()
        self._tasks: set[asyncio.Future[Reply]] = set()

    def serve(self, connection: Connection, buffer: bytearray, begin: int, end: int) -> None:
        """Serve the frame `[begin, end)`, which is the buffer's only until this returns.

        Raises `MalformedRequestError` and `CloseConnectionError`, after which the connection is to be closed.
        """
        header = wire.parse_header(buffer, begin, end)
        slot = connection.new_slot(header.correlation_id, end - begin)
        api = self._apis.get(header.api_key)
        if header.api_key == produce.API_KEY:
            produce.serve(self._broker, slot, header, buffer, end)
        elif header.api_key == fetch.API_KEY:
            fetch.serve(self._broker, slot, header, buffer, end)
        elif api is not None and api.serves(header.version):
            self._serve_message(api, connection, slot, header, buffer, end)
        elif api is not None and api.key == api_versions.API_KEY:
            slot.answer(api_versions.unsupported_version(header.correlation_id))
        elif api is not None:
            raise CloseConnectionError(f"{wire.kafka_name(api.name)} version {header.version} is not supported")
        elif header.api_key == _SASL_HANDSHAKE:
            raise CloseConnectionError(
                "it wants SASL, which is not served: set security.protocol=PLAINTEXT in the client"
            )
        else:
            raise CloseConnectionError(f"there is no API with key {header.api_key}")

    def _serve_message(
        self,
        api: Api,
        connection: Connection,
        slot: AnswerSlot,
        header: wire.RequestHeader,
        buffer: bytearray,
        end: int,
    ) -> None:
        request = wire.read_request(api.name, header.version, buffer, header.position, end)
        context = RequestContext(
            self._broker, header.version, header.client_id, connection.peer[0], connection.local_address
        )
        assert api.handle is not None, f"{api.name} is not served from messages"
        reply = api.handle(request, context)
        if not isinstance(reply, Awaitable):
            self._answer(api, slot, header, reply)
            return
        # As in Kafka, the connection's next request must see what this one does; Produce and Fetch alone overlap.
        connection.mute()
        task = asyncio.ensure_future(reply)
        self._tasks.add(task)

        def ended(task: asyncio.Future[Reply]) -> None:
            self._tasks.discard(task)
            if connection.closed or task.cancelled():
                return
            error = task.exception()
            if error is None:
                self._answer(api, slot, header, task.result())
                connection.unmute()
            elif isinstance(error, Exception):
                self._fail(api, connection, error)

        task.add_done_callback(ended)

    def _answer(self, api: Api, slot: AnswerSlot, header: wire.RequestHeader, reply: Reply) -> None:
        slot.answer(wire.write_response(api.name, header.version, header.correlation_id, reply))

    def _fail(self, api: Api, connection: Connection, error: Exception) -> None:
        if isinstance(error, CloseConnectionError | wire.MalformedRequestError):
            connection.close(str(error))
            return
        expected = isinstance(error, ApiError | OSError)
        name = wire.kafka_name(api.name)
        logger.error("%s from %s failed: %s", name, connection.name, error, exc_info=None if expected else error)
        connection.close(f"its {name} request could not be served")

    async def close(self) -> None:
        """End what still waits: the broker is stopping."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
