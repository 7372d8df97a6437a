"""File names made from keys, realistic and hostile ones."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bondstore.runs.paths import safe_relpath

realistic = st.builds(
    "CHUNKED_DATA/{}/{}/{}/2024-01-{:02d}T{:02d}:00:00.csv{}".format,
    st.just("5" * 24),
    st.sampled_from(["1ab2cd3e", "4fg5hi6j"]),
    st.sampled_from(["gps", "survey_timings/5aa1", "survey_timings/", "ios/log"]),
    st.integers(1, 2),
    st.integers(0, 2),
    st.sampled_from(["", ".zst"]),
)
words = ["%2E", "%00empty", "%empty", "\0empty", ".bondstore", "x" * 199, "x" * 201, "é" * 101]
bits = st.sampled_from([*"./%\0aA\x85C\u085c\\\u200bée\u0301\ud800-~ \n", "", "..", "//", "%-", *words])
hostile = st.lists(bits, max_size=5).map("".join) | st.text(max_size=12) | st.text(min_size=190, max_size=220)
keys = realistic | hostile


@given(keys)
@example("../../etc/passwd")
@example("/etc/passwd")
@example("a/./../b")
@example("..\\..\\x")
@example("\ud800" * 300)
@example("")
def test_the_file_stays_in_its_folder_and_is_never_hidden(key: str) -> None:
    path = safe_relpath(key)
    parts = path.split("/")
    assert not PurePosixPath(path).is_absolute()
    assert all(part and not part.startswith(".") and "\\" not in part for part in parts)
    assert all(part.isprintable() for part in parts)
    assert all(len(part.encode()) <= 200 for part in parts)  # raises where a name could not be written as UTF-8
    assert len(parts) == key.count("/") + 1


@given(keys, keys)
@example("", "\0empty")
@example("\x85C", "\u085c")
@example("a//b", "a/%00empty/b")
@example("/a", "a")
@example("%2E", ".")
def test_two_keys_never_meet(one: str, other: str) -> None:
    assert (safe_relpath(one) == safe_relpath(other)) is (one == other)


@given(st.lists(hostile, min_size=2, max_size=40, unique=True))
def test_nor_do_many(many: list[str]) -> None:
    assert len({safe_relpath(key) for key in many}) == len(many)


@given(st.text(min_size=150, max_size=250).filter(lambda text: "/" not in text))
@example("x" * 201)
@example(".")
@example("%")
def test_nobody_can_choose_a_name_that_another_key_was_given(key: str) -> None:
    given_name = safe_relpath(key)
    assert given_name == key or safe_relpath(given_name) != given_name


@given(realistic.filter(lambda key: "//" not in key))
def test_ordinary_keys_stay_as_they_are(key: str) -> None:
    assert safe_relpath(key) == key


@pytest.mark.parametrize("key", ["x" * 1024, "é" * 500, "a b/ü/" + "\U0001f600" * 100, "%" * 300, "\0" * 100])
def test_a_file_can_be_made_under_the_longest_names(tmp_path: Path, key: str) -> None:
    path = tmp_path / safe_relpath(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]
