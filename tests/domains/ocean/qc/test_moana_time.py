"""The Moana tests of time and of the sensor's clock at, under and over their thresholds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bondstore.domains.ocean.qc.moana_time import phase
from bondstore.domains.ocean.qc.suite import all_tests
from bondstore.errors import ConfigurationError
from tests.domains.ocean.qc.moana_made import NAN, T0, Cast, batch_of, cast, run, why

SILENT, GOOD, PROBABLE, SUSPECT, BAD, OPEN, MISSING = 0, 1, 2, 3, 4, 5, 9
Y2010 = 1_262_304_000.0  # 2010-01-01T00:00:00Z


def test_a_time_at_or_after_the_download_is_bad_one_at_or_before_2010_suspect() -> None:
    one = cast(time=[T0 - 1, T0, T0 + 1, Y2010 + 1, Y2010, Y2010 - 1, NAN], download=T0)
    assert run("moana.impossible_date", "TIME", one) == [GOOD, BAD, BAD, GOOD, SUSPECT, SUSPECT, MISSING]


def test_a_time_that_is_both_stays_bad() -> None:
    assert run("moana.impossible_date", "TIME", cast(time=[0.0], download=-1.0)) == [BAD]
    assert run("moana2024.impossible_date", "TIME", cast(time=[0.0], download=-1.0)) == [SUSPECT]


def test_without_a_download_time_nothing_becomes_good() -> None:
    one = cast(time=[T0, Y2010], download=None)
    assert run("moana.impossible_date", "TIME", one) == [OPEN, SUSPECT]
    assert why("moana.impossible_date", "TIME", one) == {0: "the file states no download time"}
    assert run("moana2024.impossible_date", "TIME", one) == [SILENT, SILENT]


def test_a_date_that_is_none_is_told_as_configuration() -> None:
    with pytest.raises(ConfigurationError):
        run("moana.impossible_date", "TIME", cast(2), earliest="1/1/2010")


def test_from_a_step_back_on_all_is_bad_and_equal_times_are_none() -> None:
    one = cast(time=[10.0, 10.0, 11.0, 10.5, 12.0, NAN, 13.0])
    assert run("moana.datetime_increasing", "TIME", one) == [SILENT, GOOD, GOOD, BAD, BAD, MISSING, BAD]


def test_order_is_seen_over_a_missing_time_but_not_over_a_seam() -> None:
    late, early = cast(time=[10.0, NAN, 9.0]), cast(time=[1.0, 2.0])
    assert run("moana.datetime_increasing", "TIME", late, early) == [SILENT, MISSING, BAD, SILENT, GOOD]


def test_the_existing_chain_flags_the_whole_profile_for_one_step_back() -> None:
    assert (
        run("moana2024.datetime_increasing", "TIME", cast(time=[10.0, 9.0, 11.0]), cast(2)) == [BAD] * 3 + [SILENT] * 2
    )


def clusters(*sizes: int, gap: float) -> Cast:
    time, at = [], T0
    for size in sizes:
        time += [at + one for one in range(size)]
        at = time[-1] + gap
    return cast(time=time)


@pytest.mark.parametrize(
    ("sizes", "gap", "wanted"),
    [
        ((4, 6), 3601, [BAD] * 4 + [GOOD] * 6),
        ((5, 6), 3601, [GOOD] * 11),
        ((4, 6), 3600, [GOOD] * 10),
        ((6, 4), 3601, [GOOD] * 6 + [BAD] * 4),
        ((6, 5), 3601, [GOOD] * 11),
        ((6, 1, 6), 3601, [GOOD] * 6 + [BAD] + [GOOD] * 6),
        ((2, 2), 3601, [BAD] * 4),
        ((3,), 0, [GOOD] * 3),
        ((1,), 0, [GOOD]),
    ],
)
def test_clusters_of_under_five_beside_a_gap_of_over_an_hour_are_bad(
    sizes: tuple[int, ...], gap: float, wanted: list[int]
) -> None:
    assert run("moana.timing_gap", "TIME", clusters(*sizes, gap=gap)) == wanted


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ((6, 5), [GOOD] * 6 + [BAD] * 4 + [GOOD]),
        ((6, 6), [GOOD] * 12),
        ((6, 2), [GOOD] * 6 + [BAD, GOOD]),
        ((6, 1), [GOOD] * 6 + [BAD]),
        ((5,), [BAD] * 4 + [GOOD]),
        ((6,), [GOOD] * 6),
        ((1,), [BAD]),
        ((4, 6), [BAD] * 4 + [GOOD] * 6),
    ],
)
def test_the_existing_chain_counts_the_last_cluster_one_short(sizes: tuple[int, ...], wanted: list[int]) -> None:
    assert run("moana2024.timing_gap", "TIME", clusters(*sizes, gap=3601)) == wanted


def test_a_gap_between_two_profiles_is_none() -> None:
    first, second = cast(3), cast(time=[T0 + 90_000 + one for one in range(3)])
    assert run("moana.timing_gap", "TIME", first, second) == [GOOD] * 6


def test_after_a_reset_old_firmware_has_lost_its_clock() -> None:
    temp = [15.0, 44.444, 15.0, 15.0]
    for firmware, wanted in (("MOANA-1.99", BAD), ("MOANA-2.00", GOOD), ("WAVE-3.05", BAD), ("", OPEN)):
        flags = run("moana.reset_code_check", "TIME", cast(temp=temp, firmware=firmware))
        assert flags == [GOOD, wanted, wanted, wanted]
    assert why("moana.reset_code_check", "TIME", cast(temp=temp, firmware="?")) == {
        0: "the file states no firmware of the sensor"
    }


@pytest.mark.parametrize(
    ("temp", "wanted"), [(44.487, BAD), (44.489, GOOD), (44.401, BAD), (44.399, GOOD), (NAN, GOOD)]
)
def test_a_reset_is_known_by_its_temperature(temp: float, wanted: int) -> None:
    assert run("moana.reset_code_check", "TIME", cast(temp=[temp], firmware="MOANA-1.21")) == [wanted]


def test_without_a_reset_the_firmware_does_not_matter_and_a_seam_ends_one() -> None:
    reset, plain = cast(temp=[44.444, 15.0], firmware="MOANA-1.21"), cast(2, firmware="")
    assert run("moana.reset_code_check", "TIME", plain, reset, plain) == [GOOD, GOOD, BAD, BAD, GOOD, GOOD]


def surfacing(
    *, gap: float, surface: float, deep: float = 50.0, later: float = 65_536.0, firmware: str = "1.21"
) -> Cast:
    """Down, up, a gap at the surface, and a level after it; downloaded `later` after the surfacing."""
    time = [T0, T0 + 60, T0 + 120, T0 + 120 + gap]
    return cast(time=time, pres=[5.0, deep, surface, 5.0], download=T0 + 120 + later, firmware=firmware)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (surfacing(gap=301, surface=1.9), SUSPECT),
        (surfacing(gap=300, surface=1.9), GOOD),
        (surfacing(gap=301, surface=2.0), GOOD),
        (surfacing(gap=301, surface=1.9, later=65_535), GOOD),
        (surfacing(gap=301, surface=1.9, firmware="2.00"), GOOD),
        (surfacing(gap=301, surface=1.9, firmware=""), OPEN),
        (surfacing(gap=301, surface=1.9, firmware="", later=65_535), GOOD),
        (surfacing(gap=1200, surface=2.05, deep=10.0), GOOD),
        (surfacing(gap=1201, surface=2.05, deep=10.0), SUSPECT),
        (surfacing(gap=1201, surface=2.1, deep=10.0), GOOD),
        (surfacing(gap=1201, surface=2.05, deep=10.1), GOOD),
    ],
)
def test_the_counter_of_seconds_runs_over_after_a_surfacing(given: Cast, wanted: int) -> None:
    assert run("moana.timestamp_overflow", "TIME", given) == [GOOD, GOOD, wanted, wanted]


def test_an_overflow_without_a_download_time_or_pressure_is_not_evaluated() -> None:
    one = surfacing(gap=301, surface=1.9)
    one.download = None
    assert run("moana.timestamp_overflow", "TIME", one) == [GOOD, GOOD, OPEN, OPEN]
    assert run("moana2024.timestamp_overflow", "TIME", one) == [GOOD] * 4
    assert why("moana.timestamp_overflow", "TIME", one) == {0: "the file states no download time"}
    blind = cast(2, pres=NAN, firmware="1.21")
    assert run("moana.timestamp_overflow", "TIME", blind) == [OPEN, OPEN]
    assert run("moana.timestamp_overflow", "TIME", cast(2, pres=NAN)) == [GOOD, GOOD]


def test_the_phase_turns_at_four_minutes() -> None:
    one = cast(time=[0.0, 239.0, 479.0, NAN, 720.0, 720.0])
    assert phase(batch_of(one, cast(time=[9000.0]), cast(0))).tolist() == ["P", "P", "D", "", "D", "P", "P"]


def test_where_no_download_is_stated_the_making_of_the_file_is_the_latest_time() -> None:
    batch = batch_of(cast(time=[T0, T0 + 60, Y2010], download=None))
    batch.profiles[0] = replace(batch.profiles[0], known={"created": str(int(T0) + 60)})
    said = all_tests()["moana.impossible_date"].function(batch, "TIME", earliest="2010-01-01")
    assert said.flags.tolist() == [GOOD, BAD, SUSPECT]
