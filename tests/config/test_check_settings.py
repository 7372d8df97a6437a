from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bondstore.config.fields import fields_of, without_none
from bondstore.config.profiles import Profile, check_name, check_settings
from bondstore.config.secrets import SecretRef
from bondstore.errors import ConfigurationError

CANARY = "canary+31/secret"
REFERENCES = [one.name for one in fields_of(Profile) if without_none(one.type) is SecretRef]


def test_every_field_of_a_profile_has_a_rule() -> None:
    fields = {field.name for field in dataclasses.fields(Profile)} - {"name", "sources"}
    assert fields == {one.name for one in fields_of(Profile) if one.setting.help and not one.setting.internal}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_literal_secret_is_refused_with_the_way_to_refer(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_settings({name: CANARY}, "bondstore.toml [profile.lab]")
    told = str(caught.value)
    assert CANARY not in told
    assert "bondstore.toml [profile.lab]" in told
    assert f'{name} = "env:' in told


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("endpont", "endpoint"),
        ("secretkey", "secret_key"),
        ("readonly", "read_only"),
        ("decryption-key", "decryption_key"),
    ],
)
def test_an_unknown_setting_is_an_error_that_names_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Did you mean {near}"):
        check_settings({name: "x"}, "file")


def test_a_setting_unlike_any_lists_them_all_and_is_cut() -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_settings({"9" * 24 + CANARY: 1}, "file")
    assert CANARY not in str(caught.value)
    assert "endpoint" in str(caught.value)


WRONG: list[tuple[str, Any]] = [
    ("read_only", "yes"),
    ("read_only", 1),
    ("retries", True),
    ("retries", -1),
    ("retries", 1.5),
    ("connect_timeout", 0),
    ("connect_timeout", "5"),
    ("connect_timeout", True),
    ("proxy", "off"),
    ("checksums", None),
    ("plaintext", ["allowed"]),
    ("url", "bucket"),
    ("url", ""),
    ("url", 5),
    ("study", "two\nlines"),
    ("endpoint", "host:80"),
    ("endpoint", "ftp://host"),
    ("endpoint", f"https://user:{CANARY}@host"),
    ("endpoint", f"https://host/?token={CANARY}"),
    ("endpoint", "https://host:notaport"),
    ("secret_key", 5),
    ("secret_key", ["env:X"]),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_values_are_refused_and_not_repeated(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_settings({name: value}, "file")
    assert CANARY not in str(caught.value)
    assert name in str(caught.value)
    assert caught.value.hint


def test_right_values_come_through() -> None:
    given = {"url": "s3://b/p", "endpoint": "https://host:9000/", "retries": 3, "connect_timeout": 2, "read_only": True}
    checked = check_settings(given, "file")
    assert checked == {**given, "endpoint": "https://host:9000"}
    assert isinstance(checked["connect_timeout"], float)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "a.b", "x" * 65, "ä", "a\n"])
def test_names_that_no_profile_may_have(name: str) -> None:
    with pytest.raises(ConfigurationError):
        check_name(name)
