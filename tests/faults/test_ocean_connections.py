"""Profiles from bucket to bucket over bad lines: everything comes out, or is named; nothing half, and it goes on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bondstore.config.profiles import Profile
from bondstore.domains.ocean import service
from bondstore.domains.ocean.job import executor
from bondstore.domains.ocean.service import Asked
from bondstore.errors import BondstoreError, PolicyError, ReadOnlyError, TransientStoreError, UnreachableError
from bondstore.runs import engine
from bondstore.runs.destinations import open_destination
from bondstore.runs.policy import check_places
from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from tests.domains.ocean.test_killed_anywhere import DAMAGED
from tests.faults.test_connections import Share
from tests.ocean_files import moana_fleet
from tests.oceanlab import LITTLE, counts
from tests.servers.faulty import Fault, FaultyProxy, Seen
from tests.studies import Ended, Lab

FLEET = moana_fleet(8, levels=6, seed=5)
NO_PATIENCE = "retries = 0\nconnect_timeout = 1\nstall_timeout = 1"
EVER = 10**9


@dataclass
class Away(Fault):
    """From a request on nothing is answered, of whatever method."""

    def strikes(self, seen: Seen) -> bool:
        self.matched += 1
        return self.matched >= self.first


@dataclass(frozen=True)
class Channel:
    """A source and a destination in one bucket, with a line to them that can be cut."""

    lab: Lab
    suite: Path
    number: list[int]

    @property
    def source(self) -> str:
        return f"{self.lab.url}/raw"

    @property
    def dest(self) -> str:
        return f"{self.lab.url}/qc{self.number[0]}"

    def anew(self) -> None:
        """Take another destination."""
        self.number[0] += 1

    def over(self, patch: pytest.MonkeyPatch, proxy: FaultyProxy | None = None) -> None:
        for name, value in self.lab.environment(proxy.endpoint if proxy else None).items():
            patch.setenv(name, value)

    def qc(self, settings: str = "", **words: Any) -> dict[str, int]:
        self.lab.configure(settings)
        job = service.prepare(self.source, self.dest, Asked(str(self.suite), form="both"), **words)
        return counts(engine.execute(job, open_destination(job.dest), executor(1)))

    def command(self, *words: str) -> Ended:
        line = ("ocean", "qc", self.source, self.dest, "--tests", str(self.suite), "--format", "both")
        return self.lab.run(self.lab.command(*line, "--jobs", "1", "--yes", "--json", *words))

    def written(self) -> dict[str, bytes]:
        store = open_store(store_spec(self.dest))
        found = {one.key: bytes(store.get(one.key).data) for one in store.list()}
        return {key: data for key, data in found.items() if not key.startswith(".bondstore/")}

    def check_part(self, expected: dict[str, bytes]) -> None:
        """Whatever is there is whole, and what a record vouches for is there."""
        there = self.written()
        for path, data in there.items():
            if path != "status.csv":
                assert data == expected[path], path
            if path.endswith(".nc.json"):
                record = json.loads(data)
                assert hashlib.sha256(there[record["file"]]).hexdigest() == record["sha256"]


@pytest.fixture
def channel(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Channel:
    suite = lab.folder / "little.toml"
    suite.write_text(LITTLE)
    for name, data in FLEET.items():
        lab.put(f"raw/{name}", data)
    made = Channel(lab, suite, [0])
    made.over(monkeypatch)
    monkeypatch.setattr("bondstore.domains.ocean.profile_files.ProfileFiles.number", 3)
    return made


@pytest.fixture
def calm(channel: Channel) -> dict[str, bytes]:
    """What an undisturbed run writes."""
    assert channel.qc() == {"planned": 8, "done": 8}
    expected = channel.written()
    channel.anew()
    return expected


def test_over_a_bad_line_everything_comes_out(
    channel: Channel, calm: dict[str, bytes], faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.over(monkeypatch, faulty)
    for number, kind in enumerate(("cut", "refuse", "status", "lose_answer")):
        faulty.add(Share(kind, every=9 + number, after=7))
        faulty.add(Share(kind, every=10 + number, method="PUT", after=7))
    assert channel.qc() == {"planned": 8, "done": 8}
    assert channel.written() == calm
    assert channel.qc() == {"planned": 8, "skipped": 8}


@pytest.mark.parametrize("what", ["_qc.nc", "_qc.nc.json", "profiles.parquet", "status.csv"])
def test_what_cannot_be_put_ends_the_run_and_the_next_goes_on(
    channel: Channel, calm: dict[str, bytes], faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    channel.over(monkeypatch, faulty)
    faulty.add(
        Fault(
            "status", method="PUT", status=400, body=b"", contains=what, first=2 if "qc.nc" in what else 1, times=EVER
        )
    )
    with pytest.raises(BondstoreError):
        channel.qc(NO_PATIENCE)
    faulty.clear()
    channel.check_part(calm)
    again = channel.qc()
    assert again["done" if "qc.nc" in what else "skipped"] >= 1
    assert channel.written() == calm


def test_a_source_object_that_cannot_be_fetched_fails_alone(
    channel: Channel, calm: dict[str, bytes], faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.over(monkeypatch, faulty)
    name = sorted(FLEET)[3]
    faulty.add(Share("status", every=1, contains=f"raw/{name}", status=500))
    faulty.add(Share("status", every=1, method="HEAD", contains=f"raw/{name}", status=500))
    assert channel.qc(NO_PATIENCE) == {"planned": 8, "done": 7, "failed": 1}
    assert channel.written().keys() < calm.keys()
    faulty.clear()
    assert channel.qc() == {"planned": 8, "skipped": 7, "done": 1}
    assert channel.written() == calm


def test_a_server_that_goes_and_comes_back(
    channel: Channel, calm: dict[str, bytes], faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Away from the first, the fifth … request on: it is said, and nothing is half."""
    channel.over(monkeypatch, faulty)
    for first in (1, 5, 9, 14, 20, 26):
        faulty.add(Away("refuse", first=first))
        with pytest.raises((UnreachableError, TransientStoreError)):
            channel.qc(NO_PATIENCE)
        faulty.clear()
        channel.check_part(calm)
    channel.qc()
    assert channel.written() == calm


