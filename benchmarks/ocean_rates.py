"""How often each Argo test is right: ``python -m benchmarks.ocean_rates [--write FILE] [--medd FOLDER]``.

Prints tables in Markdown, and with ``--write`` makes docs/explanation/ocean-rates.md of them. What is real and what is
made up is said above each table. Of one seed come always the same numbers.
"""

from __future__ import annotations

import argparse
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import gsw
import numpy as np
from numpy.typing import NDArray

from benchmarks.ocean_faults import NOW, SEED, TEN_DAYS, WATERS, Cast, batch, clean, faults, levels
from bondstore.domains.ocean.profiles import Batch, Earlier
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


def truly(casts: Sequence[Cast]) -> list[str]:
    """Each fault: how often its test finds it, what else that test flags, and how often a whole suite finds it."""
    whole = {name: failing(batch(casts), name) for name in suites()}
    lines = head(
        "fault", "size", "test", "found by it", "good levels it flags", *(f"found by {name}" for name in whole)
    )
    kept: dict[tuple[str, str], list[str]] = {}
    for fault in faults():
        chance = np.random.default_rng([SEED, zlib.crc32((fault.name + fault.size).encode())])
        broken = [fault.put(one, chance) for one in casts]
        made = batch(broken)
        faulty = np.zeros(made.levels, np.bool_)
        faulty[np.concatenate([one.faulty + start for one, start in zip(broken, made.starts, strict=True)])] = True
        failed = np.isin(alone(made, step_of(fault.test, fault.on)), FAILED)
        kind = (fault.name, fault.size)
        if kind not in kept:
            kept[kind] = [in_profiles(made, failing(made, name) & ~was & faulty) for name, was in whole.items()]
        cells = (in_profiles(made, failed & faulty), share((failed & ~faulty).sum(), (~faulty).sum()))
        lines.append(row(fault.name, fault.size, fault.test.partition(".")[2], *cells, *kept[kind]))
    return lines


def in_profiles(made: Batch, where: NDArray[np.bool_]) -> str:
    """Share of profiles with a level that is true, in any row of `where`."""
    levels = where if where.ndim == 1 else where.any(axis=0)
    return share((np.bincount(made.owner[levels], minlength=len(made)) > 0).sum(), len(made))


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
    made, expected = batch(casts), np.concatenate(spikes)
    for place_of, on in enumerate(("TEMP", "PSAL")):
        there, here = expected[:, place_of] == 1, alone(made, step_of("argo.medd", on)) == Flag.BAD
        lines.append(row(on, len(casts), made.levels, there.sum(), (there & here).sum(), (here & ~there).sum()))
    return lines


def report(folder: Path | None) -> str:
    chance = np.random.default_rng(SEED)
    casts = [clean(chance) for _ in range(PROFILES)]
    parts = [
        PAGE,
        f"""## False alarms on made-up profiles

**Synthetic.** {PROFILES} profiles of {len(levels())} levels to 2000 dbar from {len(WATERS)} kinds of sea (seed {SEED}):
a mixed layer, an exponential thermocline heaved by 25 dbar (one standard deviation), fine structure, water of other
temperature and salinity but the same density, and 0.001 of noise. None has a fault.
""",
        "\n".join(falsely(batch(casts))),
        CHECKED,
        "\n".join(falsely(checked_casts())),
        FOUND,
        "\n".join(truly(casts)),
    ]
    if folder is not None:
        parts += [PUBLISHED, "\n".join(medd(folder))]
    return "\n".join(parts) + "\n" + NOTES


PAGE = """# How often the Argo tests are right

Made by `python -m benchmarks.ocean_rates --write docs/explanation/ocean-rates.md`. The thresholds are those of the
suite `argo`. Each test runs by itself here, with nothing withheld by the tests before it; the last columns are whole
suites.

No package that can be installed ships profiles with flags set by people, so **the rates of faults found are from
made-up profiles only**: they say what a test does with a fault of a stated size, not how often such faults occur at
sea.
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
which is not part of this repository), for those of its files that were at hand: `--medd FOLDER`.
"""
NOTES = """
## What to make of it

- **Spike (9)** is made for gross errors: 6 °C above 500 dbar and 2 °C below. What is smaller is left to MEDD (25), and
  so are two levels that are off together, which the formula cannot see at all: the level beside is as far off.
- **MEDD (25)** finds fewer of the largest spikes in cold water than of smaller ones: it wants density to stick out too,
  and water at -9 °C would be about as dense as at 2 °C. Those fall to the spike test and the global range.
- **Density inversion (14)** calls both levels of a pair bad, as the manual says. One of them is usually sound.
- **Land (4)** knows what lies well inside land: of the six places 30 to 60 km inland it takes one for sea.
- **Frozen profile (18)** calls two profiles of quiet water frozen where they are alike by chance. How often that
  happens is set here by how much the made-up water differs between two profiles (0.01 °C in the deep, 0.05 °C
  throughout, one standard deviation), which is a guess. Its limit for salinity, 0.004 on average, is close to what such
  water does.
- **Sensor drift (16)** looks at the mean of the deepest 100 dbar: an offset under the limit is not its to find.
- A suite is not credited with a level that it calls bad without the fault too: the 1 to 5 % that the Argo suite lacks
  are the profiles that test 18 calls frozen.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="write the page here")
    parser.add_argument("--medd", type=Path, help="folder of MEDD's validation files")
    stated = parser.parse_args()
    page = report(stated.medd)
    if stated.write:
        stated.write.write_text(page, "utf-8")
    print(page)


if __name__ == "__main__":
    main()
