"""Which settings there are to choose from."""

from __future__ import annotations

import pytest

from bondstore.config.credentials import credentials
from bondstore.config.settings import Found, find_settings
from tests.homes import Home

KEYS = "aws_access_key_id = {0}-id\naws_secret_access_key = {0}-secret\n"


def names() -> list[tuple[str, str]]:
    return [(one.kind, one.name) for one in find_settings()[0]]


def test_nothing_at_all(home: Home) -> None:
    assert find_settings() == ([], [])


def test_variables_hide_the_aws_profiles_that_they_would_win_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_aws(f"[default]\n{KEYS.format('default')}[lab]\n{KEYS.format('lab')}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    assert find_settings()[0] == [Found("here", "", "AWS_ACCESS_KEY_ID")]


def test_aws_profiles_but_for_the_one_that_holds_here(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_aws(
        f"[default]\n{KEYS.format('default')}[lab]\n{KEYS.format('lab')}", "[profile lab]\nregion = eu-west-1\n"
    )
    assert names() == [("here", ""), ("aws", "lab")]
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert names() == [("here", ""), ("aws", "default")]


@pytest.mark.parametrize("region", ["", "us-west-2"])
def test_an_aws_profile_as_if_it_were_named_by_its_variable(
    home: Home, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    home.write_aws(
        f"[default]\n{KEYS.format('default')}[lab]\n{KEYS.format('lab')}",
        "[default]\nregion = us-east-2\n[profile lab]\nregion = eu-west-1\nendpoint_url = https://lab.example.org\n",
    )
    if region:
        monkeypatch.setenv("AWS_REGION", region)
    (lab,) = (one for one in find_settings()[0] if one.name == "lab")
    profile = lab.load()
    keys = credentials(profile)
    assert keys is not None
    assert (keys.access_key, keys.secret.reveal()) == ("lab-id", "lab-secret")
    assert (profile.region, profile.endpoint) == (region or "eu-west-1", "https://lab.example.org")


def test_profiles_the_default_one_first(home: Home) -> None:
    home.write_user(
        'default_profile = "b"\n[profile.a]\nurl = "s3://a"\n[profile.b]\nendpoint = "https://b.example.org"\n'
    )
    assert find_settings()[0] == [Found("profile", "b", "https://b.example.org"), Found("profile", "a", "s3://a")]
    assert find_settings()[0][1].load().url == "s3://a"


def test_what_cannot_be_read_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home.write_user("this is no TOML")
    home.write_aws(f"[lab]\n{KEYS.format('lab')}")
    found, problems = find_settings()
    assert found == [Found("aws", "lab", f"{home.path}/.aws/credentials [lab]")]
    assert [str(path) in error.message for error in problems] == [True]
    path.unlink()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    found, problems = find_settings()
    assert found == []
    assert "AWS_SECRET_ACCESS_KEY" in str(problems[0])
