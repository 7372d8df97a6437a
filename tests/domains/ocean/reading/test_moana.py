"""Moana CSVs one by one: what is in them, what is kept of it, and what is said of the rest."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from bondstore.domains.ocean.findings import KINDS
from bondstore.domains.ocean.profiles import Position
from bondstore.domains.ocean.reading import read_any, read_moana
from bondstore.errors import DamagedError
from tests.ocean_files import moana_csv

KEY = "2024/MOANA_0012_1_240501031630.csv"
FIRST = datetime(2024, 5, 1, 3, 0, 0, tzinfo=UTC)


def kinds(found: list) -> list[str]:  # type: ignore[type-arg]
    return [one.kind for one in found]


def three(**settings: object) -> bytes:
    usual: dict[str, object] = {"pressure": [0.0, 10.5, 20.0], "temperature": [17.5, -1.25, 16.0]}
    return moana_csv(**(usual | settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", [1, 2])
@pytest.mark.parametrize("bom", ["", "utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("crlf", [False, True])
def test_both_dialects_whatever_the_encoding_and_line_ends(dialect: int, bom: str, crlf: bool) -> None:
    batch, found = read_moana(three(dialect=dialect, bom=bom, crlf=crlf), KEY)
    assert batch.sizes.tolist() == [3]
    assert batch.time.tolist() == [FIRST.timestamp() + 10 * one for one in range(3)]
    assert batch.pressure.tolist() == [0.0, 10.5, 20.0]
    assert batch.temperature.tolist() == [17.5, -1.25, 16.0]
    assert batch.latitude.tolist() == [-41.9] * 3
    assert batch.longitude.tolist() == [174.9] * 3
    assert batch.salinity is None
    profile = batch.profiles[0]
    assert (profile.key, profile.name, profile.platform) == (KEY, "MOANA_0012_1_240501031630", "12")
    assert profile.header.dialect == f"moana-{dialect}"
    assert (profile.timed, profile.placed, profile.known) == (True, True, {})
    assert kinds(found) == {"": [], "utf-8": ["byte-order-mark"]}.get(bom, ["utf-16"])


def test_all_that_the_first_dialect_says_is_kept() -> None:
    header = (
        read_moana(three(upload="-35.145161,174.338669", download="24/06/2021 04:11:06"), KEY)[0].profiles[0].header
    )
    assert (header.deck_unit_serial, header.deck_unit_firmware, header.deck_unit_battery) == ("5101", "4.03", 94.0)
    assert header.upload_position == Position(-35.145161, 174.338669)
    assert header.download_time == datetime(2021, 6, 24, 4, 11, 6, tzinfo=UTC).timestamp()
    assert (header.sensor_serial, header.sensor_firmware, header.reset_codes) == ("12", "MOANA-1.21", ("0x200204",))
    assert (header.max_lifetime_depth, header.baseline, header.depth_rating) == (220.9, 9.33, None)
    assert header.sensor_battery is None
    assert dict(header.other) == {
        "Deck unit battery voltage": "3.8",
        "Cellular signal strength": "19",
        "Protocol Version": "2",
        "Moana calibration date": "16/03/2021",
        "Moana Battery (V)": "3.59",
    }


def test_all_that_the_second_dialect_says_is_kept() -> None:
    header = read_moana(three(dialect=2, upload="-,-"), KEY)[0].profiles[0].header
    assert header.upload_position is None
    assert header.download_position == Position(-41.259435, 173.283116)
    assert header.depth_rating == 200.0
    assert header.other["Upload attempts"] == "-"
    assert header.other["Download Attempts"] == "1"
    lines = moana_csv(dialect=2).split(b"DateTime")[0].decode().splitlines()
    assert len(lines) == 21
    fields = {"Deck unit serial number", "Deck unit firmware version", "Deck unit battery percent", "Upload position"}
    fields |= {"Depth rating (m)", "Download position", "Download Time", "Moana Serial Number", "Moana Firmware"}
    fields |= {"Reset Codes", "Max Lifetime Depth (dBar)", "Baseline(mBar)"}
    assert {line.split(",")[0] for line in lines} == fields | set(header.other)


def test_upload_position_keeps_its_longitude_and_zero_is_a_place() -> None:
    for text, place in (
        ("0,0", Position(0.0, 0.0)),
        ("-35.5,190.25", Position(-35.5, 190.25)),
        ("-,-", None),
        (",", None),
    ):
        for dialect in (1, 2):
            header = read_moana(three(dialect=dialect, upload=text), KEY)[0].profiles[0].header
            assert header.upload_position == place


def test_half_a_position_is_damage_and_kept_as_text() -> None:
    batch, found = read_moana(three(upload="-35.5,-"), KEY)
    header = batch.profiles[0].header
    assert header.upload_position is None
    assert header.other["Cellular upload position"] == "-35.5,-"
    assert kinds(found) == ["header-damaged"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("Download Time", "31/02/2024 01:00:00"), ("Deck unit battery percent", "full"), ("Download Time", "2024")],
)
def test_a_header_value_that_is_none_is_kept_as_text(name: str, value: str) -> None:
    batch, found = read_moana(three(header={name: value}), KEY)
    assert batch.profiles[0].header.other[name] == value
    assert kinds(found) == ["header-damaged"]


def test_more_or_fewer_header_lines_do_not_matter() -> None:
    batch, found = read_moana(three(header={"Reset Codes": None, "Brand new": "a, b,c"}), KEY)
    assert batch.pressure.tolist() == [0.0, 10.5, 20.0]
    assert batch.profiles[0].header.other["Brand new"] == "a, b,c"
    assert batch.profiles[0].header.reset_codes == ()
    assert found == []


def test_a_line_that_comes_twice() -> None:
    data = three().replace(b"Protocol Version,2", b"Protocol Version,2\nProtocol Version,3")
    data = data.replace(b"DateTime", b"Moana Serial Number,99\nDateTime")
    batch, found = read_moana(data, KEY)
    header = batch.profiles[0].header
    assert header.sensor_serial == "12"
    assert header.other["Protocol Version"] == "2"
    assert header.other["Protocol Version (2)"] == "3"
    assert header.other["Moana Serial Number"] == "99"
    assert {one.kind: one.count for one in found} == {"header-repeated": 2}


def test_missing_positions_and_zero() -> None:
    batch, found = read_moana(three(lat=["-", "", 0.0], lon=[None, "0", "190.5"]), KEY)
    assert np.isnan(batch.latitude).tolist() == [True, True, False]
    assert batch.latitude[2] == 0.0
    assert np.isnan(batch.longitude[0])
    assert batch.longitude[1:].tolist() == [0.0, 190.5]
    assert found == []


def test_values_that_are_no_numbers_are_missing_and_told() -> None:
    batch, found = read_moana(three(temperature=["abc", "nan", "1e400"], pressure=["-", "+5.0", " 6.5 "]), KEY)
    assert np.isnan(batch.temperature).all()
    assert np.isnan(batch.pressure[0])
    assert batch.pressure[1:].tolist() == [5.0, 6.5]
    assert [(one.kind, one.count) for one in found] == [("values-damaged", 3)]


@pytest.mark.parametrize(
    "text",
    [
        "20240230T000000",
        "20240501T240000",
        "20240501T030060",
        "20240501_030000",
        "2024-05-01",
        "-",
        "20241301T000000",
        "00000101T000000",
        "20240500T000000",
        "2024050aT000000",
        "x",
    ],
)
def test_a_time_that_is_none(text: str) -> None:
    batch, found = read_moana(three(times=[text, FIRST, FIRST]), KEY)
    assert np.isnan(batch.time).tolist() == [True, False, False]
    assert batch.pressure.tolist() == [0.0, 10.5, 20.0]
    assert [(one.kind, one.count) for one in found] == [("times-damaged", 1)]


@pytest.mark.parametrize(
    "text", ["20240229T235959", "19700101T000000", "00010101T000000", "20000229T000001", "99991231T235959"]
)
def test_times_agree_with_the_standard_library(text: str) -> None:
    batch, found = read_moana(three(times=[text] * 3), KEY)
    assert batch.time[0] == datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
    assert found == []


def test_truncated_after_a_whole_row() -> None:
    batch, found = read_moana(three(truncated=True), KEY)
    assert batch.pressure.tolist() == [0.0, 10.5, 20.0]
    assert [(one.kind, one.severity) for one in found] == [("truncated", "warning")]
    assert batch.profiles[0].known == {"truncated": "yes"}


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_row_that_is_cut_is_never_half_read(cut: int) -> None:
    """16.000 cut to 16.0 or 1 would pass for a value."""
    batch, found = read_moana(three(truncated=True, cut=cut), KEY)
    assert batch.pressure.tolist() == [0.0, 10.5]
    assert kinds(found) == ["truncated"]
    assert "cut" in found[0].message


@pytest.mark.parametrize("cut", [1, 2])
def test_end_itself_is_cut(cut: int) -> None:
    batch, found = read_moana(three(cut=cut), KEY)
    assert batch.pressure.tolist() == [0.0, 10.5, 20.0]
    assert kinds(found) == ["truncated"]
    assert "cut" not in found[0].message


@pytest.mark.parametrize("quirks", [("mixed-ends",), ("blank-line",), ("end-newline",), ("end-crlf",), ("no-space",)])
def test_quirks_that_change_nothing(quirks: tuple[str, ...]) -> None:
    plain, quirky = read_moana(three(), KEY), read_moana(three(quirks=quirks), KEY)
    assert quirky[1] == []
    assert quirky[0].temperature.tolist() == plain[0].temperature.tolist()
    assert quirky[0].profiles == plain[0].profiles


def test_old_line_ends_alone() -> None:
    batch, found = read_moana(three().replace(b"\n", b"\r"), KEY)
    assert batch.pressure.tolist() == [0.0, 10.5, 20.0]
    assert found == []


def test_ragged_rows_are_left_out_and_named() -> None:
    lines = three().split(b"\n")
    at = next(number for number, line in enumerate(lines) if line.startswith(b"DateTime"))
    lines[at + 1 : at + 1] = [b"20240501T030000,1,2,3", b"   ", b"20240501T030000,1,2,3,4,5"]
    lines.insert(len(lines) - 1, b"20240501T030000,1,2,3\x004,5")
    lines.insert(len(lines) - 1, "20240501T030000,1,2,3,4°".encode())
    batch, found = read_moana(b"\n".join(lines), KEY)
    assert batch.pressure.tolist() == [0.0, 10.5, 20.0]
    assert [(one.kind, one.where, one.count) for one in found] == [("rows-damaged", "rows 1, 3, 7, 8", 4)]
    assert found[0].severity == "error"


def test_rows_after_end() -> None:
    batch, found = read_moana(three() + b"\n20240501T030000,1,2,3,4\n", KEY)
    assert batch.sizes.tolist() == [3]
    assert [(one.kind, one.count) for one in found] == [("rows-after-end", 1)]
    assert read_moana(three() + b"\n\0\0\0\r\n", KEY)[1] == []


def test_header_only() -> None:
    batch, found = read_moana(moana_csv(pressure=[], temperature=[], times=[]), KEY)
    assert (batch.sizes.tolist(), batch.levels) == ([0], 0)
    assert kinds(found) == ["no-levels"]
    names = moana_csv().split(b"DateTime")[0]
    cut, found = read_moana(names + b"DateTime (UTC),Lat,Lon,Depth (dBar),Temperature C", KEY)
    assert cut.sizes.tolist() == [0]
    assert kinds(found) == ["truncated", "no-levels"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty-file"),
        (b"\xef\xbb\xbf", "not-a-profile"),
        (b"\0" * 5000, "text-damaged"),
        (b"a,b\n1,2\n", "not-a-profile"),
        (b"\x89PNG\r\n\x1a\n....", "not-a-profile"),
        (moana_csv()[:300], "header-cut"),
        (moana_csv().split(b",Depth")[0], "header-cut"),
        (moana_csv().replace(b"Depth (dBar)", b"Depth (fathom)"), "unit-unknown"),
        (moana_csv().replace(b"Temperature C", b"Temperature R"), "unit-unknown"),
        (moana_csv().replace(b",Temperature C", b""), "columns-missing"),
        (moana_csv().replace(b"Lat,Lon", b"Lat,Lat"), "columns-missing"),
        (moana_csv().decode().encode("utf-16-le"), "text-damaged"),
        (moana_csv(bom="utf-16-le", cut=1), "text-damaged"),
    ],
)
def test_what_is_no_moana_file(data: bytes, kind: str) -> None:
    for read in (lambda: read_moana(data, KEY), lambda: read_any(KEY, data)):
        with pytest.raises(DamagedError) as caught:
            read()
        assert caught.value.kind == kind
        assert KINDS[kind].severity == "error"


def test_columns_by_name_and_not_by_place() -> None:
    head = moana_csv().split(b"DateTime")[0]
    body = b"DateTime (UTC),Temperature C,New,Depth Decibar\n20240501T030000,17.5,x,3.5\nEND"
    batch, found = read_moana(head + body, KEY)
    assert (batch.temperature.tolist(), batch.pressure.tolist()) == ([17.5], [3.5])
    assert np.isnan(batch.latitude).all()
    assert not batch.profiles[0].placed
    assert [(one.kind, one.count) for one in found] == [("columns-unknown", 1)]


def test_depth_in_metres_and_kelvin() -> None:
    data = three(lat=-41.0).replace(b"Depth (dBar)", b"Depth (m)").replace(b"Temperature C", b"Temperature (K)")
    batch, found = read_moana(data, KEY)
    # TEOS-10 at 41°S: 20 m are 20.15 dbar
    assert batch.pressure.tolist() == pytest.approx([0.0, 10.58, 20.15], abs=0.01)
    assert batch.temperature[0] == pytest.approx(17.5 - 273.15)
    assert kinds(found) == ["depth-converted"]


def test_the_serial_of_header_and_name() -> None:
    batch, found = read_moana(three(serial="0013"), KEY)
    assert batch.profiles[0].platform == "0013"
    assert kinds(found) == ["serial-differs"]
    batch, found = read_moana(three(header={"Moana Serial Number": None}), KEY)
    assert batch.profiles[0].platform == "12"
    assert kinds(found) == ["serial-missing"]
    assert read_moana(three(serial="0012"), KEY)[1] == []


def test_header_bytes_that_are_no_text() -> None:
    batch, found = read_moana(three().replace(b"Protocol Version,2", b"Protocol Version,\xff2"), KEY)
    assert batch.profiles[0].header.other["Protocol Version"] == "\ufffd2"
    assert kinds(found) == ["not-utf8"]


def test_no_value_of_the_data_stands_in_a_finding() -> None:
    data = three(temperature=["topsecret", 1.0, 2.0], header={"Download Time": "topsecret"}, truncated=True)
    assert "topsecret" not in str(read_moana(data, KEY)[1])


def test_a_longitude_past_180_is_kept_as_written() -> None:
    assert read_moana(three(lon=180.247), KEY)[0].longitude.tolist() == [180.247] * 3
    assert not math.isnan(read_moana(three(lat=0.0, lon=0.0), KEY)[0].latitude[0])
