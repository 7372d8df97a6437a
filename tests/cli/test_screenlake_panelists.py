"""Who is there, counted from the listing alone."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from demo.phones import Phone, Shape, make

import bondstore
from bondstore.domains.screenlake.selection import selection_of
from bondstore.errors import NotFoundError
from tests.cli.conftest import Call
from tests.servers.seaweedfs import SeaweedFS

SHAPE = Shape(panelists=3, zips=3, screenshots=1, restricted=0, rows=1, size=(24, 52), opted_out=1, double=0.5)
FIRST, LAST = datetime(2024, 1, 5, 23, 30, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def phones() -> list[Phone]:
    return list(make(SHAPE))


@pytest.fixture
def store(tmp_path: Path, phones: list[Phone]) -> Path:
    """A folder with zips under both shapes of keys, uploaded at known times, and what is none."""
    root = tmp_path / "zips"
    for number, phone in enumerate(phones):
        path = root / phone.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(phone.data)
        when = (LAST if number % SHAPE.zips == 2 else FIRST).timestamp()
        os.utime(path, (when, when))
    for name in ("academia/readme.txt", "loose.zip", "academia/tenant/x.csv"):
        (root / name).write_bytes(b"x")
    return root


def test_every_panelist_of_both_shapes(store: Path, phones: list[Phone], cli: Call) -> None:
    result = cli("screenlake", "panelists", str(store), "--json")
    assert result.code == 0
    sizes: Counter[str] = Counter()
    for phone in phones:
        sizes[phone.panelist] += len(phone.data)
    assert {key.split("/")[0] for key in (phone.key for phone in phones)} == {"academia", "tenant"}
    assert result.records == [
        {
            "kind": "panelist",
            "panelist": name,
            "zips": SHAPE.zips,
            "bytes": sizes[name],
            "first": "2024-01-05T23:30:00Z",
            "last": "2024-02-01T00:00:00Z",
        }
        for name in sorted(sizes)
    ]
    assert result.err == "Not counted: 2 not a zip, 1 of no panelist.\n"


def test_the_table_ends_with_the_long_name(store: Path, phones: list[Phone], cli: Call) -> None:
    lines = cli("screenlake", "panelists", str(store)).out.splitlines()
    assert lines[0].split() == ["zips", "bytes", "first", "last", "panelist"]
    assert {line.split()[-1] for line in lines[1:]} == {phone.panelist for phone in phones}
    assert all("2024-01-05 23:30:00Z  2024-02-01 00:00:00Z" in line for line in lines[1:])


def test_nothing_there(tmp_path: Path, cli: Call) -> None:
    (tmp_path / "empty").mkdir()
    result = cli("screenlake", "panelists", str(tmp_path / "empty"))
    assert (result.code, result.out) == (3, "")
    assert "Check the bucket" in result.err
    gone = cli("screenlake", "panelists", str(tmp_path / "gone"), "--json")
    assert gone.code == 3
    assert gone.records[-1]["kind"] == "error"


def test_in_a_bucket_from_python(s3_environment: str, seaweedfs: SeaweedFS, phones: list[Phone]) -> None:
    client, name = seaweedfs.client(), s3_environment.removeprefix("s3://")
    for phone in phones:
        client.put_object(Bucket=name, Key=phone.key, Body=phone.data)
    whole = bondstore.screenlake.panelists(s3_environment)
    assert [one.name for one in whole.panelists] == sorted({phone.panelist for phone in phones})
    assert whole.total.objects == len(phones)
    below = bondstore.screenlake.panelists(f"{s3_environment}/tenant")
    assert {one.name for one in below.panelists} == {p.panelist for p in phones if p.key.startswith("tenant/")}
    with pytest.raises(NotFoundError):
        bondstore.screenlake.panelists("s3://no-such-bucket-here")


def test_only_the_days_that_are_asked_for(store: Path) -> None:
    """The days are those of the zone: half past eleven at night in UTC is the next day in Berlin."""
    for zone, zips in (("UTC", 2), ("Europe/Berlin", 0)):
        asked = selection_of("2024-01-01", "2024-01-05", zone=zone)
        found = bondstore.screenlake.panelists(str(store), selection=asked)
        assert found.total.objects == zips * SHAPE.panelists
