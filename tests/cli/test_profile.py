from __future__ import annotations

import stat
import tomllib

import pytest

from tests.cli.conftest import Call
from tests.homes import Home

LAB = ("profile", "add", "lab", "--url", "s3://lab", "--access-key", "env:LAB_ID", "--secret-key", "env:LAB_SECRET")
SETTINGS = {"url": "s3://lab", "access_key": "env:LAB_ID", "secret_key": "env:LAB_SECRET"}


def stored(home: Home) -> dict[str, object]:
    return tomllib.loads(home.user_file.read_text())


def test_add_list_show_remove(cli: Call, home: Home) -> None:
    added = cli(*LAB, "--default", "--json")
    assert added.code == 0
    assert added.records == [
        {"kind": "profile", "name": "lab", "file": str(home.user_file), "written": True, **SETTINGS}
    ]
    assert stored(home) == {"default_profile": "lab", "profile": {"lab": SETTINGS}}
    assert stat.S_IMODE(home.user_file.stat().st_mode) == 0o600
    listed = cli("profile", "list", "--json")
    assert listed.records == [
        {"kind": "profile", "name": "lab", "default": True, "file": str(home.user_file), **SETTINGS}
    ]
    assert "s3://lab" in cli("profile", "list").out
    shown = {record["setting"]: record["value"] for record in cli("profile", "show", "--json").records}
    assert shown["name"] == "lab"
    assert shown["secret_key"] == "env:LAB_SECRET"
    assert shown["read_only"] is False
    refused = cli("profile", "remove", "lab")
    assert refused.code == 2
    assert "--yes" in refused.err
    planned = cli("profile", "remove", "lab", "--dry-run", "--json")
    assert planned.records[0]["removed"] is False
    assert "lab" in stored(home)["profile"]  # type: ignore[operator]
    removed = cli("profile", "remove", "lab", "--yes", "--json")
    assert removed.records[0]["removed"] is True
    assert stored(home) == {}
    assert cli("profile", "list").out == ""
    assert cli("profile", "remove", "lab", "--yes").code == 3


def test_dry_run_writes_nothing(cli: Call, home: Home) -> None:
    result = cli(*LAB, "--dry-run")
    assert result.code == 0
    assert not home.user_file.exists()


def test_a_name_is_not_overwritten_unless_asked(cli: Call, home: Home) -> None:
    cli(*LAB)
    again = cli("profile", "add", "lab", "--url", "s3://other")
    assert again.code == 4
    assert "--replace" in again.err
    assert cli("profile", "add", "lab", "--update", "--proxy", "none", "--read-only").code == 0
    assert stored(home)["profile"] == {"lab": {**SETTINGS, "proxy": "none", "read_only": True}}
    assert cli("profile", "add", "lab", "--url", "s3://other", "--replace").code == 0
    assert stored(home)["profile"] == {"lab": {"url": "s3://other"}}


@pytest.mark.parametrize(
    "wrong",
    [("--url", "bucket"), ("--proxy", "maybe"), ("--checksums", "x"), ("--endpoint", "host"), ("--plaintext", "no")],
)
def test_wrong_values_end_with_2(cli: Call, home: Home, wrong: tuple[str, str]) -> None:
    result = cli("profile", "add", "lab", *wrong)
    assert result.code == 2
    assert not home.user_file.exists()


def test_show_says_where_a_setting_comes_from(cli: Call, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_BUCKET", "from-guide")
    rows = {record["setting"]: record for record in cli("profile", "show", "--json").records}
    assert (rows["url"]["value"], rows["url"]["source"]) == ("s3://from-guide", "S3_BUCKET")
    assert rows["retries"]["source"] == "default"
    assert cli("profile", "show", "nope").code == 3


def test_a_broken_file_ends_with_4(cli: Call, home: Home) -> None:
    home.write_user('[profile.lab]\nsecret_key = "canary-literal-secret"\n')
    for words in (("profile", "list"), ("profile", "show", "lab"), LAB):
        result = cli(*words)
        assert result.code == 4
        assert "canary" not in result.out + result.err
