"""No request follows a redirect to another host: nothing is sent there, and nothing comes from there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.errors import ConfigurationError
from bondstore.stores import RetryRule, Store, open_store
from tests.servers.moto import Moto
from tests.stores.rigs import QUICK, azure_profile, s3_profile

CAUGHT = b"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>"
PATIENT = RetryRule(patience=20, first_contact=2, connect_timeout=2, stall_timeout=2)


class _Catching(BaseHTTPRequestHandler):
    """Takes whatever comes, and writes down what came along."""

    server: Any

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.caught.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        for name, value in {
            "Content-Length": str(len(CAUGHT)),
            "ETag": '"x"',
            "Last-Modified": "Sun, 29 Nov 2026 12:00:00 GMT",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(CAUGHT)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    def log_message(self, *_: object) -> None:
        pass


class _Sending(_Catching):
    """Sends every request on to another place."""

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.caught.append({})
        self.send_response(self.server.status)
        self.send_header("Location", self.server.target + self.path)
        if self.server.region:
            self.send_header("x-amz-bucket-region", self.server.region)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    status, target, region = 307, "", ""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.caught: list[dict[str, str]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of who hung up."""


@dataclass
class Trap:
    """A server that sends everything on, and the one it is sent to."""

    near: _Server
    far: _Server

    def aim(self, host: str) -> None:
        self.near.target = f"http://{host}:{self.far.server_port}"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.near.server_port}"


@pytest.fixture
def trap() -> Iterator[Trap]:
    servers = [_Server(_Sending), _Server(_Catching)]
    for one in servers:
        threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()
    made = Trap(*servers)
    made.aim("localhost")
    yield made
    for one in servers:
        one.shutdown()
        one.server_close()


@pytest.fixture
def profile(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Temporary credentials: a key, its secret and its token."""
    for name in ("KEY", "SECRET", "TOKEN"):
        monkeypatch.setenv(f"TRAP_{name}", f"the-{name.lower()}")
    return Profile(
        endpoint=trap.endpoint,
        access_key=SecretRef("env", "TRAP_KEY"),
        secret_key=SecretRef("env", "TRAP_SECRET"),
        session_token=SecretRef("env", "TRAP_TOKEN"),
        region="us-east-1",
    )


ACTS: dict[str, Callable[[Store], object]] = {
    "get": lambda store: store.get("a"),
    "head": lambda store: store.head("a"),
    "range": lambda store: store.get_range("a", 0, 10),
    "list": lambda store: list(store.list()),
    "dirs": lambda store: store.dirs(),
    "put": lambda store: store.put("a", b"1"),
    "put if absent": lambda store: store.put_if_absent("a", b"1"),
    "put in parts": lambda store: store.put("a", bytes(9 << 20)),
    "copy": lambda store: store.copy("a", "b"),
    "delete": lambda store: store.delete("a"),
    "odd": lambda store: store.get("a//b"),
    "odd list": lambda store: list(store.list("a//b")),
}


@pytest.mark.parametrize(
    ("act", "status"), [*((act, 307) for act in ACTS), *((act, at) for act in ("get", "put") for at in (301, 302, 308))]
)
def test_nothing_goes_to_another_host(trap: Trap, profile: Profile, act: str, status: int) -> None:
    trap.near.status = status
    started = time.monotonic()
    with pytest.raises(ConfigurationError) as raised:
        ACTS[act](open_store("s3://bucket", profile, rule=PATIENT))
    assert time.monotonic() - started < 8
    assert trap.near.caught, "nothing was sent at all"
    assert trap.far.caught == []
    assert "redirect" in raised.value.message or "region" in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("act", [name for name in ACTS if "odd" not in name])
def test_nothing_goes_to_another_host_from_azure(trap: Trap, azurite: Any, act: str) -> None:
    made = azure_profile(azurite, endpoint=f"{trap.endpoint}/account")
    with pytest.raises(ConfigurationError, match="No redirect is followed"):
        ACTS[act](open_store("az://container", made, rule=PATIENT))
    assert trap.near.caught
    assert trap.far.caught == []


def test_a_profile_is_named_only_to_those_who_use_one(trap: Trap, profile: Profile) -> None:
    """The Beiwe guide's users have variables, and no profile."""
    trap.near.region = "ap-southeast-2"
    by_variables = replace(profile, sources=(("name", ""), ("region", "S3_REGION_NAME")))
    with pytest.raises(ConfigurationError) as raised:
        open_store("s3://bucket", by_variables, rule=PATIENT).check()
    assert raised.value.hint == "Set S3_REGION_NAME to ap-southeast-2."
    assert "profile" not in raised.value.message
    by_file = replace(profile, sources=(("name", ""), ("region", "/home/ada/config.toml [profile.lab]")))
    with pytest.raises(ConfigurationError, match="in the profile"):
        open_store("s3://bucket", by_file, rule=PATIENT).check()


def test_the_region_that_the_server_names_is_in_the_hint(trap: Trap, profile: Profile) -> None:
    trap.near.region = "ap-southeast-2"
    with pytest.raises(ConfigurationError, match='Set region = "ap-southeast-2" in the profile'):
        open_store("s3://bucket", profile, rule=PATIENT).check()
    assert trap.near.caught == [{}], "one question, unsigned"
    trap.near.region = "'; drop everything"
    with pytest.raises(ConfigurationError, match="Set the endpoint"):
        open_store("s3://bucket", profile, rule=PATIENT).check()


def test_another_port_of_the_same_host_is_told_before_anything_is_listed_or_sent(trap: Trap, profile: Profile) -> None:
    trap.aim("127.0.0.1")
    for act in ("list", "put in parts"):
        with pytest.raises(ConfigurationError, match="No redirect is followed"):
            ACTS[act](open_store("s3://bucket", profile, rule=PATIENT))
    assert trap.far.caught == []


def test_another_port_of_the_same_host_gets_no_signature(trap: Trap, profile: Profile) -> None:
    """What is not promised: decision 021. What never goes there is what would open anything: a signature, a secret."""
    trap.aim("127.0.0.1")
    open_store("s3://bucket", profile, rule=PATIENT).get("a")
    (caught,) = trap.far.caught
    assert "authorization" not in caught
    assert "the-secret" not in str(caught)


@pytest.mark.parametrize("proxied", ["none", "environment"])
def test_a_proxy_that_must_not_be_used_is_not(
    faulty: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, proxied: str
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    if proxied == "environment":
        monkeypatch.setenv("no_proxy", "127.0.0.1")
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint, proxy=proxied), rule=QUICK)
    store.put("a", b"1")
    assert bytes(store.get("a").data) == b"1"


