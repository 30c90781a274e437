"""Chains of filters and projections give the same rows by the kernel as they give by Polars, step by step."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import UTC, Evaluator, Predicate, Settings
from riacho.dataflow.operators.calc import Calc
from riacho.dataflow.operators.rejects import Rejects
from riacho.dataflow.programs import memo, program_of
from riacho.dataflow.programs.assembler import Assembler
from riacho.dataflow.programs.crossing import columns_of
from riacho.dataflow.programs.values import Given, Value
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import encode
from riacho.formats.arrow import Column
from riacho.formats.buffered import BufferedColumns, sliced
from riacho.host import SystemClock
from riacho.kernels import programs as kernel
from riacho.kernels.program_memory import BLOCK
from riacho.plan.relations import Filter, Project, Relation, Scan
from riacho.sql.session import Session

TABLE = """
CREATE TABLE t (
  a INT, b BIGINT, c SMALLINT, n TINYINT NOT NULL, s STRING, u STRING, ts TIMESTAMP(3), z TIMESTAMP_LTZ(3), d DATE,
  f BOOLEAN, g BOOLEAN, m DECIMAL(10, 2), r ROW<x INT, y STRING, q ROW<w BIGINT, v BOOLEAN>>
) WITH ('connector' = 'datagen')
"""

SETTINGS = Settings(zone=UTC, clock=SystemClock())

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - TIMESTAMP has no zone

TEXTS = ["", "a", "b", "apple", "twelve bytes", "thirteen bytes", "a text that no view holds", "a text that no view is"]


def _session() -> Session:
    session = Session()
    session.execute(TABLE)
    return session


SESSION = _session()


def chain(query: str) -> list[Filter | Project]:
    """The steps of a query over the table, from the lowest."""
    relation: Relation = SESSION.query(query)
    steps: list[Filter | Project] = []
    while isinstance(relation, Filter | Project):
        steps.insert(0, relation)
        relation = relation.input
    assert isinstance(relation, Scan)
    return steps


numbers = st.sampled_from(["a", "b", "c", "n", "r.x", "r.q.w", "3", "-7", "100000"])


@st.composite
def whole(draw: Any, depth: int = 2) -> str:
    if depth == 0:
        return str(draw(numbers))
    kind = draw(st.sampled_from(["plain", "sum", "part", "case", "hour"]))
    one, other = draw(whole(depth - 1)), draw(whole(depth - 1))
    match kind:
        case "sum":
            return f"({one} {draw(st.sampled_from(['+', '-', '*']))} {other})"
        case "part":
            return f"({one} {draw(st.sampled_from(['/', '%']))} {draw(st.sampled_from([2, 3, -5, 123]))})"
        case "case":
            return f"CASE WHEN {draw(condition(depth - 1))} THEN {one} ELSE {other} END"
        case "hour":
            return "HOUR(ts)"
    return one


@st.composite
def condition(draw: Any, depth: int = 2) -> str:
    kinds = ["numbers", "texts", "null", "flag", "times", "between", "in", "among texts", "decimals"]
    kind = draw(st.sampled_from([*kinds, *(["and", "or", "not", "is"] if depth else [])]))
    sign = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
    match kind:
        case "numbers":
            return f"{draw(whole(0))} {sign} {draw(whole(min(depth, 1)))}"
        case "texts":
            other = draw(st.sampled_from(["u", "r.y", *(f"'{text}'" for text in TEXTS)]))
            return f"s {draw(st.sampled_from(['=', '<>']))} {other}"
        case "decimals":
            return f"{draw(decimal())} {sign} {draw(decimal())}"
        case "null":
            field, negated = draw(st.sampled_from(["a", "s", "r.y", "r", "m", "r.q.w", "ts", "f"])), draw(st.booleans())
            return f"{field} IS {'NOT ' if negated else ''}NULL"
        case "flag":
            return str(draw(st.sampled_from(["f", "g", "r.q.v"])))
        case "times":
            return f"ts {sign} ts + INTERVAL '1' SECOND" if draw(st.booleans()) else f"ts - INTERVAL '2' HOUR {sign} ts"
        case "between":
            return f"b BETWEEN a AND {draw(whole(0))}"
        case "in":
            return "a IN (1, 2, -7)"
        case "among texts":
            return "s IN ('apple', 'b', 'thirteen bytes')"
        case "not":
            return f"NOT ({draw(condition(depth - 1))})"
        case "is":
            test = draw(st.sampled_from(["TRUE", "FALSE", "NOT TRUE"]))
            return f"({draw(condition(depth - 1))}) IS {test}"
    word = kind.upper()
    return f"(({draw(condition(depth - 1))}) {word} ({draw(condition(depth - 1))}))"


@st.composite
def decimal(draw: Any, depth: int = 1) -> str:
    if depth == 0:
        return str(draw(st.sampled_from(["m", "-1.5", "a", "b", "0.908", "7"])))
    one, other = draw(decimal(depth - 1)), draw(decimal(depth - 1))
    return draw(
        st.sampled_from(
            [
                "m",
                f"({one} * {other})",
                f"({one} + m)",
                f"(m - {other})",
                f"CAST({other} AS DECIMAL(30, 4))",
                f"CASE WHEN f THEN {one} ELSE m END",
            ]
        )
    )


@st.composite
def text(draw: Any, depth: int = 1) -> str:
    if depth == 0:
        return str(draw(st.sampled_from(["s", "u", "r.y", "'apple'", "'thirteen bytes'", "''"])))
    condition_of_it = draw(condition(depth - 1))
    return f"CASE WHEN {condition_of_it} THEN {draw(text(depth - 1))} ELSE {draw(text(depth - 1))} END"


@st.composite
def queries(draw: Any) -> str:
    plain = draw(
        st.lists(st.sampled_from(["a", "n", "s", "ts", "z", "d", "f", "m", "r", "r.q", "r.y", "r.q.v"]), min_size=1)
    )
    made = [
        f"{draw(st.one_of(whole(), condition(), decimal(), text()))} AS e{place}"
        for place in range(draw(st.integers(0, 2)))
    ]
    picked = [f"{name} AS p{place}" for place, name in enumerate(plain)]
    where = f" WHERE {draw(condition())}" if draw(st.booleans()) else ""
    inner = f"SELECT {', '.join([*picked, *made, 'a AS a1', 's AS s1'])} FROM t{where}"
    if draw(st.booleans()):
        return inner
    return f"SELECT *, a1 + 1 AS more FROM ({inner}) AS i WHERE s1 = 'apple' OR a1 > 0"


@st.composite
def rows(draw: Any) -> list[dict[str, Any]]:
    def maybe(strategy: Any) -> Any:
        return st.one_of(st.none(), strategy)

    text = st.sampled_from(TEXTS)
    small = st.integers(-9, 9)
    row = st.fixed_dictionaries(
        {
            "a": maybe(st.one_of(small, st.sampled_from([2**31 - 1, -(2**31)]))),
            "b": maybe(st.one_of(small, st.sampled_from([2**63 - 1, -(2**63)]))),
            "c": maybe(st.one_of(small, st.sampled_from([2**15 - 1]))),
            "n": st.integers(-128, 127),
            "s": maybe(text),
            "u": maybe(text),
            "ts": maybe(st.integers(-(10**6), 10**6).map(lambda s: EPOCH + timedelta(milliseconds=s))),
            "z": maybe(st.integers(0, 10**6).map(lambda s: EPOCH + timedelta(seconds=s))),
            "d": maybe(st.dates(date(1960, 1, 1), date(2030, 1, 1))),
            "f": maybe(st.booleans()),
            "g": maybe(st.booleans()),
            "m": maybe(st.integers(-999, 999).map(lambda cents: Decimal(cents) / 100)),
            "r": maybe(
                st.fixed_dictionaries(
                    {
                        "x": maybe(small),
                        "y": maybe(text),
                        "q": maybe(st.fixed_dictionaries({"w": maybe(small), "v": maybe(st.booleans())})),
                    }
                )
            ),
        }
    )
    return list(draw(st.lists(row, min_size=1, max_size=12)))


def frame_for(steps: list[Filter | Project], values: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows as the chain's input has them: the scan reads no other fields."""
    schema = polars_schema(steps[0].input.schema)
    columns = {
        name: pl.Series(name, [_shaped(row.get(name), kind) for row in values], dtype=kind, strict=False)
        for name, kind in schema.items()
    }
    return pl.DataFrame(columns)


