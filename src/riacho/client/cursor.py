"""Reading and writing the few message fields that are framed by hand, in Kafka's flexible encoding."""

from __future__ import annotations

import struct

from riacho.client.errors import ProtocolError


def unsigned_varint(value: int) -> bytes:
    """An unsigned varint: lengths and counts of the flexible encoding.

    >>> unsigned_varint(300).hex()
    'ac02'
    """
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def compact_string(value: str) -> bytes:
    """A string after its length plus one."""
    encoded = value.encode()
    return unsigned_varint(len(encoded) + 1) + encoded


class Cursor:
    """Reads a response front to back. Raises `ProtocolError` where the bytes end too early.

    >>> Cursor(memoryview(compact_string("ok"))).string()
    'ok'
    """

    __slots__ = ("_data", "position")

    def __init__(self, data: memoryview, position: int = 0) -> None:
        self._data = data
        self.position = position

    def numbers(self, layout: struct.Struct) -> tuple[int, ...]:
        """Fixed-size numbers, as the layout names them."""
        try:
            values = layout.unpack_from(self._data, self.position)
        except struct.error as error:
            raise ProtocolError("a response ends too early") from error
        self.position += layout.size
        return values

    def unsigned_varint(self) -> int:
        """An unsigned varint of at most five bytes."""
        value = 0
        for shift in range(0, 35, 7):
            if self.position >= len(self._data):
                raise ProtocolError("a response ends too early")
            byte = self._data[self.position]
            self.position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ProtocolError("a number in a response is too long")

    def count(self) -> int:
        """How many elements the array that begins here has; 0 for a null one."""
        return max(self.unsigned_varint() - 1, 0)

    def span(self) -> tuple[int, int]:
        """The bytes that begin here, as (start, end), and move past them; empty where they are null."""
        length = self.count()
        start = self.position
        if length > len(self._data) - start:
            raise ProtocolError("a response ends too early")
        self.position = start + length
        return start, self.position

    def string(self) -> str:
        """A string; empty where it is null."""
        start, end = self.span()
        return bytes(self._data[start:end]).decode(errors="replace")

    def skip_tags(self) -> None:
        """Move past the tagged fields that end every structure."""
        for _ in range(self.unsigned_varint()):
            self.unsigned_varint()
            length = self.unsigned_varint()
            if length > len(self._data) - self.position:
                raise ProtocolError("a response ends too early")
            self.position += length
