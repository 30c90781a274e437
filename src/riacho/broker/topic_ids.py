"""Topic ids (KIP-516): random, and never one that the protocol reserves."""

from __future__ import annotations

from uuid import UUID, uuid4

_RESERVED = frozenset({UUID(int=0), UUID(int=1)})
"""Absent, and the metadata topic's."""


def new_topic_id() -> UUID:
    """A random id. As in Kafka its text form never begins with a dash, which a shell would take for an option."""
    while True:
        topic_id = uuid4()
        if topic_id not in _RESERVED and topic_id.bytes[0] >> 2 != 0x3E:  # 62 is "-" in URL-safe base 64
            return topic_id