def _shaped(value: Any, kind: pl.DataType) -> Any:
    if isinstance(kind, pl.Struct) and value is not None:
        return {item.name: _shaped(value[item.name], item.dtype) for item in kind.fields}
    return value


def by_polars(steps: list[Filter | Project], batch: Batch) -> Batch:
    for step in steps:
        if isinstance(step, Filter):
            holds = Predicate(step.predicate, step.input.schema, SETTINGS).holds(batch)
            batch = batch.take(np.flatnonzero(holds.to_numpy()))
        else:
            evaluator = Evaluator(step.expressions, step.names, step.input.schema, SETTINGS)
            batch = batch.with_rows(evaluator.evaluate(batch))
    return batch


def batch_of(frame: pl.DataFrame) -> Batch:
    return Batch(frame, np.arange(frame.height), WatermarkSteps.still())


def agree(query: str, frame: pl.DataFrame, *, derives: bool = False) -> None:
    steps = chain(query)
    program, done = program_of(steps, steps[0].input.schema, SETTINGS, derives=derives)
    if program is None:
        assert not derives, query
        return
    expected = by_polars(steps[:done], batch_of(frame))
    found = program.run(batch_of(frame))
    assert found.frame.equals(expected.frame), query
    assert found.frame.schema == expected.frame.schema
    assert found.sequence.tolist() == expected.sequence.tolist()
    cut = frame[1:]  # its first row is in the middle of a byte of every bitmap
    if cut.height:
        rest = program.run(batch_of(cut))
        assert rest.frame.equals(by_polars(steps[:done], batch_of(cut)).frame), query
    if frame.height > 1:
        parts = _in_parts(buffered(frame), [0, 1, frame.height // 2, frame.height])
        made = [program.run(part) for part in parts if len(part)]
        assert pl.concat([part.frame for part in made]).equals(expected.frame), query
        assert np.concatenate([part.sequence for part in made]).tolist() == expected.sequence.tolist()
        for part in made:
            _enters_state_as_a_frame_does(part, steps[done - 1])
    _enters_state_as_a_frame_does(found, steps[done - 1])


CODES = {pl.Int8(): "c", pl.Int16(): "s", pl.Int32(): "i", pl.Date(): "tdD", pl.Decimal(10, 2): "d:10,2"} | {
    pl.Datetime("us"): "tsu:",
    pl.Datetime("us", "UTC"): "tsu:UTC",
}
"""Arrow's codes where they are not those of the crossing."""


def buffered(frame: pl.DataFrame) -> BufferedColumns:
    """The frame's columns as buffers, as a decoder makes them."""
    return BufferedColumns(tuple(frame.columns), tuple(map(_buffered, frame.iter_columns())), frame.height)


def _buffered(series: pl.Series) -> Column:
    if isinstance(series.dtype, pl.Struct):
        below = series.struct.unnest()
        children = tuple((child.name, _buffered(child)) for child in below.iter_columns())
        return Column("+s", len(series), (), series.is_not_null().to_numpy(), children)
    (column,) = columns_of(series.to_frame())
    return replace(column, format=CODES.get(series.dtype, column.format))


def _in_parts(rows: BufferedColumns, cuts: list[int]) -> list[Batch]:
    return [
        Batch(sliced(rows, first, stop), np.arange(first, stop), WatermarkSteps.still())
        for first, stop in pairwise(cuts)
    ]


def _enters_state_as_a_frame_does(batch: Batch, step: Filter | Project) -> None:
    pool = StringPool()
    for index, item in enumerate(step.schema):
        words, valid = encode(batch.column(index), item.type, pool)
        expected, expected_valid = encode(batch.frame.to_series(index), item.type, pool)
        assert words.tolist() == expected.tolist(), item
        assert (valid is None or valid.all()) == (expected_valid is None), item
        if valid is not None and expected_valid is not None:
            assert valid.tolist() == expected_valid.tolist(), item
    if len(batch):
        store = RowStore(step.schema.fields)
        assert store.frame(store.keep(batch.rows)).equals(batch.frame)


@settings(max_examples=100, deadline=None)
@given(queries(), rows())
def test_a_chain_gives_what_polars_gives(query: str, values: list[dict[str, Any]]) -> None:
    steps = chain(query)
    agree(query, frame_for(steps, values))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["a = 1", "a = 2 AND f", "a = 3", "a IS NULL", "a = 1 AND a = 2", "(a = 1) IS TRUE"]), rows())
