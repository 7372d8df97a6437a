"""Objects whose bytes are not those of their ETag: one alone is set aside, in every domain, and the rest comes out."""

from __future__ import annotations

import random

import pytest
from demo.phones import Shape as Zips
from demo.phones import make as make_zips
from demo.study import FIRST_HOUR_MS, STUDY, Made, Shape, accelerometer_csv, make, seal

from tests.faults.test_ocean_connections import FLEET
from tests.oceanlab import LITTLE
from tests.servers.faulty import FaultyProxy
from tests.stores.test_checksums import flip, flipped
from tests.studies import Ended, Lab, original_files, tree

MIB = 1 << 20


def set_aside(ended: Ended, key: str, done: int) -> None:
    """One object is in quarantine, and all others came out."""
    assert ended.code == 5, ended.err
    assert "Traceback" not in ended.err
    assert {name: ended.tally[name] for name in ("done", "quarantined", "failed")} == {
        "done": done,
        "quarantined": 1,
        "failed": 0,
    }
    assert ended.findings[key] == {"wrong-checksum"}, ended.out


def left_alone(ended: Ended, done: int, others: int) -> None:
    """The next run does not ask for it again."""
    assert (ended.code, ended.tally["done"], ended.tally["quarantined"]) == (5, done, 1), ended.out
    assert ended.tally["skipped"] == others


@pytest.mark.parametrize("form", ["original", "csv", "parquet"])
def test_of_a_study(lab: Lab, faulty: FaultyProxy, form: str) -> None:
    made = lab.fill(make(Shape(participants=2, hours=4, rows=20)))
    clean = lab.folder / "clean"
    undisturbed = lab.export("--format", form, dest=clean)
    whole = undisturbed.tally["done"]
    assert undisturbed.code == 0
    key = next(one.key for one in made if "/gps/" in one.key and one.key.startswith("CHUNKED"))
    faulty.add(flip(key))
    ended = lab.export("--format", form, endpoint=faulty.endpoint)
    set_aside(ended, key, whole - 1)
    if form == "original":
        assert tree(lab.dest) == original_files(one for one in made if one.key != key)
    else:
        assert set(tree(lab.dest)) == set(tree(clean))
    sealed = next(one.sealed for one in made if one.key == key)
    assert (lab.dest / ".bondstore" / "quarantine" / key).read_bytes() == flipped(sealed)
    asked = faulty.gets()[f"/{lab.bucket}/{lab.prefix}/{key}"]
    left_alone(lab.export("--format", form, endpoint=faulty.endpoint), 0, whole - 1)
    assert faulty.gets()[f"/{lab.bucket}/{lab.prefix}/{key}"] == asked
    retried = lab.run(lab.command("run", "retry", "last", "--dest", str(lab.dest), "--yes"))
    assert retried.code == 0, retried.err
    assert tree(lab.dest) == tree(clean)


def test_of_a_study_read_in_ranges(lab: Lab, faulty: FaultyProxy) -> None:
    """An object over 8 MiB, which was sent in one piece: it comes once more from its start."""
    made = lab.fill(make(Shape(participants=1, hours=3, rows=10)))
    hour = accelerometer_csv(FIRST_HOUR_MS + 50 * 3_600_000, 9 * MIB, random.Random(6))
    large = Made(f"CHUNKED_DATA/{STUDY}/1ab2cd3e/accelerometer/2024-01-03T02:00:00.csv", seal(hour), hour)
    lab.server.client().put_object(Bucket=lab.bucket, Key=f"{lab.prefix}/{large.key}", Body=large.sealed)
    expected = original_files([*made, large])
    for fault in (flip(large.key, first=2, times=1), flip(large.key)):
        dest = lab.folder / f"out-{fault.times}"
        faulty.add(fault)
        ended = lab.export("--format", "original", endpoint=faulty.endpoint, dest=dest)
        assert fault.matched > 3
        if fault.times == 1:
            assert (ended.code, tree(dest)) == (0, expected)
        else:
            set_aside(ended, large.key, len(expected) - 1)
            assert tree(dest) == original_files(made)
            kept = (dest / ".bondstore" / "quarantine" / large.key).read_bytes()
            assert len(kept) == len(large.sealed)
            assert kept != large.sealed
        faulty.clear()


@pytest.mark.parametrize("to", ["folder", "store"])
def test_of_a_fleet(lab: Lab, faulty: FaultyProxy, to: str) -> None:
    (lab.folder / "little.toml").write_text(LITTLE)
    for name, data in FLEET.items():
        lab.put(f"raw/{name}", data)
    key = sorted(FLEET)[2]
    dest = str(lab.dest) if to == "folder" else f"{lab.url}/qc"
    words = ["--tests", str(lab.folder / "little.toml"), "--format", "both", "--jobs", "1", "--yes", "--json"]
    line = lab.command("ocean", "qc", f"{lab.url}/raw", dest, *words)
    faulty.add(flip(f"raw/{key}"))
    set_aside(lab.run(line, endpoint=faulty.endpoint), key, len(FLEET) - 1)
    left_alone(lab.run(line, endpoint=faulty.endpoint), 0, len(FLEET) - 1)


def test_of_a_fleet_when_the_month_is_put_together(lab: Lab, faulty: FaultyProxy) -> None:
    """Each was read already; one turns bad before the table of its month is made."""
    (lab.folder / "little.toml").write_text(LITTLE)
    for name, data in FLEET.items():
        lab.put(f"raw/{name}", data)
    key = sorted(FLEET)[2]
    words = ["--tests", str(lab.folder / "little.toml"), "--jobs", "1", "--yes", "--json"]
    line = lab.command("ocean", "qc", f"{lab.url}/raw", str(lab.dest), *words, "--format")
    faulty.add(flip(f"raw/{key}", first=2))
    ended = lab.run([*line, "both"], endpoint=faulty.endpoint)
    assert ended.code == 7, ended.err
    assert f"{key} do not match" in ended.err
    assert not list(lab.dest.glob("parquet/**/*.parquet")), "a table without it would look whole"
    faulty.clear()
    assert lab.run([*line, "both"], endpoint=faulty.endpoint).code == 0
    assert list(lab.dest.glob("parquet/**/*.parquet"))


def test_of_phones(lab: Lab, faulty: FaultyProxy) -> None:
    phones = {one.key: one for one in make_zips(Zips(panelists=2, zips=4, screenshots=1, rows=4, size=(96, 208)))}
    for key, phone in phones.items():
        lab.put(key, phone.data)
    key = sorted(phones)[1]
    words = ["--redact", "none", "--query-id", "q", "--yes", "--json", "--jobs", "1"]
    line = lab.command("screenlake", "process", lab.url, str(lab.dest), *words)
    faulty.add(flip(key))
    set_aside(lab.run(line, endpoint=faulty.endpoint), key, len(phones) - 1)
    again = lab.run(line, endpoint=faulty.endpoint)
    assert (again.code, again.tally["done"]) == (5, 0), again.out
    faulty.clear()
    retried = lab.run(lab.command("run", "retry", "last", "--dest", str(lab.dest), "--yes"), endpoint=faulty.endpoint)
    assert retried.code == 0, retried.err
