"""The tables that the tests of the SQL front end query."""

from __future__ import annotations

from riacho.plan.relations import MultiJoin, Relation
from riacho.sql.session import Session

TABLES = """
CREATE TABLE bids (
  auction BIGINT,
  bidder  BIGINT,
  price   BIGINT,
  channel STRING,
  amount  DECIMAL(10, 2),
  extra   ROW<code INT, note ROW<text STRING>>,
  tags    ARRAY<STRING>,
  counts  MAP<STRING, INT>,
  ts      TIMESTAMP(3),
  open    BOOLEAN,
  ratio   DOUBLE,
  twice   AS price * 2,
  `offset` BIGINT METADATA VIRTUAL,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE people (
  id   BIGINT,
  name STRING,
  PRIMARY KEY (id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'people', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE numbers (n INT, s STRING, b BIGINT, d DATE) WITH ('connector' = 'datagen');
""".replace("  open ", "  `open` ")


def session(**settings: object) -> Session:
    """A session that knows the tables."""
    made = Session(**settings)  # type: ignore[arg-type]
    made.execute(TABLES)
    return made


def plan(query: str) -> Relation:
    """The optimized relation of a query over the tables."""
    return session().query(query)


def types(query: str) -> list[str]:
    """The types of a query's result."""
    return [str(field.type) for field in plan(query).schema]


def steps(relation: Relation, kind: type[Relation]) -> list[Relation]:
    """All steps of one kind, from the top; also those that are run as one."""
    below = (relation.chain,) if isinstance(relation, MultiJoin) else relation.inputs
    found = [step for part in below for step in steps(part, kind)]
    return [relation, *found] if isinstance(relation, kind) else found
