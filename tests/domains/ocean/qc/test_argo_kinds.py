"""Argo tests 15 and 21 to 24: by the list, and where data of that kind is recognised; people's flags are left alone."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from bondstore.domains.ocean.qc.casts import split_casts
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import load_suite
from tests.domains.ocean.qc.argo_cases import BAD, GOOD, SILENT, SUSPECT, Cast, batch, cast, run
from tests.real_ocean import real

PROBABLY = 2
NEAR = "Near-surface sampling: averaged, unpumped [1 dbar average]"
ARVOR = {"platform_type": "ARVOR_D", "vertical_sampling_scheme": NEAR}


def salty(values: list[float], pressure: list[float], **known: str) -> Cast:
    return cast(values, pressure, [35.0] * len(values), known=known)


def test_near_surface_salinity_with_the_pump_off_is_suspect() -> None:
    made = [
        salty([18.0], [1.0], **ARVOR, data_mode="A"),
        salty([18.0], [1.0], **ARVOR, data_mode="D"),
        salty([18.0], [1.0], vertical_sampling_scheme="Near-surface sampling: averaged, pumped []"),
        salty([18.0], [1.0], vertical_sampling_scheme="Primary sampling: averaged []"),
        salty([18.0], [1.0]),
    ]
    assert run("argo.near_surface_salinity", "PSAL", *made) == [SUSPECT, SILENT, SILENT, SILENT, SILENT]


def test_temperatures_of_air_and_water_are_suspect_from_1_dbar_up() -> None:
    pressure = [0.4, 0.5, 0.9, 1.0, 1.1, 4.0]
    spot = {**ARVOR, "vertical_sampling_scheme": "Near-surface sampling: discrete, unpumped []"}
    assert run("argo.near_surface_air", "TEMP", salty([18.0] * 6, pressure, **ARVOR)) == [SUSPECT] * 4 + [GOOD] * 2
    assert run("argo.near_surface_air", "TEMP", salty([18.0] * 6, pressure, **spot)) == [SUSPECT] * 2 + [GOOD] * 4
    assert run("argo.near_surface_air", "PRES", salty([18.0] * 6, pressure, **ARVOR)) == [SILENT] * 6
    apex = {**ARVOR, "platform_type": "APEX"}
    # going up from 5 dbar, steps of 0.5 dbar or more are water; the first one under it is where the float floats
    stuck = salty([18.0] * 6, [0.2, 0.3, 1.0, 2.0, 3.0, 6.0], **apex)
    assert run("argo.near_surface_air", "TEMP", stuck) == [SUSPECT] + [GOOD] * 5
    assert run("argo.near_surface_air", "PRES", stuck) == [SUSPECT] + [GOOD] * 5


def test_near_the_surface_floats_that_sample_often_are_suspect_where_pressure_falls_no_more() -> None:
    """The rule of Coriolis' chain for NAVIS and for APEX by Iridium: its levels lie closer than 0.5 dbar."""
    rising = [0.2, 0.4, 0.6, 1.0, 3.0]
    still = [0.3, 0.3, 0.6, 1.0, 3.0]
    for known in ({"platform_type": "NAVIS_A"}, {"platform_type": "APEX", "positioning_system": "GPS"}):
        made = {**ARVOR, **known}
        for on in ("PRES", "TEMP", "PSAL"):
            assert run("argo.near_surface_air", on, salty([18.0] * 5, rising, **made)) == [GOOD] * 5
            assert run("argo.near_surface_air", on, salty([18.0] * 5, still, **made)) == [SUSPECT] + [GOOD] * 4
    argos = {**ARVOR, "platform_type": "APEX", "positioning_system": "ARGOS"}
    assert run("argo.near_surface_air", "TEMP", salty([18.0] * 5, rising, **argos)) == [SUSPECT] * 3 + [GOOD] * 2
    assert run("argo.near_surface_air", "PSAL", salty([18.0] * 5, rising, **argos)) == [SILENT] * 5


def test_beyond_2000_dbar_deep_floats_are_probably_good_and_their_salinity_suspect() -> None:
    pressure = [1990.0, 2000.0, 2000.1, 3900.0]
    deep = {"platform_type": "ARVOR_D", "data_mode": "R"}
    assert run("argo.deep_float", "TEMP", salty([2.0] * 4, pressure, **deep)) == [GOOD, GOOD, PROBABLY, PROBABLY]
    assert run("argo.deep_float", "PRES", salty([2.0] * 4, pressure, **deep)) == [GOOD, GOOD, PROBABLY, PROBABLY]
    assert run("argo.deep_float", "PSAL", salty([2.0] * 4, pressure, **deep)) == [GOOD, GOOD, SUSPECT, SUSPECT]
    adjusted = {**deep, "data_mode": "A"}
    assert run("argo.deep_float", "PSAL", salty([2.0] * 4, pressure, **adjusted)) == [GOOD, GOOD, PROBABLY, PROBABLY]
    for quiet in ({**deep, "data_mode": "D"}, {"platform_type": "ARVOR"}, {"platform_type": "APEX"}, {}):
        assert run("argo.deep_float", "PSAL", salty([2.0] * 4, pressure, **quiet)) == [SILENT] * 4


@pytest.mark.parametrize("name", ["SOLO_D", "SOLO_D_MRV", "APEX_D", "NINJA_D"])
def test_deep_floats_by_their_type(name: str) -> None:
    made = salty([2.0], [3000.0], platform_type=name)
    assert run("argo.deep_float", "TEMP", made) == [PROBABLY]


def test_salinity_of_rbr_sensors_is_suspect_until_it_is_adjusted() -> None:
    rbr = {"parameters": "TEMP_CNDC NB_SAMPLE_CTD"}
    made = [salty([18.0], [10.0], **rbr, data_mode=mode) for mode in ("R", "A", "D")]
    assert run("argo.rbr_salinity", "PSAL", *made, salty([18.0], [10.0])) == [SUSPECT, SILENT, SILENT, SILENT]


def test_the_exclusion_list_is_for_real_time_data() -> None:
    made = [salty([18.0], [10.0], exclusion_list="PSAL:4", data_mode=mode) for mode in ("R", "A", "D")]
    assert run("argo.exclusion_list", "PSAL", *made) == [BAD, BAD, SILENT]


# --- MEDD: the published answers


@pytest.mark.parametrize("on", ["TEMP", "PSAL"])
def test_medd_gives_the_published_answers_on_every_validation_profile(on: str) -> None:
    """Also of the file that holds two casts end to end (1900615, cycle 9), which is split first."""
    suite = load_suite("argo")
    only = replace(suite, steps=tuple(one for one in suite.steps if one.test.name == "argo.medd"))
    split = 0
    for path in real("medd/*.txt"):
        place = re.search(r"_([0-9.]+)([NS])\.txt$", path.name)
        assert place is not None
        table = np.loadtxt(path, ndmin=2)  # a line that begins with # is a header
        made = batch(
            cast(
                table[:, 1].tolist(),
                table[:, 0].tolist(),
                table[:, 2].tolist(),
                latitude=float(place[1]) * (1 if place[2] == "N" else -1),
                longitude=-150.0,
            )
        )
        split += len(split_casts(made)[0]) - 1
        found = evaluate(made, only).flags["medd", on] == Flag.BAD
        published = table[:, -2 if on == "TEMP" else -1] == 1
        assert found.tolist() == published.tolist(), path.name
    assert split == 1
