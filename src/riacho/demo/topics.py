"""The demo's topics: what is published, what the jobs make of it, and how people steer the replay."""

from __future__ import annotations

from riacho.client.admin import Admin, NewTopic
from riacho.jobs.topics import ensure_topics

EVENT_PARTITIONS = {"flights.departures": 1, "flights.arrivals": 4, "flights.weather": 1}
"""Events go to partition `id mod partitions`.

Departures have one: which rows are late depends on the interleaving of partitions, and a job that is killed and goes on
from a snapshot reads them interleaved anew. With one partition it repeats exactly what it did.
"""

DIMENSIONS = ("flights.airlines", "flights.airports", "flights.planes")

RESULTS = (
    "flights.delays",
    "flights.alerts",
    "flights.late",
    "flights.airline_totals",
    "flights.airline_days",
    "flights.cancelled_routes",
    "flights.enriched_departures",
    "flights.weather_by_hour",
    "flights.in_the_air",
)

CLOCK = "flights.clock"
"""One row: where the replay stands."""

COMMANDS = "flights.replay"
"""What people want of the replay: {"paused": true}, {"seconds_per_day": 20}, {"jump_to": "2013-02-10"}."""

CHECK = "flights.check"
"""One row: whether the results equal the batch answer."""

FOREVER = {"retention.ms": "-1"}
"""2013 is past every retention."""

COMPACTED = {"cleanup.policy": "compact", **FOREVER}


def create_topics(admin: Admin) -> None:
    """Make the topics that do not exist yet. Raises `KafkaError`."""
    wanted = [NewTopic(name, partitions, 1, FOREVER) for name, partitions in EVENT_PARTITIONS.items()]
    wanted += [NewTopic(name, 1, 1, COMPACTED) for name in (*DIMENSIONS, *RESULTS, CLOCK, CHECK)]
    wanted += [NewTopic(f"{name}.dead-letter", 1, 1, FOREVER) for name in EVENT_PARTITIONS]
    wanted.append(NewTopic(COMMANDS, 1, 1))
    ensure_topics(admin, wanted)
