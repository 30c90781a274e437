"""A partition's record batches as columns: checksums, decompression and aborted transactions around the kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from riacho.client.columns import RecordColumns
from riacho.client.compression import decompress
from riacho.client.errors import CorruptRecordsError
from riacho.kernels import batch as layout
from riacho.kernels.batch import Fault, decode_records, scan_batches

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

AbortedTransaction = tuple[int, int]
"""A producer id and the first offset of its aborted transaction, as a fetch response lists them."""

LISTED = 1024
"""Batches that are listed in one call: room for as many as a response might hold would be larger than most of them."""

_ABORT_MARKER = 0


def list_batches(data: Bytes) -> Int64s:
    """The whole batches in a fetch response's bytes, one row of `layout` fields each. Raises `CorruptRecordsError`."""
    tables: list[Int64s] = []
    position, more = 0, True
    while more:
        table = np.empty((LISTED, layout.BATCH_FIELDS), np.int64)
        count, fault, position = scan_batches(data, position, table)
        if fault == Fault.MAGIC:
            raise CorruptRecordsError(
                f"a batch has the message format {data[position + 16]}; only 2, that of Kafka 0.11 and later, is read"
            )
        if fault:
            raise CorruptRecordsError(f"a batch is malformed: {Fault(fault).name} at byte {position}")
        tables.append(table[:count])
        more = count == LISTED
    return tables[0] if len(tables) == 1 else np.concatenate(tables)


def decode_batches(
    topic: str,
    partition: int,
    data: Bytes,
    batches: Int64s,
    *,
    from_offset: int = 0,
    until_offset: int = layout.NO_END,
    aborted: Sequence[AbortedTransaction] = (),
    producer_id: int | None = None,
) -> RecordColumns:
    """The records of `batches` with `from_offset` <= offset < `until_offset`; with `producer_id`, those of it alone.

    Left out: control records, and records of the transactions that `aborted` lists. Raises `CorruptRecordsError`.
    """
    last = int(batches[-1, layout.NEXT_OFFSET]) if len(batches) else from_offset
    epoch = int(batches[-1, layout.LEADER_EPOCH]) if len(batches) else -1
    batches = _those(batches, batches[:, layout.BASE_OFFSET] < until_offset)
    wanted = (batches[:, layout.NEXT_OFFSET] > from_offset) & (batches[:, layout.ATTRIBUTES] & layout.CONTROL == 0)
    if producer_id is not None:
        wanted &= batches[:, layout.PRODUCER_ID] == producer_id
    if aborted:
        wanted &= _committed(data, batches, aborted)
    sums = True
    if (wanted & (batches[:, layout.ATTRIBUTES] & layout.CODEC_MASK > 0)).any():
        _decode(data, batches, np.zeros(len(batches), np.bool_), 0, 0, sums=True)  # of the bytes that were stored
        data, batches = _decompressed(data, _those(batches, wanted))
        wanted, sums = np.ones(len(batches), np.bool_), False
    wide, narrow = _decode(data, batches, wanted, from_offset, until_offset, sums=sums)
    return RecordColumns(
        topic=topic,
        partition=partition,
        offset=wide[layout.OFFSET],
        timestamp=wide[layout.TIMESTAMP],
        buffer=data,
        key_start=wide[layout.KEY_START],
        key_length=narrow[layout.KEY_LENGTH],
        value_start=wide[layout.VALUE_START],
        value_length=narrow[layout.VALUE_LENGTH],
        header_start=wide[layout.HEADER_START],
        header_length=narrow[layout.HEADER_LENGTH],
        header_count=narrow[layout.HEADER_COUNT],
        next_offset=max(from_offset, min(last, until_offset)),
        leader_epoch=epoch,
    )


def _those(batches: Int64s, wanted: NDArray[np.bool_]) -> Int64s:
    """Mostly all: picking some gives the interpreter's lock away."""
    return batches if wanted.all() else batches[wanted]


