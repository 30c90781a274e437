"""The tables by which the kernel of joins by several keys finds its way from input to input."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from riacho.kernels import multi_join_layout as kernel
from riacho.plan.changelog import is_held, is_updating, unique_keys
from riacho.plan.relations import JoinKind, MultiJoin

ROLES = {
    JoinKind.INNER: kernel.ROWS,
    JoinKind.LEFT: kernel.PADDED,
    JoinKind.SEMI: kernel.SEMI,
    JoinKind.ANTI: kernel.ANTI,
    JoinKind.MARK: kernel.MARK,
}

_ONE_OR_NONE, _ONE_OR_NONE_OF_ROWS, _MANY, _AT_LEAST_ONE = range(4)
"""What a step may find: first those that end most ways and divide none."""


class Layout:
    """Tables of inputs, of their parts and of the steps from each; see `kernels.multi_join`.

    `key_widths` are the columns that each key's own table has.
    """

    def __init__(self, relation: MultiJoin) -> None:
        self._relation = relation
        count = len(relation.sources)
        self._roles = [ROLES[kind] for kind in relation.kinds]
        self._keys = [[number for number, _ in relation.keys_of(source)] for source in range(count)]
        self.key_widths = [0] * len(relation.keys)
        self.inputs = np.zeros((count, kernel.INPUT_COLUMNS), np.int64)
        self.parts = np.zeros((sum(map(len, self._keys)), kernel.PART_COLUMNS), np.int64)
        first = 0
        for source, line in enumerate(self.inputs):
            line[kernel.IN_ROLE] = self._roles[source]
            line[kernel.IN_MAY_GO] = is_updating(relation.sources[source])
            line[kernel.IN_PARTS], line[kernel.IN_PART_COUNT] = first, len(self._keys[source])
            line[kernel.IN_WIDTH] = self._lay_out(source)
            first += len(self._keys[source])
        self.steps = np.array([list(self._steps(source)) for source in range(count)], np.int64)

    def _part(self, source: int, key: int) -> int:
        return int(self.inputs[source, kernel.IN_PARTS]) + self._keys[source].index(key)

    def _lay_out(self, source: int) -> int:
        """Give the parts of an input their columns; returns how many each of its rows has."""
        role, may_go = self._roles[source], bool(self.inputs[source, kernel.IN_MAY_GO])
        column = kernel.WEIGHT_COLUMNS if may_go else 0
        for key in self._keys[source]:
            part = self.parts[self._part(source, key)]
            part[kernel.PART_KEY] = key
            part[kernel.PART_NEEDED] = any(
                self._roles[member.source] in (kernel.ROWS, kernel.SEMI)
                for member in self._relation.keys[key].members
                if member.source != source
            )
            if role <= kernel.PADDED:
                part[kernel.PART_CHAIN] = self.key_widths[key]
                self.key_widths[key] += 1
                part[kernel.PART_NEXT], part[kernel.PART_BEFORE] = column, column + 1
                column += 1 + may_go
                if len(self._keys[source]) > 1:
                    part[kernel.PART_SLOT] = column
                    column += 1
            if role >= kernel.PADDED:
                part[kernel.PART_STATE] = self.key_widths[key]
                self.key_widths[key] += kernel.STATE_COLUMNS
        return column

    def _steps(self, source: int) -> Iterator[tuple[int, int, int, int]]:
        """The steps from an input to all others.

        One that finds no more than one row comes before one that may find many: where it finds none, those need not be
        gone through.
        """
        reached, ways = {source}, dict.fromkeys(self._keys[source], source)
        while len(reached) < len(self._roles):
            target, key = min(
                (self._yield(member.source, member.fields), member.source, key)
                for key in ways
                for member in self._relation.keys[key].members
                if member.source not in reached
            )[1:]
            reached.add(target)
            yield target, self._part(target, key), ways[key], self._keys[ways[key]].index(key)
            ways |= {other: target for other in self._keys[target] if other not in ways}

    def _yield(self, source: int, fields: tuple[int, ...]) -> int:
        """What there is of an input for a key."""
        role = self._roles[source]
        if role != kernel.ROWS:
            return _ONE_OR_NONE if role in (kernel.SEMI, kernel.ANTI) else _AT_LEAST_ONE
        return _ONE_OR_NONE_OF_ROWS if is_held(unique_keys(self._relation.sources[source]), fields) else _MANY
