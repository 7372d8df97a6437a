"""A folder of profiles whose contents change from stage to stage, and destinations to test them into."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.domains.ocean import service
from bondstore.domains.ocean.job import executor
from bondstore.domains.ocean.service import Asked
from bondstore.runs import engine
from bondstore.runs.destinations import open_destination
from bondstore.runs.proof import changed_files, prove_chain
from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from tests.ocean_files import moana_csv

Stored = Mapping[str, bytes]
LEVELS = 4
LITTLE = """
name = "little"
title = "A single test"
scale = "qartod"
[[test]]
test = "qartod.gross_range"
on = "TEMP"
sensor_span = [-5.0, 45.0]
operator_span = [-2.5, 16.0]
"""
"""A suite that takes little time."""


def dive_on(day: str, serial: str = "12", levels: int = LEVELS, **more: Any) -> bytes:
    """Return a small profile of a day (``YYYYMMDD``); another serial is another content."""
    times = [f"{day}T03{number:02d}00" for number in range(levels)]
    return moana_csv(serial=serial, times=times, **more)


@dataclass
class Sea:
    """A source that lies in a folder; what it holds is swapped as a whole, and what stays the same is untouched.

    Parameters
    ----------
    root : pathlib.Path
        An empty folder.
    dest : str
        The address of the destination; else a folder.
    """

    root: Path
    dest: str = ""

    def __post_init__(self) -> None:
        self.source = self.root / "raw"
        self.source.mkdir(exist_ok=True)
        self.little = self.root / "little.toml"
        self.little.write_text(LITTLE)
        self.dest = self.dest or (self.root / "qc").as_uri()
        self._held: dict[tuple[str, bytes], Path] = {}

    def hold(self, files: Stored) -> None:
        """Let the source hold these objects alone. One that was there before keeps its time and its version."""
        shutil.rmtree(self.source)
        self.source.mkdir()
        for key, data in files.items():
            target = self.source / key
            target.parent.mkdir(parents=True, exist_ok=True)
            kept = self._held.get((key, data))
            if kept is None:
                kept = self._held[key, data] = self.root / "held" / str(len(self._held))
                kept.parent.mkdir(exist_ok=True)
                kept.write_bytes(data)
            os.link(kept, target)

    @property
    def spec(self) -> StoreSpec:
        """The destination."""
        return store_spec(self.dest)

    @property
    def place(self) -> Any:
        """Where the record of the destination lies."""
        return open_destination(self.spec)

    def job(self, *, keys: tuple[str, ...] | None = None, profile: Profile | None = None, **asked: Any) -> Any:
        """Return the job of this source and destination."""
        how = Asked(**{"tests": str(self.little), **asked})
        return service.prepare(self.source.as_uri(), self.dest, how, keys=keys, profile=profile)

    def qc(self, *, jobs: int = 1, keys: tuple[str, ...] | None = None, retry: bool = False, **asked: Any) -> Any:
        """Run the job; check that what came of it adds up."""
        result = engine.execute(self.job(keys=keys, **asked), self.place, executor(jobs), retry=retry)
        found = counts(result)
        assert found.pop("planned") == sum(found.values()), found
        return result

    def written(self) -> dict[str, bytes]:
        """Return all that lies at the destination."""
        store = open_store(self.spec)
        return {one.key: bytes(store.get(one.key).data) for one in store.list() if not one.key.startswith(".bondstore")}

    def check(self) -> None:
        """See that the record holds, that files are what was recorded, and that no other ones are there."""
        with closing(sqlite3.connect(self.place.ledger_path)) as ledger:
            recorded = {row[0] for row in ledger.execute("SELECT path FROM outputs WHERE sha256 <> x''")}
        assert set(self.written()) == recorded
        corner = self.place.ledger_path.parent
        known = ("ledger.sqlite", "lock", "snapshot")  # the last: which one of a store's record the copy is
        left = [path.name for path in corner.rglob("*") if path.is_file() and not path.name.startswith(known)]
        assert left == [], left
        with self.place.ledger(create=False) as ledger:
            prove_chain(ledger)
            if self.dest.startswith("file:"):
                assert [one.key for one in changed_files(ledger, self.place)] == []

    @contextmanager
    def elsewhere(self, dest: str) -> Iterator[Sea]:
        """Lend the same source with another destination."""
        other = Sea(self.root, dest)
        other._held = self._held
        yield other


def counts(result: Any) -> dict[str, int]:
    """Return what became of a run's objects, without zeros."""
    return {name: number for name, number in result.tally.objects().items() if number or name == "planned"}
