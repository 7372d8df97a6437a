"""A made-up fleet: twelve dives of four Moana sensors, some with a fault, and the tables that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from demo.moana import SITES, START, dive, moana_csv

LEVELS = 60
DEPLOYMENTS = """\
Moana Serial Number,Vessel ID,Fishing Method,Date Supplied,Date Returned
10,Kereru,bottom trawl,2024-04-20,
11,Toroa,trolling,2024-04-22,2024-06-30
12,Korora,potting,2024-04-20,
"""
"""Which sensor was on which vessel; nothing is known of sensor 13."""
PARTICIPANTS = """\
Company name,Vessel name,Vessel number,Port,Contact name,Contact number
Kererū Fisheries,Kererū,0412,Nelson,Ana Example,0355500101
Toroa Ltd,Toroa,0977,Tauranga,Ben Example,0355500102
Blue Pots,Kororā,1203,Bluff,Cy Example,0355500103
"""
"""What a form tool exports: leading zeros count."""
ABOUT = """\
title = "Temperatures from fishing vessels, May 2024"
description = "Made-up profiles."
licence = "CC-BY-4.0"
licence_url = "https://creativecommons.org/licenses/by/4.0/"
institution = "Quiet Lab"
"""
"""What the landing page says."""
ATTRIBUTES = """\
title = "Temperature profiles from fishing vessels"
institution = "Quiet Lab"
license = "CC-BY-4.0"
project = "Quiet Fleet"
"""
"""What the netCDF files say."""


@dataclass(frozen=True, slots=True)
class Dive:
    """One file.

    Parameters
    ----------
    name : str
        The object's key.
    data : bytes
        As the deck unit wrote it.
    grade : str
        What quality control by suite ``moana`` must say of it.
    """

    name: str
    data: bytes
    grade: str


def fleet(sensors: Sequence[int] = (10, 11, 12, 13), dives: int = 3) -> list[Dive]:
    """Make the files.

    Parameters
    ----------
    sensors : sequence of int
        Serial numbers. The second dive of sensor 10 has a spike, that of 11 a value no sea has; the last file of 12
        breaks off; sensor 13 is in no deployment, so that it is not known whether its gear moves.
    dives : int
        Of each sensor, three days apart.
    """
    return [_dive(serial, number) for serial in sensors for number in range(dives)]


def _dive(serial: int, number: int) -> Dive:
    random = np.random.default_rng((serial, number))
    latitude, longitude = SITES[serial % len(SITES)]
    start = START.timestamp() + 86_400 * 3 * number + 977 * serial
    times = start + 10.0 * np.arange(LEVELS)
    pressure = dive(LEVELS, float(random.uniform(40, 180)))
    below = 1 / (1 + np.exp((pressure - 60) / 20))
    temperature = np.round(12 + (latitude + 34) * 0.4 + 5 * below - 0.008 * pressure + random.normal(0, 0.004), 3)
    drift = np.zeros(LEVELS) if serial == 12 else np.linspace(0, 0.01, LEVELS)  # pots stand still
    grade = "not_evaluated" if serial == 13 else "good"
    if (serial, number) == (10, 1):
        temperature[20] += 9
        grade = "suspect"
    if (serial, number) == (11, 1):
        temperature[40] = 41
        grade = "bad"
    moment = datetime.fromtimestamp(float(times[-1]) + 600, UTC)
    data = moana_csv(
        serial=str(serial),
        times=times.tolist(),
        lat=(latitude + drift).tolist(),
        lon=(longitude + drift).tolist(),
        pressure=pressure.tolist(),
        temperature=temperature.tolist(),
        dialect=1 if serial % 2 else 2,
        download=moment,
        truncated=(serial, number) == (12, 2),
        quirks=("mixed-ends",),
    )
    return Dive(f"{moment:%Y/%m}/MOANA_{serial:04d}_{number + 1}_{moment:%y%m%d%H%M%S}.csv", data, grade)
