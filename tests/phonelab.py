"""A small Screenlake study on disk, and what must come out of it: told by its generator, read with csv."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.phones import Phone, Shape, Truth, make, truth

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.job import ProcessJob, process_job
from bondstore.domains.screenlake.selection import Selection
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Executor, Serial
from bondstore.runs.folder_destination import FolderDestination

PLAIN = Handling(redact="none")


@dataclass(slots=True)
class PhoneLab:
    """A store of zips in a folder, and a folder for results.

    Parameters
    ----------
    folder : Path
        An empty one.
    """

    folder: Path
    phones: dict[str, Phone] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        """The store's folder."""
        return self.folder / "bucket"

    @property
    def dest(self) -> Path:
        """The folder of results."""
        return self.folder / "dest"

    def fill(self, shape: Shape) -> list[Phone]:
        """Put a study into the store."""
        made = list(make(shape))
        for phone in made:
            self.put(phone.key, phone.data)
            self.phones[phone.key] = phone
        return made

    def put(self, key: str, data: bytes, *, modified: float | None = None) -> None:
        """Put one object into the store."""
        path = self.source / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if modified is not None:
            os.utime(path, (modified, modified))

    def job(
        self, handling: Handling = PLAIN, selection: Selection | None = None, query: str | None = "q"
    ) -> ProcessJob:
        """Return the job that processes the store."""
        source, dest = (StoreSpec(one.as_uri(), Profile()) for one in (self.source, self.dest))
        return process_job(source, dest, selection or Selection(), handling, query=query)

    def run(
        self,
        handling: Handling = PLAIN,
        selection: Selection | None = None,
        *,
        executor: Executor | None = None,
        dest: Path | None = None,
        retry: bool = False,
    ) -> RunResult:
        """Process the store."""
        place = FolderDestination(dest or self.dest)
        return execute(self.job(handling, selection), place, executor or Serial(), retry=retry)

    def results(self, dest: Path | None = None) -> dict[str, Results]:
        """Return what came out, by panelist."""
        root = (dest or self.dest) / "q" / "combined" / "panelists"
        return {path.name: Results(path) for path in sorted(root.iterdir())} if root.exists() else {}

    def expected(self) -> dict[str, Truth]:
        """Return what must come out."""
        return truth(self.phones.values())


@dataclass(frozen=True, slots=True)
class Results:
    """The results of one panelist."""

    folder: Path

    def rows(self, prefix: str) -> list[dict[str, str]]:
        """Return the rows of a table, without what was added."""
        path = self.folder / "metadata" / f"{prefix}-consolidated.csv"
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def prefixes(self) -> set[str]:
        """The tables there are."""
        return {path.name.removesuffix("-consolidated.csv") for path in (self.folder / "metadata").glob("*-cons*.csv")}

    @property
    def images(self) -> dict[str, bytes]:
        """The images, by name."""
        folder = self.folder / "images"
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.exists() else {}

    @property
    def summary(self) -> dict[str, Any]:
        """The numbers."""
        found: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return found

    @property
    def redactions(self) -> list[dict[str, Any]]:
        """What became of every image of every zip."""
        return [json.loads(line) for line in (self.folder / "redactions.jsonl").read_text("utf-8").splitlines()]


def same_rows(found: Iterable[dict[str, str]], expected: Iterable[dict[str, str]]) -> bool:
    """Whether rows are the same, each as often, but for their order, columns that are empty, and those added."""

    def counted(rows: Iterable[dict[str, str]]) -> Counter[tuple[tuple[str, str], ...]]:
        return Counter(
            tuple(sorted((name, value) for name, value in row.items() if value and name not in ("_source", "image")))
            for row in rows
        )

    return counted(found) == counted(expected)


def whole(lab: PhoneLab, dest: Path | None = None) -> None:
    """Hold what came out against what the phones wrote: every image and every row, none twice."""
    results, expected = lab.results(dest), lab.expected()
    assert set(results) == set(expected)
    for panelist, said in expected.items():
        found = results[panelist]
        assert set(found.images) == set(said.images)
        assert found.prefixes == set(said.rows)
        for prefix, rows in said.rows.items():
            assert same_rows(found.rows(prefix), rows), (panelist, prefix)
        for row in found.rows("screenshot_data"):
            base = row["file"].rpartition("/")[2]
            assert row["image"] == base if base in said.images else row["image"].startswith("(")


def tree(folder: Path) -> dict[str, str]:
    """Return the digest of every file that is not private."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".bondstore" not in path.parts
    }