def _decode(
    data: Bytes, batches: Int64s, wanted: NDArray[np.bool_], from_offset: int, until_offset: int, *, sums: bool
) -> tuple[Int64s, Int32s]:
    """The columns of the records of the `wanted` batches, as `layout` names them."""
    # A count is believed only where the batch has the bytes for it: nothing larger is allocated.
    most = (batches[:, layout.RECORDS_END] - batches[:, layout.RECORDS]) // layout.MINIMAL_RECORD
    rows = int((np.minimum(batches[:, layout.COUNT], most) * wanted).sum())
    wide = np.empty((layout.WIDE_FIELDS, rows), np.int64)
    narrow = np.empty((layout.NARROW_FIELDS, rows), np.int32)
    count, fault, position = decode_records(data, batches, wanted, from_offset, until_offset, sums, wide, narrow)
    if fault == Fault.CHECKSUM:
        stored = int.from_bytes(data[position + layout.CRC_POSITION : position + layout.CRC_START].tobytes())
        raise CorruptRecordsError(f"a batch's checksum is wrong: byte {position}, CRC-32C {stored:#010x} is stored")
    if fault:
        raise CorruptRecordsError(f"a record is malformed: {Fault(fault).name} at byte {position}")
    return wide[:, :count], narrow[:, :count]


def _decompressed(data: Bytes, batches: Int64s) -> tuple[Bytes, Int64s]:
    """One buffer with the records of all batches, and these with `RECORDS` and `RECORDS_END` that point into it."""
    batches = batches.copy()
    parts: list[Bytes] = []
    position = 0
    for batch in batches:
        records = data[batch[layout.RECORDS] : batch[layout.RECORDS_END]]
        codec = int(batch[layout.ATTRIBUTES]) & layout.CODEC_MASK
        part = decompress(codec, records.data) if codec else records
        parts.append(part)
        batch[layout.RECORDS] = position
        position += part.size
        batch[layout.RECORDS_END] = position
    return parts[0] if len(parts) == 1 else np.concatenate(parts), batches


def _committed(data: Bytes, batches: Int64s, aborted: Sequence[AbortedTransaction]) -> NDArray[np.bool_]:
    """Which batches are of no aborted transaction.

    A producer's batches are, from its transaction's first offset up to its abort marker.
    """
    waiting = sorted(aborted, key=lambda transaction: transaction[1], reverse=True)
    aborting: set[int] = set()
    committed = np.ones(len(batches), np.bool_)
    for index, batch in enumerate(batches.tolist()):
        while waiting and waiting[-1][1] < batch[layout.NEXT_OFFSET]:
            aborting.add(waiting.pop()[0])
        if batch[layout.ATTRIBUTES] & layout.CONTROL:
            if _control_type(data, batch[layout.RECORDS], batch[layout.RECORDS_END]) == _ABORT_MARKER:
                aborting.discard(batch[layout.PRODUCER_ID])
        elif batch[layout.ATTRIBUTES] & layout.TRANSACTIONAL and batch[layout.PRODUCER_ID] in aborting:
            committed[index] = False
    return committed


def _control_type(data: Bytes, start: int, end: int) -> int:
    """The type in a control batch's only record, whose key is two 16-bit numbers: version and type."""
    batch = np.zeros((1, layout.BATCH_FIELDS), np.int64)
    batch[0, [layout.NEXT_OFFSET, layout.COUNT, layout.RECORDS, layout.RECORDS_END]] = (1, 1, start, end)
    wide = np.empty((layout.WIDE_FIELDS, 1), np.int64)
    narrow = np.empty((layout.NARROW_FIELDS, 1), np.int32)
    count, fault, position = decode_records(data, batch, np.ones(1, np.bool_), 0, 1, False, wide, narrow)
    if fault or count != 1 or narrow[layout.KEY_LENGTH, 0] < 4:
        raise CorruptRecordsError(f"a control record is malformed at byte {position or start}")
    key = int(wide[layout.KEY_START, 0])
    return int.from_bytes(data[key + 2 : key + 4].tobytes(), signed=True)
