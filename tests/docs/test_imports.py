"""What the pages import is there."""

from __future__ import annotations

import ast
import importlib
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^( *)```python\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def imports(page: Path) -> Iterator[tuple[str, str]]:
    """Yield module and name of everything that a page imports from Bondstore."""
    for _, code in FENCED.findall(page.read_text()):
        try:
            tree = ast.parse(textwrap.dedent(code))
        except SyntaxError:
            continue  # a part of a program, or what a prompt shows
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bondstore"):
                yield from ((str(node.module), alias.name) for alias in node.names)


def test_what_the_pages_import_is_there() -> None:
    found = {(page.name, *one) for page in PAGES for one in imports(page)}
    assert len(found) >= 5
    missing = [one for one in found if not hasattr(importlib.import_module(one[1]), one[2])]
    assert not missing
