"""The code blocks of the documentation, as tests run them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[\w ]+) -->\n+)?^(?P<indent> *)```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `mark` is the HTML comment right above it, as in `<!-- wrong -->`."""

    language: str
    text: str
    mark: str | None


def blocks(page: Path, *languages: str) -> list[Block]:
    """The page's blocks in these languages, in order; all where none is named."""
    found = [Block(match["language"], match["text"], match["mark"]) for match in _FENCE.finditer(page.read_text())]
    return [block for block in found if not languages or block.language in languages]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))
