from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.doctor import Case, Check, CheckStatus, network
from tests.servers.ports import free_ports
from tests.servers.seaweedfs import SeaweedFS

NOW = 1_800_000_000.0


def case(endpoint: str, url: str = "s3://bucket", **given: Any) -> Case:
    given = {"connect_timeout": 2.0, "proxy": "none", **given}
    return Case(StoreSpec(url, Profile(endpoint=endpoint, **given)))


def look(endpoint: str, clock: Callable[[], float] = lambda: NOW, **given: Any) -> dict[str, Check]:
    return {check.name: check for check in network.look_at_endpoint(case(endpoint, **given), clock=clock)}


@contextmanager
def server(date: str | None, status: int = 403) -> Iterator[str]:
    """A real HTTP server whose clock says what the test wants."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/")
            if date is not None:
                self.send_header("Date", date)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def test_the_real_server_answers_and_its_clock_agrees(seaweedfs: SeaweedFS) -> None:
    checks = {check.name: check for check in network.look_at_endpoint(case(seaweedfs.endpoint))}
    assert {name: check.status for name, check in checks.items()} == {
        "endpoint": CheckStatus.OK, "clock": CheckStatus.OK, "addressing": CheckStatus.OK,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("skew", "status", "words"),
    [
        (0, CheckStatus.OK, "agrees"),
        (50, CheckStatus.OK, "agrees"),
        (-50, CheckStatus.OK, "agrees"),
        (120, CheckStatus.WARN, "2 min ahead of"),
        (-120, CheckStatus.WARN, "2 min behind"),
        (3600, CheckStatus.FAIL, "60 min ahead of"),
        (-86400, CheckStatus.FAIL, "1440 min behind"),
    ],
)
def test_clock_skew(skew: float, status: CheckStatus, words: str) -> None:
    with server(formatdate(NOW - skew, usegmt=True)) as endpoint:
        check = look(endpoint)["clock"]
    assert check.status is status
    assert words in check.message
    assert bool(check.mend) is (status is not CheckStatus.OK)


@pytest.mark.parametrize("date", [None, "yesterday", ""])
def test_a_clock_that_cannot_be_read_is_not_fine(date: str | None) -> None:
    with server(date) as endpoint:
        check = look(endpoint)["clock"]
    assert check.status is CheckStatus.SKIPPED


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 500, 503])
def test_any_answer_is_an_answer(status: int) -> None:
    with server(formatdate(NOW, usegmt=True), status) as endpoint:
        assert look(endpoint)["endpoint"].status is CheckStatus.OK


def test_nobody_there() -> None:
    checks = look(f"http://127.0.0.1:{free_ports(1)[0]}")
    assert checks["endpoint"].status is CheckStatus.FAIL
    assert "Nothing listens" in checks["endpoint"].message
    assert checks["clock"].status is CheckStatus.SKIPPED


def test_an_unknown_name() -> None:
    check = look("http://no-such-host.invalid")["endpoint"]
    assert check.status is CheckStatus.FAIL
    assert "no-such-host.invalid" in check.message


def test_tls_to_a_server_that_speaks_none() -> None:
    with server(None) as endpoint:
        check = look(endpoint.replace("http:", "https:"))["endpoint"]
    assert check.status is CheckStatus.FAIL
    assert check.mend == f"bondstore profile add default --update --endpoint {endpoint}"


def test_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        check = look(f"http://127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.3)["endpoint"]
    assert check.status is CheckStatus.FAIL
    assert "no answer" in check.message


def test_addressing() -> None:
    def addressing(endpoint: str, url: str = "s3://bucket", **given: Any) -> Check:
        (check,) = network.look_at_addressing(case(endpoint, url, **given))
        return check

    assert addressing("http://127.0.0.1:1").status is CheckStatus.OK
    check = addressing("http://s3.invalid", path_style=False)
    assert (check.status, check.mend) == (CheckStatus.FAIL, "bondstore profile add default --update --path-style")
    # a host that is known and starts with the bucket's name, without asking a name server
    assert addressing("http://127.0.0.1:1", "s3://127", path_style=False).status is CheckStatus.OK


def test_stores_without_a_network_are_not_asked() -> None:
    assert list(network.look_at_endpoint(Case(StoreSpec("memory://x")))) == []
