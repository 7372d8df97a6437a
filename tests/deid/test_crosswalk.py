"""The crosswalk: codes are drawn, found again, asked about, and never lost."""

from __future__ import annotations

import io
import re
import stat
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import crypt4gh.lib
import pytest

from bondstore.codecs.crypt4gh import PrivateKey
from bondstore.config.resolve import resolve_dest
from bondstore.deid.codes import check_code, draw_code, draw_shift
from bondstore.deid.crosswalk import NEW, Crosswalk
from bondstore.deid.people import Person
from bondstore.deid.safe import FileSafe, SafeKeys, StoreSafe
from bondstore.errors import IntegrityError, NotFoundError, PolicyError, UsageError, WrongKeyError
from bondstore.stores import open_store

KEY, OTHER = PrivateKey(b"k" * 32), PrivateKey(b"o" * 32)
HANS = Person(("Muller, Hans",), (date(1969, 6, 30),), ("MRN 0012345",))
ROSE = Person(("May, Rose",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "private" / "crosswalk.c4gh"


def crosswalk(file: Path, key: PrivateKey = KEY, **options: object) -> Crosswalk:
    return Crosswalk(FileSafe(file), SafeKeys(key), **options)  # type: ignore[arg-type]


def code_of(found: Crosswalk, person: Person, **options: object) -> str:
    assigned = found.assign([person], **options)  # type: ignore[arg-type]
    assert assigned.questions == ()
    return assigned.entries[person].code


def test_a_code_is_a_letter_and_seven_letters_or_digits() -> None:
    codes = {draw_code(()) for _ in range(2000)}
    assert len(codes) == 2000
    assert all(re.fullmatch("[a-z][a-z0-9]{7}", one) for one in codes)
    assert len({one[0] for one in codes}) == 26
    assert len({one[1] for one in codes}) == 36


def test_a_code_in_use_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter("a" * 8 + "a" * 7 + "b")
    monkeypatch.setattr("secrets.choice", lambda _: next(drawn))
    assert draw_code({"a" * 8}) == "aaaaaaab"


@pytest.mark.parametrize("code", ["", "k3f9a2b", "3kf9a2bq", "K3F9A2BQ", "k3f9a2bq1", "k3f9-2bq", "k3f9a2bé"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(UsageError, match="8 characters"):
        check_code(code)


def test_dates_are_shifted_back_by_whole_weeks_up_to_four_years() -> None:
    shifts = {draw_shift() for _ in range(5000)}
    assert shifts <= {-7 * weeks for weeks in range(1, 209)}
    assert len(shifts) > 190


def test_a_person_is_found_again_by_name_in_any_case_and_order(file: Path) -> None:
    code = code_of(crosswalk(file), HANS)
    first = crosswalk(file).entries()[0]
    for name in ("HANS MULLER", "muller_hans", "Muller^Hans", "Hans  Muller"):
        assert code_of(crosswalk(file), Person((name,))) == code
    found = crosswalk(file).entries()
    assert [one.code for one in found] == [code]
    assert (found[0].shift, found[0].added) == (first.shift, first.added)
    assert found[0].person.births == HANS.births


@pytest.mark.parametrize(
    "person",
    [
        Person(("Müller, Hans",)),
        Person(("Mueller, Hans",)),
        Person(("Muler, Hans",)),
        Person(("Muller, H.",)),
        Person(("Muller",)),
        Person(("Muller, Hans Peter",)),
        Person(("Schmidt, Anna",), (), ("mrn12345",)),
        Person(("Muller, Hans",), (date(1970, 6, 30),)),
    ],
)
def test_another_spelling_is_asked_about_and_never_merged(file: Path, person: Person) -> None:
    code = code_of(crosswalk(file), HANS)
    asked = crosswalk(file).assign([person, ROSE])
    ((question),) = asked.questions
    assert (question.person, [one.code for one in question.candidates]) == (person, [code])
    assert set(asked.entries) == {ROSE}
    assert crosswalk(file).entries()[0].person == HANS


def test_the_answer_is_kept(file: Path) -> None:
    code = code_of(crosswalk(file), HANS)
    spelled = Person(("Müller, Hans",))
    assert code_of(crosswalk(file), spelled, decisions={spelled: code}) == code
    assert code_of(crosswalk(file), spelled) == code
    other = Person(("Muler, Hans",))
    assert code_of(crosswalk(file), other, decisions={other: NEW}) != code
    assert code_of(crosswalk(file), other) not in ("", code)
    with pytest.raises(UsageError, match="aaaaaaaa"):
        crosswalk(file).assign([spelled], decisions={spelled: "aaaaaaaa"})


@pytest.mark.parametrize(
    "person", [Person(("Muller, Petra",)), Person(("Muler, Hans",), (date(1970, 1, 1),)), Person(("Hanson, M.",))]
)
def test_somebody_else_gets_a_code_at_once(file: Path, person: Person) -> None:
    assert code_of(crosswalk(file), HANS) != code_of(crosswalk(file), person)


def test_two_of_one_name_are_asked_about_where_nothing_else_is_known(file: Path) -> None:
    younger = replace(HANS, births=(date(1999, 1, 1),), numbers=())
    codes = {code_of(crosswalk(file), HANS), code_of(crosswalk(file), younger, decisions={younger: NEW})}
    (question,) = crosswalk(file).assign([Person(("Hans Muller",))]).questions
    assert {one.code for one in question.candidates} == codes
    assert code_of(crosswalk(file), younger) in codes


def test_a_record_number_alone_is_enough(file: Path) -> None:
    code = code_of(crosswalk(file), HANS)
    assert code_of(crosswalk(file), Person((), (), ("12345",))) == code
    with pytest.raises(UsageError, match="neither"):
        crosswalk(file).assign([Person(())])


def test_a_code_from_elsewhere_is_taken_over(file: Path) -> None:
    assert code_of(crosswalk(file), HANS, codes={HANS: "k3f9a2bq"}) == "k3f9a2bq"
    with pytest.raises(UsageError, match="somebody else"):
        crosswalk(file).assign([ROSE], codes={ROSE: "k3f9a2bq"})
    with pytest.raises(UsageError, match="has the code k3f9a2bq already"):
        crosswalk(file).assign([HANS], codes={HANS: "aaaaaaaa"})
    assert len(crosswalk(file).entries()) == 1


def test_a_preview_changes_nothing(file: Path) -> None:
    assert crosswalk(file).preview([HANS]).entries == {}
    assert not file.exists()
    code_of(crosswalk(file), HANS)
    before = file.read_bytes()
    assert set(crosswalk(file).preview([HANS, ROSE]).entries) == {HANS}
    assert file.read_bytes() == before


def test_the_history_is_kept(file: Path) -> None:
    code = code_of(crosswalk(file), HANS)
    spelled = Person(("Müller, Hans",))
    code_of(crosswalk(file), spelled, decisions={spelled: code})
    assert [(one["code"], one["names"]) for one in crosswalk(file).history()] == [
        (code, ["Muller, Hans"]),
        (code, ["Müller, Hans"]),
    ]


def test_nothing_can_be_read_of_the_file_and_nobody_else_can_open_it(file: Path) -> None:
    code = code_of(crosswalk(file), HANS)
    raw = file.read_bytes()
    assert not any(word in raw for word in (b"Muller", b"1969", code.encode()))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert {one.name for one in file.parent.iterdir()} == {file.name, f".{file.name}.lock"}
    with pytest.raises(WrongKeyError, match=f"Your key does not decrypt {file}"):
        crosswalk(file, OTHER).entries()
    with pytest.raises(WrongKeyError):
        crosswalk(file, OTHER).assign([ROSE])
    assert file.read_bytes() == raw


def test_the_reference_library_decrypts_it(file: Path) -> None:
    code_of(crosswalk(file), HANS)
    plain = io.BytesIO()
    crypt4gh.lib.decrypt([(0, KEY.reveal(), None)], io.BytesIO(file.read_bytes()), plain)
    assert b'"Muller, Hans"' in plain.getvalue()


def test_it_stays_encrypted_for_all_whom_it_is_for(file: Path) -> None:
    code = code_of(crosswalk(file, recipients=[OTHER.public]), HANS)
    theirs = Crosswalk(FileSafe(file), SafeKeys(OTHER, frozenset((KEY.public,))))
    assert [one.code for one in theirs.entries()] == [code]
    code_of(theirs, ROSE)
    with pytest.raises(IntegrityError, match="a key that you do not trust"):
        crosswalk(file).entries()
    assert len(Crosswalk(FileSafe(file), SafeKeys(KEY, frozenset((OTHER.public,)))).entries()) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "swapped"])
def test_damage_is_told(file: Path, damage: str) -> None:
    crosswalk(file).assign([replace(HANS, numbers=("1" * 150_000,))])  # three segments
    raw = bytearray(file.read_bytes())
    if damage == "cut":
        del raw[124 + 65_564 :]
    elif damage == "flipped":
        raw[-5] ^= 1
    else:
        one, two = slice(124, 124 + 65_564), slice(124 + 65_564, 124 + 2 * 65_564)
        raw[one], raw[two] = raw[two], raw[one]
    file.write_bytes(raw)
    with pytest.raises(IntegrityError, match="damaged"):
        crosswalk(file).entries()


def test_none_yet_is_told_and_a_link_is_not_followed(file: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no crosswalk"):
        crosswalk(file).entries()
    file.parent.mkdir(mode=0o700)
    file.symlink_to(file.with_name("elsewhere"))
    with pytest.raises(PolicyError):
        crosswalk(file).assign([HANS])


def _add(place: str, worker: int) -> list[str]:
    safe = StoreSafe(open_store(resolve_dest(place)), "crosswalk.c4gh") if "://" in place else FileSafe(Path(place))
    found = Crosswalk(safe, SafeKeys(KEY))
    people = [Person((f"Family{'abcdefghij'[worker]}{'klmnopqrst'[number]}, Given",)) for number in range(10)]
    return [found.assign([one], decisions={one: NEW}).entries[one].code for one in people]


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_who_adds_at_once_loses_nothing(file: Path, kind: str, request: pytest.FixtureRequest) -> None:
    place = str(file) if kind == "file" else request.getfixturevalue("s3_environment")
    with ProcessPoolExecutor(4, get_context("spawn")) if kind == "file" else ThreadPoolExecutor(4) as pool:
        codes = [code for done in pool.map(_add, [place] * 4, range(4)) for code in done]
    safe = FileSafe(file) if kind == "file" else StoreSafe(open_store(resolve_dest(place)), "crosswalk.c4gh")
    assert len(set(codes)) == 40
    assert {one.code for one in Crosswalk(safe, SafeKeys(KEY)).entries()} == set(codes)


def test_a_thousand_people_take_seconds(file: Path) -> None:
    names = [
        f"{a}{b}son, {b}{c}a"
        for a in ("Ket", "Lor", "Mab", "Nid", "Pol", "Rus", "Sev", "Tim", "Vog", "Zan")
        for b in ("bar", "cel", "dom", "fin", "gus", "hel", "jor", "kim", "lem", "mur")
        for c in "bdfghjklmn"
    ]
    people = [Person((name,)) for name in names]
    done = crosswalk(file).assign(people, decisions=dict.fromkeys(people, NEW))
    assert len({one.code for one in done.entries.values()}) == 1000
