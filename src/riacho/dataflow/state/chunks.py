"""Chunks of bytes for the strings of kept rows: appended to, shared with frames, swept when mostly dead, reused."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import fresh_bytes

Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]
Uint8Array = npt.NDArray[np.uint8]

FIRST_CHUNK_BYTES = 1 << 18
LAST_CHUNK_BYTES = 32 << 20
"""A new chunk is as large as all used bytes, between these: few chunks, and little of them unused."""

SWEPT_BYTES = 4 << 20
"""A sweep begins when more than half of the bytes, and more than these, are dead."""

FREED_BYTES = 1 << 18
"""Chunks are looked at when so many bytes were freed: to look takes longer than a small pass takes to free its few."""

PREPARED_BYTES = 1 << 20
"""From this size on a chunk's memory is made ready in another thread."""

SPARES = 2
"""Chunks without rows that are kept for their memory: the first write to new memory is slow."""

_NO_MEMORY = np.empty(0, np.uint8)
_NAME = "chunk"


class Chunks:
    """Memory by chunk number; `used` and `live` count each one's bytes, `leaving` marks those being emptied.

    What was written to a chunk never changes, so frames and snapshots look at it without copying. One without live
    bytes is dropped, and its memory written anew only when nobody looks at it any more.
    """

    def __init__(self) -> None:
        self.memory: list[Uint8Array] = [_NO_MEMORY]
        self.addresses: Uint64Array = np.zeros(1, np.uint64)
        self.used: Int64Array = np.zeros(1, np.int64)
        self.live: Int64Array = np.zeros(1, np.int64)
        self.leaving: Int64Array = np.zeros(1, np.int64)
        self.current = 0
        """The chunk that is appended to."""
        self.freed = 0
        """How many bytes were freed since the chunks were looked at."""
        self._spares: list[Uint8Array] = []
        self._next: Uint8Array | None = None
        """The chunk that follows, whose memory is being made ready."""

    @property
    def bytes(self) -> int:
        following = 0 if self._next is None else self._next.nbytes
        return following + sum(chunk.nbytes for chunk in (*self.memory, *self._spares))

    def add(self, needed: int) -> None:
        """Begin a new chunk with room for `needed` bytes."""
        number = next((n for n, chunk in enumerate(self.memory) if not len(chunk)), len(self.memory))
        memory = None if needed > LAST_CHUNK_BYTES else self._spare(needed)
        if memory is None and self._next is not None and len(self._next) >= needed:
            memory, self._next = self._next, None
        self._enter(number, fresh_bytes(max(needed, self._wanted)) if memory is None else memory)
        self.current = number

    @property
    def _wanted(self) -> int:
        """How large a new chunk is."""
        return min(max(int(self.used.sum()), FIRST_CHUNK_BYTES), LAST_CHUNK_BYTES)

    def prepare(self) -> None:
        """Where the chunk is half full, have the memory of the next one ready before it is needed."""
        size = len(self.memory[self.current])
        if size < PREPARED_BYTES or self._next is not None or self._spares or self.used[self.current] * 2 < size:
            return
        self._next = fresh_bytes(self._wanted)

    def _spare(self, needed: int) -> Uint8Array | None:
        for place, chunk in enumerate(self._spares):
            if len(chunk) >= max(needed, FIRST_CHUNK_BYTES) and _references(self._spares, place) <= _UNSHARED:
                del chunk
                return self._spares.pop(place)
        return None

    def _enter(self, number: int, memory: Uint8Array) -> None:
        if number == len(self.memory):
            self.memory.append(memory)
            for name in ("addresses", "used", "live", "leaving"):
                array = getattr(self, name)
                setattr(self, name, np.append(array, np.zeros(1, array.dtype)))
        self.memory[number] = memory
        self.addresses[number] = memory.ctypes.data
        self.used[number] = self.live[number] = self.leaving[number] = 0

    @property
    def worth_a_look(self) -> bool:
        """Whether so much was freed that chunks may be empty, or mostly dead."""
        return self.freed >= FREED_BYTES

    def begin_sweep(self) -> bool:
        """Mark the chunks that are mostly dead as leaving, where it is worth while; whether there are any."""
        used = int(self.used.sum())
        dead = used - int(self.live.sum())
        if dead <= max(SWEPT_BYTES, used // 2):
            return False
        self.add(0)
        self.leaving[:] = self.live * 2 < self.used
        return bool(self.leaving.any())

    def drop_empty(self) -> None:
        """Let go of the full chunks that have no live bytes."""
        self.freed = 0
        for number in np.flatnonzero((self.live == 0) & (self.used > 0)).tolist():
            if number == self.current:
                continue
            chunk = self.memory[number]
            self.memory[number] = _NO_MEMORY
            self.used[number] = self.leaving[number] = 0
            if chunk.flags.writeable and (chunk.flags.owndata or isinstance(chunk.base, mmap.mmap)):
                self._spares.append(chunk)
        del self._spares[:-SPARES]

    def snapshot(self) -> StateArrays:
        numbers = np.flatnonzero(self.used).tolist()
        return {f"{_NAME}{number}": self.memory[number][: self.used[number]] for number in numbers}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over the chunks; the caller then counts their live bytes."""
        found = {int(name[len(_NAME) :]): chunk for name, chunk in state.items() if name.startswith(_NAME)}
        count = max(found, default=-1) + 2
        self.memory = [np.ascontiguousarray(found.get(number, _NO_MEMORY)) for number in range(count)]
        self.addresses = np.array([chunk.ctypes.data for chunk in self.memory], np.uint64)
        self.used = np.array([len(chunk) for chunk in self.memory], np.int64)
        self.live, self.leaving = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self.current = count - 1


def _references(chunks: list[Uint8Array], place: int) -> int:
    return sys.getrefcount(chunks[place])


_UNSHARED = _references([np.empty(1, np.uint8)], 0)
"""The references to a chunk that only a list holds."""
