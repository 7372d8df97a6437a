"""Mail by SMTP, to a real server on loopback: who gets what, and what becomes of failures."""

from __future__ import annotations

import dataclasses
import io
import select
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from bondstore.config.secrets import SecretRef, remember
from bondstore.errors import CredentialsError, PolicyError, UnreachableError, UsageError
from bondstore.notify import ask_to_subscribe, open_transport
from bondstore.notify.deliveries import messages
from bondstore.notify.smtp import SmtpServer, SmtpTransport
from bondstore.notify.transport import Accepted, Declined
from tests.notify.post import PLOTS, SECRET, SETTINGS, Office, attached, inline, news, office, text_of, token_of
from tests.servers.smtp import Behaviour, MailBox, make_authority

ANNA, BERT, CLEO = "anna@one.example", "bert@two.example", "cleo@three.example"


@pytest.fixture
def box() -> Iterator[MailBox]:
    with MailBox() as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path) -> Office:
    return office(tmp_path)


def test_subscribe_confirm_send(box: MailBox, desk: Office) -> None:
    way = open_transport(box.url)
    one, answer = ask_to_subscribe(ANNA, [], desk.subscribers, way, SETTINGS, secret=SECRET, clock=desk.time.clock)
    assert isinstance(answer, Accepted)
    assert one.state == "pending"
    assert desk.send(way, [news(1)]).outcomes == (), "nothing goes to those who did not confirm"
    [asked] = box.mails
    assert asked.recipients == [ANNA]
    desk.people.confirm(token_of(asked.message), now=desk.time.at)
    done = desk.send(way, [news(1), news(2)])
    assert done.counts == {"sent": 1}
    assert done.outcomes[0].receipt == "OK taken on as 2"
    mail = box.mails[1]
    message = mail.message
    assert (mail.sender, mail.recipients) == ("data@reef.example", [ANNA])
    assert message["To"] == ANNA
    assert message["From"] == "Reef Data <data@reef.example>"
    assert message["Subject"] == "Reef profiles: 2 files of 001, 002"
    assert parsedate_to_datetime(message["Date"]).timestamp() == desk.time.at
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "<https://reef.example/leave/" in message["List-Unsubscribe"]
    assert "<mailto:leave@reef.example?subject=unsubscribe%20" in message["List-Unsubscribe"]
    assert message.get_content_type() == "multipart/alternative"
    body = message.get_body(("html",))
    assert body is not None
    html = str(body.get_content())
    pictures = inline(message)
    assert sorted(pictures.values()) == sorted([PLOTS["plots/1.png"], PLOTS["plots/2.png"]])
    assert all(f'src="cid:{cid}"' in html for cid in pictures)
    assert attached(message) == []
    shown = Image.open(io.BytesIO(next(iter(pictures.values())))).convert("RGB")
    wanted = Image.open(io.BytesIO(PLOTS["plots/2.png"])).convert("RGB")
    assert ImageChops.difference(shown, wanted).getbbox() is None
    text = text_of(message)
    for part in (
        "Profile 1",
        "41.500° S, 173.100° E",
        "98 good, 2 suspect",
        "spike on TEMP (2 levels)",
        "Unsubscribe: https",
    ):
        assert part in text
        assert part.removeprefix("Unsubscribe: https") in html
    token = text.rpartition("/leave/")[2].strip()
    desk.people.unsubscribe(token, now=desk.time.at)
    assert desk.send(way, [news(3)]).outcomes == ()
    assert len(box.mails) == 2
    way.close()


def test_once_and_only_what_is_new(box: MailBox, desk: Office) -> None:
    desk.join(ANNA)
    desk.join(BERT, "platform:002")
    way = open_transport(box.url)
    assert desk.send(way, [news(1), news(2)]).counts == {"sent": 2}
    again = desk.send(way, [news(1), news(2)])
    assert (again.counts, again.already) == ({}, 3)
    assert desk.send(way, [news(1), news(2), news(3)]).counts == {"sent": 1}
    assert [one.recipients for one in box.mails].count([ANNA]) == 2
    [mail] = box.to(BERT)
    assert "002" in text_of(mail.message)
    assert "001" not in text_of(mail.message)
    assert "003" in text_of(box.to(ANNA)[1].message)
    assert "Platform: 002" not in text_of(box.to(ANNA)[1].message)
    for mail in box.mails:
        others = {ANNA, BERT} - set(mail.recipients)
        assert not any(other.encode() in mail.data for other in others)
    way.close()


