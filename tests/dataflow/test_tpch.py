"""TPC-H's 22 queries over tables whose rows come in any order, change and go: DuckDB's answer after every pass.

ORDER BY and LIMIT are left out. The data is small and made here, with values that the queries ask for.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import oracle
import pytest
from changelogs import Event, run

from riacho.plan.relations import Relation
from riacho.sql.session import Session

FOLDER = Path(__file__).parent / "tpch"
QUERIES = sorted(path.stem for path in FOLDER.glob("q*.sql"))
NATIONS = {"FRANCE": 1, "GERMANY": 1, "BRAZIL": 0, "CANADA": 0}
REGIONS = ["AMERICA", "EUROPE"]
TYPES = ["PROMO BURNISHED BRASS", "MEDIUM POLISHED TIN", "ECONOMY ANODIZED STEEL", "STANDARD PLATED BRASS"]
CONTAINERS = {"Brand#12": "SM CASE", "Brand#23": "MED BOX", "Brand#34": "LG PACK", "Brand#45": "JUMBO JAR"}
SEED = 3
"""Its data has rows for every query."""

PREFIXES = 5
"""How many times a run is compared."""

Row = tuple[Any, ...]


class Rows:
    """Random rows by table."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def money(self, low: int, high: int) -> Decimal:
        return Decimal(self._random.randint(low * 100, high * 100)) / 100

    def day(self, low: str, high: str) -> date:
        first = date.fromisoformat(low)
        return first + timedelta(days=self._random.randint(0, (date.fromisoformat(high) - first).days))

    def one(self, values: Sequence[Any]) -> Any:
        return self._random.choice(values)

    def phone(self) -> str:
        return f"{self.one(['13', '31', '23', '29', '11'])}-{self._random.randint(100, 999)}"

    def region(self, key: int) -> Row:
        return (key, REGIONS[key])

    def nation(self, key: int) -> Row:
        name = list(NATIONS)[key]
        return (key, name, NATIONS[name])

    def supplier(self, key: int) -> Row:
        comment = self.one(["quick Customer Complaints", "fair", "even"])
        place = self.one([0, 1, 2, 3, 3, 3])
        return (key, f"Supplier#{key}", f"street {key}", place, self.phone(), self.money(-99, 999), comment)

    def part(self, key: int) -> Row:
        brand = self.one(list(CONTAINERS))
        name = self.one(["forest green", "dark green", "forest blush", "ivory"])
        size = self.one([3, 9, 14, 15, 15, 15])
        return (key, name, f"Manufacturer#{key % 3}", brand, self.one(TYPES), size, CONTAINERS[brand])

    def partsupp(self, part: int, supplier: int) -> Row:
        return (part, supplier, self._random.randint(1, 99), self.money(1, 5))

    def customer(self, key: int) -> Row:
        segment, place = self.one(["BUILDING", "MACHINERY"]), self.one(range(len(NATIONS)))
        return (key, f"Customer#{key}", f"lane {key}", place, self.phone(), self.money(-99, 999), segment, "calm")

    def order(self, key: int, customers: int) -> Row:
        day = self.day("1993-06-01", "1996-12-31")
        priority = self.one(["1-URGENT", "2-HIGH", "5-LOW"])
        comment = self.one(["some special odd requests", "nothing", "pending"])
        customer = self._random.randint(0, customers * 2 // 3)  # some have no order
        return (key, customer, self.one("FFO"), self.money(100, 9999), day, priority, 0, comment)

    def lineitem(self, order: int, line: int, parts: int, suppliers: int) -> Row:
        ship = self.day("1993-08-01", "1996-12-31")
        commit, receipt = (ship + timedelta(days=self._random.randint(-9, 30)) for _ in range(2))
        rest = (self.one("RAN"), self.one("FO"), ship, commit, receipt, self.one(["DELIVER IN PERSON", "NONE"]))
        numbers = (self.money(1, 50), self.money(100, 9999), self.money(0, 1) / 10, self.money(0, 1) / 10)
        whole = (numbers[0].quantize(Decimal(1)), numbers[1], *(n.quantize(Decimal("0.01")) for n in numbers[2:]))
        place = self._random.randint(0, parts - 1), self._random.randint(0, suppliers - 1)
        return (order, line, *place, *whole, *rest, self.one(["MAIL", "SHIP", "AIR", "AIR REG"]))


@cache
def events(seed: int) -> list[Event]:
    """Every table's rows in random order: some first come as another row of their key, some go again."""
    rows = Rows(seed)
    parts, suppliers, customers, orders = 20, 6, 24, 90
    made: list[tuple[str, int, Callable[[], Row]]] = [
        *(("region", 1, lambda key=key: rows.region(key)) for key in range(len(REGIONS))),
        *(("nation", 1, lambda key=key: rows.nation(key)) for key in range(len(NATIONS))),
        *(("supplier", 1, lambda key=key: rows.supplier(key)) for key in range(suppliers)),
        *(("part", 1, lambda key=key: rows.part(key)) for key in range(parts)),
        *(("partsupp", 2, lambda p=p, s=s: rows.partsupp(p, s)) for p in range(parts) for s in range(p % 2, 6, 2)),
        *(("customer", 1, lambda key=key: rows.customer(key)) for key in range(customers)),
        *(("orders", 1, lambda key=key: rows.order(key, customers)) for key in range(orders)),
        *(
            ("lineitem", 2, lambda o=o, line=line: rows.lineitem(o, line, parts, suppliers))
            for o in range(orders)
            for line in range(o % 7)
        ),
    ]
    chance = random.Random(seed)
    placed: list[tuple[float, Event]] = []
    for table, key, make in made:
        moments = sorted(chance.random() for _ in range(chance.choice([1, 1, 2, 3])))
        for moment in moments:
            placed.append((moment, Event(table, make())))
        if table not in ("region", "nation") and chance.random() < 0.1:
            gone = make()
            gone = (*gone[:key], *(None for _ in gone[key:]))
            placed.append((chance.uniform(moments[-1], 1), Event(table, gone, deleted=True)))
    return [event for _, event in sorted(placed, key=lambda pair: pair[0])]


def plan(query: str) -> tuple[Session, Relation]:
    session = Session()
    session.execute((FOLDER / "tables.sql").read_text(encoding="utf-8"))
    return session, session.query(query)


def load_tables(session: Session, prefix: Sequence[Event]) -> None:
    for name, table in session.catalog.tables.items():
        key = len(table.primary_key)
        left: dict[Row, Row] = {}
        for event in prefix:
            if event.table == name:
                left.pop(event.values[:key], None)
                if not event.deleted:
                    left[event.values[:key]] = event.values
        oracle.load(name, session.query(f"SELECT * FROM {name}").schema, list(left.values()))


def near(rows: Counter[Row]) -> Counter[Row]:
    """Rows whose numbers are rounded to what both engines' types have; what is null throughout is no row."""
    rounded: Counter[Row] = Counter()
    for row, count in rows.items():
        values = [float(value) if isinstance(value, Decimal) else value for value in row]
        if any(value is not None for value in values):
            rounded[tuple(round(v + 1e-7, 4) if isinstance(v, float) else v for v in values)] += count
    return rounded


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_tpch_is_that_of_the_batch_after_every_pass(name: str) -> None:
    query = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    session, relation = plan(query)
    stream = events(SEED)
    step = len(stream) // PREFIXES

    def compare(prefix: int, outcome: Any) -> None:
        load_tables(session, stream[:prefix])
        assert near(outcome.total()) == near(oracle.query(query))

    outcome = run(relation, stream, range(step, len(stream), step), restart_at=[2 * step], observe=compare)
    assert outcome.total(), "the data has rows that the query asks for"
