"""Which partition of `__consumer_offsets` holds a group: Kafka's own hash, so that its tools find it."""

from __future__ import annotations


def java_string_hash(text: str) -> int:
    """Java's `String.hashCode()`: 31-polynomial over UTF-16 code units, wrapped to a signed 32-bit integer.

    >>> java_string_hash("abc"), java_string_hash("polygenelubricants"), java_string_hash("")
    (96354, -2147483648, 0)
    """
    units = text.encode("utf-16-le", "surrogatepass")
    hashed = 0
    for position in range(0, len(units), 2):
        hashed = (31 * hashed + units[position] + (units[position + 1] << 8)) & 0xFFFFFFFF
    return hashed - (1 << 32) if hashed >= 1 << 31 else hashed


def partition_of_group(group_id: str, partitions: int) -> int:
    """The partition of `__consumer_offsets` that coordinates `group_id`.

    Kafka's `Utils.abs` clears the sign bit; it is not the absolute value.

    >>> partition_of_group("my-group", 50)
    36
    """
    return (java_string_hash(group_id) & 0x7FFFFFFF) % partitions
