"""Writes the table of Flink's SQL features: `python tools/features_page.py`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from flink_features import CONNECTORS, FORMATS, NOT_HERE, SECTIONS, Feature, Has

from riacho.dataflow.connectors import connectors
from riacho.formats.registry import formats
from riacho.sql.functions.aggregates import DEFINITIONS, is_aggregate
from riacho.sql.functions.documentation import FLINK_FUNCTIONS, OF_THE_LANGUAGE, TITLES
from riacho.sql.functions.registry import FAMILIES, is_function
from riacho.sql.options import OPTIONS, Effect

PAGE = Path(__file__).parent.parent / "docs" / "sql" / "flink-features.md"

_EXTENSIONS = ("APPROX_COUNT_DISTINCT", "DENSE_RANK", "RANK")

_HEAD = """\
# Flink's features

What the SQL documentation of Apache Flink 2.2 describes, and whether Riacho has it. **Differs**: it is here, and what
is otherwise is said beside it or under [deviations](../deviations.md#from-apache-flink). What is not here is refused by
name, never taken for something else. Tests ask for what each line says, and `make test-cluster` compares the answers
with Flink's own.

This page is made by `tools/features_page.py`.
"""


def page() -> str:
    """The page's text."""
    sections = {**SECTIONS, "Functions": _functions(), "Connectors": _connectors(), "Formats": _formats()}
    sections["Options"] = _options()
    count = Counter(item.has for items in sections.values() for item in items)
    summary = f"{count[Has.YES]} lines yes, {count[Has.DIFFERS]} differ, {count[Has.NO]} no.\n"
    parts = [_HEAD, summary]
    for title, items in sections.items():
        rows = "\n".join(map(_row, items))
        parts.append(f"## {title}\n\n| feature of Flink | here | |\n|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _row(item: Feature) -> str:
    has = item.has.value if item.has is Has.NO else f"[{item.has.value}]({item.link})"
    remark = item.remark or ("[refused](" + item.link + ")" if item.has is Has.NO else "")
    return f"| {item.name} | {has} | {remark} |"


def _functions() -> tuple[Feature, ...]:
    families = tuple(
        Feature(
            f"{TITLES[family]}: {_listed([item.name for item in definitions])}",
            Has.YES,
            f"functions.md#{TITLES[family].lower().replace(',', '').replace(' ', '-')}",
        )
        for family, definitions in FAMILIES.items()
    )
    aggregates = [item.name for item in DEFINITIONS if item.name not in _EXTENSIONS]
    language = [name for name in OF_THE_LANGUAGE if name not in _EXTENSIONS]
    here = {*aggregates, *language, *_EXTENSIONS}
    missing = [
        name for name in FLINK_FUNCTIONS if name not in here and not is_function(name) and not is_aggregate(name)
    ]
    return (
        *families,
        Feature(f"Aggregates: {_listed(aggregates)}", Has.YES, "functions.md#aggregates"),
        Feature(f"Of the language: {_listed(language)}", Has.YES, "functions.md#of-the-language"),
        Feature(
            _listed([*_EXTENSIONS]), Has.DIFFERS, "aggregation.md#beyond-flink", remark="also in streams: an extension"
        ),
        Feature(_listed(missing), Has.NO, "functions.md#not-here-yet"),
        Feature("Functions of one's own in Python: scalar, vectorised, aggregate, table", Has.YES, "python.md"),
        Feature("Functions of one's own in Java and Scala, process table functions", Has.NO, NOT_HERE),
    )


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`".replace("|", "\\|") for name in names)


def _connectors() -> tuple[Feature, ...]:
    return tuple(_registered(name, connectors()) for name in CONNECTORS)


def _formats() -> tuple[Feature, ...]:
    return tuple(_registered(name, formats()) for name in FORMATS)


def _registered(name: str, here: tuple[str, ...]) -> Feature:
    has = name in here
    return Feature(f"`{name}`", Has.YES if has else Has.NO, f"connectors.md#{name}" if has else "connectors.md")


def _options() -> tuple[Feature, ...]:
    of = {effect: [option.key for option in OPTIONS.values() if option.effect is effect] for effect in Effect}
    return (
        Feature(_listed(of[Effect.HONOURED]), Has.YES, "options.md#honoured"),
        Feature(
            f"{len(of[Effect.LIMITED])} keys that can have their default alone",
            Has.DIFFERS,
            "options.md#limited",
            remark="another value is refused",
        ),
        Feature(
            f"{len(of[Effect.HARMLESS])} keys that are about clusters",
            Has.DIFFERS,
            "options.md#harmless",
            remark="taken, and change no result",
        ),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