def test_what_a_filter_says_of_a_case_is_used(where: str, values: list[dict[str, Any]]) -> None:
    for row, value in zip(values, [1, 2, 3, None, 1, 2, 3, None, 1, 2, 3, 4], strict=False):
        row["a"] = value
    number = "CASE WHEN a = 1 THEN r.x WHEN a = 2 THEN a + 1 WHEN f THEN 5 ELSE r.x END"
    text = "CASE WHEN a = 2 THEN s WHEN a = 1 THEN r.y ELSE 'thirteen bytes' END"
    query = f"SELECT e + 1 AS more, e, t FROM (SELECT a, f, {number} AS e, {text} AS t FROM t) AS i WHERE {where}"
    agree(query, frame_for(chain(query), values))


FUNCTIONS = [
    "SPLIT_INDEX(s, 'e', 0)",
    "SPLIT_INDEX(s, 'e', 1)",
    "SPLIT_INDEX(u, ' ', 2)",
    "SPLIT_INDEX(r.y, 't', 3)",
    "SPLIT_INDEX(s, 'te', 1)",
    "UPPER(s)",
    "REGEXP_EXTRACT(u, '(e|^)([^e]*)', 2)",
    "CHAR_LENGTH(REGEXP_REPLACE(s, 'e+', ''))",
    "CASE WHEN UPPER(s) = 'APPLE' THEN s ELSE LOWER(u) END",
    "DATE_FORMAT(ts, 'yyyy-MM-dd')",
    "CONCAT(s, u, CAST(a AS STRING))",
    "CAST(a AS DOUBLE)",
    "UPPER(s) LIKE '%E%'",
]
"""What programs do not know: columns of their own."""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(FUNCTIONS), min_size=1, max_size=4), st.booleans(), rows())
def test_what_programs_do_not_know_is_computed_before_them(
    functions: list[str], filters: bool, values: list[dict[str, Any]]
) -> None:
    picked = ", ".join(f"{function} AS e{place}" for place, function in enumerate(functions))
    where = " WHERE UPPER(s) <> 'B' OR a > 1" if filters else ""
    query = f"SELECT a, s, r.x, {picked} FROM t{where}"
    agree(query, frame_for(chain(query), values), derives=True)


