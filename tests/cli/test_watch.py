"""``bondstore watch``: words, and a store without notifications."""

from __future__ import annotations

import pytest

from tests.aws.conftest import Cloud, cloud
from tests.cli.conftest import Call

__all__ = ["cloud"]


def test_a_store_once(cli: Call, cloud: Cloud) -> None:
    cloud.put("MOANA_0012_1_240501030000.csv")
    done = cli("watch", f"s3://{cloud.raw}", "--every", "60s", "--once", "--json")
    assert done.code == 0
    assert done.records[-1] == {"kind": "watched", "messages": 0, "failed": 0, "done": 1}


@pytest.mark.parametrize(
    "words",
    [
        ("http://127.0.0.1:9/123456789012/q", "--every", "60s"),
        ("s3://bucket", "--handler", "participants"),
        ("https://example.org", "--once"),
        ("s3://bucket", "--every", "0s"),
        ("s3://bucket", "--every", "soon"),
        ("s3://bucket", "--handler", "nobody"),
    ],
)
def test_words_that_do_not_fit(cli: Call, words: tuple[str, ...]) -> None:
    assert cli("watch", *words).code == 2


def test_a_queue_that_is_not_there(cli: Call, cloud: Cloud) -> None:
    done = cli("watch", f"{cloud.moto.endpoint}/123456789012/no-such-queue", "--once")
    assert done.code == 3
    assert done.err.startswith("Error: There is no queue")
