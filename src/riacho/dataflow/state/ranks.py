"""What both kinds of top-N state have in common: what they tell kernels of a `Rank`, and the changes that they give."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.kernels.rank_layout import (
    DENSE_RANK,
    RANK,
    ROW_NUMBER,
    SET_END,
    SET_KIND,
    SET_NUMBERED,
    SET_START,
)
from riacho.plan.relations import Rank, RankKind

Int64Array = npt.NDArray[np.int64]

_KINDS = {RankKind.ROW_NUMBER: ROW_NUMBER, RankKind.RANK: RANK, RankKind.DENSE_RANK: DENSE_RANK}


class RankChanges(NamedTuple):
    """How the shown rows change: slots, numbers, signs (None: rows only come), and when the row came that made each."""

    rows: Int64Array
    numbers: Int64Array
    diff: npt.NDArray[np.int8] | None
    moments: Int64Array


def rank_settings(relation: Rank, size: int) -> Int64Array:
    """So many settings for kernels, of which those are set that all of them know."""
    settings = np.zeros(size, np.int64)
    settings[SET_KIND] = _KINDS[relation.kind]
    settings[SET_START], settings[SET_END] = relation.start, relation.end
    settings[SET_NUMBERED] = relation.number is not None
    return settings
