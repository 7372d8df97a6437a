"""How often each ocean test is right: ``python -m benchmarks.ocean_rates [--write FILE] [--real FOLDER]``.

Prints tables in Markdown, and with ``--write`` makes docs/explanation/ocean-rates.md of them. What is real and what is
made up is said above each table. Of one seed come always the same numbers.
"""

from __future__ import annotations

import argparse
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gsw
import numpy as np
from numpy.typing import NDArray

from benchmarks.ocean_argo_real import put, section_in
from benchmarks.ocean_faults import (
    NEAR_THE_COAST,
    NOW,
    SEED,
    TEN_DAYS,
    WATERS,
    Cast,
    batch,
    clean,
    faults,
    levels,
)
from benchmarks.ocean_rates_real import section
from bondstore.domains.ocean.profiles import Batch, Earlier
from bondstore.domains.ocean.qc.casts import split_casts
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import Step, load_suite, suite_names

PROFILES = 300
FAILED = (Flag.SUSPECT, Flag.BAD)
JUDGED = (Flag.GOOD, Flag.PROBABLY_GOOD, *FAILED)


def step_of(test: str, on: str) -> Step:
    return next(one for one in load_suite("argo").steps if one.test.name == test and one.on == on)


def alone(made: Batch, step: Step) -> NDArray[np.int8]:
    """A test's flags when it runs by itself, with nothing taken away by tests before it."""
    return step.test.function(made, step.on, **step.thresholds).flags


def share(part: float, whole: float) -> str:
    return f"{100.0 * part / whole:.1f} %" if whole else "–"


def row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def head(*cells: str) -> list[str]:
    return [row(*cells), row(*("---" for _ in cells))]


def falsely(made: Batch) -> list[str]:
    lines = head("test", "on", "levels judged", "called suspect or bad", "profiles with any")
    seen = set()
    for step in load_suite("argo").steps:
        name = (step.label, step.on)
        if name in seen:
            continue
        seen.add(name)
        flags = alone(made, step)
        judged, failed = np.isin(flags, JUDGED), np.isin(flags, FAILED)
        hit = np.bincount(made.owner[failed], minlength=len(made)) > 0
        lines.append(
            row(step.label, step.on, int(judged.sum()), share(failed.sum(), judged.sum()), share(hit.sum(), len(made)))
        )
    return lines


def suites() -> list[str]:
    return [name for name in ("argo", "qartod", "moana") if name in suite_names()]


@dataclass
class Lacking:
    """Faults that their own test finds and the Argo suite is not credited with: how many, and in frozen profiles."""

    every: int = 0
    frozen: int = 0


def truly(casts: Sequence[Cast]) -> tuple[list[str], Lacking]:
    """Each fault: how often its test finds it, what else that test flags, and how often a whole suite finds it."""
    whole = {name: failing(batch(casts), name) for name in suites()}
    frozen, lacking = frozen_without(batch(casts)), Lacking()
    lines = head(
        "fault", "size", "test", "found by it", "good levels it flags", *(f"found by {name}" for name in whole)
    )
    kept: dict[tuple[str, str], dict[str, NDArray[np.bool_]]] = {}
    for fault in faults():
        chance = np.random.default_rng([SEED, zlib.crc32((fault.name + fault.size).encode())])
        broken = [fault.put(one, chance) for one in casts]
        made = batch(broken)
        faulty = np.zeros(made.levels, np.bool_)
        faulty[np.concatenate([one.faulty + start for one, start in zip(broken, made.starts, strict=True)])] = True
        failed = np.isin(alone(made, step_of(fault.test, fault.on)), FAILED)
        kind = (fault.name, fault.size)
        if kind not in kept:
            kept[kind] = {name: profiles(made, failing(made, name) & ~was & faulty) for name, was in whole.items()}
        found = profiles(made, failed & faulty)
        gone = found & ~kept[kind]["argo"]
        lacking.every += int(gone.sum())
        lacking.frozen += int((gone & frozen).sum())
        cells = (mean(found), share((failed & ~faulty).sum(), (~faulty).sum()))
        lines.append(row(fault.name, fault.size, fault.test.partition(".")[2], *cells, *map(mean, kept[kind].values())))
    return lines, lacking


