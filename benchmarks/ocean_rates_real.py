"""How often tests are right on the real files of ``shared/data/ocean``, by the flags that came with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.domains.ocean.qc.moana_made import Cast, batch_of
from tests.domains.ocean.qc.test_moana_shape import smooth

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.reading.netcdf import flags_in

FAILED = (Flag.SUSPECT, Flag.BAD)
JUDGED = (Flag.GOOD, Flag.PROBABLY_GOOD, *FAILED)
OLD = {("spike", "TEMP"): "spike", ("stuck_value", "TEMP"): "stuck_value"}
SPIKES, SIZES = 100, (1.5, 2.0, 4.0, 8.0)

MOANA = """
## Moana's suite on real files

**Real.** A deployment as a deck unit sends it (167 levels, no flags: taken to be good), and a file of the running
FishSOOP chain as AODN publishes it (368 levels; its chain marks 2 temperatures suspect, the first and the last of the
profile, by the defect that the explanation names). The last column is what suite `moana-2024` says, which sets the
flags of that chain with the pandas it pins.
"""
PLANTED = """
## One level off, in smooth profiles

**Synthetic.** {number} profiles of 30 to 400 levels (a thermocline, a slope, a mixed layer above a thermocline, mixed
water; half of them down and up), with noise of 0.002 to 0.01 °C, written to 0.001 °C. In each, one level that is not
the first or last is moved. Found: that level is called suspect. Elsewhere: any other level that the suite calls
suspect or bad, of any variable, in all profiles together. (What reaches 30 °C marks the rest of its profile, by the
range test: that is what 8 °C adds.)
"""
FLAGGED = """
## Moana's tests on the water of Argo floats

**Real.** {files} files of {floats} Argo floats from five data centres, with the flags that stand in them; each test of
suite `moana` by itself, without what the centre says. It was not made for floats: this shows what its tests say of open
water. Flagged 1: what the centre calls good, so that a level called suspect or bad there is a false alarm (impossible
dates are those before 2010, pressures those over 1600 dbar). Flagged 4: how many of them this one test finds; no test
is meant to find all.
"""


def section(folder: Path) -> str:
    """Return the part of the page that is about real files."""
    argo = sorted(folder.glob("argo/*/*.nc"))
    floats = len({path.parent for path in argo})
    parts = [MOANA, *_moana(folder), PLANTED.format(number=SPIKES), *_planted()]
    parts += [FLAGGED.format(files=len(argo), floats=floats), *_against(argo)]
    return "\n".join(parts) + "\n"


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), _row(*("---" for _ in cells))]


def _share(part: int, whole: int) -> str:
    return f"{part} ({100.0 * part / whole:.1f} %)" if whole else "–"


def _moana(folder: Path) -> Iterator[str]:
    files = [*folder.glob("MOANA_*.csv"), *folder.glob("fishsoop/*.nc")]
    batches = [read_any(path.name, path.read_bytes())[0] for path in sorted(files)]
    ours = [evaluate(one, load_suite("moana")) for one in batches]
    theirs = [evaluate(one, load_suite("moana-2024")) for one in batches]
    yield from _head("test", "on", "levels judged", "called suspect or bad", "by the chain of 2024")
    for label, on in ours[0].flags:
        flags = np.concatenate([one.flags[label, on] for one in ours])
        compared = [one.flags[key] for one in theirs for key in one.flags if key == (label, on)]
        chain = int(np.isin(np.concatenate(compared), FAILED).sum()) if compared else "–"
        yield _row(label, on, int(np.isin(flags, JUDGED).sum()), int(np.isin(flags, FAILED).sum()), chain)


def _planted() -> Iterator[str]:
    yield from _head("size", "found by moana", "elsewhere", "found by moana-2024", "elsewhere ")
    for size in SIZES:
        random = np.random.default_rng(SPIKES)
        casts = [smooth(random, number % 4) for number in range(SPIKES)]
        places = np.array([int(random.integers(1, len(one) - 1)) for one in casts])
        for one, place, sign in zip(casts, places, random.choice([-1.0, 1.0], SPIKES), strict=True):
            one.temp[place] += sign * size
        cells = [cell for suite in ("moana", "moana-2024") for cell in _found(casts, places, suite)]
        yield _row(f"{size:g} °C", *cells)


def _found(casts: list[Cast], places: NDArray[np.int64], suite: str) -> tuple[str, int]:
    batch = batch_of(*casts)
    rolled = evaluate(batch, load_suite(suite)).rolled
    planted = batch.starts + places
    found = int(np.isin(rolled["TEMP"][planted], FAILED).sum())
    others = sum(int(np.isin(flags, FAILED).sum()) for flags in rolled.values())
    return _share(found, len(casts)), others - sum(
        int(np.isin(flags[planted], FAILED).sum()) for flags in rolled.values()
    )


def _against(files: list[Path]) -> Iterator[str]:
    counts: Counter[tuple[str, str, str]] = Counter()
    tests = load_suite("moana")
    for path in files:
        data = path.read_bytes()
        batch = read_any(path.name, data)[0]
        theirs = flags_in(data, path.name).rolled
        result = evaluate(replace(batch, source={}), tests)
        for (label, on), flags in result.flags.items():
            _count(counts, label, on, flags, theirs, batch)
    yield from _head("test", "on", "flagged 1: judged", "called suspect or bad", "flagged 4: judged", "found")
    for step in {(one.label, one.on): one for one in tests.steps}.values():
        numbers = [counts[step.label, step.on, what] for what in ("1", "1 failed", "4", "4 failed")]
        if numbers[0] or numbers[2]:
            good, false, bad, found = numbers
            yield _row(step.label, step.on, good, _share(false, good), bad, _share(found, bad))


def _count(
    counts: Counter[tuple[str, str, str]],
    label: str,
    on: str,
    flags: NDArray[np.int8],
    theirs: dict[str, NDArray[np.int8]],
    batch: Batch,
) -> None:
    said = theirs.get(on)
    if said is None or len(said) != batch.levels:
        return
    judged, failed = np.isin(flags, JUDGED), np.isin(flags, FAILED)
    for number in (1, 4):
        counts[label, on, f"{number}"] += int((judged & (said == number)).sum())
        counts[label, on, f"{number} failed"] += int((failed & (said == number)).sum())
