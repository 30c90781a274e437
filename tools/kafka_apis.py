"""Writes the tables of docs/kafka.md from the broker's registry of APIs and the docstrings of their modules.

Run as `python tools/kafka_apis.py`; a test says when the page is out of date.
"""

from __future__ import annotations

import re
from importlib import import_module
from inspect import cleandoc
from pathlib import Path

from riacho.broker.registry import Api, load_apis

PAGE = Path(__file__).parent.parent / "docs" / "kafka.md"
BEGIN, END = "<!-- apis: begin -->", "<!-- apis: end -->"

_TITLE = re.compile(r"(?P<name>\w+) \(key \d+\): (?P<what>.*)")
_SECTION = re.compile(r"^(Behaviour|Versions|Errors|KIPs)$", re.MULTILINE)


def page_with_apis(page: str) -> str:
    """The page with its generated part made anew. Raises `ValueError` where the page has no such part."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} lacks {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{apis()}\n{END}{after}"


def apis() -> str:
    """A table of all APIs by key, then what each does."""
    served = sorted(load_apis().values(), key=lambda api: api.key)
    described = {api.key: _description(api) for api in served}
    lines = ["| key | API | versions | what it does |", "|---|---|---|---|"]
    for api in served:
        name, what, _ = described[api.key]
        versions = f"{api.first_version}–{api.last_version}" if api.last_version else "0"
        lines.append(f"| {api.key} | [{name}](#{name.lower()}) | {versions} | {what} |")
    for api in served:
        name, _, sections = described[api.key]
        lines += ["", f"### {name}", ""]
        lines += [f"- **{title}.** {text}" for title, text in sections]
    return "\n".join(lines) + "\n"


def _description(api: Api) -> tuple[str, str, list[tuple[str, str]]]:
    """The API's name in Kafka, its one sentence, and the sections of its module's docstring."""
    documented = cleandoc(import_module(f"riacho.broker.apis.{api.name}").__doc__ or "")
    head, *rest = _SECTION.split(documented)
    title = _TITLE.fullmatch(_one_line(head))
    assert title is not None, f"the docstring of apis.{api.name} does not begin with 'Name (key n): what it does'"
    sections = [(name, _one_line(text)) for name, text in zip(rest[::2], rest[1::2], strict=True)]
    return title["name"], title["what"][0].upper() + title["what"][1:], sections


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(page_with_apis(PAGE.read_text()))