def frozen_without(made: Batch) -> NDArray[np.bool_]:
    """Which profiles test 18 calls frozen within the suite, although none has a fault."""
    result = evaluate(made, load_suite("argo"))
    return profiles(made, np.stack([result.flags["frozen_profile", on] == Flag.BAD for on in ("TEMP", "PSAL")]))


def taken_for_sea() -> int:
    """Of the places near the coast, how many the land test calls good."""
    chance = np.random.default_rng(SEED)
    ashore = [replace(clean(chance), latitude=north, longitude=east) for north, east in NEAR_THE_COAST]
    made = batch(ashore)
    return int((~profiles(made, alone(made, step_of("argo.land", "POSITION")) == Flag.BAD)).sum())


def profiles(made: Batch, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which profiles have a level that is true, in any row of `where`."""
    levels = where if where.ndim == 1 else where.any(axis=0)
    return np.bincount(made.owner[levels], minlength=len(made)) > 0


def mean(where: NDArray[np.bool_]) -> str:
    return share(where.sum(), len(where))


def failing(made: Batch, name: str) -> NDArray[np.bool_]:
    """What a suite calls suspect or bad; a row for each variable."""
    result = evaluate(made, load_suite(name))
    return np.stack([np.isin(flags, FAILED) for flags in result.rolled.values()])


def checked_casts() -> Batch:
    """The three real casts against which gsw checks itself; they carry no flags and are taken to be good."""
    with np.load(Path(gsw.__file__).parent / "tests" / "gsw_cv_v3_0.npz") as found:
        pressure, warm, salt = (np.array(found[f"{name}_chck_cast"], float) for name in ("p", "t", "SP"))
        latitude, longitude = (np.ravel(found[f"{name}_chck_cast"]).astype(float) for name in ("lat", "long"))
    casts = []
    for number in range(pressure.shape[1]):
        keep = np.isfinite(pressure[:, number]) & np.isfinite(warm[:, number]) & np.isfinite(salt[:, number])
        earlier = Earlier(NOW - TEN_DAYS)
        casts.append(
            Cast(
                pressure[keep, number], warm[keep, number], salt[keep, number], float(latitude[number]),
                float((longitude[number] + 180) % 360 - 180), earlier, known={"grey_list": "", "cycle": "1"},
            )
        )  # fmt: skip
    return batch(casts)


def medd(folder: Path) -> list[str]:
    """Against the published validation profiles of MEDD: text files whose last columns are the program's spikes."""
    lines = head("on", "profiles", "levels", "spikes there", "spikes here too", "here and not there")
    casts, spikes = [], []
    for file in sorted(folder.glob("validation_data_*.txt")):
        place = re.search(r"_([0-9.]+)([NS])\.txt$", file.name)
        table = np.loadtxt(file, ndmin=2)
        assert place is not None
        latitude = float(place[1]) * (1 if place[2] == "N" else -1)
        casts.append(Cast(table[:, 0], table[:, 1], table[:, 2], latitude, -150.0, Earlier(0.0)))
        spikes.append(table[:, -2:])
    made, expected = split_casts(batch(casts))[0], np.concatenate(spikes)  # one file holds two casts end to end
    for place_of, on in enumerate(("TEMP", "PSAL")):
        there, here = expected[:, place_of] == 1, alone(made, step_of("argo.medd", on)) == Flag.BAD
        lines.append(row(on, len(casts), made.levels, there.sum(), (there & here).sum(), (here & ~there).sum()))
    return lines


def report(folder: Path | None) -> str:
    chance = np.random.default_rng(SEED)
    casts = [clean(chance) for _ in range(PROFILES)]
    rates, lacking = truly(casts)
    parts = [
        PAGE,
        f"""## False alarms on made-up profiles

**Synthetic.** {PROFILES} profiles of {len(levels())} levels to 2000 dbar from {len(WATERS)} kinds of sea (seed {SEED}):
a mixed layer, an exponential thermocline heaved by 25 dbar (one standard deviation), fine structure, water of other
temperature and salinity but the same density, and 0.001 of noise. None has a fault.

**This water was changed after a first look at the numbers.** With the first kind of made-up water, density inversion
(14) raised a false alarm in 27 % of the profiles, and frozen profile (18) in 10 % (temperature) and 53 % (salinity). It
was judged unrealistic: its fine structure made it unstable, and its deep water was the same in both profiles of a pair.
It was made anew, stable and with deep water that differs, before the numbers below were taken. So these rates tell
mostly how the water was made, and little of how often the tests raise false alarms at sea; the zeros too.
""",
        "\n".join(falsely(batch(casts))),
        CHECKED,
        "\n".join(falsely(checked_casts())),
        FOUND,
        "\n".join(rates),
    ]
    if folder is not None:
        parts += [PUBLISHED, "\n".join(medd(folder / "medd")), section(folder)]
    near = NOTES.format(every=lacking.every, frozen=lacking.frozen, places=len(NEAR_THE_COAST), sea=taken_for_sea())
    return "\n".join(parts) + "\n" + near


PAGE = """# How often the ocean tests are right

Made by `python -m benchmarks.ocean_rates --real FOLDER --write docs/explanation/ocean-rates.md`. The thresholds are
those of the suites that ship. First come the tests of suite `argo` on made-up water, each by itself, with nothing
withheld by the tests before it (the last columns are whole suites); then real files with the flags that came with them.

**The rates of faults found by size are from made-up profiles only**: they say what a test does with a fault of a stated
size, not how often such faults occur at sea.
"""
CHECKED = """
## False alarms on real profiles

**Real, without flags.** The three casts with which gsw checks itself (two from the Pacific, one from the Baltic Sea),
taken to be good. They are few: this shows gross errors only.
"""
FOUND = """
## Faults found

**Synthetic.** The same profiles with one fault each. A fault is found where at least one of its levels is called
suspect or bad; by a suite, where it was not in the profile without the fault. Suites stop at what an earlier test
called bad, and flag any variable. Moana's and QARTOD's were not made for floats, and have no counterpart of some of
these tests.
"""
PUBLISHED = """
## MEDD against its published validation profiles

**Real**, with the flags of the method's own program (github.com/ArgoRTQC/matlab_MEDD, folder `validation_material`,
which is not part of this repository). A file that holds two casts end to end is split first, as the suite does it.
"""
NOTES = """
## What to make of it

- **Spike (9)** is made for gross errors: 6 °C above 500 dbar and 2 °C below. What is smaller is left to MEDD (25), and
  so are two levels that are off together, which the formula cannot see at all: the level beside is as far off.
- **MEDD (25)** finds fewer of the largest spikes in temperature than of smaller ones. A guess at why, which was not
  measured: it wants density to stick out too, and far below the freezing point cold water is about as dense as where it
  is warmer. The table shows that the spike test finds these.
- **Density inversion (14)** calls both levels of a pair bad, as the manual says, also where one of them is sound.
- **Land (4)** knows what lies well inside land: of the {places} places 30 to 60 km inland it takes {sea} for sea.
- **Frozen profile (18)** calls two profiles of quiet water frozen where they are alike by chance. How often that
  happens is set here by how much the made-up water differs between two profiles (0.01 °C in the deep, 0.05 °C
  throughout, one standard deviation). That is a guess, and so the rate is no measure of the test.
- **Sensor drift (16)** looks at the mean of the deepest 100 dbar: an offset under the limit is not its to find.
- A suite is not credited with a level that it calls suspect or bad without the fault too. Over all rows of the table
  together (a profile counts once in each), there are {every} profiles whose fault is found by its own test and not
  credited to the Argo suite; test 18 calls {frozen} of them frozen without the fault.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="write the page here")
    parser.add_argument("--real", type=Path, help="the folder of real ocean files: shared/data/ocean")
    stated = parser.parse_args()
    page = report(stated.real)
    if stated.write:
        if stated.write.exists():  # its section is made by another script, of data that need not be at hand here
            real = section_in(stated.write.read_text("utf-8"))
            page = put(page, real) if real else page
        stated.write.write_text(page, "utf-8")
    print(page)


if __name__ == "__main__":
    main()