def test_permanent_and_passing_refusals(box: MailBox, desk: Office) -> None:
    for one in (ANNA, BERT, CLEO):
        desk.join(one)
    box.does = Behaviour(rcpt={ANNA: f"550 5.1.1 <{ANNA}> unknown", BERT: "450 4.2.1 try later"})
    way = open_transport(box.url)
    done = desk.send(way, [news(1)])
    assert done.counts == {"sent": 1, "rejected": 1, "failed": 1}
    assert not done.complete
    assert not done.settled
    assert {one.code for one in done.outcomes} == {"smtp-550", "smtp-450", ""}
    box.does = Behaviour()
    assert desk.send(way, [news(1)]).counts == {"rejected": 1, "retry-later": 1}, "not before its time"
    desk.time.at += 61
    later = desk.send(way, [news(1)])
    assert later.counts == {"rejected": 1, "sent": 1}
    assert later.settled
    assert not later.complete
    assert len(box.to(BERT)) == 1
    assert box.to(ANNA) == []
    assert desk.send(way, [news(1)], again=True).counts == {"sent": 1}
    assert len(box.to(ANNA)) == 1
    way.close()


def test_attempts_are_bounded_and_pauses_grow(box: MailBox, desk: Office) -> None:
    desk.join(ANNA)
    box.does = Behaviour(rcpt={ANNA: "450 no"})
    way = open_transport(box.url)
    tried = []
    while True:
        [outcome] = desk.send(way, [news(1)]).outcomes
        if outcome.state == "rejected":
            break
        assert outcome.state == "failed"
        tried.append(desk.time.at)
        [due] = [one.due for one in messages(desk.deliveries)]
        desk.time.at = due - 1
        assert desk.send(way, [news(1)]).counts == {"retry-later": 1}
        desk.time.at = due
    assert outcome.attempts == 6
    assert [after - before for before, after in pairwise(tried)] == [60, 240, 960, 3840]
    assert desk.send(way, [news(1)]).counts == {"rejected": 1}, "given up"
    way.close()


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_connection_that_breaks(box: MailBox, desk: Office, cut: str) -> None:
    desk.join(ANNA)
    desk.join(BERT)
    box.does = Behaviour(cut=cut)
    way = open_transport(box.url)
    done = desk.send(way, [news(1)])
    assert done.counts == {"failed": 2}, "never recorded as sent"
    taken = len(box.mails)
    assert taken == (2 if cut == "after" else 0)
    box.does = Behaviour()
    desk.time.at += 61
    assert desk.send(way, [news(1)]).counts == {"sent": 2}
    for one in (ANNA, BERT):
        mails = box.to(one)
        assert len(mails) == (2 if cut == "after" else 1)
        assert len({mail.data for mail in mails}) == 1, "the very same message: its Message-ID tells them to be one"
    way.close()


def test_a_slow_server_is_not_waited_for_forever(box: MailBox, desk: Office) -> None:
    desk.join(ANNA)
    box.does = Behaviour(slow=2)
    way = SmtpTransport(SmtpServer("127.0.0.1", box.port, timeout=0.3))
    [outcome] = desk.send(way, [news(1)]).outcomes
    assert (outcome.state, outcome.code) == ("failed", "smtp-SMTPServerDisconnected")
    way.close()


def test_a_refused_sender_stops_the_run_and_fails_nobody(box: MailBox, desk: Office) -> None:
    desk.join(ANNA)
    desk.join(BERT)
    box.does = Behaviour(sender="550 who are you")
    way = open_transport(box.url)
    done = desk.send(way, [news(1)])
    assert done.counts == {"not-attempted": 2}
    assert done.stopped is not None
    assert done.stopped.exit_code == 4
    box.does = Behaviour()
    assert desk.send(way, [news(1)]).counts == {"sent": 2}
    way.close()


