"""MEDD against plain loops written from its specification, and as Argo's test 25."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bondstore.domains.ocean.qc import medd, medd_windows
from bondstore.domains.ocean.qc.medd import CurveSettings, curve, doubtful, envelope, outliers, spikes
from bondstore.domains.ocean.qc.medd_windows import Levels
from tests.domains.ocean.qc.argo_cases import BAD, GOOD, MISSING, NAN, UNEVALUATED, Cast, batch, cast, run, thresholds

Row = list[float]
NAMES = (
    "zones",
    "windows",
    "bands",
    "gradients",
    "reversals",
    "near_value",
    "near_pressure",
    "deep",
    "extent",
    "scale",
)


def settings_of(on: str) -> CurveSettings:
    stated = thresholds("argo.medd", "PSAL" if on == "PSAL" else "TEMP")
    kept = {name: stated[name] for name in NAMES}
    if on == "DENS":
        kept |= {
            "gradients": stated["density_gradients"],
            "reversals": stated["density_reversals"],
            "extent": stated["density_extent"],
        }
    return CurveSettings(
        **kept,
        rising=stated["rising"] if on == "TEMP" else None,
        falling=stated["falling_density"] if on == "DENS" else None,
        edge=stated["edge"] if on == "TEMP" else None,
    )


def band_of(bands: tuple[float, ...], pressure: float) -> int:
    return sum(pressure >= edge for edge in bands)


def slow_gradients(p: Row, v: Row) -> Row:
    found = [NAN]
    for n in range(1, len(p)):
        change, depth = v[n] - v[n - 1], p[n] - p[n - 1]
        found.append(0.0 if abs(change) < 0.01 and abs(depth) < 5 else change / depth)
    return [found[1], *found[1:]]


def slow_doubtful(p: Row, g: Row, s: CurveSettings) -> list[bool]:
    out = [False] * len(p)
    for n in range(1, len(p) - 1):
        here, after = s.reversals[band_of(s.bands, p[n])], s.reversals[band_of(s.bands, p[n + 1])]
        out[n] = abs(g[n]) > here and abs(g[n + 1]) > after and (g[n] > 0) != (g[n + 1] > 0)
    out[0] = out[1]
    for n, change in enumerate(g):
        out[n] |= abs(change) > s.gradients[band_of(s.bands, p[n])]
        out[n] |= s.rising is not None and change > s.rising
        out[n] |= s.falling is not None and change < s.falling
    return out


def slow_window(p: float, s: CurveSettings) -> float:
    if p < s.zones[0]:
        return s.windows[0]
    for n in range(3):
        if s.zones[n] <= p < s.zones[n + 1]:
            return s.windows[n] + (s.windows[n + 1] - s.windows[n]) * ((p - s.zones[n]) / (s.zones[n + 1] - s.zones[n]))
    return s.windows[3]


def slow_curve(p: Row, v: Row, s: CurveSettings) -> Row:
    """One level after the other, for strictly increasing pressures."""
    last = len(p) - 1
    g = slow_gradients(p, v)
    out = slow_doubtful(p, g, s)
    median, itself = [NAN] * len(p), [False] * len(p)
    for n in range(len(p)):
        reach = math.ceil(slow_window(p[n], s) / 2) + 1
        near = [m for m in range(len(p)) if abs(p[m] - p[n]) < reach and not out[m]]
        above, below = [m for m in near if m < n], [m for m in near if m > n]
        few = min(len(above), len(below))
        if few:
            near = above[len(above) - few :] + ([n] if n in near else []) + below[:few]
        near = near or [n]
        if len(near) % 2 == 0:
            near = [near[0], *near]
        median[n] = statistics.median([v[m] for m in near])
        if out[n]:
            continue
        if n > 0 and not out[n - 1] and n in near[-2:]:
            itself[n] = True
        steep = s.edge is not None and g[n] > s.edge
        if n < last and not out[n + 1] and n in near[:2] and not steep:
            itself[n] = True
        if p[n] >= s.deep:
            shallow = [m for m in range(len(p)) if p[m] < s.deep]
            slope = (v[n] - v[shallow[-1]]) / (p[n] - p[shallow[-1]]) if shallow else 0.0
            far = abs(slope) > s.gradients[band_of(s.bands, p[n])]
            itself[n] = not far
            if far:
                median[n] = median[shallow[-1]]
    drawn = [v[n] if itself[n] else median[n] for n in range(len(p))]
    kept = [n for n in range(len(p)) if not out[n]]
    for n in range(len(p)):
        if out[n]:
            earlier = [m for m in kept if m < n]
            drawn[n] = drawn[earlier[-1] if earlier else kept[0] if kept else 0]
    return drawn


def slow_outliers(p: Row, v: Row, drawn: Row, distance: Row, s: CurveSettings) -> tuple[list[bool], Row]:
    """With every point between the levels written out; and how near each value is to a bound."""
    width = min(max(max(drawn) - min(drawn), s.extent[0]), s.extent[1])
    y = [one * width / s.scale for one in p]
    found, margin = [], []
    for n in range(len(p)):
        d = distance[n] * width
        points = list(zip(drawn, y, strict=True))
        for k in range(len(p) - 1):
            dx, dy = drawn[k + 1] - drawn[k], y[k + 1] - y[k]
            steps = max(math.floor(math.hypot(dx, dy) / d - 0.2), 0) + 1
            points += [(drawn[k] + dx * m / steps, y[k] + dy * m / steps) for m in range(1, steps)]
        arms = [(x, math.sqrt(d * d - (y[n] - at) ** 2)) for x, at in points if (y[n] - at) ** 2 <= d * d]
        high, low = max(x + arm for x, arm in arms), min(x - arm for x, arm in arms)
        found.append(v[n] > high or v[n] < low)
        margin.append(min(abs(v[n] - high), abs(v[n] - low)))
    return found, margin


def levels_of(made: list[tuple[Row, Row]]) -> Levels:
    sizes = np.array([len(p) for p, _ in made], np.int64)
    ends = np.cumsum(sizes)
    return Levels(
        np.repeat(ends - sizes, sizes), np.repeat(ends, sizes), np.array([one for p, _ in made for one in p], float),
        np.array([one for _, v in made for one in v], float),
    )  # fmt: skip


@st.composite
def profiles(draw: st.DrawFn) -> tuple[Row, Row]:
    """A smooth profile, with steps and spikes of any size."""
    size = draw(st.integers(6, 40))
    steps = draw(
        st.lists(st.sampled_from([0.5, 2.0, 5.0, 14.0, 28.0, 50.0, 56.0, 100.0, 180.0]), min_size=size, max_size=size)
    )
    pressure = np.cumsum(steps)
    top, scale = draw(st.floats(0, 28)), draw(st.sampled_from([50.0, 300.0, 1000.0]))
    values = top * np.exp(-pressure / scale) + 2.0
    for _ in range(draw(st.integers(0, 4))):
        values[draw(st.integers(0, size - 1))] += draw(st.sampled_from([-6.0, -1.0, -0.2, 0.05, 0.5, 3.0, 9.0]))
    return pressure.tolist(), np.round(values, 3).tolist()


@given(st.lists(profiles(), min_size=1, max_size=4), st.sampled_from(["TEMP", "PSAL", "DENS"]))
@settings(max_examples=50, deadline=None)
def test_the_curve_and_the_outliers_are_those_of_loops(made: list[tuple[Row, Row]], on: str) -> None:
    how, levels = settings_of(on), levels_of(made)
    drawn = curve(levels, how)
    slow = [slow_curve(p, v, how) for p, v in made]
    assert drawn.tolist() == [one for row in slow for one in row]
    distance = np.array([0.15, 0.15, 0.1, 0.1])[np.searchsorted(how.zones[1:], levels.pressure, side="right")]
    found, margins, at = [], [], 0
    for (p, v), row in zip(made, slow, strict=True):
        flags, margin = slow_outliers(p, v, row, distance[at : at + len(p)].tolist(), how)
        at += len(p)
        found += flags
        margins += margin
    assume(min(margins) > 1e-9)  # a tie is decided by rounding
    assert outliers(levels, drawn, distance, how).tolist() == found
    assert spikes(levels, distance, how).tolist() == found


@given(
    st.lists(profiles(), min_size=1, max_size=6),
    st.sampled_from(["TEMP", "PSAL", "DENS"]),
    st.sampled_from([1, 50, 1000]),
    st.sampled_from([0, 1, 12]),
)
@settings(max_examples=50, deadline=None)
def test_no_shortcut_changes_what_is_found(made: list[tuple[Row, Row]], on: str, block: int, doublings: int) -> None:
    """Profiles are spared the curve only where it finds nothing, however many are worked on at once."""
    how, levels = settings_of(on), levels_of(made)
    distance = np.array([0.15, 0.08, 0.04, 0.01])[np.searchsorted(how.zones[1:], levels.pressure, side="right")]
    drawn = curve(levels, how)
    expected = outliers(levels, drawn, distance, how)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medd, "BLOCK", block)
        patch.setattr(medd_windows, "DOUBLINGS", doublings)
        least, most = envelope(levels, how)
        assert (least <= drawn).all()
        assert (drawn <= most).all()
        assert not (expected & ~doubtful(levels, distance, how)).any()
        assert spikes(levels, distance, how).tolist() == expected.tolist()


def test_smooth_profiles_are_spared_and_none_other_with_them() -> None:
    p = [10.0 * n for n in range(1, 101)]
    smooth = [22.0 * math.exp(-one / 200) + 3.0 for one in p]
    levels = levels_of([(p, smooth), (p, spiked(smooth, 40, 5.0)), (p, smooth)])
    assert (
        doubtful(levels, np.full(300, 0.1), settings_of("TEMP")).tolist()
        == [False] * 100 + [True] * 100 + [False] * 100
    )


@pytest.mark.parametrize("at_1900", [3.0, 6.0])
def test_deep_levels_too_far_from_the_last_above_take_its_median(at_1900: float) -> None:
    p = [*np.arange(1000.0, 1900.0, 50.0).tolist(), 1900.0, 2000.0, 2150.0, 2300.0]
    v = [*[3.0] * 18, at_1900, 5.0, 5.0, 5.0]
    how, levels = settings_of("TEMP"), levels_of([(p, v)])
    assert curve(levels, how).tolist() == slow_curve(p, v, how)
    assert curve(levels, how)[-1] == 3.0


def test_a_window_ends_before_its_reach() -> None:
    """110 dbar wide near the surface: levels 56 dbar off are outside, those 55.9 dbar off inside."""
    how = settings_of("PSAL")
    for gap in (55.9, 56.0):
        p = [gap * n for n in range(1, 7)]
        v = [35.0, 35.2, 35.1, 35.3, 35.0, 35.2]
        assert curve(levels_of([(p, v)]), how).tolist() == slow_curve(p, v, how)


def test_parts_of_any_size_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(4)
    made = [(np.cumsum(chance.uniform(1, 40, 60)).tolist(), chance.normal(10, 3, 60).tolist()) for _ in range(5)]
    how, levels = settings_of("TEMP"), levels_of(made)
    drawn, distance = curve(levels, how), np.full(300, 0.02)
    whole = outliers(levels, drawn, distance, how)
    monkeypatch.setattr(medd, "PAIRS", 7)
    assert whole.any()
    assert outliers(levels, drawn, distance, how).tolist() == whole.tolist()


PRESSURE = [10.0 * n for n in range(1, 31)]
WARM = [20.0 - 0.02 * p for p in PRESSURE]
SALT = [35.5 - 0.002 * p for p in PRESSURE]


def spiked(row: Row, at: int, by: float) -> Row:
    return [*row[:at], row[at] + by, *row[at + 1 :]]


def test_a_burst_is_found_where_the_spike_test_finds_nothing() -> None:
    warm = spiked(spiked(WARM, 14, 5.0), 15, 5.0)
    made = cast(warm, PRESSURE, SALT)
    assert BAD not in run("argo.spike", "TEMP", made)
    assert [n for n, flag in enumerate(run("argo.medd", "TEMP", made)) if flag == BAD] == [14, 15]
    assert BAD not in run("argo.medd", "PSAL", made)


def test_a_spike_in_temperature_needs_one_in_density() -> None:
    """Salinity that makes up for the temperature: spice, not a spike."""
    made = cast(spiked(WARM, 14, 5.0), PRESSURE, spiked(SALT, 14, 1.65))
    assert run("argo.medd", "TEMP", made) == [GOOD] * 30
    assert BAD in run("argo.medd", "TEMP", cast(spiked(WARM, 14, 5.0), PRESSURE, SALT))


@pytest.mark.parametrize(
    ("latitude", "by", "flag"),
    [(-40.0, 2.5, BAD), (-40.0, 2.0, GOOD), (5.0, 2.5, GOOD), (10.0, 2.5, GOOD), (10.1, 2.5, BAD), (-10.1, 2.5, BAD)],
)
def test_temperature_alone_has_distances_of_its_own(latitude: float, by: float, flag: int) -> None:
    """Above 160 dbar the bound lies 0.22 of 4 degrees from the curve, near the equator 0.6; the curve slopes."""
    made = cast(spiked(WARM[:15], 7, by), PRESSURE[:15], latitude=latitude)
    assert run("argo.medd", "TEMP", made)[7] == flag


def test_little_and_nothing() -> None:
    assert run("argo.medd", "TEMP", cast(WARM[:5], PRESSURE[:5])) == [UNEVALUATED] * 5
    assert run("argo.medd", "TEMP", cast(WARM[:6], PRESSURE[:6])) == [GOOD] * 6
    assert run("argo.medd", "TEMP", cast([*WARM[:5], NAN], PRESSURE[:6])) == [*[UNEVALUATED] * 5, MISSING]
    assert run("argo.medd", "TEMP", cast(WARM[:7], [*PRESSURE[:6], NAN])) == [*[GOOD] * 6, UNEVALUATED]
    assert run("argo.medd", "TEMP", cast([NAN] * 8), cast(), cast([1.0])) == [*[MISSING] * 8, UNEVALUATED]
    assert run("argo.medd", "TEMP", cast(WARM, PRESSURE, latitude=NAN)) == [UNEVALUATED] * 30
    assert run("argo.medd", "PSAL", cast(WARM, PRESSURE)) == [MISSING] * 30


def test_the_order_of_levels_does_not_matter() -> None:
    made = cast(spiked(WARM, 14, 5.0), PRESSURE, SALT)
    turned = Cast(made.pressure[::-1], made.temperature[::-1], made.salinity[::-1])
    assert run("argo.medd", "TEMP", turned) == run("argo.medd", "TEMP", made)[::-1]


@given(st.lists(st.tuples(profiles(), st.booleans()), min_size=1, max_size=4), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_no_profile_sees_another(made: list[tuple[tuple[Row, Row], bool]], turn: int) -> None:
    casts = [cast(v, p, [35.0 - one / 30 for one in v] if salty else None) for (p, v), salty in made]
    alone = [run("argo.medd", "TEMP", one) for one in casts]
    turned = casts[turn % len(casts) :] + casts[: turn % len(casts)]
    expected = alone[turn % len(casts) :] + alone[: turn % len(casts)]
    assert run("argo.medd", "TEMP", *turned) == [flag for row in expected for flag in row]


def test_values_and_pressures_of_any_size_end_quickly() -> None:
    chance = np.random.default_rng(1)
    huge = (chance.choice([-1.0, 1.0], 200) * 10.0 ** chance.integers(-300, 300, 200)).tolist()
    made = batch(cast(huge, huge[::-1], huge), cast([1.0, 1e308] * 30, [1.0] * 60))
    from bondstore.domains.ocean.qc.suite import all_tests

    flags = all_tests()["argo.medd"].function(made, "TEMP", **thresholds("argo.medd", "TEMP")).flags
    assert set(flags.tolist()) <= {GOOD, BAD}
