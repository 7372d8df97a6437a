"""A store is built of its settings alone: what else the environment says of its cloud has no say."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bondstore.config.settings import load_profile
from bondstore.errors import ConfigurationError, NotFoundError, UnreachableError
from bondstore.stores import open_store
from tests.servers.azurite import Azurite
from tests.servers.faulty import FaultyProxy
from tests.servers.smtp import make_authority
from tests.stores.rigs import QUICK, azure_profile, s3_profile

FOREIGN = {
    "AWS_SESSION_TOKEN": "another-account's-token",
    "AWS_TOKEN": "another-account's-token",
    "AWS_S3_EXPRESS": "true",
    "AWS_ENDPOINT": "http://127.0.0.1:1",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_ALLOW_INVALID_CERTIFICATES": "true",
    "AWS_SSE_CUSTOMER_KEY_BASE64": "AAAA",
    "AZURE_STORAGE_TOKEN": "another-account's-token",
    "AZURE_STORAGE_USE_EMULATOR": "true",
    "AZURE_SKIP_SIGNATURE": "true",
    "AZURE_STORAGE_SAS_KEY": "sv=1&sig=another",
}


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of other accounts and of other programs."""
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)


def test_nothing_of_another_account_is_sent_along(faulty: FaultyProxy, bucket: str, foreign: None) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)
    store.put("a", b"one")
    assert bytes(store.get("a").data) == b"one"
    assert store.dirs().objects[0].key == "a"
    for seen in faulty.seen:
        told = {name.lower(): value for name, value in seen.headers.items()}
        assert "x-amz-date" in told or seen.method == "HEAD"  # signed, but for the look at where the bucket is
        assert "another" not in str(told)
        assert not [name for name in told if "security-token" in name or "session" in name or "customer" in name]


def test_nothing_of_another_azure_account_is_sent_along(azurite: Azurite, foreign: None) -> None:
    container = azurite.create_bucket(f"environment-{os.urandom(4).hex()}")
    store = open_store(f"az://{container}", azure_profile(azurite), rule=QUICK)
    store.put("a", b"one")
    assert bytes(store.get("a").data) == b"one"


def test_the_environment_is_as_it_was(faulty: FaultyProxy, bucket: str, foreign: None) -> None:
    def seen_by_others() -> str:
        return subprocess.run(
            [sys.executable, "-c", "import os; print(sorted(os.environ.items()))"], capture_output=True, text=True
        ).stdout

    before, own = seen_by_others(), dict(os.environ)
    open_store(f"s3://{bucket}", s3_profile(faulty.endpoint, proxy="none"), rule=QUICK).check()
    assert seen_by_others() == before
    assert dict(os.environ) == own


def test_a_connection_string_says_all_of_azure(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    container = azurite.create_bucket(f"environment-{os.urandom(4).hex()}")
    right = azure_profile(azurite)
    assert right.account_key is not None
    key = right.account_key.resolve().reveal()
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "another")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "AAAA")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        f"DefaultEndpointsProtocol=http;AccountName={right.account};AccountKey={key};BlobEndpoint={right.endpoint};",
    )
    profile = load_profile(url=f"az://{container}")
    assert key not in repr(profile)
    store = open_store(f"az://{container}", profile, rule=QUICK)
    store.put("a", b"one")
    assert bytes(store.get("a").data) == b"one"
    with pytest.raises(NotFoundError):
        open_store("az://not-there", profile, rule=QUICK).check()


class _Empty(BaseHTTPRequestHandler):
    """A bucket with nothing in it."""

    def do_GET(self) -> None:
        body = b"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Quiet(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of who did not trust it."""


@contextmanager
def encrypted(context: ssl.SSLContext) -> Iterator[str]:
    with _Quiet(("127.0.0.1", 0), _Empty) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_authorities_that_aws_is_told_of_hold_here_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, context = make_authority(tmp_path)
    with encrypted(context) as endpoint:
        monkeypatch.setenv("AWS_ALLOW_INVALID_CERTIFICATES", "true")
        with pytest.raises(UnreachableError):
            open_store("s3://b", s3_profile(endpoint), rule=QUICK).check()
        monkeypatch.setenv("AWS_CA_BUNDLE", str(own))
        open_store("s3://b", s3_profile(endpoint), rule=QUICK).check()
        monkeypatch.delenv("AWS_CA_BUNDLE")
        config = tmp_path / "config"
        config.write_text(f"[default]\nca_bundle = {own}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        open_store("s3://b", s3_profile(endpoint), rule=QUICK).check()
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "none.pem"))
        with pytest.raises(ConfigurationError, match=r"none\.pem"):
            open_store("s3://b", s3_profile(endpoint), rule=QUICK).check()
