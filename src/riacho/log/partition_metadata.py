"""Of which topic a partition's directory is: the topic's id, in a file beside the segments, as Kafka keeps it.

A topic that is made again under the name of a deleted one has another id, so that whatever is left of the old one
cannot pass for its own.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Final
from uuid import UUID

from riacho.host import Disk
from riacho.log import files
from riacho.log.errors import PartitionOffline

PARTITION_METADATA_FILE: Final = "partition.metadata"

_CONTENTS: Final = re.compile(rb"version: 0\ntopic_id: ([A-Za-z0-9_-]{22})\s*")


def stored_topic_id(disk: Disk, directory: Path) -> UUID | None:
    """The id of the topic that the directory is of; None where it does not say, as earlier versions did not.

    Raises `PartitionOffline` where the file cannot be understood.
    """
    path = directory / PARTITION_METADATA_FILE
    contents = files.load(disk, path)
    if contents is None:
        return None
    match = _CONTENTS.fullmatch(contents)
    if match is None:
        raise PartitionOffline(
            "the file that says of which topic this directory is, is damaged",
            where=str(path),
            mend="restore it from a backup, or remove it if the records beside it are the topic's of this name",
        )
    return UUID(bytes=base64.urlsafe_b64decode(match[1] + b"=="))


def store_topic_id(disk: Disk, directory: Path, topic_id: UUID) -> None:
    """Say of which topic the directory is. It is durable once the directory is synced, too."""
    files.replace(disk, directory / PARTITION_METADATA_FILE, b"version: 0\ntopic_id: " + shown(topic_id).encode())


def shown(topic_id: UUID) -> str:
    """The id in 22 characters, as Kafka writes ids.

    >>> shown(UUID(int=1))
    'AAAAAAAAAAAAAAAAAAAAAQ'
    """
    return base64.urlsafe_b64encode(topic_id.bytes).rstrip(b"=").decode()
