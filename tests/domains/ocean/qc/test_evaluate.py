"""What a suite says of a batch: nothing a test could not look at ever counts as good."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from bondstore.domains.ocean.profiles import Batch, Header, Profile, joined
from bondstore.domains.ocean.qc import tests as registry
from bondstore.domains.ocean.qc.evaluate import check_suite, evaluate, pick
from bondstore.domains.ocean.qc.flags import SCALES, Flag, worst
from bondstore.domains.ocean.qc.ragged import any_in, count, neighbour, only, per_profile, spread
from bondstore.domains.ocean.qc.suite import Suite, all_tests, load_suite, parse_suite, suite_names
from bondstore.domains.ocean.qc.tests import Verdict
from bondstore.errors import ConfigurationError

NAN = np.nan
S, G, P, Q, B, U, M = (
    Flag.SILENT, Flag.GOOD, Flag.PROBABLY_GOOD, Flag.SUSPECT, Flag.BAD, Flag.UNEVALUATED, Flag.MISSING
)  # fmt: skip


def batch_of(*profiles: list[float], salinity: list[float] | None = None) -> Batch:
    """Return a batch of temperatures."""
    sizes = np.array([len(one) for one in profiles], np.int64)
    temperature = np.array([value for one in profiles for value in one], np.float64)
    levels = np.arange(len(temperature), dtype=np.float64)
    return Batch(
        [Profile(f"{n}.csv", f"{n}", Header("moana-1")) for n in range(len(profiles))],
        sizes, levels, levels - 40, levels + 150, levels, temperature,
        None if salinity is None else np.array(salinity, np.float64),
    )  # fmt: skip


def saying(name: str, function: Callable[[Batch, str], Verdict]) -> registry.Test:
    def run(batch: Batch, on: str) -> Verdict:
        return function(batch, on)

    return registry.Test(name, "none", run, ("TIME", "POSITION", "PRES", "TEMP", "PSAL"))


def flags_of(flag: int) -> Callable[[Batch, str], Verdict]:
    return lambda batch, _: Verdict(np.full(batch.levels, flag, np.int8))


ALL = 'on = ["TIME", "POSITION", "PRES", "TEMP"]'


@pytest.fixture
def suite() -> Iterator[Callable[..., Suite]]:
    all_tests()
    made: list[str] = []

    def build(*tests: tuple[Callable[[Batch, str], Verdict], str], skip_bad: bool = False) -> Suite:
        text = f"skip_bad = {str(skip_bad).lower()}\n"
        for number, (function, lines) in enumerate(tests):
            name = f"own.t{number}"
            registry.REGISTRY[name] = saying(name, function)
            made.append(name)
            text += f'[[test]]\ntest = "{name}"\n{lines}\n'
        return parse_suite(text, "own")

    yield build
    for name in made:
        registry.REGISTRY.pop(name, None)


def test_a_test_that_raises_spoils_only_the_profiles_where_it_does(suite: Callable[..., Suite]) -> None:
    def touchy(batch: Batch, _: str) -> Verdict:
        if (batch.temperature == 13).any():
            raise ZeroDivisionError
        return Verdict(np.full(batch.levels, G, np.int8))

    batch = batch_of([1, 2], [13], [], [4])
    result = evaluate(batch, suite((flags_of(G), ALL), (touchy, 'on = "TEMP"')))
    assert result.flags["t1", "TEMP"].tolist() == [G, G, U, G]
    assert result.reasons["t1", "TEMP"] == {1: "the test failed (ZeroDivisionError)"}
    assert result.rolled["TEMP"].tolist() == [G, G, U, G]
    assert result.grades.tolist() == [G, U, M, G]


def test_what_is_not_installed_ends_it_all(suite: Callable[..., Suite]) -> None:
    def lacking(batch: Batch, _: str) -> Verdict:
        raise ConfigurationError("A part is missing.")

    with pytest.raises(ConfigurationError):
        evaluate(batch_of([1]), suite((lacking, 'on = "TEMP"')))


def test_silence_is_no_consent(suite: Callable[..., Suite]) -> None:
    result = evaluate(batch_of([1, NAN]), suite((flags_of(S), ALL)))
    assert result.rolled["TEMP"].tolist() == [U, M]
    assert result.grades.tolist() == [U]


def test_an_untested_variable_keeps_a_profile_from_being_good(suite: Callable[..., Suite]) -> None:
    assert evaluate(batch_of([1]), suite((flags_of(G), 'on = "TEMP"'))).grades.tolist() == [U]


def test_a_profile_without_any_position_is_not_good(suite: Callable[..., Suite]) -> None:
    batch = batch_of([1, 2], [3, 4])
    batch.latitude[:3] = NAN
    result = evaluate(batch, suite((flags_of(G), ALL)))
    assert result.rolled["POSITION"].tolist() == [M, M, M, G]
    assert result.grades.tolist() == [U, G]


def test_needs_leaves_out_profiles_that_lack_the_sensor(suite: Callable[..., Suite]) -> None:
    seen: list[int] = []

    def look(batch: Batch, _: str) -> Verdict:
        seen.append(len(batch))
        return Verdict(np.full(batch.levels, U, np.int8), {0: "why"})

    batch = batch_of([1, 2], [3], salinity=[NAN, NAN, 35.0])
    result = evaluate(batch, suite((flags_of(G), ALL), (look, 'on = "TEMP"\nneeds = "PSAL"')))
    assert seen == [1]
    assert result.flags["t1", "TEMP"].tolist() == [S, S, U]
    assert result.reasons["t1", "TEMP"] == {1: "why"}
    assert result.rolled["TEMP"].tolist() == [G, G, U]


def test_what_is_bad_is_not_shown_to_later_tests(suite: Callable[..., Suite]) -> None:
    shown: list[list[float]] = []

    def first(batch: Batch, _: str) -> Verdict:
        return Verdict(np.array([G, B, G], np.int8))

    def second(batch: Batch, _: str) -> Verdict:
        shown.append(batch.temperature.tolist())
        return Verdict(np.where(np.isnan(batch.temperature), M, G).astype(np.int8))

    batch = batch_of([1, 2, 3])
    result = evaluate(batch, suite((first, 'on = "TEMP"'), (second, 'on = "TEMP"'), skip_bad=True))
    assert [str(one) for one in shown[0]] == ["1.0", "nan", "3.0"]
    assert result.flags["t1", "TEMP"].tolist() == [G, S, G], "not missing: there is a value, and it was not looked at"
    assert result.rolled["TEMP"].tolist() == [G, B, G]
    assert batch.temperature.tolist() == [1, 2, 3]


def test_the_roll_up_takes_the_worst() -> None:
    cases = {(G, G): G, (G, P): P, (P, U): U, (U, Q): Q, (Q, B): B, (G, S): G, (S, S): U, (M, G): G}
    for (one, other), rolled in cases.items():
        for pair in ((one, other), (other, one)):
            found = worst([np.array([flag], np.int8) for flag in pair], np.array([False]))
            assert found.tolist() == [rolled], pair
    assert worst([np.array([B], np.int8)], np.array([True])).tolist() == [M]
    assert worst([], np.array([False])).tolist() == [U]


def test_scales_never_call_good_what_was_not_evaluated() -> None:
    ours = np.array([S, G, P, Q, B, U, M], np.int8)
    assert SCALES["qartod"].write(ours).tolist() == [2, 1, 1, 3, 4, 2, 9]
    assert SCALES["argo"].write(ours).tolist() == SCALES["imos"].write(ours).tolist() == [0, 1, 2, 3, 4, 0, 9]
    for scale in SCALES.values():
        assert set(scale.write(ours).tolist()) <= set(scale.meanings)


def test_a_piece_of_a_result_is_what_the_piece_alone_gives(suite: Callable[..., Suite]) -> None:
    def odd(batch: Batch, _: str) -> Verdict:
        flags = np.where(batch.temperature % 2 == 1, Q, G).astype(np.int8)
        return Verdict(flags, dict.fromkeys(np.flatnonzero(any_in(batch, flags == Q)).tolist(), "odd"))

    chosen = suite((flags_of(G), ALL), (odd, 'on = "TEMP"'), (flags_of(G), 'on = "PSAL"'))
    batch = batch_of([1, 2], [], [3, NAN, 5], [6], salinity=[NAN, NAN, 34, NAN, 35, NAN])
    whole = evaluate(batch, chosen)
    for numbers in (range(1), range(1, 2), range(2, 3), range(3, 4), range(1, 4), range(4)):
        some, said = pick(batch, whole, numbers)
        alone = evaluate(some, chosen)
        assert {k: v.tolist() for k, v in said.flags.items() if k[1] != "PSAL"} == {
            k: v.tolist() for k, v in alone.flags.items() if k[1] != "PSAL"
        }
        assert {k: v.tolist() for k, v in said.rolled.items()} == {k: v.tolist() for k, v in alone.rolled.items()}
        assert said.grades.tolist() == alone.grades.tolist()
        assert said.reasons == alone.reasons


def test_ragged_tools_stop_at_seams() -> None:
    batch = batch_of([1, 2], [], [3], [4, NAN, 6])
    values = batch.temperature
    assert [str(x) for x in neighbour(batch, values, 1)] == ["2.0", "nan", "nan", "nan", "6.0", "nan"]
    assert [str(x) for x in neighbour(batch, values, -2)] == ["nan", "nan", "nan", "nan", "nan", "4.0"]
    assert np.isnan(neighbour(batch, values, 6)).all()
    assert np.isnan(neighbour(batch, values, -99)).all()
    assert [str(x) for x in per_profile(batch, values, np.fmax)] == ["2.0", "nan", "3.0", "6.0"]
    assert count(batch, ~np.isnan(values)).tolist() == [2, 0, 1, 2]
    assert spread(batch, np.array([1.0, 2, 3, 4])).tolist() == [1, 1, 3, 4, 4, 4]
    kept = only(batch, ~np.isnan(values))
    assert kept.sizes.tolist() == [2, 0, 1, 2]
    assert neighbour(kept, kept.temperature, 1).tolist()[3] == 6


def test_batches_join_and_part() -> None:
    salty, fresh = batch_of([1], salinity=[35.0]), batch_of([2, 3])
    both = joined([salty, fresh])
    assert both.sizes.tolist() == [1, 2]
    assert both.salinity is not None
    assert [str(x) for x in both.salinity] == ["35.0", "nan", "nan"]
    assert both.carries("PSAL").tolist() == [True, False]
    turned = both.take([1, 0])
    assert (turned.temperature.tolist(), [one.name for one in turned.profiles]) == ([2, 3, 1], ["0", "0"])
    assert joined([]).levels == 0
    assert evaluate_nothing() == ()


def evaluate_nothing() -> tuple[int, ...]:
    return tuple(joined([]).sizes.tolist())


WRONG = {
    "a window of an unknown key": """
        test = "qartod.climatology"
        on = "TEMP"
        windows = [{ span = [1, 2], mnth = [1, 2] }]
    """,
    "a high threshold under the low one": """
        test = "qartod.spike"
        on = "TEMP"
        low = 2
        high = 1
    """,
    "a tolerance as others state it": """
        test = "qartod.density_inversion"
        on = "TEMP"
        tolerance = -0.03
    """,
    "edges that do not rise": """
        test = "moana.temp_drift"
        on = "TEMP"
        edges = [1, 0]
        spreads = [1]
        ranges = [1]
    """,
    "a sea that is none": """
        test = "argo.regional_range"
        on = "TEMP"
        sea = "dead"
        span = [1, 2]
    """,
}


@pytest.mark.parametrize("what", WRONG)
def test_thresholds_that_contradict_themselves_are_told_before_anything_is_read(what: str) -> None:
    stated = parse_suite("[[test]]\n" + WRONG[what], "mine")
    with pytest.raises(ConfigurationError):
        check_suite(stated)


@pytest.mark.parametrize("name", suite_names())
def test_the_suites_that_ship_contradict_nothing(name: str) -> None:
    check_suite(load_suite(name))


def test_flags_that_there_are_none_of_count_as_a_test_that_raised(suite: Callable[..., Suite]) -> None:
    batch = batch_of([1, 2], [3])
    for odd in (
        lambda batch, _: Verdict(np.full(batch.levels, 7, np.int8)),
        lambda batch, _: Verdict(np.full(batch.levels, G, np.int64)),
        lambda batch, _: Verdict(np.full(batch.levels + 1, G, np.int8)),
    ):
        result = evaluate(batch, suite((flags_of(G), ALL), (odd, 'on = "TEMP"')))
        assert result.rolled["TEMP"].tolist() == [U, U, U]
        assert set(result.reasons["t1", "TEMP"]) == {0, 1}
        assert result.grades.tolist() == [U, U]
        registry.REGISTRY.pop("own.t0"), registry.REGISTRY.pop("own.t1")


def test_an_infinite_value_is_bad_whatever_tests_say(suite: Callable[..., Suite]) -> None:
    batch = batch_of([1, np.inf, NAN], [3])
    result = evaluate(batch, suite((flags_of(G), ALL)))
    assert result.rolled["TEMP"].tolist() == [G, B, M, G]
    assert result.grades.tolist() == [B, G]


def test_a_profile_whose_salinity_is_withheld_still_needs_it(suite: Callable[..., Suite]) -> None:
    def density(batch: Batch, _: str) -> Verdict:
        there = ~np.isnan(batch.salinity)
        return Verdict(np.where(there, G, U).astype(np.int8), {0: "no density"} if not there.all() else {})

    batch = batch_of([1, 2], salinity=[35.0, 35.0])
    whole = suite(
        (flags_of(G), ALL),
        (flags_of(B), 'on = "PSAL"'),
        (density, 'on = "TEMP"\nneeds = "PSAL"'),
        skip_bad=True,
    )
    result = evaluate(batch, whole)
    assert result.flags["t2", "TEMP"].tolist() == [U, U]
    assert result.reasons["t2", "TEMP"] == {0: "no density"}


def test_nothing_can_be_picked() -> None:
    batch = batch_of([1, 2], [3])
    some, part = pick(batch, evaluate(batch, load_suite("qartod")), range(2, 2))
    assert (len(some), some.levels, part.grades.tolist()) == (0, 0, [])


def test_a_withheld_salinity_says_nothing_of_tests_that_do_without_it(suite: Callable[..., Suite]) -> None:
    """The file calls the salinity of level 0 bad: a test of temperature or time that could not speak still says so."""
    batch = batch_of([1, 2], salinity=[35.0, 35.0])
    batch = replace(batch, source={"PSAL": np.array([4, 1], np.int8)})
    unknown, salt = flags_of(U), 'on = "PSAL"'
    tests = (
        (flags_of(G), ALL),
        (unknown, 'on = ["TIME", "TEMP"]'),
        (unknown, salt),
        (unknown, 'on = "TEMP"\nneeds = "PSAL"'),
    )
    result = evaluate(batch, suite(*tests, skip_bad=True))
    assert result.flags["t1", "TEMP"].tolist() == [U, U]
    assert result.flags["t1", "TIME"].tolist() == [U, U]
    assert result.flags["t2", "PSAL"].tolist() == [S, U]
    assert result.flags["t3", "TEMP"].tolist() == [S, U]
    assert result.rolled["TEMP"].tolist() == [U, U]


def test_a_withheld_pressure_takes_what_was_measured_there_with_it_and_no_time(suite: Callable[..., Suite]) -> None:
    batch = replace(batch_of([1, 2]), source={"PRES": np.array([4, 1], np.int8)})
    result = evaluate(batch, suite((flags_of(U), ALL), skip_bad=True))
    assert result.flags["t0", "TEMP"].tolist() == [S, U]
    assert result.flags["t0", "PRES"].tolist() == [S, U]
    assert result.flags["t0", "TIME"].tolist() == [U, U]
