"""Objects of S3 get another beginning: the server copies the rest, and nothing of it passes through here."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bondstore.errors import ChangedError
from bondstore.stores import Store, open_store
from bondstore.stores.beginnings import LEAST, Beginnings
from tests.servers.faulty import FaultyProxy
from tests.stores.rigs import s3_profile

pytestmark = pytest.mark.usefixtures("keys_in_environment")
SIZES = {"a b/ö+%.bin": 12_000_001, "tiny": 101, "short": 3_000_000, "exact": LEAST + 100, "one more": LEAST + 101}
BEGINNINGS = {name: f"another beginning of {name}".encode() * 3 for name in SIZES}


@pytest.fixture
def store(faulty: FaultyProxy, bucket: str) -> Store:
    return open_store(f"s3://{bucket}/below", s3_profile(faulty.endpoint))


@pytest.fixture
def contents(store: Store) -> dict[str, bytes]:
    rng = random.Random(3)
    made = {name: rng.randbytes(size) for name, size in SIZES.items()}
    for name, content in made.items():
        store.put(name, content)
    return made


def test_objects_get_another_beginning(
    store: Store, contents: dict[str, bytes], faulty: FaultyProxy, tmp_path: Path
) -> None:
    """Of any length: the server of the tests refuses short parts, as AWS does."""
    infos = {name: store.head(name) for name in contents}
    faulty.clear()
    beginnings = Beginnings(store, "corner", tmp_path / "journals", BEGINNINGS)
    with beginnings.put() as put:
        sent = {name: beginnings.replace(info, 100, "STANDARD", put) for name, info in infos.items()}
    bodies = [int(one.headers.get("content-length", 0)) for one in faulty.seen]
    assert sum(bodies) < LEAST + 20_000  # the zeros, and lists of parts
    assert not [one for one in faulty.seen if one.method == "GET" and not one.query]
    for name, content in contents.items():
        assert bytes(store.get(name).data) == BEGINNINGS[name] + content[100:]
        assert (sent[name].size, sent[name].etag) == (store.head(name).size, store.head(name).etag)
    assert {one.key for one in store.list()} == set(SIZES)
    assert not list(store.unfinished())
    assert not list((tmp_path / "journals").iterdir())


def test_an_object_that_changed_meanwhile_stays(store: Store, contents: dict[str, bytes], tmp_path: Path) -> None:
    infos = {name: store.head(name) for name in contents}
    for name in contents:
        store.put(name, contents[name][::-1])
    beginnings = Beginnings(store, "corner", tmp_path / "journals", BEGINNINGS)
    with beginnings.put() as put:
        for info in infos.values():
            with pytest.raises(ChangedError):
                beginnings.replace(info, 100, "STANDARD", put)
    for name, content in contents.items():
        assert bytes(store.get(name).data) == content[::-1]
    assert {one.key for one in store.list()} == set(SIZES)
    assert not list(store.unfinished())
