"""What the queries of the corpus change, step by step, told by EXPLAIN CHANGELOG_MODE of Riacho and of Flink.

Compared are the last step, whose changes a reader of the query is given, and the operators that both have, kind by
kind, with how many of each there are. Those of a query that updates rows are compared once more where they are written
to a table that asks for old values. A line `-- changelog differs: <why>` says that the modes are others on purpose, and
a line `-- plan differs: <why>` that the operators are; each fails once it is no longer so. No query is refused but for
those of `refusals.py`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from answers import SETTINGS, riacho_session, statements
from refusals import BOTH_REFUSE, FLINK_REFUSES, RIACHO_REFUSES
from test_same_answers import NAMES, QUERIES, has_own_session

from riacho.bench.peers.flink import Flink, FlinkError
from riacho.bench.peers.flink import Session as FlinkSession
from riacho.errors import RiachoError
from riacho.plan.changelog_modes import changelog_modes
from riacho.plan.relations import Relation, Sink
from riacho.plan.tables import Table, TableColumn
from riacho.sql.relation_texts import describe

OPERATOR = re.compile(r"^[\s|:]*(?:[+:]- )?(\w+)\(.*changelogMode=\[([A-Z,]*)\].*\)$", re.MULTILINE)

KINDS = {
    "Correlate": "Correlate",
    "Deduplicate": "Rank",
    "GlobalWindowAggregate": "WindowAggregate",
    "GroupAggregate": "GroupAggregate",
    "GroupWindowAggregate": "WindowAggregate",
    "IntervalJoin": "IntervalJoin",
    "Join": "Join",
    "Limit": "Rank",
    "MultiJoin": "MultiJoin",
    "OverAggregate": "OverAggregate",
    "Rank": "Rank",
    "SortLimit": "Rank",
    "TemporalJoin": "TemporalJoin",
    "TemporalSort": "TemporalSort",
    "WindowAggregate": "WindowAggregate",
    "WindowDeduplicate": "WindowRank",
    "WindowJoin": "WindowJoin",
    "WindowRank": "WindowRank",
}
"""Operators that are compared, by name in either engine. Others pass on changes as they come, or are in one alone."""

BATCH = "'execution.runtime-mode' = 'batch'"
"""In queries of a batch, which gives its rows once: a plan of Flink's for it has no changelog modes."""

WRITTEN = {"connector": "kafka", "topic": "written", "properties.bootstrap.servers": "none", "format": "debezium-json"}
"""The options of a table that takes all changes, and is never written to."""


@dataclass(frozen=True)
class Plan:
    """The modes of a plan: of its last step, and of its operators by kind, in any order."""

    last: str
    operators: dict[str, list[str]]

    @property
    def numbers(self) -> dict[str, int]:
        """How many operators of each kind there are."""
        return {kind: len(modes) for kind, modes in self.operators.items()}


def plan(steps: list[tuple[str, str]]) -> Plan:
    """Of steps with their modes, the last one first."""
    operators: dict[str, list[str]] = defaultdict(list)
    for name, mode in sorted(steps):
        if name in KINDS:
            operators[KINDS[name]].append(mode)
    return Plan(steps[0][1], {kind: sorted(modes) for kind, modes in operators.items()})


@pytest.fixture(scope="module")
def flink_session(flink: Flink, tables: str) -> FlinkSession:
    return with_tables(flink, tables)


def with_tables(flink: Flink, tables: str) -> FlinkSession:
    session = flink.session(SETTINGS)
    for statement in statements(tables):
        session.execute(statement)
    return session


class RiachoQuery:
    """A query of the corpus, planned by Riacho. Raises `RiachoError` where it is refused."""

    def __init__(self, tables: str, text: str) -> None:
        session = riacho_session(tables)
        *before, query = statements(text)
        for each in before:
            session.execute(f"{each};")
        self._relation = session.query(query)

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        """Those of a table that takes its rows."""
        fields = enumerate(self._relation.schema)
        return tuple(TableColumn(f"c{number}", item.type.with_nullable(True)) for number, item in fields)

    def plan(self) -> Plan:
        return _plan_of(self._relation)

    def written(self) -> Plan:
        """Written to a table that takes all changes."""
        return _plan_of(Sink(self._relation, Table("written", self.columns, tuple(WRITTEN.items()))))


