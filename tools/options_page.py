"""Writes the page of SET's options from their table: `python tools/options_page.py`."""

from __future__ import annotations

from pathlib import Path

from riacho.sql.options import FAMILIES, OPTIONS, Effect, Option

PAGE = Path(__file__).parent.parent / "docs" / "sql" / "options.md"

_HEAD = """\
# Options

`SET 'key' = 'value';` holds for the jobs that follow in the script, `RESET 'key';` puts the default back, `SET;` lists
what is set. Each key of Flink 2.2 is honoured, limited to the values that are possible here, or harmless; an unknown
key and a value that is not possible are errors. None is silently ignored.

```sql
SET 'table.local-time-zone' = 'Europe/Lisbon';
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SET 'table.exec.mini-batch.size' = '100000';
RESET 'table.exec.mini-batch.size';
```

This page is made by `tools/options_page.py`.
"""

_SECTIONS = {
    Effect.HONOURED: ("Honoured", "They do what Flink's documentation says."),
    Effect.LIMITED: ("Limited", "Only the default is possible; any other value is an error that says why."),
    Effect.HARMLESS: (
        "Harmless",
        "Scripts for Flink clusters contain them. Their values are checked, and change no result here.",
    ),
}


def page() -> str:
    """The page's text."""
    parts = [_HEAD]
    for effect, (title, text) in _SECTIONS.items():
        rows = [_row(option) for option in OPTIONS.values() if option.effect is effect]
        parts.append(f"## {title}\n\n{text}\n\n| key | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    families = "\n".join(f"| `{start}…` | {about} |" for start, about in FAMILIES.items())
    parts.append(
        "### By their beginnings\n\nAny key that begins so, and is not listed above, is harmless.\n\n"
        f"| keys | what they are about |\n|---|---|\n{families}\n"
    )
    return "\n".join(parts)


def _row(option: Option) -> str:
    default = f"`{option.default}`" if option.default else ""
    return f"| `{option.key}` | {default} | {option.about} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
