"""Real files of Moana sensors come out of the default suite as they can be released, given a table of deployments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bondstore.domains.ocean import service
from bondstore.notify.message import PlotReader, news_message
from bondstore.notify.news import of_record
from bondstore.release.publish import Places, publish_between
from bondstore.release.records import Record
from bondstore.release.settings import Order
from bondstore.runs.destinations import open_destination
from bondstore.stores.address import dest_spec
from tests.notify.post import SETTINGS
from tests.notify.test_message import ENVELOPE
from tests.ocean_files import moana_csv, ragged_nc
from tests.real_ocean import real
from tests.test_canaries import opened

DEPLOYMENTS = """\
Moana serial number,Date supplied,Date returned,Vessel name,Fishing method
38,01/01/2021,,A,Bottom trawl
1195,01/06/2025,,B,Potting
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    source = tmp_path / "raw"
    source.mkdir()
    for path in (*real("MOANA_0038_*.csv"), *real("fishsoop/*.nc")):
        (source / path.name).write_bytes(path.read_bytes())
    table = tmp_path / "deployments.csv"
    table.write_text(DEPLOYMENTS)
    service.qc(source, tmp_path / "qc", service.Asked(metadata=table), jobs=1)
    return tmp_path / "qc"


def test_both_real_files_are_released_and_at_most_two_of_a_hundred_levels_are_suspect(
    results: Path, tmp_path: Path
) -> None:
    records = [json.loads(path.read_bytes()) for path in results.rglob("*_qc.nc.json")]
    assert len(records) == 2
    for record in records:
        assert record["not_evaluated"] == []
        for counts in record["levels"].values():
            assert set(counts) <= {"good", "probably_good", "suspect"}
            assert counts.get("suspect", 0) <= 0.02 * sum(counts.values())
    places = Places((tmp_path / "public").as_uri(), results.as_uri())
    done = publish_between(places, Order(requirement="good:0.98"))
    assert done.files == 2


def test_nothing_of_a_vessel_or_its_gear_goes_public_unless_it_is_named(tmp_path: Path) -> None:
    source, table = tmp_path / "raw", tmp_path / "deployments.csv"
    source.mkdir()
    for number in (1, 2):
        data = moana_csv(serial=f"{number:04d}", upload="-36.848461,174.762183")
        (source / f"MOANA_{number:04d}_1_240501033000.csv").write_bytes(data)
    columns = "Moana serial number,Date supplied,Date returned,Vessel name,Fishing method,Port,Programme,Contact name"
    rows = [f"{number},01/01/2021,,Kittiwake,Danish seining,Bluff,Oystercatchers,Zebedee" for number in (1, 2)]
    table.write_text("\n".join([columns, *rows]))
    words = (b"kittiwake", b"seining", b"bluff", b"oystercatcher", b"zebedee", b"36.8484")

    def made(*publish: str) -> set[bytes]:
        """Which of the words stand in what is made and released."""
        about = tmp_path / "about.toml"
        about.write_text(f"publish = {json.dumps(publish)}")
        asked = service.Asked(form="both", plots=True, metadata=table, attributes=about)
        service.qc(source, tmp_path / "qc", asked, jobs=1)
        places = Places((tmp_path / "public").as_uri(), (tmp_path / "qc").as_uri())
        assert publish_between(places, Order(requirement="suspect", stac=True)).files == 2
        results = [path for path in (tmp_path / "qc").rglob("*") if ".bondstore" not in path.parts]
        results += (tmp_path / "public").rglob("*")
        content = b"".join(content.lower() for path in results if path.is_file() for content in opened(path))
        found = {word for word in words if word in content}
        assert not found & mailed(), "a mail says no more than it may, whatever files say"
        return found

    def mailed() -> set[bytes]:
        """Which of the words stand in a mail about what was made."""
        records = [Record.from_json(path.read_bytes()) for path in sorted((tmp_path / "qc").rglob("*_qc.nc.json"))]
        assert len(records) == 2
        message = news_message(
            SETTINGS, ENVELOPE, [of_record(one) for one in records], PlotReader(lambda _: None), 1 << 22
        )
        texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
        told = "".join([str(message.items()), *texts]).lower().encode()
        assert b"moana_0001" in told
        return {word for word in words if word in told}

    assert made() == set()
    named = made("vessel", "gear", "upload_position", "Fishing method", "Port", "Programme")
    assert named == {*words} - {b"zebedee"}, "and a person never"


COLUMNS = """[columns]
platform = "ship"
time = "time"
latitude = "lat"
longitude = "lon"
pressure = "p"
temperature = "t"
"""


def free_texts(folder: Path) -> None:
    """Files that name their platform, and no number of it: a netCDF file, one whose code is a name, a plain table."""
    folder.mkdir()
    made = ({"platform": "FV Kittiwake"}, {"platform_code": "Kittiwake", "platform": "FV Kittiwake"})
    for number, texts in enumerate(made):
        (folder / f"cast_{number}.nc").write_bytes(ragged_nc(attributes=texts))
    rows = [f"Kittiwake,2024-05-01T00:0{at}:00,-41.9,174.9,{at + 1},{15 - at / 10}" for at in range(9)]
    (folder / "table.csv").write_text("\n".join(["ship,time,lat,lon,p,t", *rows]))


