"""What the kernel of multi-way joins and its operator tell each other: columns of tables, and what numbers mean."""

from __future__ import annotations

from typing import Final

# How an input is joined.
ROWS: Final = 0
PADDED: Final = 1
SEMI: Final = 2
ANTI: Final = 3
MARK: Final = 4

# What is known of a row that may go, before its links.
WEIGHT: Final = 0
"""How often it occurs; 0: it is in no chain."""
GONE: Final = 1
"""Whether it has been found to be gone."""
WEIGHT_COLUMNS: Final = 2

# What is known of an input, and how far a pass is with it.
IN_ROLE: Final = 0
IN_LINKS: Final = 1
"""The address of its rows' links, and how many each has."""
IN_WIDTH: Final = 2
IN_MAY_GO: Final = 3
IN_PARTS: Final = 4
"""Where its keys begin in the table of parts, and how many it has."""
IN_PART_COUNT: Final = 5
IN_FIRST: Final = 6
IN_KEYS: Final = 7
"""Where its rows begin in this pass, and where those of their keys do, of one after those of another."""
IN_ROW_COUNT: Final = 8
IN_NEXT: Final = 9
IN_AT: Final = 10
IN_STOP: Final = 11
IN_END: Final = 12
"""The first of its rows of this moment, the one that is next, where they end, and where the pass's do."""
IN_REMOVED: Final = 13
"""How many of them may have gone."""
INPUT_COLUMNS: Final = 14

# A part is what an input has to do with one of its keys.
PART_KEY: Final = 0
PART_CHAIN: Final = 1
"""The column of the key's table with the first row of the chain."""
PART_STATE: Final = 2
"""Where its columns begin there, if its factor turns on having rows: how often rows occur, and what the factor is."""
PART_NEEDED: Final = 3
"""Whether a row without this key matches nothing."""
PART_NEXT: Final = 4
PART_BEFORE: Final = 5
PART_SLOT: Final = 6
"""The columns of a row's links."""
PART_COLUMNS: Final = 7

STATE_COLUMNS: Final = 2

# What is known of a key: the address of the table that has a line for each of its slots, and how many columns it has.
KEY_TABLE: Final = 0
KEY_WIDTH: Final = 1
KEY_COLUMNS: Final = 2

# A step: which input it reaches, by which of its parts, from which input, and by which of that one's.
STEP_INPUT: Final = 0
STEP_PART: Final = 1
STEP_FROM: Final = 2
STEP_FROM_PART: Final = 3
STEP_COLUMNS: Final = 4

# What the factor of an input is that turns on having rows.
WITHOUT: Final = 0
OPEN: Final = 1
"""Neither of both, in the middle of a moment."""
WITH: Final = 2

PATH_COLUMNS: Final = 3
"""What is known of how far a step is."""

# The lines of a table of tuples; from the third on one for each input.
TUPLE_CHANGE: Final = 0
TUPLE_MOMENT: Final = 1
TUPLE_ROWS: Final = 2

# How far a pass is.
MADE: Final = 0
COPIES: Final = 1
"""The tuples, each as often as it occurs."""
PHASE: Final = 2
MOMENT: Final = 3
TOUCHED: Final = 4
TOUCHED_AT: Final = 5
EMPTIED: Final = 6
ENOUGH: Final = 7
"""Tuples after which the pass stops for a while."""
LOWEST: Final = 8
HIGHEST: Final = 9
"""The inputs that may have rows of this moment."""
AT_INPUT: Final = 10
KEY: Final = 11
SIGN: Final = 12
SHOWN: Final = 13
THEN: Final = 14
"""What comes or goes next within a moment: of which input, and what; and what becomes of a factor."""
PROGRESS: Final = 15

# What `join_tuples` returns.
FINISHED: Final = 0
STOPPED: Final = 1
"""After some moment: there are tuples enough."""
NO_ROOM: Final = 2
