"""Densities against the check values that TEOS-10 publishes with its functions, and where they cannot be had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.seawater import sigma_theta, teos10
from tests.domains.ocean.qc.qartod_cases import NAN, cast

PRESSURE = [10.0, 50.0, 125.0, 250.0, 600.0, 1000.0]
TEMPERATURE = [28.7856, 28.4329, 22.8103, 10.2600, 6.8863, 4.4036]
SALINITY = [34.5487, 34.7275, 34.8605, 34.6810, 34.5680, 34.5600]
ABSOLUTE = [34.711778344814114, 34.891522618230098, 35.025544862476920, 34.847229026189588, 34.736628474576051]
CONSERVATIVE = [28.809919826700281, 28.439227816091140, 22.786176893078498, 10.226189266620782, 6.827213633479988]
SIGMA = [21.797900819337656, 22.052215404397316, 23.892985307893923, 26.667608665972011, 27.107380455119710]


def station() -> Batch:
    return cast(TEMPERATURE, pressure=PRESSURE, salinity=SALINITY, latitude=[4.0] * 6, longitude=[188.0] * 6)


def test_published_check_values() -> None:
    absolute, conservative = teos10(station())
    assert absolute[:5] == pytest.approx(ABSOLUTE, abs=1e-4)  # the atlas of anomalies has been revised since
    assert conservative[:5] == pytest.approx(CONSERVATIVE, abs=1e-5)
    assert sigma_theta(station(), 0.0)[:5] == pytest.approx(SIGMA, abs=1e-3)


def test_a_reference_for_each_level() -> None:
    station_ = station()
    each = sigma_theta(station_, np.array([0.0, 0.0, 1000.0, 1000.0, 0.0, 0.0]))
    assert each[:2].tolist() == sigma_theta(station_, 0.0)[:2].tolist()
    assert each[2:4].tolist() == sigma_theta(station_, 1000.0)[2:4].tolist()
    assert (each[2:4] > sigma_theta(station_, 0.0)[2:4] + 3).all()


def test_what_is_handed_out_may_be_written_to() -> None:
    station_ = station()
    first = sigma_theta(station_, 0.0)
    first[:] = 0.0
    assert (sigma_theta(station_, 0.0) > 20).all()


@pytest.mark.parametrize("name", ["pressure", "temperature", "salinity", "latitude", "longitude"])
@pytest.mark.parametrize("bad", [NAN, np.inf, -np.inf])
def test_a_level_without_what_it_needs_has_no_density_and_harms_no_other(name: str, bad: float) -> None:
    values = getattr(station(), name).copy()
    values[2] = bad
    found = sigma_theta(replace(station(), **{name: values}), 0.0)
    assert np.isnan(found[2])
    assert np.delete(found, 2).tolist() == np.delete(sigma_theta(station(), 0.0), 2).tolist()


@pytest.mark.parametrize("batch", [cast(), cast([1.0, 2.0]), cast([NAN], salinity=[NAN])])
def test_nothing_to_compute_from(batch: Batch) -> None:
    assert np.isnan(sigma_theta(batch, 0.0)).all()


def test_longitudes_of_either_convention_are_the_same_place() -> None:
    west = replace(station(), longitude=np.full(6, -172.0))
    assert sigma_theta(west, 0.0) == pytest.approx(sigma_theta(station(), 0.0), abs=1e-12)