def test_no_server_at_all(desk: Office) -> None:
    with MailBox() as box:
        pass
    desk.join(ANNA)
    done = desk.send(open_transport(box.url), [news(1)])
    assert isinstance(done.stopped, UnreachableError)
    assert done.counts == {"not-attempted": 1}


def test_busy_servers_are_asked_slower(box: MailBox, desk: Office) -> None:
    desk.join(ANNA)
    box.does = Behaviour(rcpt={ANNA: "452 too many"})
    way = open_transport(box.url)
    [outcome] = desk.send(way, [news(1)]).outcomes
    assert outcome.state == "failed"
    assert [one for one in desk.time.slept if one >= 2] == [2, 4, 8]
    way.close()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while")  # of the server: it does not see that all of it is TLS
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls_and_login(tls: str, desk: Office, tmp_path: Path) -> None:
    trusted, context = make_authority(tmp_path)
    password = SecretRef("prompt", "smtp")
    remember(password, "right-password")
    desk.join(ANNA)
    with MailBox(tls, context, login=("lab", "right-password")) as box:
        untrusted = open_transport(box.url)
        assert isinstance(desk.send(untrusted, [news(1)]).stopped, UnreachableError)
        wrong = SecretRef("prompt", "wrong")
        remember(wrong, "wrong-password")
        refused = open_transport(box.url, user="lab", password=wrong, ca_file=str(trusted))
        assert isinstance(desk.send(refused, [news(1)]).stopped, CredentialsError)
        way = open_transport(box.url, user="lab", password=password, ca_file=str(trusted))
        assert desk.send(way, [news(1)]).counts == {"sent": 1}
        [mail] = box.mails
        assert mail.tls
        assert mail.user == "lab"
        way.close()


def test_a_certificate_for_another_host(desk: Office, tmp_path: Path) -> None:
    trusted, context = make_authority(tmp_path, "elsewhere.example")
    desk.join(ANNA)
    with MailBox("implicit", context) as box:
        way = open_transport(box.url, ca_file=str(trusted))
        assert isinstance(desk.send(way, [news(1)]).stopped, UnreachableError)
        assert box.mails == []


