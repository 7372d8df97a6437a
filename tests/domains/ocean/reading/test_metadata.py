"""The table of deployments: joined by serial number and dates, without anybody's name or number."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bondstore.domains.ocean.reading import read_moana
from bondstore.domains.ocean.reading.metadata import parse_metadata, without_contacts
from bondstore.errors import ConfigurationError
from tests.ocean_files import moana_csv

HEAD = (
    "Trial ID,Fishing method,Fisherman name,Vessel name,Contact email,Phone,"
    "Mangopare serial number,Date supplied,Date returned\n"
)
ROW = "T1,Potting,Jo Bloggs,Blue Cradle,jo@example.org,021 555 5555 12,{},{},{}\n"


def table(*rows: tuple[str, str, str]) -> str:
    return HEAD + "".join(ROW.format(*row) for row in rows)


def profile_at(*times: str, serial: str = "12"):  # type: ignore[no-untyped-def]
    moments = [datetime.fromisoformat(one).replace(tzinfo=UTC) for one in times]
    return read_moana(moana_csv(times=moments, serial=serial), f"MOANA_{serial}_1_1.csv")[0]


@pytest.mark.parametrize(
    ("first", "last", "fits"),
    [
        ("2024-05-01T00:00:00", "2024-05-01T00:00:01", True),
        ("2024-04-30T23:59:59", "2024-05-01T00:00:01", False),
        ("2024-05-10T00:00:00", "2024-05-11T00:00:00", True),
        ("2024-05-10T00:00:00", "2024-05-11T00:00:01", False),
        ("2024-05-05T00:00:00", "2024-05-05T00:00:00", True),
    ],
)
def test_supplied_to_a_day_after_returned(first: str, last: str, fits: bool) -> None:
    deployments = parse_metadata(table(("012", "1/05/2024", "10/05/2024")))
    batch, found = deployments.join(profile_at(first, last))
    deployment = batch.profiles[0].deployment
    assert (deployment is not None) == fits
    assert [one.kind for one in found] == ([] if fits else ["deployment-missing"])
    if deployment is not None:
        assert (deployment.vessel, deployment.gear) == ("Blue Cradle", "stationary")


def test_an_open_return_and_other_ways_to_write_dates() -> None:
    for supplied in ("1/05/2024", "01/05/24", "2024-05-01", "2024-05-01T08:00"):
        batch, found = parse_metadata(table(("12", supplied, ""))).join(profile_at("2030-01-01T00:00:00"))
        assert found == []
        assert batch.profiles[0].deployment is not None
        assert batch.profiles[0].deployment.returned is None


def test_several_that_fit_are_none() -> None:
    deployments = parse_metadata(table(("12", "1/05/2024", ""), ("12", "2/05/2024", "")))
    batch, found = deployments.join(profile_at("2024-05-03T00:00:00"))
    assert batch.profiles[0].deployment is None
    assert [one.kind for one in found] == ["deployment-ambiguous"]
    assert deployments.join(profile_at("2024-05-01T10:00:00"))[1] == []


def test_no_contact_is_kept() -> None:
    text = table(("12", "1/05/2024", ""), ("13", "1/05/2024", "")).replace("Blue Cradle", "Blue, 021 555 5555 12", 1)
    text = text.replace("Blue, 021 555 5555 12", '"Blue, 021 555 5555 12"')
    safe = without_contacts(text)
    for known in (repr(parse_metadata(text)), safe):
        for secret in ("Bloggs", "jo@", "5555"):
            assert secret not in known
    assert parse_metadata(safe) == parse_metadata(text)


def test_rows_that_cannot_be_used_are_counted() -> None:
    text = table(("12", "soon", ""), ("", "1/05/2024", ""), ("14", "2/05/2024", "1/05/2024"), ("15", "1/05/2024", ""))
    deployments = parse_metadata(text + ",,,,,,,,\n" + "a,b,c,d,e,f,16,1/05/2024,,surplus\n")
    assert deployments.unused == (2, 3, 4, 7)
    assert set(deployments.by_serial) == {"15"}
    found = deployments.findings("deployments.csv")
    assert [(one.kind, one.count, one.where) for one in found] == [("metadata-row-damaged", 4, "rows 2, 3, 4, 7")]
    assert len(parse_metadata(without_contacts(text)).unused) == 3


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", HEAD.replace("Date returned", "Back")])
def test_no_such_table(text: str) -> None:
    for read in (parse_metadata, without_contacts):
        with pytest.raises(ConfigurationError):
            read(text)


def test_a_profile_without_times_fits_none() -> None:
    batch = read_moana(moana_csv(times=["x"], serial="12"), "MOANA_12_1_1.csv")[0]
    assert [one.kind for one in parse_metadata(table(("12", "1/05/2024", ""))).join(batch)[1]] == ["deployment-missing"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_as_spreadsheets_save_it(encoding: str, separator: str) -> None:
    text = table(("12", "01/05/2024", "10/05/2024")).replace("Blue Cradle", "Kéréru").replace(",", separator)
    (found,) = parse_metadata(without_contacts(text.encode(encoding))).by_serial["12"]
    assert (found.vessel, found.gear) == ("Kéréru", "stationary")


def test_a_table_in_no_known_encoding_is_told_so() -> None:
    with pytest.raises(ConfigurationError, match="encoding"):
        without_contacts(b"\xff\xfe" + table().encode("utf-16-le")[:-1])
