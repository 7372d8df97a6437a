from __future__ import annotations

import dataclasses
import pickle

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import SecretRef
from tests.homes import Home

CANARY = "canary-77c1-secret"


def test_a_profile_is_frozen_and_pickles_without_its_secrets(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SECRET", CANARY)
    profile = Profile(name="lab", secret_key=SecretRef.parse("env:LAB_SECRET"), sources=(("endpoint", "here"),))
    profile.secret_key.resolve()  # type: ignore[union-attr]
    spec = StoreSpec("s3://bucket/prefix", profile)
    data = pickle.dumps(spec)
    assert pickle.loads(data) == spec
    assert CANARY.encode() not in data
    assert CANARY not in repr(spec)
    with pytest.raises(dataclasses.FrozenInstanceError):
        profile.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("settings", "bucket", "path_style"),
    [
        ({}, "plain-bucket", False),
        ({}, "Capital", True),
        ({}, "under_score", True),
        ({}, "with.dot", True),
        ({"endpoint": "http://127.0.0.1:1"}, "plain-bucket", True),
        ({"endpoint": "http://127.0.0.1:1", "path_style": False}, "plain-bucket", False),
        ({"path_style": True}, "plain-bucket", True),
    ],
)
def test_path_style(settings: dict[str, object], bucket: str, path_style: bool) -> None:
    assert Profile(**settings).uses_path_style(bucket) is path_style  # type: ignore[arg-type]


def test_http_is_allowed_by_the_endpoint_or_by_word() -> None:
    assert not Profile().uses_http()
    assert not Profile(endpoint="https://host").uses_http()
    assert Profile(endpoint="HTTP://host").uses_http()
    assert not Profile(endpoint="http://host", allow_http=False).uses_http()


def test_sources_do_not_make_profiles_different() -> None:
    assert Profile(sources=(("url", "a"),)) == Profile(sources=(("url", "b"),))
    assert Profile(sources=(("url", "a"),)).source_of("url") == "a"
    assert Profile().source_of("url") == "default"