def _plan_of(relation: Relation) -> Plan:
    modes = changelog_modes(relation)

    def steps(step: Relation) -> Iterator[tuple[str, str]]:
        yield describe(step).partition("(")[0], modes[step]
        for below in step.inputs:
            yield from steps(below)

    return plan(list(steps(relation)))


class FlinkQuery:
    """The same in Flink. Raises `FlinkError` where it is refused."""

    def __init__(self, session: FlinkSession, text: str) -> None:
        self._session = session
        *before, query = statements(text)
        for each in before:
            session.execute(each)
        self._query = re.sub(r"^--.*\n", "", query, flags=re.MULTILINE)
        self._explained = self._explain(self._query)

    def _explain(self, statement: str) -> Plan:
        (_, (text,)), *_ = self._session.execute(f"EXPLAIN CHANGELOG_MODE {statement}").rows
        _, _, text = str(text).partition("== Optimized Physical Plan ==\n")
        return plan(OPERATOR.findall(text.partition("== Optimized Execution Plan ==")[0]))

    def plan(self) -> Plan:
        return self._explained

    def written(self, columns: tuple[TableColumn, ...]) -> Plan:
        """Written to a table of these columns that takes all changes."""
        names = ", ".join(f"{column.name} {column.type}" for column in columns)
        options = ", ".join(f"'{key}' = '{value}'" for key, value in WRITTEN.items())
        self._session.execute(f"CREATE TABLE written ({names}) WITH ({options})")
        try:
            return self._explain(f"INSERT INTO written {self._query}")
        finally:
            self._session.execute("DROP TABLE written")


STREAMED = [name for name in NAMES if BATCH not in (QUERIES / f"{name}.sql").read_text()]


@pytest.mark.parametrize("name", STREAMED)
def test_flink_changes_its_rows_alike(name: str, flink: Flink, flink_session: FlinkSession, tables: str) -> None:
    text = (QUERIES / f"{name}.sql").read_text()
    session = with_tables(flink, tables) if has_own_session(text) else flink_session
    ours, theirs = riacho_query(tables, text), flink_query(session, text)

    assert (ours is None) == (name in BOTH_REFUSE or name in RIACHO_REFUSES), "see refusals.py"
    assert (theirs is None) == (name in BOTH_REFUSE or name in FLINK_REFUSES), "see refusals.py"
    if ours is None or theirs is None:
        return
    pairs = [(ours.plan(), theirs.plan())]
    if "UA" in ours.plan().last:
        pairs.append((ours.written(), theirs.written(ours.columns)))
    if "-- plan differs: " in text:
        assert any(own.numbers != other.numbers for own, other in pairs), (
            "it does not differ any more: take the mark away"
        )
        pairs = [(Plan(own.last, {}), Plan(other.last, {})) for own, other in pairs]
    for own, other in pairs:
        assert own.numbers == other.numbers
    if "-- changelog differs: " in text:
        assert any(own != other for own, other in pairs), "they do not differ any more: take the mark away"
    else:
        for own, other in pairs:
            assert own == other


def riacho_query(tables: str, text: str) -> RiachoQuery | None:
    try:
        return RiachoQuery(tables, text)
    except RiachoError:
        return None


def flink_query(session: FlinkSession, text: str) -> FlinkQuery | None:
    try:
        return FlinkQuery(session, text)
    except FlinkError:
        return None


def test_what_is_refused_is_asked() -> None:
    listed = Counter([*BOTH_REFUSE, *RIACHO_REFUSES, *FLINK_REFUSES])
    assert listed.keys() <= set(NAMES)
    assert max(listed.values()) == 1
