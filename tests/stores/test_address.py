from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.config.profiles import Profile
from bondstore.errors import UsageError
from bondstore.stores.address import Address, parse_address
from bondstore.stores.kinds.s3 import with_bucket


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://bucket", Address("s3", "bucket")),
        ("s3://bucket/", Address("s3", "bucket")),
        ("S3://Bucket_1/a/b c/é%41/", Address("s3", "Bucket_1", "a/b c/é%41")),
        ("s3a://bucket/x", Address("s3", "bucket", "x")),
        ("az://container/x/y", Address("az", "container", "x/y")),
        ("file:///a/b", Address("file", "/a/b")),
        ("file://localhost/a/b/", Address("file", "/a/b")),
        ("file:///a%20b/%C3%A9%23%3F", Address("file", "/a b/é#?")),
        ("memory://", Address("memory", "default")),
        ("memory://x", Address("memory", "x")),
    ],
)
def test_addresses(url: str, address: Address) -> None:
    assert parse_address(url) == address
    assert parse_address(address.url) == address


@pytest.mark.parametrize(
    "url",
    ["", "bucket", "s3:bucket", "s3://", "s3:///x", "az:///x", "file://host/x", "file://x", "gs://bucket", "http://x/y",
     "s3://b/a//c", "s3://b/../c", "s3://key:secret@bucket/x"],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(url)
    assert caught.value.hint
    assert "secret" not in str(caught.value)


@given(st.text())
def test_any_text_is_an_address_or_refused(url: str) -> None:
    try:
        address = parse_address(url)
    except UsageError:
        return
    assert parse_address(address.url) == address


@pytest.mark.parametrize(
    ("profile", "bucket", "url"),
    [
        (Profile(), "bucket", "https://bucket.s3.us-east-1.amazonaws.com"),
        (Profile(region="eu-west-3"), "My_Bucket", "https://s3.eu-west-3.amazonaws.com"),
        (Profile(region="cn-north-1"), "bucket", "https://bucket.s3.cn-north-1.amazonaws.com.cn"),
        (Profile(endpoint="http://h:1/"), "bucket", "http://h:1"),
    ],
)
def test_where_requests_go(profile: Profile, bucket: str, url: str) -> None:
    assert Address("s3", bucket).endpoint(profile) == url


def test_where_the_bucket_goes_in_virtual_host_style() -> None:
    assert with_bucket("https://h.example:9/", "b", path_style=True) == "https://h.example:9"
    assert with_bucket("https://h.example:9/", "b", path_style=False) == "https://b.h.example:9"
    assert with_bucket("https://b.h.example", "b", path_style=False) == "https://b.h.example"