def test_what_a_platform_is_called_stays_private_unless_it_is_named(tmp_path: Path) -> None:
    free_texts(tmp_path / "raw")
    columns, about = tmp_path / "columns.toml", tmp_path / "about.toml"
    columns.write_text(COLUMNS)

    def made(dest: str, **more: Any) -> bytes:
        asked = service.Asked("qartod", form="both", columns=columns, **more)
        result = service.qc(tmp_path / "raw", tmp_path / dest, asked, jobs=1)
        assert result.tally.objects()["done"] == 3
        places = Places((tmp_path / f"{dest}-public").as_uri(), (tmp_path / dest).as_uri())
        publish_between(places, Order(requirement="suspect", stac=True))
        records = [Record.from_json(path.read_bytes()) for path in sorted((tmp_path / dest).rglob("*_qc.nc.json"))]
        message = news_message(
            SETTINGS, ENVELOPE, [of_record(one) for one in records], PlotReader(lambda _: None), 1 << 22
        )
        paths = [*(tmp_path / dest).rglob("*"), *(tmp_path / f"{dest}-public").rglob("*")]
        files = [path for path in paths if path.is_file() and ".bondstore" not in path.parts]
        assert files
        return message.as_bytes() + b"".join(one.lower() for path in files for one in opened(path))

    assert b"kittiwake" not in made("qc", plots=True).lower()
    with open_destination(dest_spec(tmp_path / "qc")).ledger() as ledger:
        run = ledger.runs.newest_first()[0].id
        private = {one.key for one in ledger.findings.of_run(run) if one.kind == "platform-private"}
    assert private == {"cast_0.nc", "cast_1.nc", "table.csv"}
    assert b"kittiwake" not in made("together", per="deployment").lower()
    about.write_text('publish = ["platform"]')
    named = made("named", attributes=about).lower()
    assert b"fv kittiwake" in named
    assert named.count(b"kittiwake") > 6


def test_what_the_table_of_deployments_has_as_a_serial_number_is_no_vessels_name(tmp_path: Path) -> None:
    raw, columns, table = tmp_path / "raw", tmp_path / "columns.toml", tmp_path / "deployments.csv"
    free_texts(raw)
    columns.write_text(COLUMNS)
    text = (raw / "table.csv").read_text()
    (raw / "table.csv").write_text(text.replace("Kittiwake", "Logger A"))
    table.write_text("Serial number,Date supplied,Date returned\nLogger A,01/01/2021,\n")
    service.qc(raw, tmp_path / "qc", service.Asked("qartod", columns=columns, metadata=table), jobs=1)
    records = [Record.from_json(path.read_bytes()) for path in (tmp_path / "qc").rglob("*.json")]
    assert sorted(one.platform for one in records) == ["", "", "Logger A"]


def test_a_vessel_that_a_folder_is_named_after_stays_private(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "FV Kittiwake"
    folder.mkdir(parents=True)
    for number in (1, 2):
        (folder / f"MOANA_{number:04d}_1_240501033000.csv").write_bytes(moana_csv(serial=f"{number:04d}"))
    table = tmp_path / "deployments.csv"
    table.write_text(
        "Moana serial number,Date supplied,Date returned,Vessel name,Fishing method\n1,01/01/2021,,K,Potting"
    )

    def public(dest: str, **more: object) -> bytes:
        asked = service.Asked(metadata=table, **more)  # type: ignore[arg-type]
        service.qc(tmp_path / "raw", tmp_path / "qc", asked, jobs=1)
        places = Places((tmp_path / dest).as_uri(), (tmp_path / "qc").as_uri())
        publish_between(places, Order(requirement="suspect", stac=True))
        paths = [path for path in (tmp_path / dest).rglob("*") if path.is_file()]
        return b"".join(content.lower() for path in paths for content in opened(path))

    found = public("public")
    assert b"kittiwake" not in found
    assert b"moana_0001_1_240501033000.csv" in found
    assert b"kittiwake" not in public("together", per="deployment")
    about = tmp_path / "about.toml"
    about.write_text('publish = ["source_file"]')
    assert b"fv kittiwake/moana_0001_1_240501033000.csv" in public("named", attributes=about)


def test_a_file_that_is_named_after_its_vessel_is_told(tmp_path: Path) -> None:
    source, table = tmp_path / "raw", tmp_path / "deployments.csv"
    source.mkdir()
    (source / "kittiwake-12.csv").write_bytes(moana_csv(serial="0012"))
    (source / "MOANA_0013.csv").write_bytes(moana_csv(serial="0013"))
    rows = [f"{number},01/01/2021,,Kitti Wake,Potting" for number in (12, 13)]
    table.write_text("\n".join(["Moana serial number,Date supplied,Date returned,Vessel name,Fishing method", *rows]))
    result = service.qc(source, tmp_path / "qc", service.Asked(metadata=table), jobs=1)
    with open_destination(dest_spec(tmp_path / "qc")).ledger() as ledger:
        found = [one.key for one in ledger.findings.of_run(result.run) if one.kind == "vessel-in-name"]
    assert found == ["kittiwake-12.csv"]
