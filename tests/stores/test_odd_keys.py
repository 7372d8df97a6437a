"""Reading keys that obstore cannot address: the signature against botocore's, the transport against a real server."""

from __future__ import annotations

import datetime as dt
import os

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from bondstore.errors import ChangedError, NotFoundError
from bondstore.stores import odd_keys, open_store
from bondstore.stores.sigv4 import encode_path, encode_query, sign
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import QUICK, s3_profile

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    key=text, query=st.dictionaries(st.sampled_from(["prefix", "start-after", "list-type"]), text), token=st.booleans()
)
def test_the_signature_is_botocores(key: str, query: dict[str, str], token: bool) -> None:
    now = dt.datetime.now(dt.UTC)
    path = encode_path(f"/bucket/{key}")
    target = f"https://host.example:8333{path}" + (f"?{encode_query(query)}" if query else "")
    request = AWSRequest("GET", target, headers={"host": "host.example:8333"})
    witness = S3SigV4Auth(Credentials("KEY", "SECRET", "TOKEN" if token else None), "s3", "eu-x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: now.replace(tzinfo=None))
        witness.add_auth(request)
    ours = sign(
        "GET", "host.example:8333", path, query,
        access_key="KEY", secret="SECRET", token="TOKEN" if token else None, region="eu-x", now=now,
    )  # fmt: skip
    assert ours["Authorization"] == request.headers["Authorization"]


@pytest.mark.parametrize("prefix", ["", "/pre fix"])
def test_the_transport_against_a_real_server(
    seaweedfs: SeaweedFS, faulty: FaultyProxy, bucket: str, prefix: str
) -> None:
    """SeaweedFS takes no odd keys, so the functions are run on ordinary ones."""
    witness = open_store(f"s3://{bucket}{prefix}", s3_profile(seaweedfs.endpoint))
    data = os.urandom(200_000)
    for key in ("a/é +%&.csv", "a/b/x", "ab/y"):
        witness.put(key, data)
    connection = open_store(f"s3://{bucket}{prefix}", s3_profile(faulty.endpoint), rule=QUICK)._connection
    assert [page.keys for page in odd_keys.list_pages(connection, "a/", None)] == [
        [key for page in witness.pages("a") for key in page.keys]
    ]
    assert odd_keys.list_dirs(connection, "a/") == witness.dirs("a")
    info = witness.head("a/é +%&.csv")
    assert odd_keys.head(connection, info.key) == info
    faulty.add(Fault("cut", contains="csv", after=1000, times=2))
    faulty.add(Fault("status", contains="csv", first=3, times=2))
    fetched = odd_keys.fetch(connection, info.key)
    assert (fetched.info, fetched.data) == (info, data)
    assert odd_keys.fetch_range(connection, info.key, 5, 105, info.etag) == data[5:105]
    with pytest.raises(ChangedError):
        odd_keys.fetch_range(connection, info.key, 5, 105, '"other"')
    with pytest.raises(NotFoundError):
        odd_keys.fetch(connection, "none")


def test_pages_are_followed(seaweedfs: SeaweedFS, bucket: str) -> None:
    from tests.stores.test_listing import fill

    store = open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint))
    keys = [f"a/{n:04d}" for n in range(1_050)]
    fill(store, keys)
    pages = list(odd_keys.list_pages(store._connection, "a/", None))
    assert [len(page) for page in pages] == [1_000, 50]
    assert [key for page in pages for key in page.keys] == keys
    assert [key for page in odd_keys.list_pages(store._connection, "a/", "a/1047") for key in page.keys] == keys[-2:]


@pytest.mark.parametrize(("key", "odd"), [("a/b", False), ("a//b", True), ("/a", True), ("a/", True), ("a/./b", True),
                                          ("a/...", False), ("", True), ("..", True)])  # fmt: skip
def test_which_keys_are_odd(key: str, odd: bool) -> None:
    assert odd_keys.is_odd(key) is odd