def test_strings_are_split_however_many_and_long_they_are() -> None:
    values = [
        {"s": None if row % 3 == 0 else "/".join(f"part {row}" for _ in range(row % 9)), "u": TEXTS[row % len(TEXTS)]}
        for row in range(100)
    ]
    query = "SELECT SPLIT_INDEX(s, '/', 1) AS e, SPLIT_INDEX(s, '/', 4) AS f, SPLIT_INDEX(u, ' ', 0) AS g FROM t"
    agree(query, frame_for(chain(query), values), derives=True)


def run_in_parts(query: str, frames: list[pl.DataFrame]) -> tuple[list[pl.DataFrame], Rejects]:
    """What the operator of a whole chain makes of one batch after another."""
    rejects = Rejects()
    calc = Calc(chain(query), SETTINGS, rejects)
    return [calc.process((batch_of(frame),)).frame for frame in frames], rejects


def test_strings_that_come_again_are_not_computed_again() -> None:
    query = "SELECT UPPER(s) AS e, a FROM t WHERE REGEXP_EXTRACT(s, '^.(.*)', 1) IS NOT NULL"
    frames = [
        frame_for(chain(query), [{"s": text, "a": row} for row, text in enumerate(texts)])
        for texts in (["a", "b", None, "a"], ["b", "a text that no view holds"] * 200, ["", None, "a"])
    ]

    made, _ = run_in_parts(query, frames)

    assert [frame.to_dicts() for frame in made] == [
        [{"e": row["s"].upper(), "a": row["a"]} for row in frame.to_dicts() if row["s"]] for frame in frames
    ]


