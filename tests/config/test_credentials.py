from __future__ import annotations

import pickle

import pytest

from bondstore.config import aws_files
from bondstore.config.credentials import azure_key, azure_sas, credentials
from bondstore.config.profiles import Profile
from bondstore.config.secrets import Secret, SecretRef
from bondstore.config.settings import load_profile
from bondstore.errors import ConfigurationError, CredentialsError
from tests.homes import Home

CANARY = "canary-aws-secret-51"


def test_by_reference(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ID", "the-id\n")
    monkeypatch.setenv("SECRET", CANARY)
    monkeypatch.setenv("TOKEN", "a-token")
    profile = Profile(
        access_key=SecretRef("env", "ID"),
        secret_key=SecretRef("env", "SECRET"),
        session_token=SecretRef("env", "TOKEN"),
    )
    found = credentials(profile)
    assert found is not None
    assert (found.access_key, found.secret, found.token) == ("the-id", Secret(CANARY), Secret("a-token"))
    assert CANARY not in repr(found)
    assert "the-id" not in repr(found)
    with pytest.raises(TypeError):
        pickle.dumps(found)


def test_half_a_pair(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ID", "the-id")
    with pytest.raises(CredentialsError, match="secret_key is missing"):
        credentials(Profile(name="lab", access_key=SecretRef("env", "ID")))


def test_anonymous_and_nothing(home: Home) -> None:
    home.write_aws(f"[default]\naws_access_key_id = x\naws_secret_access_key = {CANARY}\n")
    assert credentials(Profile(anonymous=True)) is None
    home.write_aws()
    assert credentials(Profile()) is None


def test_aws_files(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_aws(
        f"# keys\n[default]\naws_access_key_id=d\naws_secret_access_key={CANARY}=%x\n"
        "[lab]\naws_access_key_id = l\naws_secret_access_key = s\naws_session_token = t\n",
        "[profile  in-config ]\naws_access_key_id = c\naws_secret_access_key = s\n",
    )
    found = credentials(Profile())
    assert found is not None
    assert (found.access_key, found.secret.reveal()) == ("d", f"{CANARY}=%x")
    found = credentials(Profile(aws_profile="lab"))
    assert found is not None
    assert (found.access_key, found.token) == ("l", Secret("t"))
    monkeypatch.setenv("AWS_PROFILE", "in-config")
    found = credentials(load_profile())
    assert found is not None
    assert found.access_key == "c"
    assert aws_files.profile_names() == ["default", "in-config", "lab"]
    with pytest.raises(CredentialsError, match=r"no AWS profile 'gone'.*Known: default, in-config, lab"):
        credentials(Profile(aws_profile="gone"))


def test_other_places_of_the_files(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = home.path / "elsewhere"
    elsewhere.write_text("[default]\naws_access_key_id = e\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "~/elsewhere")
    found = credentials(Profile())
    assert found is not None
    assert found.access_key == "e"


@pytest.mark.parametrize(
    ("settings", "way"),
    [
        ("sso_session = s\nsso_account_id = 1", "single sign-on"),
        ("sso_start_url = https://x", "single sign-on"),
        ("role_arn = arn:x\nsource_profile = y", "an assumed role"),
        ("credential_process = /bin/x", "a credential process"),
    ],
)
def test_other_ways_of_signing_in_are_told(home: Home, settings: str, way: str) -> None:
    home.write_aws(config=f"[profile lab]\n{settings}\n")
    with pytest.raises(ConfigurationError, match=way) as caught:
        credentials(Profile(aws_profile="lab"))
    assert caught.value.hint == 'Run: eval "$(aws configure export-credentials --profile lab --format env)"'


def test_a_profile_without_keys(home: Home) -> None:
    home.write_aws(config="[profile lab]\nregion = x\n")
    with pytest.raises(CredentialsError, match="holds no keys"):
        credentials(Profile(aws_profile="lab"))


@pytest.mark.parametrize("text", [f"{CANARY}\n", f"[default\n{CANARY}", f"key = {CANARY}\n"])
def test_a_broken_file_is_told_without_its_content(home: Home, text: str) -> None:
    home.write_aws(text)
    with pytest.raises(ConfigurationError, match="not a valid AWS settings file") as caught:
        credentials(Profile())
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_azure(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert azure_key(Profile()) is None
    assert azure_sas(Profile()) is None
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", CANARY)
    profile = load_profile(url="az://container")
    assert azure_key(profile) == Secret(CANARY)
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", CANARY)
    assert azure_sas(load_profile(url="az://container")) == Secret(CANARY)
