"""The names of each connector's options: a misspelt one is told before what is missing, and another's as another's."""

from __future__ import annotations

from collections.abc import Mapping

from riacho.formats.options import OptionError, nearest_option
from riacho.formats.registry import formats, option_names
from riacho.plan.tables import Table

_EVERY = """
    connector scan.watermark.idle-timeout scan.watermark.emit.strategy scan.watermark.alignment.group
    scan.watermark.alignment.max-drift scan.watermark.alignment.update-interval riacho.bad-records
"""

_KAFKA = """
    topic topic-pattern format value.format key.format key.fields key.fields-prefix value.fields-include
    scan.startup.mode scan.startup.specific-offsets scan.startup.timestamp-millis scan.bounded.mode
    scan.bounded.specific-offsets scan.bounded.timestamp-millis scan.topic-partition-discovery.interval
    scan.parallelism sink.partitioner sink.delivery-guarantee sink.parallelism sink.transactional-id-prefix
    sink.buffer-flush.max-rows sink.buffer-flush.interval riacho.dead-letter.topic
"""
_FILES = """
    path format csv.line-delimiter sink.rolling-policy.file-size sink.rolling-policy.rollover-interval
    sink.rolling-policy.check-interval sink.parallelism source.monitor-interval
    partition.default-name partition.time-extractor.kind partition.time-extractor.timestamp-pattern
    sink.partition-commit.trigger sink.partition-commit.delay sink.partition-commit.policy.kind
    sink.partition-commit.success-file.name sink.partition-commit.watermark-time-zone
"""
_NEXMARK = """
    rate.shape rate.period rate.limited first-event.rate next-event.rate person.avg-size auction.avg-size bid.avg-size
    person.proportion auction.proportion bid.proportion bid.hot-ratio.auctions bid.hot-ratio.bidders
    auction.hot-ratio.sellers events.num stop-at keep-alive max-emit-speed riacho.seed riacho.base-time
"""

_LOOKUP = """
    lookup.cache lookup.max-retries lookup.partial-cache.expire-after-access lookup.partial-cache.expire-after-write
    lookup.partial-cache.cache-missing-key lookup.partial-cache.max-rows lookup.full-cache.reload-strategy
    lookup.full-cache.periodic-reload.interval lookup.full-cache.periodic-reload.schedule-mode
    lookup.full-cache.timed-reload.iso-time lookup.full-cache.timed-reload.interval-in-days
"""

OPTION_NAMES: Mapping[str, frozenset[str]] = {
    connector: frozenset((_EVERY + names).split())
    for connector, names in {
        "kafka": _KAFKA,
        "upsert-kafka": _KAFKA,
        "datagen": "rows-per-second number-of-rows scan.parallelism riacho.seed",
        "nexmark": _NEXMARK,
        "filesystem": _FILES + _LOOKUP,
        "print": "print-identifier standard-error sink.parallelism",
        "blackhole": "",
    }.items()
}

_FREE = {"kafka": ("properties.",), "upsert-kafka": ("properties.",), "datagen": ("fields.",)}
"""What begins like this has names that users choose, or that the connector reads by columns."""


def check_option_names(table: Table) -> None:
    """Raise `OptionError` for an option that neither the table's connector nor a format has.

    Whether a format's option is of the table's format is left to the connector, which knows that.
    """
    known = OPTION_NAMES[table.connector]
    free = _FREE.get(table.connector, ())
    for key in sorted(dict(table.options)):
        if key in known or key.startswith(free) or _is_of_a_format(key, table):
            continue
        others = [f"'{name}'" for name, names in OPTION_NAMES.items() if key in names]
        others += [f"'{name}'" for name, prefixes in _FREE.items() if key.startswith(prefixes)]
        if others:
            raise OptionError(
                f"table {table.name}: the option '{key}' belongs to the connector {' or '.join(others)}, and the "
                f"table's is '{table.connector}'",
                where=table.origin,
                mend="leave the option out, or change the connector",
            )
        head, dot, rest = key.partition(".")
        begun = nearest_option(f"{head}.", free) if dot else None
        raise OptionError(
            f"table {table.name} has an unknown option '{key}'",
            where=table.origin,
            mend=f"did you mean '{begun}{rest}'?" if begun else suggestion(key, known),
        )


def _is_of_a_format(key: str, table: Table) -> bool:
    """Whether a format has this option. Raises `OptionError` where only its beginning is a format's name."""
    for prefix, name in ((f"{scope}{name}.", name) for scope in ("", "key.", "value.") for name in formats()):
        if not key.startswith(prefix):
            continue
        names = option_names(name)
        if key.removeprefix(prefix) in names:
            return True
        raise OptionError(
            f"table {table.name} has an unknown option '{key}'",
            where=table.origin,
            mend=suggestion(key, frozenset(f"{prefix}{each}" for each in names)),
        )
    return False


def suggestion(key: str, known: frozenset[str]) -> str:
    """What to tell someone who wrote an unknown option."""
    near = nearest_option(key, known)
    return f"did you mean '{near}'?" if near else "valid ones: " + ", ".join(sorted(known))
