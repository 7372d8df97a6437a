from __future__ import annotations

from datetime import UTC, datetime

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from bondstore.cli import options
from bondstore.config.secrets import SecretRef
from tests.homes import Home


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T12:00", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("2024-01-31 12:00:05", datetime(2024, 1, 31, 12, 0, 5, tzinfo=UTC)),
        ("2024-01-31T12:00:05.250Z", datetime(2024, 1, 31, 12, 0, 5, 250_000, tzinfo=UTC)),
        ("2024-01-31T00:30+02:00", datetime(2024, 1, 30, 22, 30, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    read = options.moment(text)
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024",
        "2024-01",
        "2024-13-01",
        "20240131",
        "31.01.2024",
        "2024-W05-3",
        "yesterday",
        "0001-01-01T00:00+14:00",
    ],
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="2024-01-31"):
        options.moment(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_read_back(moment: datetime) -> None:
    if moment.year >= 1000:
        assert options.moment(moment.isoformat()) == moment


def test_keys_are_references_only() -> None:
    assert options.secret_reference("env:KEY") == SecretRef("env", "KEY")
    with pytest.raises(typer.BadParameter) as caught:
        options.secret_reference("canary-literal-key")
    assert "canary" not in str(caught.value)


def test_profile_names_are_completed(home: Home) -> None:
    assert options.profile_names("") == []
    home.write_user('[profile.lab]\nurl = "s3://a"\n[profile.local]\nurl = "s3://b"\n[profile.x]\nurl = "s3://c"\n')
    assert options.profile_names("l") == ["lab", "local"]
    home.write_user("broken =")
    assert options.profile_names("l") == []