def test_said_on_the_command_line(channel: Channel, faulty: FaultyProxy) -> None:
    """A server that is away is exit 4, something damaged is exit 5, and then all is well."""
    channel.lab.put("raw/damaged.csv", DAMAGED)
    channel.lab.configure(NO_PATIENCE)
    faulty.add(Away("refuse"))
    line = ("ocean", "qc", channel.source, channel.dest, "--jobs", "1", "--yes", "--json")
    ended = channel.lab.run(channel.lab.command(*line), endpoint=faulty.endpoint)
    assert ended.code in (1, 4), ended.err  # without patience, a listing that is cut in its midst is final as well
    assert f"Error: s3://{channel.lab.bucket} gives no answer" in ended.err or ended.code == 1
    assert "Traceback" not in ended.err
    ended = channel.lab.run(channel.lab.command(*line))
    assert ended.code == 5, ended.err
    assert (ended.tally["done"], ended.tally["quarantined"]) == (8, 1)
    assert ended.findings["damaged.csv"] == {"not-a-profile"}


# Where results may not go


def test_a_read_only_destination_is_refused_before_anything_is_fetched(
    channel: Channel, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.over(monkeypatch, faulty)
    with pytest.raises(ReadOnlyError, match="read-only") as caught:
        channel.qc("read_only = true")
    assert "--dest-profile" in (caught.value.hint or "")
    assert not faulty.seen
    assert channel.qc("read_only = true\n[profile.writer]", dest_profile="writer") == {"planned": 8, "done": 8}


def test_into_a_folder_from_a_read_only_source(channel: Channel, tmp_path: Path) -> None:
    channel.lab.configure("read_only = true")
    result = service.qc(channel.source, (tmp_path / "qc").as_uri(), jobs=1)
    assert counts(result) == {"planned": 8, "done": 8}


@pytest.mark.parametrize("whose", ["profile", "dest_profile"])
def test_no_plain_data_on_a_disk_where_that_is_forbidden(tmp_path: Path, whose: str) -> None:
    words: dict[str, Any] = {"profile": Profile(), whose: Profile(plaintext="forbidden")}
    (tmp_path / "raw").mkdir()
    with pytest.raises(PolicyError, match="disk"):
        service.qc((tmp_path / "raw").as_uri(), (tmp_path / "qc").as_uri(), jobs=1, **words)
    assert not (tmp_path / "qc").exists()


@pytest.mark.parametrize(
    ("source", "dest"),
    [
        ("s3://b", "s3://b/qc"),
        ("s3://b/raw", "s3://b"),
        ("s3://b/raw/", "s3://b/raw"),
        ("s3://b/raw", "s3://b/raw/2024/qc"),
        ("file://{here}/a", "file://{here}/a/qc"),
        ("file://{here}/a/raw", "file://{here}/a"),
        ("file://{here}/a", "file://{here}/link/qc"),
        ("file://{here}/link", "file://{here}/a"),
        ("file://{here}/a", "file://{here}/b/../a/qc"),
    ],
)
def test_results_that_would_be_taken_for_sources(tmp_path: Path, source: str, dest: str) -> None:
    (tmp_path / "a" / "raw").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(PolicyError, match=r"same place|lies in the other"):
        service.qc(source.format(here=tmp_path), dest.format(here=tmp_path), jobs=1)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "link", "raw"]


@pytest.mark.parametrize(
    ("source", "dest"), [("s3://b/raw", "s3://b/raw-qc"), ("s3://b", "s3://b-qc"), ("file:///a/raw", "file:///a/qc")]
)
def test_two_places_side_by_side(source: str, dest: str) -> None:
    job = service.prepare(source, dest)
    check_places(job.store, job.dest)
