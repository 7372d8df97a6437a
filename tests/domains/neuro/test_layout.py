"""Places of files: each its own, in the order of the starts, and the same as before for what had one."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.neuro.kinds import Kind, kind_of
from bondstore.domains.neuro.layout import Found, lay_out

CODE = "kx3m9q2a"
MORNING = datetime(2019, 2, 12, 8, 0, 0)


def recording(key: str, minutes: float | None = 0) -> Found:
    return Found(key, kind_of(key), () if minutes is None else (MORNING + timedelta(minutes=minutes),))


def test_recordings_are_numbered_by_their_start_not_by_their_name() -> None:
    """The lab's script renamed one over the other: three became one."""
    files = [recording("Muller/c.edf", 0), recording("Muller/a.EDF", 300), recording("Muller/deep/er/b.bdf", 90)]
    layout = lay_out(CODE, files)
    assert layout.paths == {
        "Muller/c.edf": f"{CODE}_edf/{CODE}_1.edf",
        "Muller/deep/er/b.bdf": f"{CODE}_edf/{CODE}_2.bdf",
        "Muller/a.EDF": f"{CODE}_edf/{CODE}_3.edf",
    }
    assert not layout.remarks
    assert not layout.doubts


def test_a_fraction_of_a_second_decides() -> None:
    files = [recording("a.edf", 0.5 / 60), recording("b.edf", 0.25 / 60)]
    assert lay_out(CODE, files).paths["b.edf"].endswith("_1.edf")


def test_equal_starts_go_by_name_and_are_told() -> None:
    files = [recording("B.edf"), recording("a.edf"), recording("c.edf", 1)]
    layout = lay_out(CODE, files)
    assert [layout.paths[key][-5:] for key in ("a.edf", "B.edf", "c.edf")] == ["1.edf", "2.edf", "3.edf"]
    assert layout.remarks == {"a.edf": "equal-starts", "B.edf": "equal-starts"}


def test_one_without_a_start_comes_last_and_is_told() -> None:
    layout = lay_out(CODE, [recording("a.edf", None), recording("b.edf")])
    assert layout.paths["a.edf"] == f"{CODE}_edf/{CODE}_2.edf"
    assert layout.remarks == {"a.edf": "start-unknown"}


def test_what_had_a_number_keeps_it_and_one_that_began_before_it_is_told() -> None:
    first = lay_out(CODE, [recording("b.edf", 60), recording("c.edf", 120)]).paths
    layout = lay_out(CODE, [recording("a.edf", 0), recording("b.edf", 60), recording("c.edf", 120)], first)
    assert layout.paths == first | {"a.edf": f"{CODE}_edf/{CODE}_3.edf"}
    assert layout.remarks == {"b.edf": "out-of-order", "c.edf": "out-of-order"}


def test_the_number_of_one_that_is_gone_is_not_given_again() -> None:
    gone = {"x.edf": f"{CODE}_edf/{CODE}_1.edf"}
    assert lay_out(CODE, [recording("a.edf")], gone).paths == {"a.edf": f"{CODE}_edf/{CODE}_2.edf"}


def test_a_half_renamed_folder_is_finished() -> None:
    """An earlier attempt renamed some in place; what it numbered stays so."""
    files = [recording(f"P/{CODE}_2.edf", 0), recording("P/night.edf", 10), recording("P/morning.edf", 20)]
    assert lay_out(CODE, files).paths == {
        f"P/{CODE}_2.edf": f"{CODE}_edf/{CODE}_2.edf",
        "P/night.edf": f"{CODE}_edf/{CODE}_1.edf",
        "P/morning.edf": f"{CODE}_edf/{CODE}_3.edf",
    }


def test_of_two_that_an_earlier_attempt_gave_one_number_none_is_lost() -> None:
    files = [recording(f"P/one/{CODE}_1.edf"), recording(f"P/two/{CODE}_1.edf", 5), recording(f"P/{CODE}_1.bdf", 9)]
    assert len(set(lay_out(CODE, files).paths.values())) == 3


def test_day_folders_keep_their_day_and_two_of_one_day_lose_nothing() -> None:
    """The lab's script lost one of eight."""
    files = [recording(f"Muller~ Hans_{day}/{name}.avi", day * 1440) for day in (1, 2, 12) for name in "ab"]
    files += [recording("MULLER_12/a.avi", 12 * 1440 + 5), recording("MULLER_012/b.AVI", 12 * 1440 + 6)]
    layout = lay_out(CODE, files)
    assert sorted(layout.paths.values()) == sorted(
        [f"{CODE}/{CODE}_{day}/{CODE}_{day}_{k}.avi" for day in (1, 2) for k in (1, 2)]
        + [f"{CODE}/{CODE}_12/{CODE}_12_{k}.avi" for k in (1, 2, 3, 4)]
    )
    assert {layout.remarks[key] for key in ("MULLER_12/a.avi", "MULLER_012/b.AVI")} == {"same-day-folders"}


def test_a_folder_of_the_name_of_a_recording_goes_with_it() -> None:
    files = [recording("P/Night One.edf", 60), recording("P/first.edf"), recording("P/night one/cam.mp4", 61)]
    assert lay_out(CODE, files).paths["P/night one/cam.mp4"] == f"{CODE}/{CODE}_edf_2/{CODE}_edf_2_1.mp4"


def test_other_video_is_numbered_for_itself() -> None:
    files = [recording("P/x.avi", 10), recording("P/deep/er/y.avi", 5)]
    assert lay_out(CODE, files).paths == {"P/deep/er/y.avi": f"{CODE}/{CODE}_1.avi", "P/x.avi": f"{CODE}/{CODE}_2.avi"}


