"""Moana tests of place: impossible positions, the maker's workshop, speed, land."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats
from bondstore.domains.ocean.qc.common import KNOT, absent, because, distance, flagged, present
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import any_in, neighbour
from bondstore.domains.ocean.qc.tests import Verdict, test, verdict


@test("moana.impossible_location", "moana-qc, impossible location", "POSITION")
def impossible_location(
    batch: Batch, on: str, *, latitude: tuple[float, float], longitude: tuple[float, float]
) -> Verdict:
    """Flag positions that are none on Earth: outside `latitude` or `longitude`, bounds included in what is good.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    latitude : (float, float)
        Degrees north; -90 and 90 in use.
    longitude : (float, float)
        Degrees east; -180 and 360 in use, which allows both ways of writing it.

    Notes
    -----
    0 is a position. Outside is bad. Source: moana-qc, "Impossible Location" (flags 1, 4).
    """
    with np.errstate(invalid="ignore"):
        bad = (batch.latitude < latitude[0]) | (batch.latitude > latitude[1])
        bad |= (batch.longitude < longitude[0]) | (batch.longitude > longitude[1])
    return verdict(batch, flagged(batch, on, bad=bad))


@test("moana.remove_ref_location", "moana-qc, remove reference location", "POSITION")
def remove_ref_location(batch: Batch, on: str, *, reference: tuple[float, float], radius: float) -> Verdict:
    """Flag positions at the maker's workshop: what was measured there is a test of the sensor, not of the sea.

    Great-circle distance to `reference` under `radius` is bad.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    reference : (float, float)
        Latitude and longitude in degrees; -41.25707, 173.28393 in use.
    radius : float
        Kilometres; 5 in use.

    Notes
    -----
    Source: moana-qc, "Remove Reference Location" (flags 1, 4).
    """
    near = distance(batch.latitude, batch.longitude, *reference) < radius
    return verdict(batch, flagged(batch, on, bad=near))


@test("moana.impossible_speed", "moana-qc, impossible speed", "POSITION")
def impossible_speed(batch: Batch, on: str, *, fastest: float, resolution: float) -> Verdict:
    """Flag positions that cannot be reached from the one before them in time.

    Great-circle distance over ``max(|t(n) - t(n-1)|, resolution)`` above `fastest` is suspect; the later of the two is
    flagged. The one before is the nearest level that has both position and time.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    fastest : float
        Knots; 100 in use.
    resolution : float
        Seconds that a step takes at least: what times are written to (1). Two levels of one second are otherwise
        infinitely fast.

    Notes
    -----
    The first position of a profile has none before it: silent. A position without a time is unevaluated.

    Source: moana-qc, "Impossible Speed" (flag 3). A clock that goes back is a matter of `datetime_increasing`.
    """
    timeless = absent(batch, "TIME") & ~absent(batch, on)
    have = ~absent(batch, "TIME") & ~absent(batch, on)
    kept = present(batch, have)
    flags = flagged(batch, on, unevaluated=timeless)
    before = neighbour(kept, kept.time, -1)
    with np.errstate(invalid="ignore"):
        km = distance(neighbour(kept, kept.latitude, -1), neighbour(kept, kept.longitude, -1), *_place(kept))
        hours = np.maximum(np.abs(kept.time - before), resolution) / 3600
        fast = km / KNOT > fastest * hours
    flags[have] = flagged(kept, on, silent=np.isnan(before), suspect=fast)
    return verdict(batch, flags, because(any_in(batch, timeless), "a position has no time"))


def _place(batch: Batch) -> tuple[Floats, Floats]:
    return batch.latitude, batch.longitude


@test("moana.position_on_land", "moana-qc, position on land", "POSITION")
def position_on_land(batch: Batch, on: str) -> Verdict:
    """Flag positions on land, well away from any shore: suspect.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.

    Notes
    -----
    The mask (see `bondstore.domains.ocean.land`) is coarse, and calls nothing near a shore land. A position that is
    none on Earth is unevaluated.

    Source: moana-qc, "Position on Land" (flags 1, 3; there with a fine mask and 200 m, and not recommended).
    """
    from bondstore.domains.ocean.land import is_land, on_earth

    lost = ~on_earth(batch.latitude, batch.longitude)
    flags = flagged(batch, on, unevaluated=lost, suspect=is_land(batch.latitude, batch.longitude))
    return verdict(batch, flags, because(any_in(batch, flags == Flag.UNEVALUATED), "a position is none on Earth"))
