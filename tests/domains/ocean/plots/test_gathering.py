"""Gathering within a bound, and names that never meet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.ocean.plots.gathering import Gathering
from bondstore.domains.ocean.plots.places import Names
from bondstore.domains.ocean.profiles import Deployment
from tests.domains.ocean.plots.drawn import START, batch_of, result_of


def test_platforms_are_parted_and_their_profiles_put_in_the_order_of_time() -> None:
    gathering = Gathering()
    later = batch_of((2, 3), begins=[START + 900, START + 500], platforms=("b", "a"))
    earlier = batch_of((4, 1), begins=[START + 100, START + 700], platforms=("a", "b"))
    for batch in (later, earlier):
        gathering.add(batch, result_of(batch, {("spike", "TEMP"): {0: 4}}))
    found = {name: platform.whole() for name, platform in gathering.platforms()}
    assert list(found) == ["a", "b"]
    batch, result = found["a"]
    assert batch.sizes.tolist() == [4, 3]
    assert result.rolled["TEMP"].tolist() == [4, 1, 1, 1, 1, 1, 1]
    assert result.grades.tolist() == [4, 1]
    batch, result = found["b"]
    assert batch.sizes.tolist() == [1, 2]
    assert result.rolled["TEMP"].tolist() == [1, 4, 1]
    assert list(gathering.platforms()) == []


def test_deployments_are_apart_where_they_are_known() -> None:
    batch = batch_of((2, 2, 2))
    days = (None, START, START + 86400)
    profiles = [
        replace(one, deployment=None if day is None else Deployment("v", supplied=day))
        for one, day in zip(batch.profiles, days, strict=True)
    ]
    gathering = Gathering()
    gathering.add(replace(batch, profiles=profiles), result_of(batch))
    assert [name for name, _ in gathering.platforms()] == ["0734", "0734_2024-05-01", "0734_2024-05-02"]


def test_what_is_held_is_bounded_and_doubted_levels_stay() -> None:
    gathering = Gathering(most=1000)
    for _ in range(40):
        batch = batch_of((100,))
        gathering.add(batch, result_of(batch, {("spike", "TEMP"): {51: 4}, ("gap", "PRES"): {77: 3}}))
    ((_, platform),) = gathering.platforms()
    batch, result = platform.whole()
    assert batch.levels <= 1000
    assert platform.share > 1
    assert len(batch) == 40
    assert (result.rolled["TEMP"] == 4).sum() == 40
    assert (result.rolled["PRES"] == 3).sum() == 40
    assert (batch.time[batch.starts] == START).all()
    assert np.isin(5 * 51 + 0.5, batch.pressure)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "A", "b/a", "x_map", "é", "..", ""]), st.sampled_from([".csv", ".nc", ".CSV"]))
    ),
    st.lists(st.sampled_from(["a", "x", "", "../up", "b/a", "unknown"])),
)
def test_no_picture_takes_anothers_place_nor_leaves_the_folder(
    files: list[tuple[str, str]], platforms: list[str]
) -> None:
    names = Names("png")
    given_out = [names.of_profile(stem + suffix, number) for stem, suffix in files for number in range(2)]
    given_out += [names.of_platform(one, what) for one in platforms for what in ("map", "section")]
    assert len(set(given_out)) == len(given_out)
    for path in given_out:
        assert path.endswith(".png")
        assert not PurePosixPath(path).is_absolute()
        assert ".." not in PurePosixPath(path).parts
    assert all("/" not in path for path in given_out[2 * len(files) :])


def test_usual_names() -> None:
    names = Names("svg")
    assert names.of_profile("2024/05/MOANA_0012_qc.nc", 0) == "2024/05/MOANA_0012_qc.svg"
    assert names.of_profile("2024/05/MOANA_0012_qc.nc", 1) == "2024/05/MOANA_0012_qc-2.svg"
    assert names.of_profile("2024/05/MOANA_0012_qc.csv", 0) == "2024/05/MOANA_0012_qc.csv.svg"
    assert names.of_platform("0012", "map") == "0012_map.svg"
