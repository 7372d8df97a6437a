"""Suites are checked in full: what they do not say right is told, never skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc import tests as registry
from bondstore.domains.ocean.qc.evaluate import check_suite
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.suite import all_tests, load_suite, parse_suite, suite_names
from bondstore.domains.ocean.qc.tests import Verdict
from bondstore.errors import ConfigurationError, NotFoundError


def over(
    batch: Batch,
    on: str,
    *,
    limit: float,
    span: tuple[float, float] | None = None,
    many: tuple[float, ...] = (),
    named: dict[str, list[int]] | None = None,
    on_sea: bool = False,
    word: str = "",
) -> Verdict:
    """Flag all levels as good."""
    return Verdict(np.full(batch.levels, Flag.GOOD, np.int8))


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    all_tests()
    registry.REGISTRY["own.over"] = registry.Test("own.over", "none", over, ("TEMP", "PSAL"))
    registry.REGISTRY["own.alone"] = registry.Test("own.alone", "none", over, ("PRES",))
    yield
    del registry.REGISTRY["own.over"], registry.REGISTRY["own.alone"]


def suite_of(*lines: str, head: str = "") -> str:
    return "\n".join([head, "[[test]]", *lines])


def test_thresholds_are_read_as_their_types() -> None:
    suite = parse_suite(
        suite_of(
            'test = "own.over"', 'on = ["TEMP", "PSAL"]', 'needs = "PSAL"', "limit = 3", "span = [1, 2.5]",
            "many = [1, 2, 3]", "on_sea = true", 'word = "deep"', "named = { a = [1, 2] }",
            head='name = "mine"\nscale = "argo"\nskip_bad = true',
        ),
        "file",
    )  # fmt: skip
    assert (suite.name, suite.scale.name, suite.skip_bad) == ("mine", "argo", True)
    assert [(one.label, one.on, one.needs) for one in suite.steps] == [
        ("over", "TEMP", ("PSAL",)),
        ("over", "PSAL", ("PSAL",)),
    ]
    stated = suite.steps[0].thresholds
    assert stated == {
        "limit": 3.0, "span": (1.0, 2.5), "many": (1.0, 2.0, 3.0), "on_sea": True, "word": "deep",
        "named": {"a": [1, 2]},
    }  # fmt: skip
    assert type(stated["limit"]) is float


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (['test = "own.nobody"', 'on = "TEMP"'], "no test named 'own.nobody'"),
        (['on = "TEMP"'], "no test named None"),
        (['test = "own.over"', 'on = "TEMP"', "limit = 1.0", "limits = 2.0"], "no parameter limits"),
        (['test = "own.over"', 'on = "TEMP"'], "is not given limit"),
        (['test = "own.over"', 'on = "TEMP"', 'limit = "1.0"'], "limit of own.over has a value of another type"),
        (['test = "own.over"', 'on = "TEMP"', "limit = true"], "limit of own.over has a value of another type"),
        (['test = "own.over"', 'on = "TEMP"', "limit = 1.0", "span = [1.0]"], "span of own.over has a value"),
        (['test = "own.over"', 'on = "TEMP"', "limit = 1.0", "span = 1.0"], "span of own.over has a value"),
        (['test = "own.over"', 'on = "TEMP"', "limit = 1.0", "on_sea = 1"], "on_sea of own.over has a value"),
        (['test = "own.over"', 'on = "TEMP"', "limit = 1.0", "named = [1]"], "named of own.over has a value"),
        (['test = "own.over"', 'on = "PRES"', "limit = 1.0"], "cannot flag PRES"),
        (['test = "own.over"', "limit = 1.0"], "does not say what it is to flag"),
        (['test = "own.over"', "on = 3", "limit = 1.0"], "is no name and no list of names"),
        (['test = "own.over"', 'on = "TEMP"', 'needs = "SALT"', "limit = 1.0"], "needs SALT"),
        (['test = "own.over"', 'on = "TEMP"', 'label = "a b"', "limit = 1.0"], "label of own.over is no plain name"),
        (['test = "own.over"', 'on = "TEMP"', 'label = ""', "limit = 1.0"], "label of own.over is no plain name"),
        (['test = "own.over"', 'on = "TEMP"', "label = 7", "limit = 1.0"], "label of own.over is no plain name"),
        (['test = "own.over"', 'on = "TEMP"', f'label = "{"a" * 65}"', "limit = 1.0"], "label of own.over is no plain"),
        (['test = "own.over"', 'on = "TEMP"', "limit = nan"], "limit of own.over is not a finite number"),
        (
            ['test = "own.over"', 'on = "TEMP"', "limit = 1.0", "span = [-inf, nan]"],
            "span of own.over is not a finite number",
        ),
        (['test = "own.over"', 'on = "TEMP"', "limit = inf"], "limit of own.over is not a finite number"),
        (['test = "own.over"', 'on = "TEMP"', "limit = 1.0", "span = [-inf, 1.0]"], "span of own.over is not a finite"),
        (['test = "own.over"', 'on = "TEMP"', "limit = 1.0", "many = [1.0, inf]"], "many of own.over is not a finite"),
        (['test = "own.over"', 'on = "TEMP"', "limit = 1.0", "named = {a = [-inf]}"], "named of own.over is not a"),
        (['test = "own.over"', 'on = "TEMP"', f"limit = 1{'0' * 400}"], "limit of own.over has a value of another"),
    ],
)
def test_what_is_not_right_is_told(lines: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used") as refused:
        parse_suite(suite_of(*lines), "mine")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it has no tests"),
        ("test = 3", "it has no tests"),
        ("[[test]]\n=", "is no TOML"),
        (suite_of('test = "own.over"', 'on = "TEMP"', "limit = 1.0", head="depth = 3"), "unknown setting depth"),
        (suite_of('test = "own.over"', 'on = "TEMP"', "limit = 1.0", head='scale = "mine"'), "scale is unknown"),
        (suite_of('test = "own.over"', 'on = "TEMP"', "limit = 1.0", head='scale = ["qartod"]'), "scale is unknown"),
        (suite_of('test = "own.over"', 'on = "TEMP"', "limit = 1.0", head="name = 3"), "its name is no text"),
        (suite_of('test = "own.over"', 'on = "TEMP"', "limit = 1.0", head="skip_bad = 1"), "skip_bad"),
        (suite_of('test = "own.alone"', "limit = 1.0") + suite_of('\ntest = "own.alone"', "limit = 2.0"), "are called"),
    ],
)
def test_a_suite_that_cannot_be_used_is_told(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_suite(text, "mine")
    assert words in str(refused.value)


def test_the_digest_follows_what_decides() -> None:
    lines = ['test = "own.over"', 'on = "TEMP"']
    one = parse_suite(suite_of(*lines, "limit = 1.0", head='title = "a"'), "x")
    assert one.digest == parse_suite(suite_of("limit = 1", *lines, head='title = "b"'), "y").digest
    assert one.digest != parse_suite(suite_of(*lines, "limit = 1.5"), "x").digest
    assert one.digest != parse_suite(suite_of(*lines, "limit = 1.0", head='scale = "imos"'), "x").digest


def test_a_suite_is_found_by_name_or_path(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / "own.toml"  # type: ignore[operator]
    path.write_text(suite_of('test = "own.over"', 'on = "TEMP"', "limit = 1.0"))
    assert load_suite(str(path)).name == "own"
    with pytest.raises(NotFoundError, match="no suite of tests"):
        load_suite(str(path) + "x")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is no text"):
        load_suite(str(path))


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_of_ours_can_be_used(name: str) -> None:
    suite = load_suite(name)
    assert {step.on for step in suite.steps} >= {"TIME", "POSITION", "PRES", "TEMP"}, "else nothing is ever good"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["sensor_span = [40, -2]"], "sensor_span of qartod.gross_range ends before it begins"),
        (["sensor_span = [-2, 40]", "operator_span = [30, 10]"], "operator_span of qartod.gross_range ends before"),
        (["sensor_span = [-2, 40]", "operator_span = [-5, 30]"], "operator_span of qartod.gross_range is wider than"),
        (["sensor_span = [-2, 40]", "operator_span = [0, 41]"], "operator_span of qartod.gross_range is wider than"),
    ],
)
def test_spans_that_are_swapped_or_wider_than_the_sensors_are_refused(lines: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_suite(parse_suite(suite_of('test = "qartod.gross_range"', 'on = "TEMP"', *lines), "mine"))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("test", "lines", "words"),
    [
        ("qartod.spike", ["low = 6", "high = 2"], "low of qartod.spike is above its high"),
        ("qartod.spike", ["low = -2", "high = 2"], "low of qartod.spike is negative"),
        ("qartod.flat_line", ["suspect_count = 5", "fail_count = 3", "eps = 0.1"], "suspect_count of qartod.flat_line"),
        ("qartod.flat_line", ["suspect_count = 3", "fail_count = 5", "eps = -0.1"], "eps of qartod.flat_line is neg"),
        ("qartod.flat_line", ["suspect_count = 0", "fail_count = 5", "eps = 0.1"], "suspect_count of qartod.flat_line"),
        ("moana.spike", ["deviations = -3"], "deviations of moana.spike is negative"),
        ("moana.stuck_value", ["repeats = 0", "within = 0.05"], "repeats of moana.stuck_value is under 1"),
        (
            "moana.global_range",
            ["lowest = 40", "suspect_from = 30", "bad_from = 34", "lasting = true"],
            "lowest of moana.global_range is above its suspect_from",
        ),
        ("argo.range", ["span = [40, -2]"], "span of argo.range ends before it begins"),
        ("argo.spike", ["shallow = -6", "deep = 2", "split = 500"], "shallow of argo.spike is negative"),
        (
            "moana.temp_drift",
            ["edges = [0, 10]", "spreads = [-2]", "ranges = [7]"],
            "spreads of moana.temp_drift is negative",
        ),
    ],
)
def test_thresholds_that_are_swapped_or_negative_are_refused(test: str, lines: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_suite(parse_suite(suite_of(f'test = "{test}"', 'on = "TEMP"', *lines), "mine"))
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["latitude", "longitude"])
def test_places_that_are_swapped_are_refused(name: str) -> None:
    spans = {"latitude": [-90, 90], "longitude": [-180, 360]}
    spans[name].reverse()
    lines = ['test = "moana.impossible_location"', *(f"{which} = {span}" for which, span in spans.items())]
    with pytest.raises(ConfigurationError, match=f"{name} of moana.impossible_location ends before"):
        check_suite(parse_suite(suite_of(*lines), "mine"))
    with pytest.raises(ConfigurationError, match="is no place on Earth"):
        check_suite(
            parse_suite(
                suite_of('test = "moana.remove_ref_location"', "reference = [173.3, -41.3]", "radius = 5"), "mine"
            )
        )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["latitude = [-100, 100]", "longitude = [-180, 360]"], "latitude of moana.impossible_location is outside -90"),
        (["latitude = [-90, 90]", "longitude = [-180, 400]"], "longitude of moana.impossible_location is outside -180"),
        (["latitude = [-inf, 90]", "longitude = [-180, 360]"], "latitude of moana.impossible_location is not a finite"),
    ],
)
def test_places_beyond_the_globe_are_refused(lines: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_suite(parse_suite(suite_of('test = "moana.impossible_location"', *lines), "mine"))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("latitude = [-100, 100]", "latitude of qartod.climatology is outside -90 to 90"),
        ("month = [0, 13]", "month of qartod.climatology is outside 1 to 12"),
        ("pressure = [0, inf]", "windows of qartod.climatology is not a finite number"),
        ("day_of_year = [1, 366], longitude = [170, 190]", ""),
    ],
)
def test_windows_beyond_the_globe_and_the_year_are_refused(window: str, words: str) -> None:
    lines = ['test = "qartod.climatology"', 'on = "TEMP"', f"windows = [{{span = [0.0, 30.0], {window}}}]"]
    if not words:
        check_suite(parse_suite(suite_of(*lines), "mine"))
        return
    with pytest.raises(ConfigurationError) as refused:
        check_suite(parse_suite(suite_of(*lines), "mine"))
    assert words in str(refused.value)


def test_a_regional_span_without_end_is_refused() -> None:
    lines = ['test = "argo.regional_range"', 'on = "TEMP"', 'sea = "red_sea"', "span = [21.7, inf]"]
    with pytest.raises(ConfigurationError, match=r"span of argo\.regional_range is not a finite number"):
        parse_suite(suite_of(*lines), "mine")


def shipped(test: str, on: str, **other: Any) -> str:
    """Return a test of a shipped suite, with some thresholds otherwise."""
    family = test.partition(".")[0]
    step = next(one for one in load_suite(family).steps if (one.test.name, one.on) == (test, on))
    thresholds = {**step.thresholds, **other}
    written = {name: list(value) if isinstance(value, tuple) else value for name, value in thresholds.items()}
    return suite_of(
        f'test = "{test}"', f'on = "{on}"', *(f"{name} = {json.dumps(one)}" for name, one in written.items())
    )


@pytest.mark.parametrize(
    ("test", "on", "other", "words"),
    [
        ("argo.pressure_range", "PRES", {"bad": -2.4, "suspect": -5.0}, "bad of argo.pressure_range is above its susp"),
        ("argo.date", "TIME", {"earliest": 27000.0, "now": 26000.0}, "earliest of argo.date is above its now"),
        ("argo.date", "TIME", {"earliest": 99999.0}, "earliest of argo.date is yet to come"),  # the year 2223
        ("moana.impossible_date", "TIME", {"earliest": "2999-01-01"}, "earliest of moana.impossible_date is yet to"),
        ("moana.temp_drift", "TEMP", {"trim": -1}, "trim of moana.temp_drift is negative"),
        (
            "moana.temp_drift",
            "TEMP",
            {"spreads": [1.0]},
            "spreads of moana.temp_drift has not the numbers that its edg",
        ),
        ("argo.medd", "TEMP", {"windows": [110.0, 180.0]}, "windows of argo.medd has not the numbers that its zones"),
        ("argo.medd", "TEMP", {"gradients": [5.0, 3.5]}, "gradients of argo.medd has not the numbers that its bands"),
        ("argo.medd", "TEMP", {"distances_alone": [0.2]}, "distances_alone of argo.medd has not the numbers"),
        ("argo.medd", "TEMP", {"zones": [500.0, 150.0, 1000.0, 1500.0]}, "zones of argo.medd are not ascending"),
        ("argo.medd", "PSAL", {"distances": [-0.1, 0.1, 0.1, 0.1]}, "distances of argo.medd is negative"),
        ("argo.medd", "PSAL", {"scale": -700.0}, "scale of argo.medd is negative"),
        ("argo.platform", "TEMP", {"digits": [7, 5]}, "digits of argo.platform are not ascending"),
    ],
)
def test_what_a_suite_that_ships_would_never_state_is_refused(
    test: str, on: str, other: dict[str, Any], words: str
) -> None:
    check_suite(parse_suite(shipped(test, on), "mine"))
    with pytest.raises(ConfigurationError) as refused:
        check_suite(parse_suite(shipped(test, on, **other), "mine"))
    assert words in str(refused.value)
