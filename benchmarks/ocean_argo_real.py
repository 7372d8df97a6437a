"""What data centres flagged in real Argo files, and what the tests say of the same levels.

``python -m benchmarks.ocean_argo_real FOLDER [--list FILE] [--write FILE]`` prints the section in Markdown; with
``--write`` it takes the place of that section in docs/explanation/ocean-rates.md. The tests do not know the files'
flags here.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from bondstore.domains.ocean.cycles import CycleIndex, FilesBefore
from bondstore.domains.ocean.profiles import Batch, joined
from bondstore.domains.ocean.qc.evaluate import Result, evaluate
from bondstore.domains.ocean.qc.flags import Flag, flag_word, of_source
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.service import Asked
from bondstore.domains.ocean.write import Maker
from bondstore.ledger import Item

HEADING = "## Argo: real files against their centres' flags"
VARIABLES = ("TIME", "POSITION", "PRES", "TEMP", "PSAL")
FAILED = (Flag.SUSPECT, Flag.BAD)
PASSED = (Flag.GOOD, Flag.PROBABLY_GOOD)
WORDS = {1: "good", 2: "probably good", 3: "suspect", 4: "bad"}

BY_TEST = {
    "medd": "the tests: 0 °C at 0 dbar, below water of over 20 °C, is the first of a row of zeros of which the centre "
    "flags all others",
    "rollover": "the tests: by test 12 both levels of a jump of over 10 °C fail, and the centre calls one of them 3",
}
REVERSAL = "the tests, by manual 3.9: pressure stands still, and falls back by nothing: that failed test 8 until 2024"
GRADIENT = "the tests, by manual 3.9: failed test 11 at the centre, which is obsolete since 2019"
EXPERT = "the centre: a person's judgement in delayed mode, which no real-time test takes the place of"
SHORT = "neither: too few levels near the surface for the test, which then does not call them good"
WITHHELD = "neither: its salinity is bad by a test before, so that its density is not known"
ROLLED = "the tests, by manual 3.9, as far as each goes: the value itself is within every range"


def tested(folder: Path, listed: Path | None) -> tuple[Batch, Result]:
    """All files of a folder, each with the cycle before."""
    asked = Asked("argo", exclusion_list=None if listed is None else str(listed))
    maker = Maker(asked.settings(), folder.as_uri())
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.nc"))}
    read = {key: maker.with_deployments(read_any(key, path.read_bytes())[0])[0] for key, path in paths.items()}
    before = FilesBefore(CycleIndex(Item(key, "", 0, "") for key in paths))
    linked = maker.with_predecessors(read, {key: [one.key for one in before.of(key)] for key in paths})
    whole = joined([linked[key] for key in paths])
    return whole, evaluate(replace(whole, source={}), maker.suite)


def rates(whole: Batch, result: Result) -> list[str]:
    lines = [
        "| | flagged 4 | of these the tests fail | flagged 3 | of these the tests fail | flagged 1 or 2 |"
        " of these the tests fail |",
        "| --- " * 7 + "|",
    ]
    for on in VARIABLES:
        theirs, failed = whole.source[on], np.isin(result.rolled[on], FAILED)
        cells: list[str] = [on]
        for numbers in ((4,), (3,), (1, 2)):
            there = np.isin(theirs, numbers)
            cells += [f"{there.sum():,}", share(int((there & failed).sum()), int(there.sum()))]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def by_test(whole: Batch, result: Result) -> list[str]:
    lines = ["| test | on | judged | fails what is flagged 3 or 4 | fails what is flagged 1 or 2 |", "| --- " * 5 + "|"]
    for (label, on), flags in result.flags.items():
        theirs, failed = whole.source[on], np.isin(flags, FAILED)
        judged = np.isin(flags, (*PASSED, *FAILED))
        found, false = int((failed & np.isin(theirs, (3, 4))).sum()), int((failed & np.isin(theirs, (1, 2))).sum())
        lines.append(f"| {label} | {on} | {judged.sum():,} | {found:,} | {false:,} |")
    return lines


def disagreements(whole: Batch, result: Result) -> list[str]:
    """Every level of which file and tests say another thing, counted by float, test and why."""
    found: Counter[tuple[str, ...]] = Counter()
    names = [profile.platform for profile in whole.profiles]
    for on in VARIABLES:
        theirs, ours = of_source(whole.source[on]), result.rolled[on]
        differ = (theirs != ours) & (whole.source[on] > 0) & (ours != Flag.MISSING)
        for row in np.flatnonzero(differ).tolist():
            number = int(whole.owner[row])
            profile, says, said = whole.profiles[number], int(whole.source[on][row]), Flag(int(ours[row]))
            tests = [label for (label, one), flags in result.flags.items() if one == on and flags[row] == said]
            mask = int((profile.known.get("source_tests_failed", "0").split() or ["0"])[-1], 16)
            place = row - int(whole.starts[number])
            still = place > 0 and whole.pressure[row] == whole.pressure[row - 1]
            first = place == 0 and len(whole.pressure) > row + 1 and whole.pressure[row] == whole.pressure[row + 1]
            if said is Flag.UNEVALUATED:
                why = WITHHELD if tests == ["density_inversion"] else SHORT
            elif said in FAILED:
                why = next((BY_TEST[one] for one in tests if one in BY_TEST), "to be looked at")
            elif mask & 1 << 8 and (still or first):
                why = REVERSAL
            elif profile.known.get("data_mode") == "D":
                why = EXPERT
            elif mask & 1 << 11:
                why = GRADIENT
            else:
                why = ROLLED
            shown = ", ".join(tests) if said in (*FAILED, Flag.UNEVALUATED) else ""
            found[names[number], on, shown or "none", WORDS.get(says, str(says)), flag_word(said), why] += 1
    lines = ["| float | on | tests | centre | tests say | levels | who is right by the manual |", "| --- " * 7 + "|"]
    for (name, on, shown, says, said, why), many in sorted(found.items()):
        lines.append(f"| {name} | {on} | {shown} | {says} | {said.replace('_', ' ')} | {many:,} | {why} |")
    return lines


def share(part: int, whole: int) -> str:
    return f"{part:,} ({100.0 * part / whole:.1f} %)" if whole else "–"


def section(folder: Path, listed: Path | None) -> str:
    whole, result = tested(folder, listed)
    known = evaluate(whole, result.suite)
    grades = Counter(flag_word(Flag(one)).replace("_", " ") for one in known.grades.tolist())
    floats = len({one.platform for one in whole.profiles})
    keys = len({one.key for one in whole.profiles})
    good = {}
    for on in ("PRES", "TEMP", "PSAL"):
        theirs = whole.source[on] == 1
        good[on] = share(int((theirs & (known.rolled[on] == Flag.GOOD)).sum()), int(theirs.sum()))
    held = [
        whole.profiles[number].name
        for number in range(len(whole))
        if known.grades[number] in PASSED and any((whole.source[on][whole.rows(number)] == 4).any() for on in VARIABLES)
    ]
    graded = ", ".join(f"{many} {word}" for word, many in sorted(grades.items()))
    return f"""{HEADING}

