"""The page on quality control says what the code and its tests say: scales, and every difference to ioos_qc."""

from __future__ import annotations

import re

from bondstore.domains.ocean.qc.flags import SCALES, Flag, flag_word
from bondstore.domains.ocean.qc.suite import all_tests, load_suite, suite_names
from tests.docs.pages import PAGES
from tests.domains.ocean.qc.test_qartod_ioos import DISAGREEMENTS

PAGE = PAGES["docs/explanation/quality-control.md"]
TESTS = PAGES["docs/reference/tests.md"]


def differences() -> list[str]:
    """The rows of the page's table, made from the cases that the tests hold."""
    rows = []
    for what, (_, theirs, ours, _, rule) in DISAGREEMENTS.items():
        words = ", ".join(flag_word(Flag(one)).replace("_", " ") for one in ours)
        rows.append(f"| {what} | {' '.join(map(str, theirs))} | {words} | {rule.replace('|', chr(92) + '|')} |")
    return rows


def test_every_difference_to_ioos_qc_is_told_with_its_rule() -> None:
    shown = PAGE.partition("<!-- disagreements -->")[2].partition("<!-- end -->")[0].strip().splitlines()[2:]
    assert shown == differences()


def test_the_scales_are_those_of_the_code() -> None:
    for flag in Flag:
        name = flag_word(flag).replace("_", " ")
        row = next(line for line in PAGE.splitlines() if re.match(rf"\| (.*, )?{name}(,.*)? \| \d", line))
        assert [int(one) for one in re.findall(r"\d", row)] == [scale.numbers[flag] for scale in SCALES.values()]
    assert re.search(r"\| our flag \| " + r" \| ".join(f"`{name}`" for name in SCALES) + r" \|", PAGE)


def test_every_test_is_documented_with_its_standard_and_the_numbers_of_the_suites() -> None:
    parts = {part.partition("\n")[0]: part for part in TESTS.split("\n### ")[1:]}
    assert parts.keys() == all_tests().keys()
    for name, test in all_tests().items():
        assert f"{test.standard}. Flags {', '.join(test.targets)}." in parts[name]
        assert all(f"`{one}`" in parts[name] for one in test.thresholds), name
    for suite in map(load_suite, suite_names()):
        for step in suite.steps:
            rows = [line for line in parts[step.test.name].splitlines() if line.startswith(f"| `{suite.name}`")]
            row = next(line for line in rows if f"| {step.on} " in line)
            assert all(f"`{one} = " in row for one in step.thresholds), (suite.name, step.label)
