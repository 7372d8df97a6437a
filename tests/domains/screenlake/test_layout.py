"""Keys: built and parsed, wherever the store's address begins; anything else is named, never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.screenlake.layout import Other, PhoneZip, build_key, parse_key
from bondstore.runs.paths import is_odd_name

WORD = st.text(
    st.characters(codec="utf-8", exclude_characters="/", exclude_categories=("Cs",)), min_size=1, max_size=20
)
PLAIN = WORD.filter(lambda word: word not in ("panelist", "tenant", "panel"))
PERSON = PLAIN.filter(lambda word: not is_odd_name(word))
VERSION = st.integers(0, 99).map(lambda n: f"V_{n:02d}")
NAME = st.builds(
    lambda stem, ending: stem + ending,
    st.text("abcdef0123456789-_", min_size=1, max_size=40),
    st.sampled_from([".zip", ".zip.zip", ".ZIP"]),
)


@given(PLAIN, PLAIN, VERSION, PERSON, NAME, st.integers(0, 6))
def test_keys_with_images_are_parsed_as_built(
    tenant: str, panel: str, version: str, panelist: str, name: str, cut: int
) -> None:
    key = build_key(tenant, panel, version, panelist, name)
    parts = key.split("/")
    prefix, below = "/".join(parts[:cut]), "/".join(parts[cut:])
    found = parse_key(below, prefix)
    assert found == PhoneZip(below, panelist, name, tenant, panel, version)


@given(PLAIN.filter(lambda word: not word.lower().startswith("v")), VERSION, PERSON, NAME, st.integers(0, 4))
def test_keys_without_images_are_parsed_as_built(tenant: str, version: str, panelist: str, name: str, cut: int) -> None:
    parts = build_key(tenant, "", version, panelist, name).split("/")
    found = parse_key("/".join(parts[cut:]), "/".join(parts[:cut]))
    if panelist.startswith(("V", "v")):
        return  # a panelist is the hash of an address; it does not look like a version
    assert isinstance(found, PhoneZip)
    assert (found.panelist, found.tenant, found.version, found.name) == (panelist, tenant, version, name)


@given(st.text(max_size=80), st.text(max_size=30))
def test_any_key_gets_an_answer(key: str, prefix: str) -> None:
    found = parse_key(key, prefix)
    assert found.key == key
    if isinstance(found, PhoneZip):
        assert found.panelist
        assert key.lower().endswith(".zip")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("academia/tenant/1_a/panel/2/V_01/panelist/ab12/notes.txt", "not a zip"),
        ("academia/tenant/1_a/panel/2/V_01/panelist/ab12/", "not a zip"),
        ("academia/tenant/1_a/panel/2/V_01/panelist/ab12/.zip", "not a zip"),
        ("a/b/._image_zip_1.zip", "not a zip"),
        ("image_zip_1.zip", "of no panelist"),
        ("/image_zip_1.zip", "odd folder"),
    ],
)
def test_what_is_no_phones_zip_is_named(key: str, reason: str) -> None:
    assert parse_key(key) == Other(key, reason)  # type: ignore[arg-type]


def test_a_store_may_begin_at_the_panelist() -> None:
    found = parse_key("image_zip_1.zip", "academia/tenant/1_a/panel/2/V_01/panelist/ab12")
    assert found == PhoneZip("image_zip_1.zip", "ab12", "image_zip_1.zip", "1_a", "2", "V_01")


def test_folders_below_a_panelist_are_the_panelists() -> None:
    found = parse_key("tenant/1_a/V_02/ab12/2024/01/image_zip_1.zip.zip")
    assert isinstance(found, PhoneZip)
    assert (found.panelist, found.version) == ("ab12", "V_02")