**Real**, with the flags that stand at the data centres: {keys} files of {floats} floats ({len(whole)} profiles,
{whole.levels:,} levels; doi 10.17882/42182), with the exclusion list of the same day. Made by
`python -m benchmarks.ocean_argo_real FOLDER --list FILE --write docs/explanation/ocean-rates.md`. The tests do not know
the files' flags here, and see the values that the files mean to be used: adjusted ones where there are any.

{chr(10).join(rates(whole, result))}

Most of what the centres flag 4 here is one float (2902269) that sent rows of zeros: 0 dbar, 0 °C, salinity 0. The
salinity fails test 6. Temperature and pressure failed the old test 8; the one of 2024 takes no offence at pressure that
stands still. **Nothing is lost by that**: `ocean qc` keeps the centre's flag where it is the worse one. With the files'
flags:

- the profiles are graded {graded};
- of the levels that the centres flag 1, good are PRES {good["PRES"]}, TEMP {good["TEMP"]}, PSAL {good["PSAL"]};
- profiles graded good or probably good that hold a level flagged 4: {len(held)}.

### Each test by itself

{chr(10).join(by_test(whole, result))}

### Every disagreement

{chr(10).join(disagreements(whole, result))}
"""


_SECTION = re.compile(rf"^{re.escape(HEADING)}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def section_in(page: str) -> str:
    """The section as a page has it; empty where it has none."""
    found = _SECTION.search(page)
    return found.group().rstrip("\n") + "\n" if found else ""


def put(page: str, made: str) -> str:
    """Put the section in the place of the one that is there; at the end where there is none."""
    found = _SECTION.search(page)
    if found is None:
        return page.rstrip("\n") + "\n\n" + made
    return page[: found.start()] + made + ("\n" if page[found.end() :] else "") + page[found.end() :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="Argo files with flags")
    parser.add_argument("--list", type=Path, help="the exclusion list of the same day")
    parser.add_argument("--write", type=Path, help="the page whose section is written")
    stated = parser.parse_args()
    made = section(stated.folder, stated.list)
    if stated.write:
        stated.write.write_text(put(stated.write.read_text("utf-8"), made), "utf-8")
    print(made)


if __name__ == "__main__":
    main()
