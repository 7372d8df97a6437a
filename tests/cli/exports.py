"""A sealed study in a folder, and exports of it: what the commands about runs and the audit look at."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from demo.study import KEY, STUDY, Made, Shape, make

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.export.files import Files
from bondstore.domains.beiwe.jobs import ExportJob
from bondstore.domains.beiwe.selection import select
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Barrier, Results, Serial, Shard
from bondstore.runs.folder_destination import FolderDestination

KEY_VARIABLE = "LAB_STUDY_KEY"


@dataclass(frozen=True)
class Between:
    """Shards one after the other; something happens after the first `number`."""

    happens: Callable[[], Any]
    number: int = 1

    def run(self, shards: Iterable[Shard | Barrier]) -> Results:
        return Serial().run(self._watched(shards))

    def _watched(self, shards: Iterable[Shard | Barrier]) -> Iterator[Shard | Barrier]:
        for count, shard in enumerate(shards):
            if count == self.number:
                self.happens()
            yield shard


@dataclass(frozen=True)
class Lab:
    """A study in a bucket, and the folder it is exported to."""

    bucket: Path
    out: Path
    made: tuple[Made, ...]

    @property
    def destination(self) -> FolderDestination:
        return FolderDestination(self.out)

    @property
    def ledger(self) -> Path:
        return self.out / ".bondstore" / "ledger.sqlite"

    @property
    def data(self) -> list[Made]:
        return [one for one in self.made if "/keys/" not in one.key]

    def job(self, form: str = "original") -> Any:
        spec = StoreSpec(self.bucket.as_uri(), Profile())
        return ExportJob(spec, STUDY, SecretRef.parse(f"env:{KEY_VARIABLE}"), form, select(source="both"))

    def export(self, executor: Any = None, *, form: str = "original") -> RunResult:
        return execute(self.job(form), self.destination, executor or Serial(), tool="test 1")

    def put(self, key: str, sealed: bytes) -> None:
        path = self.bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sealed)

    def damage(self, number: int = 1) -> list[str]:
        """Cut the last objects short, to less than an IV; return their keys."""
        chosen = sorted(self.data, key=lambda one: one.key)[-number:]
        for one in chosen:
            self.put(one.key, one.sealed[:9])
        return [one.key for one in chosen]

    def repair(self) -> None:
        for one in self.made:
            if (self.bucket / one.key).stat().st_size != len(one.sealed):
                self.put(one.key, one.sealed)

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.out).as_posix(): path.read_bytes()
            for path in self.out.rglob("*")
            if path.is_file() and ".bondstore" not in path.parts
        }

    def expected(self) -> dict[str, bytes]:
        """The ``original`` layout as documented, built here by hand."""
        files = {}
        for one in self.data:
            key = one.key.removesuffix(".zst")
            if key.startswith("CHUNKED_DATA/"):
                files["chunked/" + key.split("/", 2)[2]] = one.plain
            else:
                rest = key.split("/", 1)[1].replace("/identifiers_", "/identifiers/identifiers_")
                files["raw/" + rest] = one.plain
        return files

    def killed(self) -> None:
        """Export in a process of its own that is killed after its first shard."""
        process = get_context("spawn").Process(target=_export_and_die, args=(self,))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL


def _export_and_die(lab: Lab) -> None:
    Files.number = 10
    lab.export(Between(lambda: os.kill(os.getpid(), signal.SIGKILL)))


@pytest.fixture
def lab(home: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A small study of one participant, sealed by an independent encryptor."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Lab(tmp_path / "bucket", tmp_path / "out", tuple(make(Shape(participants=1, hours=3, rows=5))))
    for one in made.made:
        made.put(one.key, one.sealed)
    return made