def test_a_redirect_within_the_server_is_followed(trap: Trap, profile: Profile) -> None:
    """An answer may send a request on to another path of the server itself."""
    asked = []

    class Turning(_Catching):
        def do_GET(self) -> None:
            asked.append(self.path)
            if len(asked) == 1:
                self.send_response(307)
                self.send_header("Location", "/bucket/b")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._serve()

    turning = _Server(Turning)
    threading.Thread(target=turning.serve_forever, args=(0.05,), daemon=True).start()
    try:
        near = replace(profile, endpoint=f"http://127.0.0.1:{turning.server_port}")
        assert bytes(open_store("s3://bucket", near, rule=PATIENT).get("a").data) == CAUGHT
    finally:
        turning.shutdown()
        turning.server_close()
    assert asked == ["/bucket/a", "/bucket/b"]


def test_a_role_is_still_asked_for_its_credentials(
    moto_server: Moto, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's role is given by a host of its own."""

    class Giving(_Catching):
        def do_GET(self) -> None:
            body = json.dumps(
                {
                    "AccessKeyId": "a-key",
                    "SecretAccessKey": "a-secret",
                    "Token": "a-token",
                    "Expiration": "2099-01-01T00:00:00Z",
                }
            ).encode()
            self.server.caught.append({})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    giving = _Server(Giving)
    threading.Thread(target=giving.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://localhost:{giving.server_port}/role")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/dev/null")
    where = {"LocationConstraint": moto_server.region}
    moto_server.client("s3").create_bucket(Bucket="by-role", CreateBucketConfiguration=where)
    try:
        store = open_store("s3://by-role", Profile(endpoint=moto, region=moto_server.region), rule=PATIENT)
        store.put("a", b"1")
        assert bytes(store.get("a").data) == b"1"
    finally:
        giving.shutdown()
        giving.server_close()
    assert giving.caught, "nobody was asked"
