"""Five QARTOD tests over 10,000 profiles, against ioos_qc called profile by profile: ``python -m benchmarks.ocean_qc``.

Both test the same profiles in the same process; flags are compared one by one, and what differs is listed with the rule
that decides. ioos_qc takes densities ready made: what gsw takes for them is a row of its own, for both. Then growth,
from 1,000 to 100,000 profiles in batches, densities and all, each size in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import peak_memory
from bondstore.domains.ocean.profiles import Batch, Header, Profile
from bondstore.domains.ocean.qc.qartod import location
from bondstore.domains.ocean.qc.qartod_change import rate_per_second
from bondstore.domains.ocean.qc.qartod_values import gross_range, spike
from bondstore.domains.ocean.qc.qartod_water import density_inversion
from bondstore.domains.ocean.qc.seawater import sigma_theta

PROFILES, LEVELS, BATCH = 10_000, 180, 1_000
SIZES = (1_000, 10_000, 100_000)
SENSOR, OPERATOR = (-2.0, 40.0), (0.0, 30.0)
LOW, HIGH, RATE, FALL, FAR = 0.5, 2.0, 0.1, 0.03, 20.0
RULES = {
    ("rate of change", 0, 1): "the first level has no rate: silent, not good",
    ("rate of change", 5, 1): "after a missing value there is no rate: not evaluated, not good",
    ("rate of change", 1, 3): "the time between two levels is taken as it is, not cut to whole seconds",
    ("density inversion", 5, 9): "a value that is there is not missing: not evaluated",
    ("density inversion", 4, 9): "a value that is there is not missing, and lies on lighter water",
    ("density inversion", 5, 1): "beside a level without density: not evaluated, not good",
    ("location", 1, 4): "longitudes of 180 to 360 are places, where the suite says so",
    ("location", 3, 4): "longitudes of 180 to 360 are places, where the suite says so; this one was displaced",
}
"""By test, our flag and theirs."""
SAME = {(0, 2), (5, 2)}
"""Theirs has one number for a level that the test is silent on and for one that it could not evaluate."""


def make(first: int, number: int) -> Batch:
    """Profiles number `first` and on: a thermocline, noise, spikes, gaps, jumps; some across the date line."""
    random = np.random.default_rng(first)
    shape = (number, LEVELS)
    pressure = np.arange(LEVELS) * 1.0 + random.random(shape) * 0.2
    temperature = 8 + 12 / (1 + np.exp((pressure - 60) / 9)) + 0.02 * random.standard_normal(shape)
    salinity = 35.4 - temperature / 40 + 0.002 * random.standard_normal(shape)
    temperature[random.random(shape) < 0.004] += 4.0
    temperature[random.random(shape) < 0.0004] += 60.0
    temperature[random.random(shape) < 0.002] = np.nan
    steps = random.choice([4.0, 4.0, 4.0, 4.75], shape)
    latitude = -41 + np.cumsum(random.random(shape) * 1e-4, axis=1)
    latitude[random.random(shape) < 0.0005] += 1.0
    longitude = random.choice([172.0, 178.0, 181.0], (number, 1)) + random.random(shape) * 1e-4
    header = Header("columns")
    return Batch(
        [Profile(f"{first + one}.csv", str(first + one), header) for one in range(number)],
        np.full(number, LEVELS),
        (1.7e9 + np.cumsum(steps, axis=1)).ravel(),
        latitude.ravel(),
        longitude.ravel(),
        pressure.ravel(),
        temperature.ravel(),
        salinity.ravel(),
    )


def ours() -> dict[str, Callable[[Batch], NDArray[np.int8]]]:
    """Our five, each over a whole batch."""
    wide = {"latitudes": (-90.0, 90.0), "longitudes": (-180.0, 360.0), "range_max": FAR}
    return {
        "gross range": lambda one: gross_range(one, "TEMP", sensor_span=SENSOR, operator_span=OPERATOR).flags,
        "spike": lambda one: spike(one, "TEMP", low=LOW, high=HIGH).flags,
        "rate of change": lambda one: rate_per_second(one, "TEMP", threshold=RATE).flags,
        "density inversion": lambda one: density_inversion(one, "TEMP", tolerance=FALL).flags,
        "location": lambda one: location(one, "POSITION", **wide).flags,
    }


def densities(one: Batch, rows: slice) -> Any:
    """Sigma-theta of one profile, as who calls ioos_qc must make it."""
    import gsw

    salinity, pressure = one.salinity[rows], one.pressure[rows]  # type: ignore[index]
    absolute = gsw.SA_from_SP(salinity, pressure, one.longitude[rows], one.latitude[rows])
    return gsw.sigma0(absolute, gsw.CT_from_t(absolute, one.temperature[rows], pressure))


def theirs(sigma: NDArray[np.float64]) -> dict[str, Callable[[Batch, slice], Any]]:
    """Their five, each over one profile; densities are given."""
    from ioos_qc import qartod as ioos

    return {
        "gross range": lambda one, rows: ioos.gross_range_test(one.temperature[rows], SENSOR, OPERATOR),
        "spike": lambda one, rows: ioos.spike_test(one.temperature[rows], LOW, HIGH),
        "rate of change": lambda one, rows: ioos.rate_of_change_test(one.temperature[rows], one.time[rows], RATE),
        "density inversion": lambda one, rows: ioos.density_inversion_test(
            sigma[rows], one.pressure[rows], fail_threshold=-FALL
        ),
        "location": lambda one, rows: ioos.location_test(one.longitude[rows], one.latitude[rows], FAR * 1000),
    }


def per_profile(batch: Batch, call: Callable[[Batch, slice], Any]) -> NDArray[Any]:
    """Call a test of theirs for each profile."""
    spans = [slice(start, start + size) for start, size in zip(batch.starts, batch.sizes, strict=True)]
    return np.concatenate([np.ma.filled(call(batch, rows), 9) for rows in spans])


def timed(call: Callable[[], Any], times: int) -> tuple[float, Any]:
    """Return the least of some times, in seconds, and what the call returned."""
    best, result = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - start)
    return best, result


def compare(profiles: int) -> None:
    """Print the five, ours against theirs."""
    batch = make(0, profiles)
    sigma_theta(make(0, 1), 0.0)  # gsw is loaded once, for either
    print(f"{profiles:,} profiles of {LEVELS} levels; ours over one batch, ioos_qc profile by profile.\n")
    print("| test | ours | ioos_qc | ratio | levels that differ |\n|---|---|---|---|---|")
    apart: Counter[tuple[str, int, int]] = Counter()
    spent = [0.0, 0.0]
    mine_gsw, _ = timed(lambda: sigma_theta(_fresh(batch), 0.0), 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        their_gsw, sigma = timed(lambda: per_profile(batch, densities), 1)
        for name, call in theirs(sigma).items():
            mine, flags = timed(lambda name=name: ours()[name](batch), 3)
            other, found = timed(lambda call=call: per_profile(batch, call), 1)
            pairs = Counter(zip(flags.tolist(), found.tolist(), strict=True))
            differ = {pair: n for pair, n in pairs.items() if pair[0] != pair[1] and pair not in SAME}
            apart.update({(name, *pair): n for pair, n in differ.items()})
            spent = [spent[0] + mine, spent[1] + other]
            print(_row(name, mine, other, f"{sum(differ.values()):,}"), flush=True)
    print(_row("all five", *spent, f"{sum(apart.values()):,}"))
    print(_row("densities by gsw", mine_gsw, their_gsw, ""))
    print(_row("all five and densities", spent[0] + mine_gsw, spent[1] + their_gsw, "") + "\n")
    print("| test | ours | ioos_qc | levels | the rule that decides |\n|---|---|---|---|---|")
    for key, number in sorted(apart.items()):
        print(f"| {key[0]} | {key[1]} | {key[2]} | {number:,} | {RULES.get(key, 'NONE KNOWN')} |")


def _row(name: str, mine: float, other: float, differ: str) -> str:
    return f"| {name} | {mine:.3f} s | {other:.2f} s | {other / mine:.0f} × | {differ} |"


def _fresh(batch: Batch) -> Batch:
    """The same columns in a batch that remembers nothing of an earlier call."""
    return Batch(*(getattr(batch, name) for name in batch.__dataclass_fields__))


def batches(profiles: int) -> Iterator[Batch]:
    """Make profiles batch by batch."""
    for first in range(0, profiles, BATCH):
        yield make(first, min(BATCH, profiles - first))


def grow(profiles: int) -> None:
    """Test profiles batch by batch; print seconds without their making, and peak memory in MB."""
    spent, levels = 0.0, 0
    tests = ours().values()
    for batch in batches(profiles):
        start = time.perf_counter()
        levels += sum(len(test(batch)) for test in tests) // len(tests)
        spent += time.perf_counter() - start
    if levels != profiles * LEVELS:
        raise RuntimeError("Levels were lost.")
    print(spent, peak_memory())


def main() -> None:
    """Print the tables."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--profiles", type=int, default=PROFILES)
    words.add_argument("--grow", type=int, help=argparse.SUPPRESS)
    chosen = words.parse_args()
    if chosen.grow:
        grow(chosen.grow)
        return
    compare(chosen.profiles)
    print(f"\nGrowth, in batches of {BATCH:,} profiles; each size is a process of its own.\n")
    print("| profiles | five tests | a profile | peak |\n|---|---|---|---|")
    for size in SIZES:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.ocean_qc", "--grow", str(size)],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds, peak = (float(word) for word in done.stdout.split())
        print(f"| {size:,} | {seconds:.2f} s | {seconds / size * 1e6:.1f} µs | {peak:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
