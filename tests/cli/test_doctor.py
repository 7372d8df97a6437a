from __future__ import annotations

import pytest

from tests.cli.conftest import Call
from tests.homes import Home
from tests.servers.seaweedfs import SeaweedFS

STUDY = "5f0e1d2c3b4a59687a8b9c0d"
KEY = "canary-key-0123456789abcdefghijk"


@pytest.fixture
def guide(home: Home, seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The guide's six variables, for a bucket of the real server with one object sealed by another library."""
    from Cryptodome.Cipher import AES

    for name, value in {
        "BEIWE_SERVER_AWS_ACCESS_KEY_ID": seaweedfs.access_key,
        "BEIWE_SERVER_AWS_SECRET_ACCESS_KEY": seaweedfs.secret_key,
        "S3_REGION_NAME": seaweedfs.region,
        "S3_BUCKET": bucket,
        "STUDY_FOLDER": STUDY,
        "DECRYPTION_KEY_STRING": KEY,
        "AWS_ENDPOINT_URL": seaweedfs.endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    iv = bytes(range(16))
    plain = b"timestamp,UTC time,latitude,longitude,altitude,accuracy\n1700000000000,2023-11-14T22:13:20.000,1,2,3,4"
    sealed = iv + AES.new(KEY.encode(), AES.MODE_CFB, iv, segment_size=8).encrypt(plain)

    from bondstore.config.resolve import resolve_store
    from bondstore.stores import open_store

    store = open_store(resolve_store())
    store.put(f"CHUNKED_DATA/{STUDY}/abcd1234/gps/2023-11-14T22:00:00.csv", sealed)
    store.put(f"{STUDY}/abcd1234/gps/1700000000000.csv", sealed)
    return bucket


def test_the_guides_variables_are_all_it_needs(cli: Call, guide: str) -> None:
    result = cli("doctor", "--json")
    checks = {record["check"]: record for record in result.records if record["kind"] == "check"}
    assert checks["study-key"]["status"] == "ok"
    assert checks["read"]["status"] == "ok"
    assert {record["status"] for record in checks.values()} <= {"ok", "warn"}
    assert result.code == 0
    assert result.records[-1]["kind"] == "summary"
    text = cli("doctor")
    assert text.code == 0
    assert "study-key" in text.out


def test_no_canary_in_any_output(cli: Call, guide: str, seaweedfs: SeaweedFS) -> None:
    for words in (("doctor",), ("doctor", "--json", "--debug"), ("profile", "show"), ("profile", "show", "--json")):
        result = cli(*words)
        for secret in (KEY, seaweedfs.secret_key):
            assert secret not in result.out + result.err


@pytest.mark.parametrize(
    ("key", "message"),
    [("short", "has 5 characters"), ("x" * 32, "not this study's key"), ("", "DECRYPTION_KEY_STRING")],
)
def test_a_wrong_study_key(cli: Call, guide: str, key: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECRYPTION_KEY_STRING", key)
    result = cli("doctor", "--json")
    (check,) = [record for record in result.records if record.get("check") == "study-key"]
    assert result.code == 4
    assert message in check["message"] + check["fix"]


def test_debug_tells_why_a_check_broke(cli: Call, guide: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError(f"with {KEY}")

    monkeypatch.setattr("bondstore.domains.beiwe.checks._samples", broken)
    quiet = cli("doctor")
    assert quiet.code == 4
    assert "Traceback" not in quiet.err
    told = cli("doctor", "--debug")
    assert "ZeroDivisionError: with ***" in told.err
    assert KEY not in told.out + told.err


def test_no_settings_at_all(cli: Call) -> None:
    result = cli("doctor", "--json")
    assert result.code == 4
    assert result.records[0]["check"] == "settings"
    assert result.records[0]["fix"]


def test_what_could_not_be_looked_at_is_not_fine(cli: Call, guide: str, seaweedfs: SeaweedFS) -> None:
    result = cli("doctor", "--store", f"s3://{guide}", "--study", "0" * 24, "--json")
    (check,) = [record for record in result.records if record.get("check") == "study-key"]
    assert check["status"] == "not-checked"
    assert result.code == 4


def test_the_mending_command_mends(cli: Call, guide: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    checks = {record["check"]: record for record in cli("doctor", "--json").records if record["kind"] == "check"}
    assert checks["proxy"]["status"] == "fail"
    words = checks["proxy"]["fix"].split()
    assert words[0] == "bondstore"
    assert cli(*words[1:]).code == 0
    assert cli("doctor").code == 0


def test_a_participant_without_a_study_is_refused(cli: Call, home: Home) -> None:
    asked = cli("doctor", "--store", "s3://lab", "--participant", "abcd1234")
    assert asked.code == 2
    assert "Add --study ID" in asked.err
