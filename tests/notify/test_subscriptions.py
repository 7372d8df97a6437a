"""Subscribers and their tokens: who may be written to, and what a link can do."""

from __future__ import annotations

import base64
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.config.secrets import Secret
from bondstore.errors import ConfigurationError, NotFoundError, UsageError
from bondstore.notify import handle_confirm, handle_unsubscribe
from bondstore.notify.addresses import (
    CONFIRM,
    UNSUBSCRIBE,
    Token,
    check_address,
    key_of,
    make_token,
    masked,
    read_token,
)
from bondstore.notify.subscriptions import Subscribers, check_topics
from tests.notify.post import SECRET, START, Office, office

ANNA = "anna@one.example"


@pytest.fixture
def desk(tmp_path: Path) -> Office:
    return office(tmp_path)


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        ("anna@one.example", "anna@one.example"),
        (" Anna.B+x@One.EXAMPLE ", "Anna.B+x@one.example"),
        ("o'neil@one.example", "o'neil@one.example"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
    ],
)
def test_addresses(given_: str, wanted: str) -> None:
    assert check_address(given_) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "anna", "anna@", "@one.example", "anna@one", "a b@one.example", "anna@one.example\nBcc: x@y.example",
     "anna@one.example\r", "<anna@one.example>", "Anna <anna@one.example>", "a@b@one.example", '"a b"@one.example',
     "anna@-one.example", "anna@one..example", "a..b@one.example", "x" * 65 + "@one.example", "änna@one.example",
     "anna@" + "x." * 130 + "example", "anna@one.example,bert@two.example"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    if text == "anna@one.example\r":
        assert check_address(text) == ANNA
        return
    with pytest.raises(UsageError) as told:
        check_address(text)
    assert text == "" or text not in str(told.value)


def test_shown_by_domain_at_most() -> None:
    assert masked("anna@one.example") == "a…@one.example"


def test_topics() -> None:
    assert check_topics([]) == ("all",)
    assert check_topics(["vessel:Blue Fin", "platform:12", "platform:12"]) == ("platform:12", "vessel:Blue Fin")
    for wrong in ("", "platform:", "all:x", "ship:1", "platform:a\nb"):
        with pytest.raises(UsageError):
            check_topics([wrong])


def test_keys_need_the_secret() -> None:
    assert key_of("Anna@one.example", SECRET) == key_of(ANNA, SECRET)
    assert key_of(ANNA, SECRET) != key_of(ANNA, Secret("another-secret-0123456789"))
    with pytest.raises(ConfigurationError):
        key_of(ANNA, Secret("short"))


