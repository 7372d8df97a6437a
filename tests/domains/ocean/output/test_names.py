"""Where files go."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.ocean.output.names import began, output_path, safe_stem
from bondstore.errors import UsageError
from bondstore.release.records import is_plain_path
from tests.domains.ocean.output.making import batch, profile

KEY = "raw/2024/MOANA_0001_1_240501.csv"


def test_the_plain_path():
    assert output_path(KEY, batch(3)) == "2024/05/MOANA_0001_1_240501_qc.nc"
    assert output_path("a.b.NC", batch(3)) == "2024/05/a.b_qc.nc"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (0, "IMOS/SOOP/SOOP-FishSOOP/REALTIME/2024/03/IMOS_SOOP-FishSOOP_TP_20240310T094642Z_FV00_786.nc"),
        (1, "IMOS/SOOP/SOOP-FishSOOP/DELAYED/2024/03/IMOS_SOOP-FishSOOP_TP_20240310T094642Z_FV01_786.nc"),
    ],
)
def test_the_path_is_the_one_that_aodn_gives_such_a_file(version, expected):
    """The pairs of name and folder are those in AODN's own tests of its pipeline."""
    time = float(np.datetime64("2024-03-10T09:46:42").astype("int64")) + np.array([0.9, 60.0])
    of = batch(2, time=time, profiles=[profile(platform="786")])
    assert output_path(KEY, of, "aodn", version=version) == expected


def test_the_first_level_with_a_time_gives_the_date():
    of = batch(3, time=np.array([np.nan, 1719791999.5, 1714521600.0]))
    assert output_path(KEY, of).startswith("2024/06/")


@pytest.mark.parametrize("time", [np.nan, np.inf, -1e300, 1e18, 7.3e9, -2.3e9])
def test_a_time_that_is_none_is_undated(time):
    of = batch(2, time=np.full(2, time))
    assert output_path(KEY, of) == "undated/MOANA_0001_1_240501_qc.nc"
    assert np.isnan(began(of)).all()
    assert re.search(r"/undated/IMOS_SOOP-FishSOOP_TP_undated_FV01_0001-[0-9a-f]{8}\.nc$", output_path(KEY, of, "aodn"))


def test_a_file_without_levels_is_undated():
    assert output_path(KEY, batch(0)).startswith("undated/")
    assert output_path(KEY, batch(1).take([]), "aodn").startswith("IMOS/SOOP/SOOP-FishSOOP/DELAYED/undated/")


@pytest.mark.parametrize("style", ["plain", "aodn"])
def test_paths_of_two_objects_with_one_name_are_told_apart(style):
    of = batch(3)
    one, other = (output_path(f"{folder}/X.csv", of, style) for folder in "ab")
    assert one == other
    apart = {output_path(f"{folder}/X.csv", of, style, distinct=True) for folder in "ab"}
    assert len({*apart, one}) == 3


@pytest.mark.parametrize("platform", ["", "1/2", "../../x", "a b", "é", "1_2"])
def test_serials_that_cannot_be_written_never_meet(platform):
    paths = {output_path(f"{folder}/X.csv", batch(3, profiles=[profile(platform=platform)]), "aodn") for folder in "ab"}
    assert len(paths) == 2
    assert all(is_plain_path(path) and path.count("/") == 6 for path in paths)


@given(st.text(max_size=300), st.text(max_size=50), st.sampled_from(["plain", "aodn"]), st.booleans())
def test_any_key_gives_a_path_that_may_be_released(key, platform, style, distinct):
    path = output_path(key, batch(1, profiles=[profile(platform=platform)]), style, distinct=distinct)
    assert is_plain_path(path)
    assert is_plain_path(path + ".json")
    assert path.count("/") == (2 if style == "plain" else 6)


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "a/..", "..", ".hidden.csv", " x.csv", "a\\b.csv", "a\nb.csv", "/"]
)
def test_hostile_keys_stay_below_their_folder(key):
    path = output_path(key, batch(1))
    assert is_plain_path(path)
    assert path.startswith("2024/05/")


@given(st.text(min_size=1, max_size=400), st.text(min_size=1, max_size=400))
def test_two_stems_never_meet(one, other):
    one, other = (f"{text.replace('/', '')}x.csv" for text in (one, other))
    assert (safe_stem(one) == safe_stem(other)) == (one == other)


def test_long_stems_are_cut_and_told_apart():
    one, other = (safe_stem("é" * 300 + end + ".csv") for end in "ab")
    assert one != other
    assert len(one.encode()) <= 160


def test_unknown_styles_are_refused():
    with pytest.raises(UsageError):
        output_path(KEY, batch(1), "other")
    with pytest.raises(UsageError):
        output_path(KEY, batch(1), "aodn", version=2)
