"""A bucket that changes between runs, and outputs that were touched: only what must be done is done."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from demo.study import Made, Shape, make, seal

from tests.servers.faulty import FaultyProxy
from tests.studies import Lab, Tree, leftovers, original_files, tree

FORMS = ["original", "parquet"]
LATE = "1ab2cd3e/accelerometer/2024-01-01T03"


@pytest.fixture
def made(lab: Lab) -> list[Made]:
    return lab.fill(make(Shape(participants=2, hours=6, rows=10)))


Fresh = Callable[[str], Tree]
Export = Callable[..., tuple[dict[str, int], Counter[str]]]


@pytest.fixture
def export(lab: Lab, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Export through the proxy; returns the tally, and what was fetched but for the object that the key is tried on."""

    def run(form: str, **words: str) -> tuple[dict[str, int], Counter[str]]:
        faulty.clear()
        result = lab.export_here(monkeypatch, form=form, source="chunked", endpoint=faulty.endpoint, **words)
        assert result.state == "finished"
        return result.tally.objects(), lab.fetched(faulty)

    return run


@pytest.fixture
def fresh(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Fresh:
    """What an export into an empty folder gives now."""

    def run(form: str) -> Tree:
        clean = lab.folder / f"clean-{os.urandom(4).hex()}"
        assert lab.export_here(monkeypatch, form=form, source="chunked", dest=clean).state == "finished"
        return tree(clean)

    return run


def siblings(made: list[Made], form: str, key: str) -> set[str]:
    """What must be fetched when one object is new: the object alone, or all that its table is made of."""
    if form == "original":
        return {key}
    return {one.key for one in made if one.key.startswith(key.rpartition("/")[0] + "/")}


def find(made: list[Made], part: str) -> Made:
    (found,) = [one for one in made if part in one.key]
    return found


@pytest.mark.parametrize("form", FORMS)
def test_an_hour_that_arrives_late_is_picked_up(
    lab: Lab, made: list[Made], export: Export, form: str, fresh: Fresh
) -> None:
    late = find(made, LATE)
    lab.delete(late.key)
    export(form)
    assert tree(lab.dest) == fresh(form)

    again, fetched = export(form)
    assert (again["done"], fetched) == (0, Counter())

    lab.put(late.key, late.sealed)
    third, fetched = export(form)
    assert set(fetched) == siblings(made, form, late.key)
    assert third["done"] == len(fetched)
    assert third["skipped"] == third["planned"] - len(fetched)
    assert tree(lab.dest) == fresh(form)
    assert export(form)[1] == Counter()


@pytest.mark.parametrize("form", FORMS)
def test_a_changed_object_is_exported_again_and_others_are_not_fetched(
    lab: Lab, made: list[Made], export: Export, form: str, fresh: Fresh
) -> None:
    export(form)
    before = tree(lab.dest)
    old = find(made, LATE)
    new = replace(old, plain=old.plain.replace(b"unknown", b"3"))
    lab.put(old.key, seal(new.plain) if old.key.endswith(".csv") else seal(zstandard.compress(new.plain)))
    _, fetched = export(form)
    assert set(fetched) == siblings(made, form, old.key)
    after = tree(lab.dest)
    assert after == fresh(form)
    changed = {path for path in after if after[path] != before.get(path)}
    assert len(changed) == 1
    if form == "original":
        assert after[next(iter(changed))] == new.plain


@pytest.mark.parametrize("form", FORMS)
def test_an_object_stored_anew_with_the_same_content_gives_the_same_bytes(
    lab: Lab, made: list[Made], export: Export, form: str
) -> None:
    export(form)
    before = tree(lab.dest)
    old = find(made, LATE)
    packed = old.key.endswith(".zst")
    lab.put(old.key, seal(zstandard.compress(old.plain) if packed else old.plain, iv=bytes(range(16))))
    _, fetched = export(form)
    assert set(fetched) == siblings(made, form, old.key)
    assert tree(lab.dest) == before


@pytest.mark.parametrize("form", FORMS)
def test_compressed_in_place_by_the_server_gives_the_same_bytes(
    lab: Lab, made: list[Made], export: Export, form: str
) -> None:
    """Servers turn x.csv into x.csv.zst when they read it."""
    export(form)
    before = tree(lab.dest)
    old = next(one for one in made if one.key.endswith(".csv") and "CHUNKED_DATA" in one.key)
    lab.put(old.key + ".zst", seal(zstandard.compress(old.plain)))
    lab.delete(old.key)
    _, fetched = export(form)
    assert old.key + ".zst" in fetched
    assert tree(lab.dest) == before
    assert export(form)[1] == Counter()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def alter(path: Path) -> None:
    """Same size, other bytes, another time."""
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("harm", [Path.unlink, truncate, alter])
def test_an_output_that_was_deleted_or_altered_is_made_again(
    lab: Lab, made: list[Made], export: Export, form: str, harm: Callable[[Path], None]
) -> None:
    export(form)
    before = tree(lab.dest)
    victim = "chunked/1ab2cd3e/accelerometer/2024-01-01T03:00:00.csv"
    if form == "parquet":
        victim = "tables/1ab2cd3e/accelerometer.parquet"
    harm(lab.dest / victim)
    harmed = tree(lab.dest)
    assert harmed != before
    _, fetched = export(form)
    assert set(fetched) == siblings(made, form, find(made, LATE).key)
    assert tree(lab.dest) == before
    aside = [path for path in (lab.dest / ".bondstore").glob("changed-*/**/*") if path.is_file()]
    assert [path.read_bytes() for path in aside] == ([harmed[victim]] if victim in harmed else [])
    assert [one for one in leftovers(lab.dest) if not one.startswith("changed-")] == []


@pytest.mark.parametrize("form", FORMS)
def test_an_output_whose_time_alone_changed_is_not_made_again(
    lab: Lab, made: list[Made], export: Export, form: str
) -> None:
    export(form)
    for path in lab.dest.rglob("*.*"):
        if path.is_file() and ".bondstore" not in path.parts:
            os.utime(path, ns=(1, 1))
    tally, fetched = export(form)
    assert tally["done"] == 0
    assert fetched == Counter()


@pytest.mark.parametrize("form", FORMS)
def test_what_is_gone_from_the_bucket_stays_at_the_destination(
    lab: Lab, made: list[Made], export: Export, form: str
) -> None:
    """A whole stream of a person goes; the other person's is as it was, and nothing is fetched."""
    export(form)
    before = tree(lab.dest)
    lab.delete(*(one.key for one in made if "1ab2cd3e/accelerometer/" in one.key))
    _, fetched = export(form)
    assert tree(lab.dest) == before
    assert fetched == Counter()


def test_an_original_stays_when_its_object_goes(lab: Lab, made: list[Made], export: Export) -> None:
    export("original")
    lab.delete(find(made, LATE).key)
    export("original")
    chunked = [one for one in made if one.key.startswith("CHUNKED_DATA/")]
    assert original_files(chunked).items() <= tree(lab.dest).items()


@pytest.mark.parametrize("form", FORMS)
def test_a_wider_selection_later_does_only_what_is_new(
    lab: Lab, made: list[Made], export: Export, form: str, fresh: Fresh
) -> None:
    first, _ = export(form, participant="1ab2cd3e")
    everything, fetched = export(form)
    assert not [key for key in fetched if "1ab2cd3e" in key]
    assert everything["skipped"] == first["planned"]
    assert tree(lab.dest) == fresh(form)
