"""Pages as a reader meets them, and results written by hand, for pages to be made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image

from bondstore.domains.screenlake import pages
from bondstore.domains.screenlake.review import sheet
from bondstore.runs.folder_destination import FolderDestination

HOSTILE = "<img src=x onerror=alert(1)>\"'&amp;</style><script>alert(2)</script>\u202egpj.exe"
PALE, DARK = (240, 240, 240), (0, 0, 0)
_EMPTY = {"img", "input", "link", "meta"}


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self._open: list[str] = []
        self.feed(content.decode("utf-8"))
        self.close()
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self._open), data))

    def values(self, tag: str, name: str) -> list[str]:
        return [value for one, attribute, value in self.attributes if (one, attribute) == (tag, name)]

    @property
    def style(self) -> str:
        return "".join(text for path, text in self.texts if path[-1:] == ("style",))

    @property
    def text(self) -> str:
        """What a person reads, with single blanks."""
        read = " ".join(text for path, text in self.texts if not {"head", "script"} & set(path))
        return " ".join(read.split()).replace(" .", ".").replace(" ,", ",")

    def scripts(self) -> int:
        """How many scripts there are that a browser runs."""
        return self.tags.count("script") - self.values("script", "type").count("application/json")

    def below(self, *path: str) -> list[str]:
        """The texts right inside elements that lie so."""
        return [text.strip() for where, text in self.texts if where[-len(path) :] == path and text.strip()]

    @property
    def tiles(self) -> dict[str, str]:
        """The numbers on top, by their label: a label is followed by its number."""
        found = [text for path, text in self.texts if path[-1:] in {("dt",), ("dd",)} and "div" in path[-2:]]
        return {label: number for label, number in pairwise(found) if number[0].isdigit()}


def review(root: Path, *args: Any, **words: Any) -> sheet.Reviewed:
    """Review results in a folder; without a sample, unless one is asked for."""
    words = {"sample": 0} | words
    return sheet.review(FolderDestination(root), *args, **words)


def overall_report(query: str, folders: Sequence[Path], failed: int) -> Iterator[bytes]:
    """Return the report over panelists' folders in a folder."""
    root = folders[0].parents[3]
    return pages.overall_report(query, FolderDestination(root), [str(one.relative_to(root)) for one in folders], failed)


def box(x: float, y: float, width: float, height: float, score: float) -> dict[str, float]:
    return {"x": x, "y": y, "width": width, "height": height, "score": score}


@dataclass
class Shots:
    """The results of one panelist, written by hand as the gathering of parts writes them."""

    root: Path
    query: str = "q"
    panelist: str = "p1"
    size: tuple[int, int] = (400, 800)
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.root / self.query / "combined" / "panelists" / self.panelist

    def add(
        self,
        name: str,
        *,
        covered: list[dict[str, float]] | None = None,
        unsure: list[dict[str, float]] | None = None,
        outcome: str = "",
        key: str = "z1.zip",
        source: str = "",
        written: bool = True,
    ) -> str:
        """Add an image: pale, with black where it is covered. Returns its digest as it came."""
        source = source or hashlib.sha256(f"{self.panelist} {name}".encode()).hexdigest()
        covered, unsure = covered or [], unsure or []
        if written:
            picture = Image.new("RGB", self.size, PALE)
            for one in covered:
                wide, high = one["width"] * 0.2, one["height"] * 0.2
                area = (
                    one["x"] - wide,
                    one["y"] - high,
                    one["x"] + one["width"] + wide,
                    one["y"] + one["height"] + high,
                )
                picture.paste(DARK, tuple(round(side) for side in area))
            path = self.folder / "images" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, "PNG")
        self.lines.append(
            {
                "image": name if written else None,
                "outcome": outcome or ("redacted" if covered else "kept"),
                "zip": key,
                "member": name,
                "sha256_before": source,
                "sha256_after": "0" * 64 if written else None,
                "width": self.size[0] if written else 0,
                "height": self.size[1] if written else 0,
                "boxes": covered,
                "texts": [],
                "unsure": unsure,
                "looks": 2,
                "detector": "d" * 64,
                "settings": {"redact": "fill", "effort": "default", "ocr": False},
            }
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "redactions.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in self.lines)
        return source
