"""The options by which tables were declared before Flink 1.11, as published queries still have them.

Flink 2.2 finds one such connector: files of CSV. Source: Flink, `CsvBatchTableSourceFactory` and its kin.
"""

from __future__ import annotations

from collections.abc import Mapping

_TODAY = {
    "connector.type": "connector",
    "connector.path": "path",
    "format.type": "format",
    "format.field-delimiter": "csv.field-delimiter",
    "format.ignore-parse-errors": "csv.ignore-parse-errors",
    "format.quote-character": "csv.quote-character",
}

_OF_NO_MATTER = frozenset({"connector.property-version", "format.property-version", "update-mode"})


def modern(options: Mapping[str, str]) -> dict[str, str]:
    """The same options by today's names; as they are where they are not those of old.

    >>> modern({"connector.type": "filesystem", "connector.path": "/a.csv", "format.type": "csv"})
    {'connector': 'filesystem', 'path': '/a.csv', 'format': 'csv'}
    """
    if options.get("connector.type") != "filesystem" or options.get("format.type") != "csv":
        return dict(options)
    return {_TODAY.get(key, key): value for key, value in options.items() if key not in _OF_NO_MATTER}
