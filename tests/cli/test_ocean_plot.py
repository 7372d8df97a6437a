"""``bondstore ocean plot`` over folders, single files and real stores."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from bondstore.config.resolve import resolve_store
from bondstore.release.images import type_of
from bondstore.stores import open_store
from tests.cli.conftest import Call
from tests.ocean_files import START, argo_nc, dive, moana_csv


def profile(number: int, serial: str = "12") -> bytes:
    down = list(dive(30))
    warm = [17.5 - 0.02 * one for one in down]
    warm[20] += 4
    times = [START.timestamp() + 7200 * number + 10 * one for one in range(30)]
    return moana_csv(serial=serial, times=times, pressure=down, temperature=warm, lat=-41.9 + 0.02 * number, lon=174.9)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    root = tmp_path / "raw"
    (root / "sub").mkdir(parents=True)
    for number in range(2):
        (root / f"MOANA_0012_{number}.csv").write_bytes(profile(number))
    (root / "sub" / "float.nc").write_bytes(argo_nc())
    (root / "readme.txt").write_bytes(b"x")
    return root


def pictures(root: Path) -> dict[str, bytes]:
    return {
        one.relative_to(root).as_posix(): one.read_bytes()
        for one in root.rglob("*")
        if one.suffix in (".png", ".svg") and one.is_file()
    }


EXPECTED = {
    "MOANA_0012_0.png",
    "MOANA_0012_1.png",
    "12_map.png",
    "12_section.png",
    "sub/float.png",
    "sub/float-2.png",
    "1901234_map.png",
    "1901234_section.png",
    "1901234_salinity_section.png",
    "1901234_ts.png",
}


def test_a_folder_becomes_pictures_and_again_the_same(raw: Path, tmp_path: Path, cli: Call) -> None:
    dest = tmp_path / "made" / "here"
    done = cli("ocean", "plot", str(raw), str(dest), "--json")
    assert done.code == 0
    first = pictures(dest)
    assert set(first) == EXPECTED
    for data in first.values():
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert image.format == "PNG"
    told = [one for one in done.records if one["kind"] == "picture"]
    assert {one["path"] for one in told} == EXPECTED
    assert {one["shows"] for one in told} == {"profile", "map", "section", "ts"}
    spoken = next(one for one in told if one["path"] == "MOANA_0012_0.png")
    assert spoken["source"] == "MOANA_0012_0.csv"
    assert "Platform 12" in spoken["description"]
    tally = done.records[-1]
    assert (tally["kind"], tally["planned"], tally["done"]) == ("tally", 3, 3)
    again = cli("ocean", "plot", str(raw), str(dest))
    assert again.code == 0
    assert "10 pictures in" in again.out
    assert pictures(dest) == first
    assert not [one for one in dest.rglob("*") if "tmp" in one.name]


def test_beside_a_local_source_by_default(raw: Path, cli: Call) -> None:
    assert cli("ocean", "plot", str(raw), "--format", "svg").code == 0
    made = pictures(raw)
    assert set(made) == {one.replace(".png", ".svg") for one in EXPECTED}
    assert {type_of(one) for one in made.values()} == {"image/svg+xml"}


def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_on(raw: Path, tmp_path: Path, cli: Call) -> None:
    (raw / "bad.csv").write_bytes(b"nothing of the kind\n")
    (raw / "cut.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(20))
    done = cli("ocean", "plot", str(raw), str(tmp_path / "out"), "--json")
    assert done.code == 5
    assert set(pictures(tmp_path / "out")) == EXPECTED
    assert {one["key"] for one in done.records if one["kind"] == "finding"} == {"bad.csv", "cut.nc"}
    tally = done.records[-1]
    assert (tally["planned"], tally["done"], tally["quarantined"]) == (5, 3, 2)
    text = cli("ocean", "plot", str(raw), str(tmp_path / "out"))
    assert text.code == 5
    assert "bad.csv" in text.out
    assert "not-a-profile" in text.out


def test_a_single_file_leaves_the_maps_of_all_alone(raw: Path, cli: Call) -> None:
    (raw / "12_map.png").write_bytes(b"of all")
    assert cli("ocean", "plot", str(raw / "MOANA_0012_1.csv")).code == 0
    assert set(pictures(raw)) == {"MOANA_0012_1.png", "12_map.png"}
    assert (raw / "12_map.png").read_bytes() == b"of all"
    assert cli("ocean", "plot", str(raw / "sub" / "float.nc")).code == 0
    assert set(pictures(raw / "sub")) == {"float.png", "float-2.png"} | {
        f"float_{what}.png" for what in ("map", "section", "salinity_section", "ts")
    }


def test_since_goes_by_the_time_of_writing(raw: Path, tmp_path: Path, cli: Call) -> None:
    os.utime(raw / "MOANA_0012_0.csv", (START.timestamp(),) * 2)
    done = cli("ocean", "plot", str(raw), str(tmp_path / "out"), "--since", "2024-06-01", "--json")
    assert done.code == 0
    assert done.records[-1]["planned"] == 2
    assert "MOANA_0012_0.png" not in pictures(tmp_path / "out")


def test_other_tests_give_other_pictures(raw: Path, tmp_path: Path, cli: Call) -> None:
    for suite in ("moana", "qartod"):
        assert cli("ocean", "plot", str(raw), str(tmp_path / suite), "--tests", suite).code == 0
    one, other = (pictures(tmp_path / suite)["MOANA_0012_0.png"] for suite in ("moana", "qartod"))
    assert one != other


def test_deployments_have_maps_of_their_own(raw: Path, tmp_path: Path, cli: Call) -> None:
    table = tmp_path / "deployments.csv"
    table.write_text("Moana Serial Number,Date supplied,Date returned,Vessel id\n12,01/04/2024,01/08/2024,V1\n")
    done = cli("ocean", "plot", str(raw), str(tmp_path / "out"), "--metadata", str(table))
    assert done.code == 0
    assert {"12_2024-04-01_map.png", "12_2024-04-01_section.png"} <= set(pictures(tmp_path / "out"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--format", "pdf"), 2),
        (("--tests", "nobodys"), 3),
        (("--since", "soon"), 2),
        (("--columns", "nowhere.toml"), 3),
    ],
)
def test_wrong_words_end_before_anything_is_drawn(words: tuple[str, ...], code: int, raw: Path, cli: Call) -> None:
    assert cli("ocean", "plot", str(raw), *words).code == code
    assert pictures(raw) == {}


def test_no_such_file(tmp_path: Path, cli: Call) -> None:
    done = cli("ocean", "plot", str(tmp_path / "nothing.csv"))
    assert done.code == 3
    assert "no file or folder" in done.err


def test_an_empty_folder_matches_nothing(tmp_path: Path, cli: Call) -> None:
    (tmp_path / "empty").mkdir()
    done = cli("ocean", "plot", str(tmp_path / "empty"))
    assert done.code == 3
    assert "no profile files" in done.err
    assert not list((tmp_path / "empty").iterdir())


def test_from_bucket_to_bucket_and_a_single_object(cli: Call, s3_environment: str, tmp_path: Path) -> None:
    """The pictures in a bucket are those that a folder gets, byte for byte."""
    url = s3_environment
    store = open_store(resolve_store(url))
    for number in range(2):
        store.put(f"raw/MOANA_0012_{number}.csv", profile(number))
    assert cli("ocean", "plot", f"{url}/raw", f"{url}/pictures").code == 0
    assert cli("ocean", "plot", f"{url}/raw", str(tmp_path / "local")).code == 0
    local = pictures(tmp_path / "local")
    assert len(local) == 4
    remote = {one.key.removeprefix("pictures/"): bytes(store.get(one.key).data) for one in store.list("pictures")}
    assert remote == local
    assert cli("ocean", "plot", f"{url}/raw/MOANA_0012_1.csv", str(tmp_path / "single")).code == 0
    assert set(pictures(tmp_path / "single")) == {"MOANA_0012_1.png"}
    assert cli("ocean", "plot", f"{url}/raw/none.csv", str(tmp_path / "single")).code == 3


def test_a_profile_that_forbids_plaintext_keeps_pictures_off_the_disk(raw: Path, tmp_path: Path, cli: Call) -> None:
    assert cli("profile", "add", "sealed", "--store", raw.as_uri(), "--plaintext", "forbidden").code == 0
    done = cli("ocean", "plot", str(raw), str(tmp_path / "out"), "--profile", "sealed")
    assert done.code == 6
    assert not (tmp_path / "out").exists()


def test_reads_are_on_record(raw: Path, tmp_path: Path, cli: Call) -> None:
    assert cli("ocean", "plot", str(raw), str(tmp_path / "out")).code == 0
    shown = cli("audit", "show", "--json")
    assert {"MOANA_0012_0.csv", "MOANA_0012_1.csv", "sub/float.nc"} <= {one.get("key") for one in shown.records}


def test_pictures_of_a_folder_go_to_the_service_that_the_environment_names(
    raw: Path, cli: Call, s3_environment: str
) -> None:
    done = cli("ocean", "plot", str(raw / "MOANA_0012_0.csv"), f"{s3_environment}/pictures")
    assert done.code == 0, done.err
    assert [one.key for one in open_store(resolve_store(f"{s3_environment}/pictures")).list()] == ["MOANA_0012_0.png"]


@pytest.mark.parametrize("single", [False, True])
def test_pictures_that_quality_control_drew_stay_as_it_recorded_them(
    raw: Path, tmp_path: Path, cli: Call, single: bool
) -> None:
    dest = tmp_path / "qc"
    done = cli("ocean", "qc", str(raw), str(dest), "--tests", "qartod", "--plots", "-j", "1")
    assert done.code == 0
    assert f"bondstore ocean plot {dest} --tests qartod" in done.err
    before = pictures(dest)
    source = next(dest.rglob("MOANA*_qc.nc")) if single else dest
    plotted = cli("ocean", "plot", str(source))
    assert (plotted.code, "of quality control stay as they are" in plotted.err) == (0, True)
    after = pictures(dest)
    assert {path: after[path] for path in before} == before
    assert bool(after.keys() - before.keys()) != single
    assert cli("audit", "verify", "--dest", str(dest), "--files").code == 0