def test_new_strings_in_every_batch_are_computed_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "MANY", 1000)
    query = "SELECT UPPER(s) AS e FROM t"
    texts = [[f"text number {number} of batch {batch}" for number in range(400)] for batch in range(40)]

    made, _ = run_in_parts(query, [frame_for(chain(query), [{"s": text} for text in each]) for each in texts])

    assert [frame["e"].to_list() for frame in made] == [[text.upper() for text in each] for each in texts]


MOMENTS = [
    datetime(2024, 2, 29, 23, 59, 59, 999_000),  # noqa: DTZ001 - TIMESTAMP has no zone
    datetime(2024, 3, 1),  # noqa: DTZ001
    datetime(2024, 3, 1, 12, 0, 59),  # noqa: DTZ001
    datetime(1969, 12, 31, 23, 59, 59, 999_000),  # noqa: DTZ001
    datetime(1, 1, 1),  # noqa: DTZ001
    datetime(9999, 12, 31, 23, 59),  # noqa: DTZ001
    None,
]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from(MOMENTS), min_size=1, max_size=6), min_size=1, max_size=5))
def test_dates_are_written_as_polars_writes_them_whatever_days_come_after_each_other(
    batches: list[list[datetime | None]],
) -> None:
    patterns = ("yyyy-MM-dd", "HH:mm", "yyyy-MM-dd''T''HH:mm a", "D", "ss")
    calls = ", ".join(f"DATE_FORMAT(ts, '{pattern}')" for pattern in patterns)
    query = f"SELECT {calls} FROM t"
    (project,) = chain(query)
    assert isinstance(project, Project)
    frames = [frame_for([project], [{"ts": moment} for moment in each]) for each in batches]
    program, done = program_of([project], project.input.schema, SETTINGS, derives=True)
    assert done == 1
    assert program is not None

    made = [program.run(batch_of(frame)).frame for frame in frames]

    evaluator = Evaluator(project.expressions, project.names, project.input.schema, SETTINGS)
    assert [frame.rows() for frame in made] == [evaluator.evaluate_frame(frame).rows() for frame in frames]


def test_the_moment_of_a_batch_needs_no_other_way_than_the_programs() -> None:
    query = "SELECT PROCTIME() AS p, a FROM t WHERE a > 1"
    steps = chain(query)

    _, done = program_of(steps, steps[0].input.schema, SETTINGS)
    (made,), _ = run_in_parts(query, [frame_for(steps, [{"a": 1}, {"a": 2}, {"a": 3}])])

    assert done == len(steps)
    assert made["a"].to_list() == [2, 3]
    assert made["p"].n_unique() == 1


def test_a_row_that_a_filter_drops_fails_nothing() -> None:
    query = "SELECT 10 / a AS e, UPPER(s) AS f FROM t WHERE UPPER(s) <> 'B' AND a > 0"
    frame = frame_for(chain(query), [{"s": "x", "a": 5}, {"s": "y", "a": 0}, {"s": "b", "a": 0}])

    made, rejects = run_in_parts(query, [frame, frame])

    assert [each.to_dicts() for each in made] == [[{"e": 2, "f": "X"}]] * 2
    assert not rejects.take()


def test_a_row_that_fails_is_rejected_and_the_others_go_on() -> None:
    query = "SELECT 10 / a AS e, UPPER(s) AS f FROM t WHERE UPPER(s) <> 'B'"
    frame = frame_for(chain(query), [{"s": "x", "a": 5}, {"s": "y", "a": 0}, {"s": "b", "a": 0}])

    made, rejects = run_in_parts(query, [frame])

    assert made[0].to_dicts() == [{"e": 2, "f": "X"}]
    assert [row.sequence for row in rejects.take()] == [1]


def test_a_row_that_fails_fails_in_no_pass_but_its_own() -> None:
    steps, rejects = chain("SELECT 10 / a AS e, UPPER(s) AS f FROM t"), Rejects()
    frame = frame_for(steps, [{"s": "x", "a": 5}, {"s": "y", "a": 2}, {"s": "z", "a": 0}, {"s": "b", "a": 1}])
    calc = Calc(steps, SETTINGS, rejects)

    made, failed = [], []
    for part in _in_parts(buffered(frame), [0, 2, 4]):
        made.append(calc.process((part,)).frame.rows())
        failed.append([row.sequence for row in rejects.take()])

    assert made == [[(2, "X"), (5, "Y")], [(10, "B")]]
    assert failed == [[], [2]]


