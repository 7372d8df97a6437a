"""Blobs with names that obstore cannot address: listed, read, and their failures understood, at a real server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest

from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.errors import (
    ChangedError,
    ConfigurationError,
    CredentialsError,
    NoPlaceError,
    NotFoundError,
    StoreError,
    TransientStoreError,
    UnreachableError,
)
from bondstore.stores import Store, open_store
from tests.servers.azurite import Azurite
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.ports import free_ports
from tests.stores.rigs import QUICK, azure_profile

ODD = ("s//x", "s/a\nb/x", "s/x/")
DOTS = ("s/../x", "s/./x")
PLAIN = ("s/x", "s/é +&#?%2F.csv", "t/y")


@pytest.fixture
def container(azurite: Azurite) -> str:
    name = azurite.create_bucket(f"odd-{os.urandom(6).hex()}")
    for key in (*ODD, *DOTS, *PLAIN):
        azurite.put(name, key, key.encode())
    for key in ("s/dir/", "s//mark/", "s/empty"):
        azurite.put(name, key, b"")
    return name


@pytest.fixture
def store(azurite: Azurite, container: str) -> Store:
    return open_store(f"az://{container}", azure_profile(azurite), rule=QUICK)


def test_every_blob_is_listed_and_read(store: Store) -> None:
    found = {one.key: one for one in store.list()}
    assert set(found) == {*ODD, *DOTS, *PLAIN, "s/empty"}
    for key in (*ODD, *PLAIN):
        got = store.get(key)
        assert (got.info, bytes(got.data)) == (found[key], key.encode())
        assert store.head(key) == found[key]
        assert store.get_range(key, 1, 2, got.info.etag) == key.encode()[1:3]
    dirs = store.dirs("s")
    assert dirs.prefixes == ["s/../", "s/./", "s//", "s/a\nb/", "s/dir/", "s/x/"]
    assert {one.key for one in dirs.objects} == {"s/x", "s/é +&#?%2F.csv", "s/empty"}
    assert [one.key for one in store.list("s//")] == ["s//x"]


def test_below_a_prefix(azurite: Azurite, container: str) -> None:
    store = open_store(f"az://{container}/s", azure_profile(azurite), rule=QUICK)
    assert {"/x", "../x", "./x"} <= {one.key for one in store.list()}
    assert bytes(store.get("/x").data) == b"s//x"


@pytest.mark.parametrize("key", DOTS)
def test_what_could_be_another_object_on_the_way_is_not_asked_for(store: Store, key: str) -> None:
    with pytest.raises(StoreError, match="resolved"):
        store.get(key)


def test_what_goes_wrong_is_understood(store: Store, azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFoundError):
        store.get("s//none")
    with pytest.raises(ChangedError):
        store.get_range("s//x", 0, 1, '"0x1"')
    with pytest.raises(NoPlaceError):
        open_store("az://no-such-container", azure_profile(azurite), rule=QUICK).get("a//b")
    [port] = free_ports(1)
    nobody = replace(azure_profile(azurite), endpoint=f"http://127.0.0.1:{port}/{azurite.account}")
    with pytest.raises(UnreachableError):
        open_store(store.url, nobody, rule=QUICK).get("a//b")
    with pytest.raises(ConfigurationError, match="not encrypted"):
        open_store(store.url, azure_profile(azurite, allow_http=False), rule=QUICK).get("a//b")
    with pytest.raises(StoreError, match="account key"):
        open_store(store.url, azure_profile(azurite, account_key=None), rule=QUICK).get("a//b")
    sas = {"account_key": None, "sas": SecretRef.parse("env:WRONG_SAS")}
    monkeypatch.setenv("WRONG_SAS", "sv=2021-08-06&sig=canary")
    with pytest.raises(CredentialsError) as told:
        open_store(store.url, azure_profile(azurite, **sas), rule=QUICK).get("a//b")
    assert "canary" not in f"{told.value!r}{told.value.__cause__!r}"
    monkeypatch.setenv("TEST_AZURE_KEY", "d3Jvbmc=")
    with pytest.raises(CredentialsError):
        open_store(store.url, azure_profile(azurite), rule=QUICK).get("s//x")


def test_by_a_shared_access_signature(azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"sp": "rl", "ss": "b", "srt": "sco", "st": "", "se": "2099-01-01T00:00:00Z", "sip": "", "spr": ""}
    text = "\n".join([azurite.account, *asked.values(), "2019-12-12", ""])
    signature = hmac.new(base64.b64decode(azurite.account_key), text.encode(), hashlib.sha256).digest()
    given = {name: value for name, value in asked.items() if value} | {"sv": "2019-12-12"}
    monkeypatch.setenv("TEST_SAS", urlencode(given | {"sig": base64.b64encode(signature).decode()}))
    profile = azure_profile(azurite, account_key=None, sas=SecretRef.parse("env:TEST_SAS"))
    store = open_store(f"az://{container}", profile, rule=QUICK)
    assert {one.key for one in store.list()} == {*ODD, *DOTS, *PLAIN, "s/empty"}
    assert bytes(store.get("s//x").data) == b"s//x"


def test_a_broken_line_is_tried_again(azurite: Azurite, container: str) -> None:
    with FaultyProxy(azurite.endpoint.rpartition("/")[0]) as proxy:
        there = replace(azure_profile(azurite), endpoint=f"{proxy.endpoint}/{azurite.account}")
        store = open_store(f"az://{container}", there, rule=QUICK)
        proxy.add(Fault("status", contains="s//x", first=1, times=1))
        assert bytes(store.get("s//x").data) == b"s//x"
        proxy.add(Fault("cut", contains="s//x", after=2))
        assert bytes(store.get("s//x").data) == b"s//x"


_PROPERTIES = "<Last-Modified>Sun, 29 Nov 2026 12:00:00 GMT</Last-Modified><Content-Length>1</Content-Length>"


def _page(name: str, marker: str = "", etag: str = "<Etag>0x1</Etag>") -> bytes:
    blob = f"<Blob><Name>{name}</Name><Properties>{_PROPERTIES}{etag}</Properties></Blob>"
    return (
        f'<?xml version="1.0"?><EnumerationResults><Blobs>{blob}</Blobs>'
        f"<NextMarker>{marker}</NextMarker></EnumerationResults>"
    ).encode()


@pytest.fixture
def answering() -> Iterator[Callable[[Callable[[int], tuple[bytes, int]]], Store]]:
    """A server whose answers to listings (by their number) are given, with the length that it says they have."""
    with ExitStack() as stack:

        def start(answer: Callable[[int], tuple[bytes, int]]) -> Store:
            asked = []

            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    asked.append(self.path)
                    body, length = answer(len(asked))
                    self.send_response(200)
                    self.send_header("Content-Length", str(length))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_: object) -> None:
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            profile = Profile(endpoint=f"http://127.0.0.1:{server.server_port}/account", account="a", anonymous=True)
            return open_store("az://container", profile, rule=QUICK)

        yield start


WHOLE = _page("s//x")


@pytest.mark.parametrize(
    "broken",
    [(WHOLE[:-40], len(WHOLE) - 40), (WHOLE[:-40], len(WHOLE)), (_page("s//x", etag=""), len(_page("s//x", etag="")))],
    ids=["no whole XML", "cut", "without an etag"],
)
def test_a_broken_listing_is_asked_for_again(answering, broken: tuple[bytes, int]) -> None:  # type: ignore[no-untyped-def]
    store = answering(lambda number: broken if number == 1 else (WHOLE, len(WHOLE)))
    assert [one.key for one in store.list("s//")] == ["s//x"]
    for_ever = answering(lambda _: broken)
    with pytest.raises(TransientStoreError):
        list(for_ever.list("s//"))


@pytest.mark.parametrize("fresh", [False, True], ids=["same marks", "fresh marks"])
def test_a_listing_that_goes_round_ends(answering, fresh: bool) -> None:  # type: ignore[no-untyped-def]
    def answer(number: int) -> tuple[bytes, int]:
        body = _page("s//ab"[: 4 + number % 2], f"{number}" if fresh else "AB"[number % 2])
        return body, len(body)

    with pytest.raises(StoreError, match="goes round"):
        list(answering(answer).list("s//"))


@pytest.mark.parametrize("body", [b"<!doctype html><p>Sign in", b"<html><body>Sign in</body></html>"])
def test_a_page_of_the_web_is_no_listing(answering, body: bytes) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(StoreError, match="does not answer as a store"):
        list(answering(lambda _: (body, len(body))).list("s//"))
    with pytest.raises(StoreError):
        list(answering(lambda _: (body, len(body))).list())
