from __future__ import annotations

from typing import Any

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.doctor import Case, Check, CheckStatus, examine, settings
from bondstore.doctor.case import is_private
from tests.homes import Home

ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "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"
REFS = {"access_key": SecretRef("env", "LAB_ID"), "secret_key": SecretRef("env", "LAB_SECRET")}


def case(url: str = "s3://bucket", **given: Any) -> Case:
    return Case(StoreSpec(url, Profile(**given)))


def one(checks: Any) -> Check:
    (check,) = checks
    assert isinstance(check, Check)
    assert SECRET not in repr(check)
    return check


@pytest.fixture
def keys(home: Home, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("LAB_ID", ID)
    monkeypatch.setenv("LAB_SECRET", SECRET)
    return monkeypatch


def test_all_in_its_place(keys: pytest.MonkeyPatch) -> None:
    assert one(settings.look_for_mix_ups(case(**REFS))).status is CheckStatus.OK
    assert one(settings.look_at_credentials(case(**REFS))).status is CheckStatus.OK


@pytest.mark.parametrize("place", [ID, SECRET.replace("/", "A")])
def test_a_key_as_the_bucket_is_found_and_goes_nowhere(keys: pytest.MonkeyPatch, place: str) -> None:
    checks = {check.name: check for check in examine(case(f"s3://{place}", **REFS))}
    assert checks["mix-ups"].status is CheckStatus.FAIL
    assert checks["endpoint"].status is CheckStatus.SKIPPED
    assert checks["list"].status is CheckStatus.SKIPPED
    assert not any(place in repr(check) for check in checks.values())


def test_a_bucket_as_the_key(keys: pytest.MonkeyPatch) -> None:
    keys.setenv("LAB_ID", "my-bucket")
    assert one(settings.look_for_mix_ups(case(**REFS))).status is CheckStatus.FAIL
    with_endpoint = case("s3://other", endpoint="http://127.0.0.1:1", **REFS)
    assert one(settings.look_for_mix_ups(with_endpoint)).status is CheckStatus.OK, "other servers have other keys"
    same = case("s3://my-bucket", endpoint="http://127.0.0.1:1", **REFS)
    assert one(settings.look_for_mix_ups(same)).status is CheckStatus.FAIL


def test_swapped_keys_and_blanks(keys: pytest.MonkeyPatch) -> None:
    keys.setenv("LAB_ID", SECRET)
    keys.setenv("LAB_SECRET", ID)
    check = one(settings.look_for_mix_ups(case(**REFS)))
    assert (check.status, "swapped" in check.message) == (CheckStatus.FAIL, True)
    keys.setenv("LAB_ID", ID)
    keys.setenv("LAB_SECRET", SECRET + " ")
    assert "blank" in one(settings.look_for_mix_ups(case(**REFS))).message


def test_no_credentials(home: Home) -> None:
    assert one(settings.look_at_credentials(case())).status is CheckStatus.WARN
    assert one(settings.look_at_credentials(case(endpoint="http://127.0.0.1:1"))).status is CheckStatus.FAIL
    assert one(settings.look_at_credentials(case(anonymous=True))).status is CheckStatus.OK
    assert one(settings.look_at_credentials(case("file:///tmp"))).status is CheckStatus.OK
    assert one(settings.look_at_credentials(case("az://c"))).status is CheckStatus.FAIL
    assert one(settings.look_at_credentials(case("az://c", account="a"))).status is CheckStatus.FAIL


def test_a_reference_that_leads_nowhere_stops_the_rest(home: Home) -> None:
    checks = {check.name: check for check in examine(case(endpoint="http://127.0.0.1:1", **REFS))}
    assert checks["credentials"].status is CheckStatus.FAIL
    assert "LAB_ID is not set" in checks["credentials"].message
    assert checks["list"].status is CheckStatus.SKIPPED
    assert "credentials" in checks["list"].message


def test_secret_files(home: Home) -> None:
    path = home.secret_file("x" * 32)
    keyed = case(decryption_key=SecretRef("file", str(path)))
    assert one(settings.look_at_secret_files(keyed)).status is CheckStatus.OK
    path.chmod(0o644)
    check = one(settings.look_at_secret_files(keyed))
    assert (check.status, check.mend) == (CheckStatus.FAIL, f"chmod 600 '{path}'")
    path.chmod(0o600)
    home.write_aws()
    (home.path / ".aws" / "credentials").chmod(0o644)
    check = one(settings.look_at_secret_files(keyed))
    assert (check.status, check.mend) == (CheckStatus.WARN, f"chmod 600 '{home.path}/.aws/credentials'")


def test_a_missing_secret_file_is_not_fine(home: Home) -> None:
    missing = case("memory://x", decryption_key=SecretRef("file", str(home.path / "gone")))
    check = next(check for check in examine(missing) if check.name == "secret-files")
    assert not check.passed


def test_proxy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = {"endpoint": "http://10.1.2.3:9000"}
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    check = one(settings.look_at_proxy(case(**inside)))
    assert check.status is CheckStatus.FAIL
    assert check.mend == "bondstore profile add default --update --proxy none"
    assert one(settings.look_at_proxy(case(**inside, proxy="none"))).status is CheckStatus.OK
    assert one(settings.look_at_proxy(case(endpoint="http://s3.example.com"))).status is CheckStatus.OK
    monkeypatch.setenv("no_proxy", "10.1.2.3")
    assert one(settings.look_at_proxy(case(**inside))).status is CheckStatus.OK


def test_checksums_and_encryption() -> None:
    assert one(settings.look_at_checksums(case())).status is CheckStatus.OK
    assert one(settings.look_at_checksums(case(checksums="always", endpoint="http://x"))).status is CheckStatus.WARN
    assert one(settings.look_at_encryption(case())).status is CheckStatus.OK
    assert one(settings.look_at_encryption(case(endpoint="http://127.0.0.1:1"))).status is CheckStatus.OK
    assert one(settings.look_at_encryption(case(endpoint="http://s3.example"))).status is CheckStatus.WARN
    assert (
        one(settings.look_at_encryption(case(endpoint="http://s3.example", allow_http=False))).status
        is CheckStatus.FAIL
    )


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "minio", "s3.local", "s3.corp.internal"]
)
def test_hosts_inside(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "s3.amazonaws.com", "localhost.example.org"])
def test_hosts_outside(host: str) -> None:
    assert not is_private(host)