@pytest.mark.parametrize("height", [1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 17])
def test_blocks_join_without_a_seam(height: int) -> None:
    query = "SELECT a, s, r, b * 2 AS e, f FROM t WHERE b % 3 <> 0 AND (s <> 'apple' OR a IS NULL)"
    values = [
        {
            "a": None if row % 5 == 0 else row,
            "b": row,
            "s": TEXTS[row % len(TEXTS)],
            "f": None if row % 11 == 0 else row % 2 == 0,
            "r": None if row % 7 == 0 else {"x": row, "y": TEXTS[row % 3], "q": {"w": row, "v": row % 4 == 1}},
        }
        for row in range(height)
    ]
    agree(query, frame_for(chain(query), values))


def assembled(query: str) -> Assembler:
    """A whole query as the instructions of a program, before they are parted by its filters."""
    steps = chain(query)
    assembler = Assembler(SETTINGS, steps[0].input.schema, [], derives=True)
    fields: list[Value] = [Given(item.type, (index,)) for index, item in enumerate(assembler.schema)]
    for step in steps:
        if isinstance(step, Project):
            fields = [assembler.value(part, fields) for part in step.expressions]
        else:
            assembler.keep(assembler.register(assembler.value(step.predicate, fields)))
    return assembler


@pytest.mark.parametrize(
    "query",
    [
        "SELECT b * b AS x, b * b + 1 AS y, CASE WHEN b * b > 2 THEN 3 + b * b ELSE 0 END AS z FROM t",
        "SELECT x, x + 1 AS y, b * b AS z FROM (SELECT b * b AS x, b FROM t)",
        "SELECT x, x + 1 AS y, b * b AS z FROM (SELECT b * b AS x, b FROM t WHERE b * b < 9) WHERE b * b > 2",
    ],
    ids=["within a projection", "across projections", "of filters and projections"],
)
def test_what_a_chain_says_twice_is_computed_once(query: str) -> None:
    lines = assembled(query).lines

    assert [operation for operation, *_ in lines].count(kernel.MULTIPLY) == 1


def test_a_column_that_programs_do_not_know_is_derived_once() -> None:
    upper = "UPPER(s)"
    query = f"SELECT {upper} AS x, {upper} = 'A' AS y FROM (SELECT s, {upper} AS z FROM t) WHERE {upper} <> z"

    assert [str(expression) for expression in assembled(query).derived or ()] == [upper]


def test_what_can_fail_is_left_to_polars() -> None:
    for query in ("SELECT 1 / a AS e FROM t", "SELECT CAST(s AS INT) AS e FROM t", "SELECT UPPER(s) AS e FROM t"):
        steps = chain(query)
        assert program_of(steps, steps[0].input.schema, SETTINGS) == (None, 0), query


def test_a_filter_runs_by_the_kernel_before_what_only_polars_knows() -> None:
    steps = chain("SELECT UPPER(s) AS e FROM t WHERE a > 1")

    program, done = program_of(steps, steps[0].input.schema, SETTINGS)

    assert program is not None
    assert done == 1


def test_constants_alone_are_given_to_every_row() -> None:
    agree("SELECT 7 AS e FROM t WHERE TRUE IS TRUE", frame_for(chain("SELECT 7 AS e FROM t"), [{"a": 1}] * 3))


def test_columns_that_are_only_picked_stay_in_the_form_that_they_have() -> None:
    steps = chain("SELECT b AS x, a AS y, b AS z FROM t")
    calc = Calc(steps, SETTINGS, Rejects())
    fields = steps[0].input.schema
    places = [fields.names.index(name) for name in ("a", "b")]
    values = np.array([3, 1, 2])
    columns = [Column("l", 3, (values + place,)) for place in range(len(fields))]
    rows = BufferedColumns(fields.names, tuple(columns), 3)

    made = calc.process((Batch(rows, np.arange(3), WatermarkSteps.still()),))

    assert isinstance(made.rows, BufferedColumns)
    a, b = ((values + place).tolist() for place in places)
    assert made.frame.to_dict(as_series=False) == {"x": b, "y": a, "z": b}
