"""No request, however wrong, makes kio allocate what its sender merely claims."""

from __future__ import annotations

import io
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kio.serial import entity_writer

from riacho.broker import wire
from riacho.broker.message_walk import ImpossibleLengthError, _array_item, _without_none, walk_of
from riacho.broker.registry import load_apis
from riacho.broker.wire import MalformedRequestError

pytestmark = pytest.mark.no_cover  # the same lines many thousand times: tracing them triples the time

SERVED = [
    (api.name, version)
    for api in load_apis().values()
    if api.handle is not None
    for version in range(api.first_version, api.last_version + 1)
]
_INTEGERS = {"int8": 7, "int16": 15, "int32": 31, "int64": 63, "uint16": 15}


@st.composite
def _messages(draw: st.DrawFn, entity: Any) -> Any:
    return entity(**{field.name: draw(_values(field)) for field in fields(entity)})


def _values(field: Any) -> st.SearchStrategy[Any]:
    kafka_type = field.metadata.get("kafka_type")
    array = _array_item(field.type)
    item = array if array is not None else _without_none(field.type)
    if kafka_type is None:
        one: st.SearchStrategy[Any] = _messages(item)
    elif kafka_type in _INTEGERS:
        one = st.integers(0, 2 ** _INTEGERS[kafka_type] - 1)
    else:
        one = {
            "bool": st.booleans(),
            "string": st.text(max_size=5),
            "bytes": st.binary(max_size=5),
            "uuid": st.uuids().filter(lambda value: value != UUID(int=0)),
            "timedelta_i32": st.integers(0, 1000).map(lambda value: timedelta(milliseconds=value)),
            "timedelta_i64": st.integers(0, 1000).map(lambda value: timedelta(milliseconds=value)),
        }[kafka_type]
    return st.lists(one, max_size=3).map(tuple) if array is not None else one


@given(data=st.data(), served=st.sampled_from(SERVED))
@settings(max_examples=300, deadline=None)
def test_the_walk_ends_where_the_message_ends(data: st.DataObject, served: tuple[str, int]) -> None:
    entity = wire._entity_class(*served, "request")
    out = io.BytesIO()
    entity_writer(entity)(out, data.draw(_messages(entity)))
    message = out.getvalue()
    assert walk_of(entity)(message, 0, len(message)) == len(message)


@given(served=st.sampled_from(SERVED), body=st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_message_or_malformed(served: tuple[str, int], body: bytes) -> None:
    try:
        wire.read_request(*served, body, 0, len(body))
    except MalformedRequestError:
        return


@pytest.mark.parametrize(
    ("api", "version", "body"),
    [
        ("list_offsets", 1, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("offset_for_leader_epoch", 4, b"\xff\xff\xff\xff\x00\x00"),
        ("delete_groups", 2, b"\x00\x00"),
    ],
)
def test_an_array_that_cannot_be_null_is_not(api: str, version: int, body: bytes) -> None:
    with pytest.raises(MalformedRequestError, match="an array is null"):
        wire.read_request(api, version, b"\0" + body if wire.request_type(api, version).flexible else body, 0, 100)


def test_an_array_that_can_be_null_may_be() -> None:
    assert wire.read_request("metadata", 5, b"\xff\xff\xff\xff\x00", 0, 5).topics is None


@pytest.mark.parametrize("count", [b"\x7f\xff\xff\xff", b"\x00\x00\x00\x02"])
def test_more_items_than_bytes_are_impossible(count: bytes) -> None:
    entity = wire._entity_class("metadata", 5, "request")
    with pytest.raises(ImpossibleLengthError, match="items do not fit"):
        walk_of(entity)(count + b"\0", 0, 5)
