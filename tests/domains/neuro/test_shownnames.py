"""What a hospital's viewer sees: names that each file system takes, and no folder of two people."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.deid.crosswalk import Entry
from bondstore.deid.people import Person
from bondstore.domains.neuro.shownnames import code_of, shown_names

A, B, C = "k3f9a2bq", "a1b2c3d4", "m000000z"


def entry(code: str, *names: str) -> Entry:
    return Entry(code, Person(names), -7, datetime(2026, 1, 1, tzinfo=UTC))


def folders(name: str) -> set[str]:
    return {unicodedata.normalize("NFC", one.casefold()) for one in (name, f"{name}_edf")}


def test_the_first_spelling_is_the_name() -> None:
    assert shown_names([entry(A, "Muller~ Petra", "MULLER,_P."), entry(B, "Keller")]) == {
        A: "Muller~ Petra",
        B: "Keller",
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("O'Neill, Zoë", "O'Neill, Zoë"),
        ("Muller/Petra", "Muller_Petra"),
        ('a\\b:c*d?e"f<g>h|i', "a_b_c_d_e_f_g_h_i"),
        ("tab\there\n", "tab_here_"),
        ("Zoe\u0308", "Zo\u00eb"),
        (" .hidden. ", "hidden"),
        ("..", A),
        ("", A),
        ("ü" * 100, "ü" * 75),
        (A.upper(), A.upper()),
    ],
)
def test_what_file_systems_refuse_is_replaced(name: str, shown: str) -> None:
    assert shown_names([entry(A, name)]) == {A: shown}


def test_somebody_without_a_name_keeps_the_code() -> None:
    assert shown_names([entry(A)]) == {A: A}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Keller", "Keller"), ("Keller", "KELLER"), ("Zoë", "ZOE\u0308"), ("Keller", "Keller_edf"), ("a:b", "a?b")],
)
def test_two_of_one_name_are_told_apart_by_their_codes(one: str, other: str) -> None:
    found = shown_names([entry(A, one), entry(B, other)])
    assert found[A].endswith(f"_{A}")
    assert found[B].endswith(f"_{B}")


@pytest.mark.parametrize("name", ["records", "Records", B, f"{B}_edf", B.upper()])
def test_a_name_like_one_of_our_folders_has_the_code_behind_it(name: str) -> None:
    assert shown_names([entry(A, name), entry(B, "Keller")])[A] == f"{name}_{A}"


def test_a_name_like_one_that_is_told_apart() -> None:
    found = shown_names([entry(A, "Keller"), entry(B, "keller"), entry(C, f"Keller_{A}")])
    assert found == {A: A, B: f"keller_{B}", C: f"Keller_{A}"}


@pytest.mark.parametrize("path", [f"{A}_edf/{A}_1.edf", f"{A}/{A}_12/{A}_12_1.avi", f"{A}/{A}_1.mp4"])
def test_the_code_of_a_result(path: str) -> None:
    assert code_of(path) == A


_NAMES = st.one_of(
    st.text(max_size=12), st.sampled_from(["Keller", "KELLER", "Keller_edf", "records", A, f"{B}_edf", f"Keller_{A}"])
)


@given(st.lists(_NAMES, min_size=1, max_size=3))
def test_no_two_subjects_share_a_folder_and_all_can_be_made(names: list[str]) -> None:
    codes = (A, B, C)[: len(names)]
    found = shown_names(entry(code, name) for code, name in zip(codes, names, strict=True))
    assert list(found) == list(codes)
    taken = [one for name in found.values() for one in folders(name)] + ["records", ".bondstore"]
    assert len(taken) == len(set(taken))
    for code, name in found.items():
        assert not folders(name) & {one for other in set(codes) - {code} for one in folders(other)}
        assert 0 < len(name.encode()) <= 200
        assert name == unicodedata.normalize("NFC", name)
        assert not set(name) & set('/\\:*?"<>|\0\n')
        assert name.strip(" .") == name