@given(st.integers(0, 87), st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_a_token_with_any_sign_changed_does_not_hold(place: int, sign: str) -> None:
    said = Token("ab" * 16, "cd" * 8)
    token = make_token(SECRET, UNSUBSCRIBE, said)
    assert read_token(SECRET, UNSUBSCRIBE, token, now=START) == said
    changed = token[:place] + sign + token[place + 1 :]
    if changed != token:
        with pytest.raises(UsageError):
            read_token(SECRET, UNSUBSCRIBE, changed, now=START)


@given(st.text() | st.binary(max_size=70).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_anything_else_is_no_token(text: str) -> None:
    with pytest.raises(UsageError) as told:
        read_token(SECRET, UNSUBSCRIBE, text, now=START)
    assert str(told.value) == REFUSED


REFUSED = "This link does not hold, or does not hold any more. Subscribe again for a new one."


def test_a_token_is_good_for_one_thing_and_one_secret_and_its_time() -> None:
    said = Token("ab" * 16, "cd" * 8)
    token = make_token(SECRET, CONFIRM, said, expires=int(START))
    assert read_token(SECRET, CONFIRM, token, now=START) == said
    for purpose, secret, now in (
        (UNSUBSCRIBE, SECRET, START),
        (CONFIRM, Secret("another-secret-0123456789"), START),
        (CONFIRM, SECRET, START + 1),
    ):
        with pytest.raises(UsageError) as told:
            read_token(secret, purpose, token, now=now)
        assert str(told.value) == REFUSED


def test_the_life_of_a_subscription(desk: Office) -> None:
    people = desk.people
    asked = people.subscribe(ANNA, ["platform:12"], now=START)
    assert asked.subscriber.state == "pending"
    assert asked.token is not None
    assert people.confirmed() == []
    one = people.confirm(asked.token, now=START + 5)
    assert (one.state, one.topics, one.address) == ("confirmed", ("platform:12",), ANNA)
    assert people.subscribe(ANNA, ["platform:12"], now=START + 9).token is None, "nothing is left to confirm"
    wider = people.subscribe(ANNA, [], now=START + 10)
    assert people.confirmed()[0].topics == ("platform:12",), "until that is confirmed, too"
    assert wider.token is not None
    assert people.confirm(wider.token, now=START + 11).topics == ("all",)
    assert handle_unsubscribe(people.token_for(one), desk.subscribers, SECRET, now=START + 1e9), "it never runs out"
    gone = people.get(one.key)
    assert gone is not None
    assert (gone.state, gone.address) == ("unsubscribed", "")
    assert ANNA not in str(list(desk.subscribers.scan()))
    assert handle_unsubscribe(people.token_for(one), desk.subscribers, SECRET, now=START), "twice is once"
    for old in (asked.token, wider.token):
        assert not handle_confirm(old, desk.subscribers, SECRET, now=START + 20), "an old link brings nobody back"
    again = people.subscribe(ANNA, [], now=START + 30)
    assert again.subscriber.state == "pending"
    assert again.token is not None
    assert handle_confirm(again.token, desk.subscribers, SECRET, now=START + 31)


def test_a_confirmation_runs_out(desk: Office) -> None:
    token = desk.people.subscribe(ANNA, now=START).token
    assert token is not None
    assert not handle_confirm(token, desk.subscribers, SECRET, now=START + 8 * 86400)
    assert desk.people.confirmed() == []


def test_no_flood_of_confirmations(desk: Office) -> None:
    people = desk.people
    one = people.subscribe(ANNA, now=START).subscriber
    people.mailed(one.key, now=START)
    assert people.subscribe(ANNA, now=START + 599).token is None
    assert people.subscribe(ANNA, now=START + 601).token is not None


def test_by_address_and_unknown(desk: Office) -> None:
    desk.join(ANNA)
    desk.people.unsubscribe_address("ANNA@one.example", now=START)
    assert desk.people.confirmed() == []
    with pytest.raises(NotFoundError) as told:
        desk.people.unsubscribe_address("bert@two.example", now=START)
    assert "bert" not in str(told.value)


def test_another_secret_is_told(desk: Office) -> None:
    desk.join(ANNA)
    with pytest.raises(ConfigurationError):
        Subscribers(desk.subscribers, Secret("another-secret-0123456789")).create()
    assert not handle_unsubscribe("x" * 88, desk.subscribers, SECRET, now=START)


def test_reprs_show_no_address(desk: Office) -> None:
    desk.join(ANNA)
    asked = desk.people.subscribe("bert@two.example", now=START)
    assert "anna" not in repr(desk.people.confirmed())
    assert "bert" not in repr(asked)
    assert asked.token is not None
    assert asked.token not in repr(asked)


def test_a_click_means_the_topics_in_its_mail_and_no_others(desk: Office) -> None:
    people = desk.people
    asked = people.subscribe(ANNA, ["platform:12"], now=START)
    assert asked.token is not None
    people.mailed(asked.subscriber.key, now=START)
    assert people.subscribe(ANNA, [], now=START + 5).token is None
    assert people.confirm(asked.token, now=START + 9).topics == ("platform:12",), "that is what the mail said"
    assert people.confirm(asked.token, now=START + 10).topics == ("platform:12",), "a second click is harmless"
    other = people.subscribe(ANNA, ["platform:13"], now=START + 700)
    latest = people.subscribe(ANNA, [], now=START + 701)  # no mail went out with the other one
    assert other.token is not None
    assert latest.token is not None
    assert not handle_confirm(other.token, desk.subscribers, SECRET, now=START + 702)
    assert not handle_confirm(asked.token, desk.subscribers, SECRET, now=START + 702)
    assert people.confirm(latest.token, now=START + 703).topics == ("all",)
