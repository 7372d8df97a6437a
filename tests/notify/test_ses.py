"""Mail by SES, to moto's server: what it took on is read back from it, and opened by other libraries."""

from __future__ import annotations

import email
import email.policy
import io
import json
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from PIL import Image, ImageChops

from bondstore.errors import ConfigurationError
from bondstore.notify import open_transport
from bondstore.notify.ses import _understand
from bondstore.notify.transport import Declined
from tests.notify.post import PLOTS, Office, attached, inline, news, text_of
from tests.servers.moto import Moto

ANNA, BERT = "anna@one.example", "bert@two.example"


def sent(moto: Moto) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{moto.endpoint}/moto-api/data.json", timeout=30) as answer:
        data = json.load(answer)
    return [one for one in data["ses"]["RawMessage"] if isinstance(one, dict)]


def parsed(raw: str) -> EmailMessage:
    made = email.message_from_string(raw, policy=email.policy.default)
    assert isinstance(made, EmailMessage)
    return made


def test_sent_and_read_back(moto_environment: Moto, tmp_path: Path) -> None:
    moto_environment.client("sesv2").create_email_identity(EmailIdentity="data@reef.example")
    desk = Office("dynamodb://")
    desk.join(ANNA)
    desk.join(BERT, "platform:002")
    way = open_transport("ses://ap-southeast-2")
    done = desk.send(way, [news(1), news(2)])
    assert done.counts == {"sent": 2}
    assert desk.send(way, [news(1), news(2)]).already == 3
    found = sent(moto_environment)
    assert len(found) == 2
    assert {one["id"] for one in found} == {one.receipt for one in done.outcomes}
    for one in found:
        message = parsed(one["raw_data"])
        assert message["To"] in (ANNA, BERT)
        other = ANNA if message["To"] == BERT else BERT
        assert other not in one["raw_data"]
        plots = [PLOTS["plots/2.png"]] if message["To"] == BERT else [PLOTS["plots/2.png"], PLOTS["plots/1.png"]]
        assert attached(message) == []
        assert list(inline(message).values()) == plots
        for got, wanted in zip(inline(message).values(), plots, strict=True):
            difference = ImageChops.difference(*(Image.open(io.BytesIO(data)).convert("RGB") for data in (got, wanted)))
            assert difference.getbbox() is None
        assert "Unsubscribe: https://reef.example/leave/" in text_of(message)


def test_an_unverified_sender_stops_and_nothing_is_recorded_as_sent(moto_environment: Moto, tmp_path: Path) -> None:
    desk = Office(f"sqlite:///{tmp_path}/n.sqlite")
    desk.join(ANNA)
    desk.join(BERT)
    way = open_transport("ses://")
    done = desk.send(way, [news(1)])
    assert isinstance(done.stopped, ConfigurationError)
    assert done.counts == {"not-attempted": 2}
    moto_environment.client("sesv2").create_email_identity(EmailIdentity="data@reef.example")
    assert desk.send(way, [news(1)]).counts == {"sent": 2}


def refusal(code: str, status: int = 400, text: str = "no") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SendEmail"
    )


@pytest.mark.parametrize(
    ("raised", "wanted"),
    [
        (refusal("TooManyRequestsException", 429), Declined("ses-TooManyRequestsException", again=True, busy=True)),
        (refusal("LimitExceededException"), Declined("ses-LimitExceededException", again=True, busy=True)),
        (refusal("MessageRejected", text=f"not verified: {ANNA}"), Declined("ses-MessageRejected", again=False)),
        (refusal("BadRequestException"), Declined("ses-BadRequestException", again=False)),
        (refusal("InternalFailure", 500), Declined("ses-InternalFailure", again=True, doubt=True)),
        (
            ConnectionClosedError(endpoint_url="https://x"),
            Declined("ses-ConnectionClosedError", again=True, doubt=True),
        ),
    ],
)
def test_what_concerns_one_message(raised: Exception, wanted: Declined) -> None:
    assert _understand(raised, "data@reef.example") == wanted


@pytest.mark.parametrize(
    "raised",
    [
        refusal("MessageRejected", text="Email address is not verified: data@reef.example"),
        refusal("SendingPausedException"),
        refusal("AccountSuspendedException"),
        refusal("MailFromDomainNotVerifiedException"),
        refusal("AccessDeniedException", 403, f"on {ANNA}"),
    ],
)
def test_what_concerns_all(raised: Exception) -> None:
    with pytest.raises(ConfigurationError) as told:
        _understand(raised, "data@reef.example")
    assert "@" not in str(told.value)
