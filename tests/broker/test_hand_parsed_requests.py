"""Produce and Fetch are parsed by hand: whatever the bytes, they are a request or malformed, and nothing hangs."""

from __future__ import annotations

import io
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from kio.serial import entity_writer
from raw_client import fetch_values, produce_values

from riacho.broker import wire
from riacho.broker.apis import fetch, fetch_wire, produce
from riacho.broker.wire import MalformedRequestError

PRODUCE_VERSIONS = st.integers(produce.FIRST_SERVED, produce.VERSIONS[1])
FETCH_VERSIONS = st.integers(*fetch.VERSIONS)


def _parse(api: str, body: bytes, version: int) -> None:
    buffer = bytearray(body) + b"\x00\x7f\xff\xff" * 64  # the next frames, which are none of its business
    try:
        if api == "produce":
            produce._parse(buffer, 0, len(body), version)
        else:
            fetch_wire.parse(buffer, 0, len(body), version)
    except MalformedRequestError:
        return


def _body(api: str, version: int, values: dict[str, Any]) -> bytes:
    values["topic_data" if api == "produce" else "topics"][0]["topic_id"] = None
    entity = wire._entity_class(api, version, "request")
    out = io.BytesIO()
    entity_writer(entity)(out, wire.build(entity, values))
    return (b"\0" if entity.__flexible__ else b"") + out.getvalue()


@given(body=st.binary(max_size=80), version=PRODUCE_VERSIONS)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_produce_request_or_malformed(body: bytes, version: int) -> None:
    _parse("produce", body, version)


@given(body=st.binary(max_size=80), version=FETCH_VERSIONS)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_fetch_request_or_malformed(body: bytes, version: int) -> None:
    _parse("fetch", body, version)


@given(data=st.data(), version=PRODUCE_VERSIONS)
@settings(max_examples=300, deadline=None)
def test_a_damaged_produce_request_is_parsed_or_malformed(data: st.DataObject, version: int) -> None:
    _parse("produce", _damaged(data, _body("produce", version, produce_values("topic", b"records"))), version)


@given(data=st.data(), version=FETCH_VERSIONS)
@settings(max_examples=300, deadline=None)
def test_a_damaged_fetch_request_is_parsed_or_malformed(data: st.DataObject, version: int) -> None:
    _parse("fetch", _damaged(data, _body("fetch", version, fetch_values("topic", 0))), version)


def _damaged(data: st.DataObject, body: bytes) -> bytes:
    """A few bytes replaced by others, and perhaps the end cut off."""
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        new = data.draw(st.sampled_from([b"\x80\x00", b"\xff\xff", b"\x7f\xff\xff\xff", b"\x00", b"\xff"]))
        damaged[at : at + len(new)] = new
    return bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
