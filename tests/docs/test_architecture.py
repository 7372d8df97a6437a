"""The page about the architecture names files and names that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import BLOCK, PAGES, ROOT

SOURCE = ROOT / "src" / "bondstore"
PAGE = PAGES["docs/explanation/architecture.md"]
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py")))
_MENTIONED = sorted(set(re.findall(r"`([^`\n]+)`", BLOCK.sub("", PAGE))))
_DRAWN = [word for text in ("".join(found) for found in BLOCK.findall(PAGE)) for word in text.split()]
PATHS = sorted({one for one in (*_MENTIONED, *_DRAWN) if re.fullmatch(r"[a-z][\w/]*(?:\.py|/)|tests/\w+", one)})
NAMES = sorted(
    {one for one in (*_MENTIONED, *_DRAWN) if re.fullmatch(r"[A-Z]\w+\.\w+", one)}
    | ({one for one in _MENTIONED if re.fullmatch(r"\w+", one)})
)


def places(name: str) -> list[Path]:
    """Return what a path of the page may mean: from the top, or the end of a path in the source."""
    from_top = ROOT / name
    if from_top.exists():
        return [from_top]
    return [path for path in SOURCE.rglob(Path(name).name) if f"/{path.as_posix()}".endswith("/" + name.rstrip("/"))]


def test_enough_is_found_to_look_for() -> None:
    assert {"runs/record.py", "zips/", "tests/toy_domain"} <= set(PATHS)
    assert {"EachObject.plan", "RunContext", "made_by"} <= set(NAMES)


@pytest.mark.parametrize("name", PATHS)
def test_every_file_and_folder_is_there(name: str) -> None:
    assert places(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_none_is_private(name: str) -> None:
    """A private name says little: another class may have the same, and nobody who moves it looks here."""
    holder, _, own = name.rpartition(".")
    assert not own.startswith("_")
    body = CODE
    if holder:
        found = re.search(rf"^class {holder}\b.*?(?=^\S|\Z)", CODE, re.MULTILINE | re.DOTALL)
        assert found, f"there is no class {holder}"
        body = found.group(0)
    assert re.search(rf"\b(?:def|class) {own}\b|^ *{own}\b *[:=]", body, re.MULTILINE)
