"""Pictures as files: whole, always the same, whatever the data and the user's settings are."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bondstore.domains.ocean.plots.maps import overview_map
from bondstore.domains.ocean.plots.profile import profile_figure
from bondstore.domains.ocean.plots.section import section
from bondstore.domains.ocean.plots.water import water_diagram
from bondstore.domains.ocean.plots.words import describe
from bondstore.domains.ocean.profiles import Batch, Deployment, Header, Profile
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.errors import UsageError
from bondstore.release.images import type_of
from tests.domains.ocean.plots.drawn import START, batch_of, result_of

Draw = Callable[..., bytes]
PICTURES: list[Draw] = [profile_figure, overview_map, section, water_diagram]
EACH = pytest.mark.parametrize("draw", PICTURES, ids=["profile", "map", "section", "ts"])
BAD = (0xC8, 0x43, 0x0A)
SUSPECT = (0xF0, 0xB4, 0x00)


def made(**flags: dict[int, int]) -> tuple[Batch, Result]:
    batch = batch_of((20, 20, 20, 20), salty=True)
    return batch, result_of(batch, {(label, "TEMP"): levels for label, levels in flags.items()})


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return np.asarray(image.convert("RGB"))


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(axis=2).any())


def words(svg: bytes) -> str:
    """The text of an SVG's metadata."""
    return " ".join(ElementTree.fromstring(svg).itertext())


@EACH
@pytest.mark.parametrize("form", ["png", "svg"])
def test_the_same_data_give_the_same_bytes_and_no_date_or_tool(draw: Draw, form: str) -> None:
    batch, result = made(spike={3: 4})
    data = draw(batch, result, form=form)
    assert draw(batch, result, form=form) == data
    assert type_of(data) == ("image/png" if form == "png" else "image/svg+xml")
    assert b"atplotlib v" not in data
    assert b"dc:date" not in data
    if form == "png":
        with Image.open(io.BytesIO(data)) as image:
            assert set(image.info) <= {"dpi"}


@EACH
def test_neither_settings_of_the_user_nor_ours_get_across(draw: Draw) -> None:
    batch, result = made(spike={3: 4})
    plain = [draw(batch, result, form=form) for form in ("png", "svg")]
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "text.color": "green", "svg.hashsalt": "other"}):
        before = dict(mpl.rcParams)
        assert [draw(batch, result, form=form) for form in ("png", "svg")] == plain
        assert dict(mpl.rcParams) == before


