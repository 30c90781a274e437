"""Whether a table ends. Source: the pages of Flink's connectors (`ScanTableSource.ScanRuntimeProvider.isBounded`)."""

from __future__ import annotations

import re

from riacho.plan.tables import Table

_SEQUENCE = re.compile(r"fields\..+\.kind")


def is_bounded(table: Table) -> bool:
    """Whether reading the table comes to an end by itself."""
    options = dict(table.options)
    match table.connector:
        case "kafka" | "upsert-kafka":
            return options.get("scan.bounded.mode", "unbounded").lower() != "unbounded"
        case "datagen":
            sequences = (value.lower() == "sequence" for key, value in options.items() if _SEQUENCE.fullmatch(key))
            return "number-of-rows" in options or any(sequences)
        case "nexmark":
            return options.get("events.num", "0").strip() != "0"
    return True
