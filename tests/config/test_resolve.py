from __future__ import annotations

import pickle

import pytest

from bondstore.config.profiles import Profile
from bondstore.config.resolve import resolve_dest, resolve_key, resolve_source, resolve_store, resolve_study, store_url
from bondstore.config.secrets import SecretRef
from bondstore.domains.ocean.plots.places import find_source
from bondstore.errors import ConfigurationError, UsageError
from bondstore.registry.service import open_participants
from bondstore.registry.sources import read_source
from bondstore.stores.address import parse_address
from tests.homes import Home


def test_a_flag_a_profile_or_an_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="No store is named") as caught:
        resolve_store()
    assert "--store" in str(caught.value)
    home.write_user('[profile.lab]\nurl = "s3://lab"\nread_only = true\n')
    spec = resolve_store(profile="lab")
    assert (spec.url, spec.profile.read_only) == ("s3://lab", True)
    assert resolve_store("s3://other", "lab").url == "s3://other"
    assert resolve_store(profile=Profile(url="memory://x")).url == "memory://x"
    monkeypatch.setenv("S3_BUCKET", "guide")
    assert resolve_store().url == "s3://guide"
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize("folder", ["with blank", "per%cent", "sharp#and?", "ümlaut"])
def test_a_local_folder_becomes_a_url_that_leads_back(home: Home, folder: str) -> None:
    spec = resolve_store(f"./{folder}")
    assert spec.url.startswith("file:///")
    assert parse_address(spec.url).place == str(home.project / folder)


@pytest.mark.parametrize("url", ["bucket", "http://x", "s3:bucket", "s3://user:canary@bucket", "az://c?sig=canary"])
def test_what_is_no_store(home: Home, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_store(url)
    assert "canary" not in str(caught.value)


def test_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="No decryption key is named"):
        resolve_key()
    with pytest.raises(ConfigurationError, match="by reference"):
        resolve_key("literal-canary")
    assert resolve_key("env:K") == SecretRef("env", "K")
    monkeypatch.setenv("DECRYPTION_KEY_STRING", "x")
    assert resolve_key() == SecretRef("env", "DECRYPTION_KEY_STRING")
    assert resolve_key(None, Profile(decryption_key=SecretRef("env", "P"))) == SecretRef("env", "P")


def test_study(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="No study is named"):
        resolve_study()
    assert resolve_study(" abc/ ") == "abc"
    for wrong in ("a/b", "..", "/", "a\nb", " "):
        with pytest.raises(UsageError):
            resolve_study(wrong)
    monkeypatch.setenv("STUDY_FOLDER", "from-guide")
    assert resolve_study() == "from-guide"


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_place_is_none_in_python_either(home: Home, monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.setenv("S3_BUCKET", "guide")
    for ask in (resolve_store, resolve_source, resolve_dest, store_url, find_source, read_source, open_participants):
        with pytest.raises(UsageError):
            ask(empty)
    assert resolve_source(None).url == "s3://guide"


def test_a_folder_with_a_colon_is_written_from_here(home: Home) -> None:
    for resolve in (resolve_source, resolve_dest):
        with pytest.raises(UsageError, match=r"s3://x\. A folder of such a name is written with \./ before it"):
            resolve("s3:/x")
        assert parse_address(resolve("./s3:/x").url).place == str(home.project / "s3:" / "x")
        assert parse_address(resolve("a:b").url).place == str(home.project / "a:b")