def test_no_window_system_and_no_open_figures() -> None:
    code = (
        "import sys; from tests.domains.ocean.plots.test_pictures import made, PICTURES\n"
        "for draw in PICTURES: draw(*made())\n"
        "assert 'matplotlib.pyplot' not in sys.modules; assert 'tkinter' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


def test_bad_and_suspect_levels_have_their_marks() -> None:
    clean, marked = pixels(profile_figure(*made())), pixels(profile_figure(*made(spike={3: 4, 9: 3})))
    assert not has(clean, SUSPECT)
    assert has(marked, SUSPECT)
    assert (marked == BAD).all(axis=2).sum() > (clean == BAD).all(axis=2).sum()


def test_marks_can_be_told_apart_without_colour() -> None:
    """Turned to grey, a picture with suspect levels still differs from one with bad levels: shapes differ."""
    grey = [pixels(profile_figure(*made(spike=flags))).mean(axis=2) for flags in ({9: 3}, {9: 4})]
    dark = [one < 120 for one in grey]
    assert (dark[0] != dark[1]).any()


def test_doubted_levels_of_a_section_are_hollow() -> None:
    """The colour of the one odd value is drawn when it is good, and is not when it is bad."""
    batch = batch_of((20, 20, 20, 20))
    batch.temperature[30] = 25.0
    clean, doubted = (pixels(section(batch, result_of(batch, {("spike", "TEMP"): flags}))) for flags in ({}, {30: 4}))
    yellow = (clean[..., 0] > 240) & (clean[..., 2] < 80)
    assert yellow[:, :1070].any()
    hollow = (doubted[..., 0] > 240) & (doubted[..., 2] < 80)
    assert hollow[:, :1070].sum() != yellow[:, :1070].sum()


@pytest.mark.parametrize(
    "name", ["$x^2$", r"$\frac{", "<b>&amp;", "漢字", "a\x00b\x1b[31m", "\u202egnp", "n" * 500, "%s{0}", "💥"]
)
@EACH
def test_hostile_names_are_drawn_as_they_are(draw: Draw, name: str) -> None:
    batch = batch_of((5, 5), profiles=[Profile(name, name, Header("moana-1"), platform=name) for _ in range(2)])
    result = result_of(batch, {(name, "TEMP"): {1: 4, 7: 3}}, {(name, "TEMP"): {0: name}})
    assert pixels(draw(batch, result)).shape[0] > 300
    svg = draw(batch, result, form="svg")
    assert type_of(svg) == "image/svg+xml"
    assert "\x1b" not in words(svg)


def test_a_dollar_sign_is_no_formula() -> None:
    """Drawn as a formula, two spellings of one formula would look alike."""
    pictures = []
    for name in ("$a b$", "$a  b$", "$ab$"):
        batch = batch_of(profiles=[Profile("k", "k", Header("moana-1"), platform=name)])
        pictures.append(profile_figure(batch, result_of(batch)))
    assert len(set(pictures)) == 3


@EACH
@pytest.mark.parametrize("form", ["png", "svg"])
def test_nothing_of_people_is_in_a_picture(draw: Draw, form: str) -> None:
    """Contacts change nothing at all."""
    person = Profile(
        "raw/m0.csv",
        "m0",
        Header("moana-1", other={"Contact": "Ann Canary, ann@canary.example"}),
        platform="0734",
        deployment=Deployment("Canary", other={"Contact name": "Ann Canary"}),
        known={"contact": "ann@canary.example"},
    )
    nobody = replace(person, header=Header("moana-1"), deployment=None, known={})
    pictures = [draw(b, result_of(b), form=form) for b in (batch_of(profiles=[one]) for one in (person, nobody))]
    assert pictures[0] == pictures[1]


ODD = {
    "no levels": batch_of((0,)),
    "one level": batch_of((1,)),
    "levels and none": batch_of((3, 0, 4)),
    "no salinity": batch_of((4,)),
    "duplicate times": batch_of((4, 4), begins=[0.0, 0.0]),
    "no temperature": replace(batch_of((4,)), temperature=np.full(4, np.nan)),
    "no pressure": replace(batch_of((4,)), pressure=np.full(4, np.nan)),
    "no time": replace(batch_of((4, 4, 4, 4)), time=np.full(16, np.nan)),
    "no position": replace(batch_of((4,)), latitude=np.full(4, np.nan)),
    "no such place": replace(batch_of((4,)), latitude=np.full(4, 95.0), longitude=np.full(4, 400.0)),
    "far times": replace(batch_of((4,)), time=np.array([-1e15, 0.0, 1e11, 1e300])),
    "far values": replace(batch_of((4,)), temperature=np.array([1e300, 2.0, -np.inf, 3.0]), pressure=np.full(4, 1e18)),
    "one value": replace(batch_of((4,)), temperature=np.full(4, 1.0), pressure=np.full(4, 1.0)),
    "in the air": replace(batch_of((4,)), pressure=np.array([-50.0, -5.0, 0.0, 3.0])),
    "at the pole": batch_of((4, 4), latitude=89.99, step=0.005),
    "around the world": batch_of((2,) * 36, longitude=-180.0, latitude=0.0, step=10.0 / 4),
    "salinity of nobody": replace(batch_of((4,)), salinity=np.full(4, np.nan)),
}


@EACH
@pytest.mark.parametrize("what", ODD)
def test_odd_data_are_drawn_without_a_word(draw: Draw, what: str) -> None:
    batch = ODD[what]
    picture = pixels(draw(batch, result_of(batch)))
    assert picture.shape[1] > 1000
    assert len(np.unique(picture @ np.array([65536, 256, 1]))) > 20
    assert describe(batch, result_of(batch), 0).endswith(".")


@EACH
def test_an_unknown_form_is_refused(draw: Draw) -> None:
    with pytest.raises(UsageError, match="form"):
        draw(*made(), form="pdf")


def test_what_is_said_of_a_profile() -> None:
    batch = batch_of((20,), salty=True)
    batch.temperature[5] = np.nan
    flags = {
        ("spike", "TEMP"): {3: 4},
        ("rate_of_change", "TEMP"): {3: 3, 4: 3},
        ("on_land", "POSITION"): dict.fromkeys(range(20), 3),
    }
    result = result_of(batch, flags, {("climatology", "TEMP"): {0: "there is none"}})
    said = describe(batch, result, 0)
    for part in (
        "Platform 0734",
        "2024-05-01 00:00 – 00:03 UTC",
        "41.000° S 174.800° E",
        "20 levels from 0.50 to 95.50 dbar, 17.05 to 18.00 °C",
        "Temperature flags: 1 bad, 1 suspect, 17 good, 1 missing; failed tests: spike, rate of change",
        "Salinity 35.00 to 35.02",
        "Position: 20 levels suspect (on land)",
        "Could not be evaluated: climatology",
        "The profile is bad",
    ):
        assert part in said
    assert said in words(profile_figure(batch, result, form="svg")).replace("\n", " ")


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 60), st.randoms(use_true_random=False))
def test_any_flags_can_be_drawn(levels: int, random: object) -> None:
    batch = batch_of((levels,), salty=True)
    choose = random.choice  # type: ignore[attr-defined]
    flags = {
        (f"test {one}", on): {row: choose([0, 1, 2, 3, 4, 5]) for row in range(levels)}
        for one in range(4)
        for on in ("TEMP", "PSAL")
    }
    assert profile_figure(batch, result_of(batch, flags)).startswith(b"\x89PNG")


