"""What can go wrong between a client and its brokers."""

from __future__ import annotations

from riacho.errors import RiachoError
from riacho.host.kio import ErrorCode

UNKNOWN_TOPIC = "UNKNOWN_TOPIC_OR_PARTITION"
"""The name of the error for a topic, or a partition of one, that is not there."""


class KafkaError(RiachoError):
    """A broker answered with an error that the client cannot resolve by itself.

    `name` is Kafka's own, such as `UNKNOWN_TOPIC_OR_PARTITION`; `code` its number on the wire; `retriable`
    whether Kafka's documentation says that the same request may succeed later.
    """

    def __init__(
        self,
        name: str,
        code: int,
        message: str | None = None,
        *,
        retriable: bool = False,
        where: str | None = None,
        mend: str | None = None,
    ) -> None:
        super().__init__(f"{message} ({name})" if message else name, where=where, mend=mend)
        self.name = name
        self.code = code
        self.retriable = retriable


def kafka_error(
    code: int, message: str | None = None, *, where: str | None = None, mend: str | None = None
) -> KafkaError:
    """The error that a code on the wire stands for; `UNKNOWN` with its number for one of a newer Kafka."""
    try:
        known = ErrorCode(code)
    except ValueError:
        return KafkaError(f"UNKNOWN({code})", code, message, where=where, mend=mend)
    return KafkaError(known.name.upper(), code, message, retriable=known.retriable, where=where, mend=mend)


def check(code: int, message: str | None = None, *, where: str | None = None, mend: str | None = None) -> None:
    """Raise `KafkaError` unless the code is 0."""
    if code:
        raise kafka_error(code, message, where=where, mend=mend)


CANNOT_CONNECT = "cannot connect to the broker: "
"""How the errors of a connection that is not made begin; the reason follows."""


class UnreachableError(RiachoError):
    """A broker could not be reached, or the connection to it broke."""


class ProtocolError(RiachoError):
    """The other side sent bytes that Kafka's protocol does not allow."""


class CorruptRecordsError(RiachoError):
    """A record batch is damaged: its checksum is wrong, or its bytes contradict themselves."""


class DeliveryError(RiachoError):
    """Records were not acknowledged. The producer that raises it sends nothing more."""


class OffsetOutOfRangeError(RiachoError):
    """The records to go on from are not in the log: deleted by retention, or lost to a truncation."""
