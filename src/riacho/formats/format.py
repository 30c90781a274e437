"""What a format is once its options are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from riacho.formats.decoding import ChangeEncoder, Decoder, Encoder
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.options import Options


@dataclass(frozen=True, slots=True)
class Format:
    """A format with its options read and its columns checked.

    `decoder(wanted)` decodes the named columns only; `encoder()` writes all of them, in order. `change_encoder` is
    there where a record says what has become of its row: the decoder's rows have signs then.
    """

    name: str
    decoder: Callable[[Sequence[str]], Decoder]
    encoder: Callable[[], Encoder]
    change_encoder: Callable[[], ChangeEncoder] | None = None
    line_quote: str | None = None
    """The character between two of which a file's line does not end."""


class WholeFiles(Protocol):
    """A format of whole files, which have no lines."""

    def read(self, path: Path, columns: Sequence[str], first: int) -> Iterator[pl.DataFrame]:
        """These columns of a file, in this order, from row `first` on and in pieces of a bounded size, where the format
        has such. Raises `RiachoError` where the file does not hold them.
        """
        ...

    def write(self, frame: pl.DataFrame) -> bytes:
        """A file of these rows."""
        ...


def refuse(
    item: Field,
    kind: FieldType,
    options: Options,
    kinds: set[Kind],
    fits: Callable[[FieldType], bool],
    complaint: str,
) -> None:
    """Raise for a type, however deep inside the column, that the format cannot hold."""
    if kind.kind in kinds and not fits(kind):
        raise options.error(f"column '{item.name}' of type {kind.name}: {complaint}")
    for child in kind.children:
        refuse(item, child.type, options, kinds, fits, complaint)