def colours_in(data: bytes, box: tuple[float, float, float, float]) -> set[tuple[int, int, int]]:
    """Return the colours that are no greys in a part of a picture (left, top, right, bottom, of 1)."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = image.size
    part = image.crop((int(box[0] * width), int(box[1] * height), int(box[2] * width), int(box[3] * height)))
    found = part.getcolors(1 << 24) or []
    return {one for _, one in found if max(one) - min(one) > 40}  # type: ignore[type-var,operator]


@pytest.mark.parametrize("variable", ["TEMP", "PSAL"])
def test_flagged_levels_of_a_section_keep_the_colour_of_their_value(variable: str) -> None:
    batch = batch_of((30, 30), salty=True)
    every = dict.fromkeys(range(60), 4)
    inside = (0.09, 0.2, 0.88, 0.8)  # without the bar of colours
    found = colours_in(section(batch, result_of(batch, {("range", variable): every}), variable), inside)
    assert len(found) > 20
    assert found <= colours_in(section(batch, result_of(batch), variable), (0, 0, 1, 1)) | found


def test_a_diagram_of_temperature_and_salinity_shows_water_by_pressure() -> None:
    batch = batch_of((40, 40), salty=True)
    data = water_diagram(batch, result_of(batch, {("range", "PSAL"): {3: 3}}))
    assert len(colours_in(data, (0.1, 0.2, 0.8, 0.8))) > 10
    assert data == water_diagram(batch, result_of(batch, {("range", "PSAL"): {3: 3}})), "the same bytes"
    fresh = batch_of((4,))
    assert water_diagram(fresh, result_of(fresh)).startswith(b"\x89PNG"), "nothing to draw is said"


def test_the_way_of_a_float_has_its_dates() -> None:
    batch = batch_of((2,) * 6, step=0.5, begins=[START + 10 * 86400.0 * one for one in range(6)])
    drawn = overview_map(batch, result_of(batch), form="svg").decode()
    assert drawn.count("2024-05-01") >= 1
    assert drawn.count("2024-06-20") >= 1