def test_notes_go_to_the_recording_that_begins_within_ten_minutes() -> None:
    files = [recording("a.edf", 0), recording("b.edf", 60)]
    files += [recording("x_snc.txt", 69.5), recording("x VTC.txt", 51), recording("other_snc.TXT", 64)]
    paths = lay_out(CODE, files).paths
    assert paths["x VTC.txt"] == f"{CODE}_edf/{CODE}_2_vtc.txt"
    assert paths["other_snc.TXT"] == f"{CODE}_edf/{CODE}_2_snc.txt"
    assert paths["x_snc.txt"] == f"{CODE}_edf/{CODE}_2_snc_2.txt"


def test_notes_of_no_recording_or_of_two_are_doubtful_not_guessed() -> None:
    files = [recording("a.edf", 0), recording("b.edf", 15)]
    files += [recording("far_snc.txt", 30), recording("both_snc.txt", 7), recording("none_vtc.txt", None)]
    layout = lay_out(CODE, files)
    assert layout.doubts == dict.fromkeys(("far_snc.txt", "both_snc.txt", "none_vtc.txt"), "notes-doubtful")
    assert set(layout.paths) == {"a.edf", "b.edf"}


def test_of_a_date_that_can_be_read_two_ways_the_one_that_fits_is_taken() -> None:
    files = [Found("a.edf", Kind.RECORDING, (datetime(2019, 3, 4, 10, 0),))]
    files.append(Found("x_snc.txt", Kind.NOTES, (datetime(2019, 3, 4, 10, 3), datetime(2019, 4, 3, 10, 3))))
    assert lay_out(CODE, files).paths["x_snc.txt"] == f"{CODE}_edf/{CODE}_1_snc.txt"


NAMES = st.sampled_from(
    ["a", "A", "é", "e\u0301", "straße", "STRASSE", "b_1", "B_01", f"{CODE}_1", f"{CODE}_2", "x_12"]
)
KEYS = st.tuples(
    st.lists(NAMES, max_size=3),
    NAMES,
    st.sampled_from([".edf", ".EDF", ".bdf", ".avi", ".mp4", "_snc.txt", "_vtc.TXT"]),
)
FILES = st.lists(
    st.tuples(KEYS, st.one_of(st.none(), st.integers(0, 40))), max_size=30, unique_by=lambda one: repr(one[0])
).map(lambda many: [recording("/".join([*key[0], key[1]]) + key[2], minutes) for key, minutes in many])


@given(FILES, FILES)
def test_no_place_is_given_twice_and_a_second_plan_moves_nothing(files: list[Found], later: list[Found]) -> None:
    layout = lay_out(CODE, files)
    assert layout.paths.keys() | layout.doubts.keys() == {one.key for one in files}
    assert not layout.paths.keys() & layout.doubts.keys()
    both = list({one.key: one for one in [*files, *later]}.values())
    again = lay_out(CODE, both, layout.paths)
    assert layout.paths.items() <= again.paths.items()
    for paths in (layout.paths, again.paths):
        seen = {unicodedata.normalize("NFC", path).casefold() for path in paths.values()}
        assert len(seen) == len(paths)
        assert all(path.isascii() for path in paths.values())


def sealed(*keys: str) -> list[Found]:
    return [Found(one, kind_of(one)) for one in keys]


def test_files_of_a_recorder_that_have_one_name_are_sealed_under_one_number() -> None:
    base = f"{CODE}/{CODE}_sealed/{CODE}_sealed"
    files = sealed("M/b/Muller.erd", "M/a/Muller.ERD", "M/a/Muller.etc", "M/b/muller.vt2", "M/b/Muller.ETC")
    first = lay_out(CODE, files)
    assert first.paths == {
        "M/a/Muller.ERD": f"{base}_1.erd.c4gh",
        "M/a/Muller.etc": f"{base}_1.etc.c4gh",
        "M/b/Muller.erd": f"{base}_2.erd.c4gh",
        "M/b/Muller.ETC": f"{base}_2.etc.c4gh",
        "M/b/muller.vt2": f"{base}_2.vt2.c4gh",
    }
    more = sealed("M/a/0.doc", "M/a/Muller.stc", "M/a/MULLER.erd")
    again = lay_out(CODE, [*files, *more], first.paths)
    assert again.paths == first.paths | {
        "M/a/0.doc": f"{base}_3.doc.c4gh",
        "M/a/Muller.stc": f"{base}_1.stc.c4gh",
        "M/a/MULLER.erd": f"{base}_4.erd.c4gh",
    }


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "A", "b", "c/a", "C/a", "a.b"]), st.sampled_from(["erd", "ERD", "etc", "doc"])),
        unique=True,
    ),
    st.integers(0, 20),
)
def test_sealed_files_have_places_of_their_own_and_keep_them(names: list[tuple[str, str]], at: int) -> None:
    keys = [".".join(one) for one in names]
    first = lay_out(CODE, sealed(*keys[:at]))
    gone = {f"\0{key}": path for key, path in first.paths.items() if hash(key) % 2}
    before = {key: path for key, path in first.paths.items() if f"\0{key}" not in gone}
    again = lay_out(CODE, sealed(*(one for one in keys if f"\0{one}" not in gone)), gone | before)
    assert before.items() <= again.paths.items()
    taken = [one.casefold() for one in [*again.paths.values(), *gone.values()]]
    assert len(taken) == len(set(taken))
    for key, path in again.paths.items():
        assert path.endswith(f".{key.rpartition('.')[2].lower()}.c4gh")
    numbers = {path: path.split(".")[0] for path in again.paths.values()}
    for one in again.paths:
        for other in again.paths:
            if numbers[again.paths[one]] == numbers[again.paths[other]]:
                assert one.rpartition(".")[0].casefold() == other.rpartition(".")[0].casefold()
