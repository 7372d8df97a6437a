"""Whatever came first, whatever was changed, lost, mended or asked for in between: the same files in the end."""

from __future__ import annotations

import dataclasses
import io
import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bondstore.domains.ocean.job import executor
from bondstore.domains.ocean.profile_files import ProfileFiles
from bondstore.domains.ocean.reading import read_many
from bondstore.release.records import Record
from bondstore.runs import engine
from bondstore.stores import open_store
from bondstore.stores.store import Store
from tests.domains.ocean.test_killed_anywhere import DAMAGED, FIRST, SECOND
from tests.oceanlab import Sea, Stored, counts, dive_on

SAME_STEM: Stored = {
    "a/x.csv": dive_on("20240501", "11"),
    "b/x.csv": dive_on("20240501", "12"),
    "c/x.nc.csv": dive_on("20240501", "13"),
    "c/x.csv": dive_on("20240501", "14"),
}
SAME_SECOND: Stored = {
    "one.csv": dive_on("20240501", "12"),
    "again.csv": dive_on("20240501", "12", header={"Deck unit battery voltage": "3.7"}),
    "third.csv": dive_on("20240501", "12", header={"Deck unit battery voltage": "3.6"}),
    "other.csv": dive_on("20240501", "13"),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bondstore.domains.ocean.profile_files.ProfileFiles.number", 3)
    monkeypatch.setattr("bondstore.runs.work.AGAIN", 2)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # what is drawn is of no matter here, and takes longer than all the rest
    monkeypatch.setattr("bondstore.domains.ocean.plots.profile.profile_figure", lambda *_: b"a picture")


_names = itertools.count()


@pytest.fixture(params=["folder", "store"])
def sea(request: pytest.FixtureRequest, tmp_path: Path) -> Sea:
    (tmp_path / "sea").mkdir()
    return Sea(tmp_path / "sea", "" if request.param == "folder" else f"memory://orders-{next(_names)}")


def fresh(sea: Sea, **asked: Any) -> dict[str, bytes]:
    """Return what a first run makes of what the source holds now."""
    dest = f"memory://fresh-{next(_names)}" if sea.dest.startswith("memory") else f"{sea.dest}-{next(_names)}"
    with sea.elsewhere(dest) as other:
        other.qc(**asked)
        return other.written()


def sources(sea: Sea) -> dict[str, str]:
    files = sea.written()
    found = [Record.from_json(data) for path, data in files.items() if path.endswith(".nc.json")]
    assert {one.file for one in found} == {path for path in files if path.endswith(".nc")}
    return {one.source.key: one.file for one in found}


def rows_of(sea: Sea, month: str) -> set[str]:
    """Return the objects that a month's table holds rows of."""
    table = sea.written().get(f"parquet/year={month[:4]}/month={month[5:]}/profiles.parquet")
    return set() if table is None else set(pl.read_parquet(io.BytesIO(table))["source"])


@pytest.mark.parametrize(("files", "style"), [(SAME_STEM, "plain"), (SAME_SECOND, "aodn")])
def test_names_that_clash_in_any_order(sea: Sea, files: Stored, style: str) -> None:
    keys = sorted(files)
    asked: dict[str, Any] = {"style": style, "form": "both"}
    sea.hold(files)
    expected = fresh(sea, **asked)
    for order in ([3, 0, 2, 1], [1, 2, 3, 0], [0, 1, 3, 2]):
        sea.dest = f"{sea.dest}-{next(_names)}"
        for upto in range(1, len(order) + 1):
            held = [keys[number] for number in order[:upto]]
            sea.hold({key: files[key] for key in held})
            sea.qc(**asked)
            assert len(set(sources(sea).values())) == upto
        assert sea.written() == expected, order
        assert counts(sea.qc(**asked)) == {"planned": 4, "skipped": 4}
        sea.check()


@pytest.mark.parametrize("late", ["0/x.csv", "z/x.csv"])
def test_what_is_gone_from_the_source_is_not_written_over(sea: Sea, late: str) -> None:
    sea.hold({"a/x.csv": SAME_STEM["a/x.csv"]})
    sea.qc()
    [(_, path)] = sources(sea).items()
    first = sea.written()[path]
    sea.hold({late: SAME_STEM["b/x.csv"]})
    assert counts(sea.qc()) == {"planned": 1, "done": 1}
    assert set(sources(sea)) == {"a/x.csv", late}
    assert sea.written()[path] == first
    assert counts(sea.qc()) == {"planned": 1, "skipped": 1}
    sea.check()


@pytest.mark.parametrize(
    "between", [{"form": "parquet"}, {"form": "netcdf"}, {"form": "both", "tests": "qartod", "plots": True}]
)
def test_settings_changed_and_changed_back(sea: Sea, between: dict[str, Any]) -> None:
    """Of what other settings made nothing stays behind, in either direction."""
    sea.hold({key: data for key, data in SECOND.items() if data != DAMAGED})
    first: dict[str, Any] = {"form": "both"}
    sea.qc(**first)
    before = sea.written()
    sea.qc(**between)
    sea.check()
    assert sea.written() == fresh(sea, **between)
    sea.qc(**first)
    sea.check()
    assert sea.written() == before


def test_what_moves_breaks_and_is_mended(sea: Sea) -> None:
    sea.hold(FIRST)
    sea.qc(form="both")
    assert rows_of(sea, "2024/06") == {"moves.csv"}
    good = sources(sea)
    sea.hold(SECOND)
    assert counts(sea.qc(form="both"))["quarantined"] == 1
    assert rows_of(sea, "2024/06") == set(), "the month that nothing is in any more is gone"
    assert rows_of(sea, "2024/04") == {"moves.csv"}
    assert sources(sea)["breaks.csv"] == good["breaks.csv"], "what stood stands until something new stands"
    assert "breaks.csv" not in rows_of(sea, "2024/05")
    mended = {**SECOND, "breaks.csv": FIRST["breaks.csv"]}
    sea.hold(mended)
    assert counts(sea.qc(form="both")) == {"planned": 9, "skipped": 8, "done": 1}
    sea.check()
    assert sea.written() == fresh(sea, form="both")


def test_retried_what_is_quarantined(sea: Sea, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that an older reader could not read is read by a newer one: only when it is asked for."""
    sea.hold(FIRST)

    def older(pairs: Any, columns: Any = None) -> list[Any]:
        return [
            read_many([(key, DAMAGED)], columns)[0] if key == "stays.csv" else one
            for (key, _), one in zip(pairs, read_many(pairs, columns), strict=True)
        ]

    with monkeypatch.context() as patch:
        patch.setattr("bondstore.domains.ocean.profile_files.read_many", older)
        assert counts(sea.qc(form="both"))["quarantined"] == 2
    assert counts(sea.qc(form="both")) == {"planned": 6, "skipped": 4, "quarantined": 2}
    assert counts(sea.qc(form="both", retry=True)) == {"planned": 6, "skipped": 4, "quarantined": 1, "done": 1}
    sea.check()
    assert sea.written() == fresh(sea, form="both")


@pytest.mark.parametrize("when", ["before", "between listing and fetching", "between fetching and the month"])
def test_a_source_object_that_is_deleted(sea: Sea, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file stays; tables are made of what is there, and it is said. Once it is back, all is as if it never left."""
    sea.hold({**FIRST, "mended.csv": SECOND["mended.csv"]})
    gone = sea.source / "breaks.csv"
    if when == "before":
        sea.qc(form="both")
        gone.unlink()
        sea.hold({key: data for key, data in SECOND.items() if key not in ("breaks.csv",)})
        result = sea.qc(form="both")
        assert counts(result)["planned"] == 8
        assert "breaks.csv" in sources(sea)
    else:
        with monkeypatch.context() as patch:
            patch.setattr(Store, "get_each", vanishing(Store.get_each, gone, 0 if when.startswith("between l") else 1))
            result = sea.qc(form="both")
        assert counts(result).get("failed", 0) == (when == "between listing and fetching")
    assert "breaks.csv" not in rows_of(sea, "2024/05")
    with sea.place.ledger(create=False) as ledger:
        assert {one.kind for one in ledger.findings.walk() if one.key == "breaks.csv"} == {"gone"}
    sea.check()
    sea.hold({**SECOND, "breaks.csv": FIRST["breaks.csv"]})
    sea.qc(form="both")
    sea.check()
    assert sea.written() == fresh(sea, form="both")


def vanishing(real: Callable[..., Any], path: Path, nth: int) -> Callable[..., Any]:
    """Remove a file when it is about to be fetched for the `nth` time."""
    seen = itertools.count()

    def get_each(store: Store, keys: list[str], *more: Any) -> Any:
        if path.name in keys and store.url.startswith("file:") and next(seen) == nth:
            path.unlink()
        return real(store, keys, *more)

    return get_each


def test_the_only_object_of_a_month_is_deleted_under_way(sea: Sea, monkeypatch: pytest.MonkeyPatch) -> None:
    sea.hold(FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "get_each", vanishing(Store.get_each, sea.source / "moves.csv", 1))
        sea.qc(form="both")
    assert rows_of(sea, "2024/06") == set()
    assert "moves.csv" in sources(sea)
    sea.check()
    sea.hold(SECOND)
    sea.qc(form="both")
    sea.check()


def test_a_result_that_somebody_touched_is_made_anew(sea: Sea) -> None:
    """Each in turn, deleted or altered."""
    asked: dict[str, Any] = {"form": "both", "plots": True}
    sea.hold({key: FIRST[key] for key in ("a/x.csv", "b/x.csv", "stays.csv")})
    sea.qc(**asked)
    expected = sea.written()
    store = open_store(sea.spec)
    assert {Path(path).suffix for path in expected} == {".nc", ".json", ".png", ".csv", ".parquet"}
    for number, path in enumerate(expected, start=sea.dest.startswith("file:")):
        if number % 2:
            store.delete(path)
        else:
            store.put(path, b"somebody's")
        sea.qc(**asked)
        assert sea.written() == expected, path
        _take_kept(sea, path, there=sea.dest.startswith("file:") and not number % 2)
        sea.check()


def _take_kept(sea: Sea, path: str, *, there: bool) -> None:
    """See that what was somebody's was kept, and take it away."""
    folders = list(sea.place.ledger_path.parent.glob("changed-*"))
    assert [(folder / path).read_bytes() for folder in folders] == [b"somebody's"] * there
    for folder in folders:
        shutil.rmtree(folder)


@pytest.mark.parametrize("lost", ["damaged", "deleted"])
def test_a_result_that_somebody_deleted_and_that_cannot_be_made_anew(sea: Sea, lost: str) -> None:
    sea.hold(FIRST)
    sea.qc(form="both")
    path = sources(sea)["breaks.csv"]
    rest = {key: data for key, data in FIRST.items() if key != "breaks.csv"}
    sea.hold(rest if lost == "deleted" else {**FIRST, "breaks.csv": DAMAGED})
    store = open_store(sea.spec)
    for one in (path, path + ".json"):
        store.delete(one)
    for held in (None, {**rest, "late.csv": SECOND["late.csv"]}):
        if held is not None:
            sea.hold(held)
        sea.qc(form="both")
        assert set(sources(sea)) == set(held or rest) - {"mended.csv"}
        assert len(sea.written()["status.csv"].splitlines()) == 1 + len(set(held or rest) - {"mended.csv"})


@pytest.mark.parametrize("some", [{"keys": ("late.csv",)}, {"since_ms": 1_500_000_000_000}], ids=["keys", "since"])
def test_a_run_over_some_objects_keeps_the_rows_that_a_killed_one_was_to_make_anew(
    sea: Sea, monkeypatch: pytest.MonkeyPatch, some: dict[str, Any]
) -> None:
    asked: dict[str, Any] = {"form": "both", "style": "aodn"}
    early = {f"{number}.csv": dive_on(f"202405{number + 10}", str(number)) for number in range(6)}
    sea.hold(early)
    for path in sea.source.iterdir():
        os.utime(path, (1e9, 1e9))
    sea.qc(form="both")
    assert rows_of(sea, "2024/05") == set(early)
    handle, batches = ProfileFiles.handle, itertools.count()

    def breaking(*args: Any) -> None:
        if next(batches):
            raise RuntimeError
        handle(*args)

    with monkeypatch.context() as patch:
        patch.setattr(ProfileFiles, "handle", breaking)
        with pytest.raises(RuntimeError):
            sea.qc(**asked)
    sea.hold({**early, "late.csv": dive_on("20240520")})
    result = engine.execute(dataclasses.replace(sea.job(**asked), **some), sea.place, executor(1))
    assert counts(result) == {"planned": 1, "done": 1}
    assert rows_of(sea, "2024/05") == set(early)
    sea.qc(**asked)
    assert rows_of(sea, "2024/05") == {*early, "late.csv"}
    assert sea.written() == fresh(sea, **asked)
