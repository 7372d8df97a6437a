"""Buckets are listed as another client lists them, and what stands in the way is told."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bondstore.config import secrets
from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.errors import ConfigurationError, CredentialsError, StoreError, UnreachableError
from bondstore.stores.kinds.s3.extra import Bucket, list_buckets
from tests.conftest import IN_CI
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.ports import free_ports
from tests.servers.seaweedfs import SeaweedFS, find_weed
from tests.stores.rigs import QUICK

SECRET = "canary-Xk2/9+sTq0"
NAMES = ("b-one", "b.two", "screenlake-zip-prod")


@pytest.fixture(scope="module")
def server(_scrubbed_session: None) -> Iterator[SeaweedFS]:
    """A server with three buckets, somebody who may list one of them, and somebody who may list none."""
    if find_weed() is None:
        (pytest.fail if IN_CI else pytest.skip)("SeaweedFS cannot run here")
    identities = [
        {
            "name": name,
            "credentials": [{"accessKey": f"{name.upper()}123456", "secretKey": SECRET}],
            "actions": actions,
        }
        for name, actions in {"some": ["Read:b-one", "List:b-one"], "none": ["Read:b-one"]}.items()
    ]
    with SeaweedFS(identities=identities) as made:
        for name in NAMES:
            made.create_bucket(name)
        yield made


def profile(server: SeaweedFS, key: str = "", secret: str = "", **settings: object) -> Profile:
    """Settings whose credentials were typed."""
    key_ref, secret_ref = SecretRef("prompt", "key"), SecretRef("prompt", "secret")
    secrets.remember(key_ref, key or server.access_key)
    secrets.remember(secret_ref, secret or server.secret_key)
    given = {"endpoint": server.endpoint, "region": "us-east-1", "access_key": key_ref, "secret_key": secret_ref}
    return Profile(**(given | settings))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    yield
    secrets.forget()


def test_all_buckets_by_name(server: SeaweedFS) -> None:
    witness = [one["Name"] for one in server.client().list_buckets()["Buckets"]]
    assert [one.name for one in list_buckets(profile(server)) or ()] == sorted(witness) == sorted(NAMES)


def test_only_those_that_may_be_seen(server: SeaweedFS) -> None:
    assert list_buckets(profile(server, "SOME123456", SECRET)) == [Bucket("b-one")]
    assert list_buckets(profile(server, "NONE123456", SECRET)) == []


@pytest.mark.parametrize(("key", "secret"), [("", "canary-wrong-secret"), ("NOBODY123456", SECRET)])
def test_wrong_credentials(server: SeaweedFS, key: str, secret: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        list_buckets(profile(server, key, secret), QUICK)
    told = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert secret not in told
    assert (key or server.access_key) not in told


def test_no_permission_to_list_is_none_and_no_error(server: SeaweedFS) -> None:
    with FaultyProxy(server.endpoint) as proxy:
        proxy.add(Fault("status", status=403, body=b"<Error><Code>AccessDenied</Code></Error>"))
        assert list_buckets(profile(server, endpoint=proxy.endpoint), QUICK) is None


def test_nothing_to_sign_with_is_none(server: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    assert list_buckets(Profile(endpoint=server.endpoint, anonymous=True)) is None


def test_pages_and_regions() -> None:
    """A server that lists by pages, with regions, as AWS does."""
    pages = [
        b'<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets>'
        b"<Bucket><Name>zz</Name><BucketRegion>eu-west-1</BucketRegion></Bucket></Buckets>"
        b"<ContinuationToken>next/+=</ContinuationToken></ListAllMyBucketsResult>",
        b"<ListAllMyBucketsResult><Buckets><Bucket><Name>aa</Name><BucketRegion>us-east-2</BucketRegion></Bucket>"
        b"</Buckets></ListAllMyBucketsResult>",
    ]
    with FaultyProxy("http://127.0.0.1:9") as proxy:
        proxy.add(Fault("status", contains="continuation-token=next/+=", status=200, body=pages[1]))
        proxy.add(Fault("status", status=200, body=pages[0]))
        typed = profile(SeaweedFS(), "KEY123456", SECRET, endpoint=proxy.endpoint)
        assert list_buckets(typed, QUICK) == [Bucket("aa", "us-east-2"), Bucket("zz", "eu-west-1")]


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"hello", b"", b"<a><b></a>"])
def test_an_answer_that_is_none(server: SeaweedFS, body: bytes) -> None:
    with FaultyProxy(server.endpoint) as proxy:
        proxy.add(Fault("status", status=200, body=body))
        with pytest.raises(StoreError, match="something else"):
            list_buckets(profile(server, endpoint=proxy.endpoint), QUICK)


def test_a_busy_server_is_asked_again(server: SeaweedFS) -> None:
    with FaultyProxy(server.endpoint) as proxy:
        proxy.add(Fault("status", status=503))
        assert len(list_buckets(profile(server, endpoint=proxy.endpoint), QUICK) or ()) == len(NAMES)


def test_nobody_there(server: SeaweedFS) -> None:
    (port,) = free_ports(1)
    before = datetime.now(UTC)
    with pytest.raises(UnreachableError, match="refused"):
        list_buckets(profile(server, endpoint=f"http://127.0.0.1:{port}"), QUICK)
    assert (datetime.now(UTC) - before).total_seconds() < 4


def test_an_endpoint_in_the_clear_that_the_profile_forbids(server: SeaweedFS) -> None:
    with pytest.raises(ConfigurationError, match="not encrypted"):
        list_buckets(profile(server, allow_http=False))


class _Listed(BaseHTTPRequestHandler):
    """Lists no bucket."""

    def do_GET(self) -> None:
        body = b"<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make an authority that no system knows, and its key; it vouches for 127.0.0.1 itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A hospital's authority")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "own.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "own.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "own.pem", folder / "own.key"


def test_certificates_are_checked_against_the_authorities_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, key = certificate(tmp_path)
    with HTTPServer(("127.0.0.1", 0), _Listed) as listed:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own, key)
        listed.socket = context.wrap_socket(listed.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=listed.serve_forever)
        thread.start()
        try:
            asked = profile(SeaweedFS(), "KEY123456", SECRET, endpoint=f"https://127.0.0.1:{listed.server_port}")
            monkeypatch.delenv("SSL_CERT_FILE", raising=False)
            with pytest.raises(UnreachableError, match="certificate"):
                list_buckets(asked, QUICK)
            monkeypatch.setenv("SSL_CERT_FILE", str(own))
            assert list_buckets(asked, QUICK) == []
        finally:
            listed.shutdown()
            thread.join()


class _Elsewhere(BaseHTTPRequestHandler):
    """Sends everybody on to another server."""

    target = ""

    def do_GET(self) -> None:
        self.send_response(307)
        self.send_header("Location", self.target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_redirect_is_not_followed(server: SeaweedFS) -> None:
    """What was signed for one server does not go to another."""
    with FaultyProxy(server.endpoint) as other, HTTPServer(("127.0.0.1", 0), _Elsewhere) as sender:
        _Elsewhere.target = other.endpoint + "/"
        thread = threading.Thread(target=sender.serve_forever)
        thread.start()
        try:
            with pytest.raises(ConfigurationError, match="region"):
                list_buckets(profile(server, endpoint=f"http://127.0.0.1:{sender.server_port}"), QUICK)
        finally:
            sender.shutdown()
            thread.join()
        assert other.count() == 0
