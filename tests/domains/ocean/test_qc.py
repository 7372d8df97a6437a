"""Quality control from store to store: everything once, only what is new, the same at any width."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import netCDF4
import polars as pl
import pytest

from bondstore.domains.ocean import service
from bondstore.domains.ocean.plot import plot
from bondstore.domains.ocean.service import Asked
from bondstore.domains.ocean.verify import verify_file
from bondstore.errors import ConfigurationError, IntegrityError, PolicyError, UsageError
from bondstore.release.records import Record
from bondstore.runs import anchors
from bondstore.runs.destinations import open_destination
from bondstore.runs.tally import Count
from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from tests.ocean_files import argo_nc, moana_csv, moana_fleet

FLEET = moana_fleet(6, levels=30, seed=3)


class Sea:
    """A folder of profiles, and a destination."""

    def __init__(self, root: Path, dest: str = "") -> None:
        self.source, self.dest = root / "raw", dest or (root / "qc").as_uri()
        self.source.mkdir()
        self.put(FLEET)

    def put(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            path = self.source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def qc(self, jobs: int = 1, **asked: Any) -> Any:
        return service.qc(self.source.as_uri(), self.dest, Asked(**asked), jobs=jobs)

    def written(self) -> dict[str, bytes]:
        store = open_store(store_spec(self.dest))
        return {one.key: bytes(store.get(one.key).data) for one in store.list() if not one.key.startswith(".bondstore")}

    def records(self) -> list[Record]:
        return [Record.from_json(data) for path, data in self.written().items() if path.endswith(".nc.json")]


@pytest.fixture
def sea(tmp_path: Path) -> Sea:
    return Sea(tmp_path)


def counts(result: Any) -> dict[str, int]:
    return {name: number for name, number in result.tally.objects().items() if number}


def test_each_file_becomes_a_netcdf_and_a_record(sea: Sea) -> None:
    assert counts(sea.qc()) == {"planned": 6, "done": 6}
    files = sea.written()
    assert sorted(Path(path).suffix for path in files) == [".csv", *[".json"] * 6, *[".nc"] * 6]
    for record in sea.records():
        assert hashlib.sha256(files[record.file]).hexdigest() == record.sha256
        assert record.size == len(files[record.file])
        assert hashlib.sha256(FLEET[record.source.key]).hexdigest() == record.source.sha256
        assert record.settings["suite"] == "moana"
        assert sum(record.levels["TEMP"].values()) == 30
        assert files[record.file][:3] == b"CDF" or files[record.file][1:4] == b"HDF"
    assert {record.source.key for record in sea.records()} == set(FLEET)
    assert len(files["status.csv"].splitlines()) == 1 + len({record.platform for record in sea.records()})


def test_run_again_does_only_what_is_new_or_changed(sea: Sea) -> None:
    sea.qc()
    before = {
        path: (p := Path(sea.dest.removeprefix("file://")) / path, p.stat().st_mtime_ns)[1] for path in sea.written()
    }
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}
    late = moana_fleet(8, levels=30, seed=3)
    first, second, *_ = sorted(FLEET)
    sea.put({name: data for name, data in late.items() if name not in FLEET})
    sea.put({first: FLEET[first].replace(b"END", b"") + b"END"})
    Path(sea.dest.removeprefix("file://"), next(r.file for r in sea.records() if r.source.key == second)).unlink()
    result = sea.qc()
    assert counts(result) == {"planned": 8, "skipped": 4, "done": 4}
    changed = {
        path for path, at in before.items() if (Path(sea.dest.removeprefix("file://")) / path).stat().st_mtime_ns != at
    }
    assert len([path for path in changed if path.endswith(".nc")]) == 2
    assert len(sea.records()) == 8


def test_other_settings_do_all_anew(sea: Sea, tmp_path: Path) -> None:
    sea.qc()
    own = tmp_path / "about.toml"
    own.write_text('license = "CC-BY-4.0"\n')
    assert counts(sea.qc(attributes=own)) == {"planned": 6, "done": 6}
    assert counts(sea.qc(tests="qartod", attributes=own)) == {"planned": 6, "done": 6}
    assert {record.settings["suite"] for record in sea.records()} == {"qartod"}


@pytest.mark.parametrize("form", ["netcdf", "both"])
def test_the_same_bytes_at_any_width(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bondstore.domains.ocean.profile_files.ProfileFiles.number", 2)
    (tmp_path / "a").mkdir()
    one = Sea(tmp_path / "a")
    one.qc(form=form)
    serial = one.written()
    other = service.qc(one.source.as_uri(), (tmp_path / "b").as_uri(), Asked(form=form), jobs=2)
    assert counts(other) == {"planned": 6, "done": 6}
    one.dest = (tmp_path / "b").as_uri()
    assert one.written() == serial


def test_a_table_for_each_month_in_place_of_files(sea: Sea) -> None:
    sea.qc(form="parquet")
    files = sea.written()
    assert files
    assert all(path.startswith("parquet/year=") for path in files)
    root = Path(sea.dest.removeprefix("file://")) / "parquet"
    rows = pl.read_parquet(root / "**/*.parquet", hive_partitioning=True)
    assert len(rows) == 6 * 30
    assert set(rows["source"]) == set(FLEET)
    assert rows.select((pl.col("TIME").dt.year() == pl.col("year")).all()).item()
    assert counts(sea.qc(form="parquet")) == {"planned": 6, "skipped": 6}
    late = {name: data for name, data in moana_fleet(7, levels=30, seed=3).items() if name not in FLEET}
    sea.put(late)
    assert counts(sea.qc(form="parquet")) == {"planned": 7, "skipped": 6, "done": 1}
    assert len(pl.read_parquet(root / "**/*.parquet", hive_partitioning=True)) == 7 * 30


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(sea: Sea) -> None:
    sea.put(
        {"empty.csv": b"", "other.csv": b"a,b\n1,2\n", "notes.txt": b"x", "bad.nc": b"\x89HDF\r\n\x1a\n" + b"0" * 90}
    )
    result = sea.qc()
    assert counts(result) == {"planned": 9, "done": 6, "quarantined": 3}
    assert result.plan.left_out == {"no-profile": 1}
    with open_destination(store_spec(sea.dest)).ledger(create=False) as ledger:
        found = {one.key: one.kind for one in ledger.findings.walk() if one.key in ("empty.csv", "other.csv", "bad.nc")}
    assert found == {"empty.csv": "empty-file", "other.csv": "not-a-profile", "bad.nc": "netcdf-damaged"}
    assert counts(sea.qc()) == {"planned": 9, "skipped": 6, "quarantined": 3}


def test_two_objects_of_one_name_both_come_out(tmp_path: Path) -> None:
    name, data = next(iter(FLEET.items()))
    orders = (["a/", "b/"], ["b/", "a/"])
    results = []
    for number, order in enumerate(orders):
        (tmp_path / str(number)).mkdir()
        sea = Sea(tmp_path / str(number))
        for path in sea.source.iterdir():
            path.unlink()
        for folder in order:
            sea.put({folder + name: data})
            sea.qc()
        sources = {record.file: record.source.key for record in sea.records()}
        assert sorted(sources.values()) == ["a/" + name, "b/" + name]
        assert counts(sea.qc()) == {"planned": 2, "skipped": 2}
        results.append({path for path in sea.written() if path.endswith(".nc")})
        assert {path: sources[path] for path in sources if "-" not in Path(path).stem} == {
            path: "a/" + name for path in sources if "-" not in Path(path).stem
        }
    assert results[0] == results[1], "whichever came first"


def test_a_file_that_moves_to_another_month_leaves_nothing_behind(sea: Sea) -> None:
    sea.qc()
    name = sorted(FLEET)[0]
    old = next(record.file for record in sea.records() if record.source.key == name)
    sea.put(
        {
            name: moana_csv(
                serial="77", times=["20191231T235900", "20200101T000100"], pressure=[1, 2], temperature=[9, 9]
            )
        }
    )
    sea.qc()
    assert old not in sea.written()
    assert old + ".json" not in sea.written()
    assert len(sea.records()) == 6
    assert next(record.file for record in sea.records() if record.source.key == name).startswith("2019/12/")


def test_only_named_objects(sea: Sea) -> None:
    name = sorted(FLEET)[2]
    result = service.qc(sea.source.as_uri(), sea.dest, keys=[name], jobs=1)
    assert counts(result) == {"planned": 1, "done": 1}
    assert [record.source.key for record in sea.records()] == [name]
    assert "status.csv" not in sea.written()


def test_a_dry_run_writes_nothing(sea: Sea) -> None:
    result = service.qc(sea.source.as_uri(), sea.dest, dry_run=True)
    assert result.plan.todo == Count(6, sum(map(len, FLEET.values())))
    assert not Path(sea.dest.removeprefix("file://")).exists()


def test_what_cannot_succeed_is_refused(sea: Sea, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="same place"):
        service.qc(sea.source.as_uri(), sea.source.as_uri())
    with pytest.raises(UsageError, match="form"):
        sea.qc(form="excel")
    own = tmp_path / "own.toml"
    own.write_text('[[test]]\ntest = "qartod.spikes"\n')
    with pytest.raises(ConfigurationError, match="no test named"):
        sea.qc(tests=str(own))
    assert not Path(sea.dest.removeprefix("file://")).exists()


def test_into_a_bucket(sea: Sea, s3_environment: str) -> None:
    """The record lies in the bucket; without it, what is there already with the same content is left as it is."""

    def results() -> dict[str, tuple[str, int]]:
        return {one.key: (one.etag, one.modified_ms) for one in store.list() if not one.key.startswith(".bondstore/")}

    sea.dest = s3_environment + "/qc"
    assert counts(sea.qc(form="both")) == {"planned": 6, "done": 6}
    store = open_store(store_spec(sea.dest))
    before = results()
    assert len(before) == 6 * 2 + 1 + len([key for key in before if key.endswith(".parquet")])
    assert counts(sea.qc(form="both")) == {"planned": 6, "skipped": 6}
    place = open_destination(store_spec(sea.dest))
    place.ledger_path.unlink()
    place.corner.joinpath("snapshot").unlink()
    assert counts(sea.qc(form="both")) == {"planned": 6, "skipped": 6}  # as on another machine
    place.ledger_path.unlink()
    for key in [one.key for one in store.list(".bondstore/")]:
        store.delete(key)
    with pytest.raises(IntegrityError, match="accept-new-chain"):
        sea.qc(form="both")
    anchors.accept(place)
    assert counts(sea.qc(form="both")) == {"planned": 6, "done": 6}
    assert results() == before
    gone = next(iter(before))
    store.delete(gone)
    sea.qc(form="both")
    assert set(results()) == set(before)


def test_no_contact_of_the_metadata_is_recorded(sea: Sea, tmp_path: Path) -> None:
    table = tmp_path / "deployments.csv"
    table.write_text(
        "Serial number,Date supplied,Date returned,Vessel,Contact name,Contact number\n"
        "12,01/01/2020,,V-7,Canary Person,0400123456\n"
    )
    sea.qc(metadata=table)
    for path in Path(sea.dest.removeprefix("file://")).rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"Canary" not in data, path
            assert b"0400123456" not in data, path
    with open_destination(store_spec(sea.dest)).ledger(create=False) as ledger:
        params = ledger.runs.newest_first()
        assert "V-7" in json.dumps([dict(run.params) for run in params])


DEPLOYED = "Serial number,Date supplied,Date returned,Vessel,Gear class\n" + "".join(
    f"{serial},15/01/2020,,V-{serial},mobile\n" for serial in (10, 11, 12)
)


def test_a_file_for_each_deployment(sea: Sea, tmp_path: Path) -> None:
    """All profiles of a sensor on a vessel in one file, whole and in order; only what is new makes one anew."""
    table = tmp_path / "deployments.csv"
    table.write_text(DEPLOYED)
    sea.put({name.replace("_1_", "_2_"): data for name, data in FLEET.items()})
    asked = {"per": "deployment", "metadata": table, "form": "both"}
    assert counts(sea.qc(**asked)) == {"planned": 12, "done": 12}
    files = {path: data for path, data in sea.written().items() if path.endswith(".nc")}
    assert {"deployments/10_20200115_qc.nc", "deployments/11_20200115_qc.nc"} <= set(files)
    assert len(files) == len({key.split("_")[1] for key in FLEET})
    for record in sea.records():
        with netCDF4.Dataset("file", memory=files[record.file]) as file:
            assert file["row_size"][:].tolist() == [30] * int(record.settings["profiles"])
            names = file["profile_id"][:].tolist()
        own = sorted(Path(key).stem for key in [*FLEET, *(k.replace("_1_", "_2_") for k in FLEET)])
        assert names == [one for one in own if one.split("_")[1] == Path(record.file).name[:2].zfill(4)]
        verify_file(files[record.file], record)
    assert sum(int(record.settings["profiles"]) for record in sea.records()) == 12
    assert pl.read_parquet(Path(sea.dest.removeprefix("file://")) / "parquet/**/*.parquet").height == 12 * 30
    assert counts(sea.qc(**asked)) == {"planned": 12, "skipped": 12}
    assert {path: data for path, data in sea.written().items() if path.endswith(".nc")} == files
    late = next(name for name in FLEET if "_0010_" in name)
    sea.put({late.replace("_1_", "_3_"): FLEET[late]})
    assert counts(sea.qc(**asked)) == {"planned": 13, "skipped": 12, "done": 1}
    after = {path: data for path, data in sea.written().items() if path.endswith(".nc")}
    assert [path for path in files if after[path] != files[path]] == ["deployments/10_20200115_qc.nc"]
    assert counts(sea.qc()) == {"planned": 13, "done": 13}
    assert not any(path.startswith("deployments/") for path in sea.written()), "other settings leave nothing behind"


def test_files_per_deployment_refuse_what_is_for_profiles(sea: Sea) -> None:
    for asked in ({"style": "aodn"}, {"plots": True}):
        with pytest.raises(UsageError, match="per profile"):
            sea.qc(per="deployment", **asked)


def test_the_plot_of_a_file_of_several_profiles_shows_the_one_that_its_grade_is_of(tmp_path: Path) -> None:
    """A mail shows the file's grade beside its plot: the second profile, of 60 degrees, is bad; the first is good."""
    (tmp_path / "raw").mkdir()
    levels, warm = [[5.0, 10.0, 20.0, 30.0]] * 2, [[15.0, 14.0, 13.0, 12.0], [60.0, 14.0, 13.0, 12.0]]
    data = argo_nc(cycles=[1, 1], days=[27150.25] * 2, pressure=levels, temperature=warm, salinity=[[35.0] * 4] * 2)
    (tmp_path / "raw" / "a.nc").write_bytes(data)
    service.qc(tmp_path / "raw", tmp_path / "qc", Asked("qartod", plots=True), jobs=1)
    (path,) = (tmp_path / "qc").rglob("*.png")
    plot(tmp_path / "raw", tmp_path / "drawn", tests="qartod")
    assert path.read_bytes() == (tmp_path / "drawn" / "a-2.png").read_bytes()
    assert path.read_bytes() != (tmp_path / "drawn" / "a.png").read_bytes()