def test_plaintext_only_here_or_on_request(box: MailBox, desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bondstore.notify.smtp.is_loopback", lambda _: False)
    desk.join(ANNA)
    assert isinstance(desk.send(open_transport(box.url), [news(1)]).stopped, PolicyError)
    login = open_transport(box.url, user="lab", plaintext=True)
    assert isinstance(desk.send(login, [news(1)]).stopped, PolicyError)
    assert box.mails == []
    way = open_transport(box.url, plaintext=True)
    assert desk.send(way, [news(1)]).counts == {"sent": 1}
    way.close()


@pytest.mark.parametrize(
    "url",
    [
        "smtp://user:pass@host",
        "smtp://user@host",
        "http://host",
        "smtp:host",
        "smtp://",
        "smtp://host:99999",
        "smtp://h/x",
        "ses://a.b",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(UsageError) as told:
        open_transport(url)
    assert "pass@" not in str(told.value)


def test_the_server_s_size_turns_plots_into_links(desk: Office) -> None:
    desk.join(ANNA)
    with MailBox(limit=12_000) as box:
        way = open_transport(box.url)
        assert desk.send(way, [news(1), news(2)]).counts == {"sent": 1}
        [mail] = box.mails
        assert len(mail.data) <= 12_000
        assert inline(mail.message) == {}
        assert attached(mail.message) == []
        assert "https://public.example/data/plots/1.png" in text_of(mail.message)
        assert "too large" in text_of(mail.message)
        way.close()


def test_who_leaves_while_a_run_goes_on_gets_nothing(box: MailBox, desk: Office) -> None:
    keys = {desk.join(one): one for one in (ANNA, BERT)}
    first, second = sorted(keys)
    box.does = Behaviour(on_data=lambda: desk.people.unsubscribe_address(keys[second], now=desk.time.at))
    way = open_transport(box.url)
    done = desk.send(way, [news(1)])
    assert {one.recipient: one.state for one in done.outcomes} == {first: "sent", second: "unsubscribed"}
    assert [mail.recipients for mail in box.mails] == [[keys[first]]]
    way.close()


def test_two_runs_at_once_send_once(box: MailBox, desk: Office) -> None:
    desk.join(ANNA)
    inner: list[str] = []

    def another() -> None:
        other = open_transport(box.url)
        inner.extend(one.state for one in desk.send(other, [news(1), news(2)]).outcomes)
        other.close()

    first = open_transport(box.url)
    real = first.send

    def sending(message: object, recipient: str) -> object:
        if not inner:
            another()
        return real(message, recipient)  # type: ignore[arg-type]

    first.send = sending  # type: ignore[method-assign,assignment]
    assert desk.send(first, [news(1)]).counts == {"sent": 1}
    assert inner == ["sent", "in-progress"] or inner == ["in-progress", "sent"]
    texts = [text_of(mail.message) for mail in box.mails]
    assert sum("Profile 1" in text for text in texts) == 1
    assert sum("Profile 2" in text for text in texts) == 1
    first.close()


def test_a_claim_without_a_report_is_taken_up_after_its_lease(box: MailBox, desk: Office) -> None:
    desk.join(ANNA)

    class Stop(BaseException):
        pass

    way = open_transport(box.url)
    real = way.send

    def dying(message: object, recipient: str) -> object:
        real(message, recipient)  # type: ignore[arg-type]
        raise Stop

    way.send = dying  # type: ignore[method-assign,assignment]
    with pytest.raises(Stop):
        desk.send(way, [news(1)])
    way.send = real  # type: ignore[method-assign]
    assert desk.send(way, [news(1)]).counts == {"in-progress": 1}
    desk.time.at += 901
    assert desk.send(way, [news(1)]).counts == {"sent": 1}
    one, two = box.to(ANNA)
    assert one.data == two.data
    [row] = messages(desk.deliveries)
    assert (row.state, row.attempts, row.doubts) == ("sent", 2, 1)
    assert desk.send(way, [news(1)]).already == 1
    way.close()


def test_a_confirmation_that_is_refused_is_sent_again(box: MailBox, desk: Office) -> None:
    way = open_transport(box.url)

    def ask() -> object:
        return ask_to_subscribe(ANNA, [], desk.subscribers, way, SETTINGS, secret=SECRET, clock=desk.time.clock)[1]

    box.does = Behaviour(rcpt={ANNA: "450 later"})
    assert ask() == Declined("smtp-450", again=True)
    box.does = Behaviour()
    assert isinstance(ask(), Accepted)
    assert ask() is None, "one is on its way"
    assert len(box.mails) == 1
    way.close()


def test_a_server_that_hung_up_between_two_messages(desk: Office) -> None:
    desk.join(ANNA)
    with MailBox(idle=0.2) as box:
        way = SmtpTransport(SmtpServer("127.0.0.1", box.port))
        assert desk.send(way, [news(1)]).counts == {"sent": 1}
        assert way._open is not None
        assert way._open.sock is not None
        good_bye = select.poll()  # `select.select` takes no file number above 1,023
        good_bye.register(way._open.sock, select.POLLIN)
        assert good_bye.poll(5000)
        assert desk.send(way, [news(2)]).counts == {"sent": 1}
        assert len(box.mails) == 2
        way.close()


def test_topics_that_can_never_come_true(box: MailBox, desk: Office) -> None:
    way = open_transport(box.url)
    for topic in ("vessel:Blue Fin", "platfrom:1"):
        with pytest.raises(UsageError):
            ask_to_subscribe(ANNA, [topic], desk.subscribers, way, SETTINGS, secret=SECRET)
        with pytest.raises(UsageError):
            desk.send(way, [news(1)], topics=(topic,))
    desk.join(ANNA)
    known = dataclasses.replace(SETTINGS, vessels={"Blue Fin": ["002"]})
    assert desk.send(way, [news(1)], settings=known, topics=("vessel:blue fin",)).counts == {}
    assert desk.send(way, [news(1), news(2)], settings=known, topics=("vessel:blue fin",)).outcomes[0].news == 1
    way.close()
