"""Walking a study in a folder and in a real bucket: everything once, nothing of anybody else."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.layout import Kind, parse_key
from bondstore.domains.beiwe.listing import Listed, left_out, participants, prefixes, sort_twins, walk
from bondstore.domains.beiwe.selection import StudySelection, select
from bondstore.stores import Store, open_store
from tests.servers.faulty import FaultyProxy
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY, SeaweedFS

S = "5873fe38644ad7557b168e43"
ANN, BOB, CAT = "1ab2cd3e", "4fg5hi6j", "7kl8mn9o"
"""Ann has both sources, Bob raw objects only, Cat chunked ones only."""

DATA = {
    f"CHUNKED_DATA/{S}/{ANN}/gps/2018-03-01T05:00:00.csv": "ann gps",
    f"CHUNKED_DATA/{S}/{ANN}/gps/2018-03-01T06:00:00.csv.zst": "ann gps",
    f"CHUNKED_DATA/{S}/{ANN}/identifiers/2018-03-01T05:00:00.csv": "ann identifiers",
    f"CHUNKED_DATA/{S}/{ANN}/survey_timings/5aa1/2018-03-01T05:00:00.csv": "ann timings",
    f"CHUNKED_DATA/{S}/{CAT}/ios_log/2018-03-01T05:00:00.csv": "cat log",
    f"{S}/{ANN}/gps/1519880400123.csv": "ann raw gps",
    f"{S}/{ANN}/identifiers_1519880400.csv": "ann raw identifiers",
    f"{S}/{ANN}/surveyAnswers/5aa1/1519880400123.csv": "ann answers",
    f"{S}/{BOB}/ios/log/1519880400123.csv": "bob raw log",
    f"{S}/{BOB}/identifiers_1519880401.csv.zst": "bob raw identifiers",
}
OTHERS = {
    f"{S}/{ANN}/notes.txt": Kind.UNKNOWN,
    f"{S}/9old0mark": Kind.PARTICIPANT_MARKER,
    f"{S}/keys/{ANN}_private": Kind.DEVICE_KEY,
    f"{S}/keys/{BOB}_public": Kind.DEVICE_KEY,
    f"PROBLEM_UPLOADS/{S}/{ANN}/gps/1519880400123.csvAb3dEf6hI9": Kind.PROBLEM_UPLOAD,
    f"CHUNKED_DATA/{S}/stray.csv": Kind.UNKNOWN,
    f"CHUNKED_DATA/{S}/keys/unexpected.csv": Kind.UNKNOWN,
}
NOT_OURS = [
    f"{S}d/{ANN}/gps/1519880400123.csv",
    f"CHUNKED_DATA/{S}d/{ANN}/gps/2018-03-01T05:00:00.csv",
    f"PROBLEM_UPLOADS/{S}d/x",
    "CHUNKED_DATA/README.txt",
    "loose",
]
ALL = [*DATA, *OTHERS]


def s3_profile(endpoint: str) -> Profile:
    return Profile(
        access_key=SecretRef.parse("env:TEST_S3_KEY"),
        secret_key=SecretRef.parse("env:TEST_S3_SECRET"),
        region="us-east-1",
        endpoint=endpoint,
    )


@pytest.fixture(scope="module")
def in_folder(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    for key in [*ALL, *NOT_OURS]:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * len(key))
    return open_store(folder.as_uri())


@pytest.fixture(scope="module")
def _keys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_S3_KEY", ACCESS_KEY)
        patch.setenv("TEST_S3_SECRET", SECRET_KEY)
        yield


@pytest.fixture(scope="module")
def in_bucket(seaweedfs: SeaweedFS, _keys: None) -> Store:
    bucket = seaweedfs.create_bucket("beiwe-listing")
    for key in [*ALL, *NOT_OURS]:
        seaweedfs.client().put_object(Bucket=bucket, Key=key, Body=b"x" * len(key))
    return open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint))


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest) -> Store:
    """The same objects in a folder and in a bucket."""
    made: Store = request.getfixturevalue(f"in_{request.param}")
    return made


def keys(store: Store, selection: StudySelection) -> list[str]:
    return sorted(one.object.key for page in walk(store, S, selection) for one in page)


def wanted(store: Store, selection: StudySelection) -> list[str]:
    found = (one.object for page in walk(store, S, selection) for one in page)
    return sorted(DATA[obj.key] for obj in found if selection.wants(obj))


def test_everyone_with_objects_of_either_source_is_found(store: Store) -> None:
    assert {ANN, BOB, CAT} <= set(participants(store, S))
    assert participants(store, S + "d") == [ANN]
    assert participants(store, "none") == []


def test_the_folder_of_device_keys_is_nobody(in_folder: Store, tmp_path: Path) -> None:
    (tmp_path / S / "keys").mkdir(parents=True)
    (tmp_path / S / "keys" / f"{ANN}_private").write_bytes(b"x")
    assert participants(open_store(tmp_path.as_uri()), S) == []


@pytest.mark.parametrize("source", ["chunked", "raw", "both"])
def test_what_is_below_the_study_is_listed_exactly_once(store: Store, source: str) -> None:
    found = Counter(keys(store, select(source=source)))
    assert max(found.values()) == 1
    assert set(found) <= set(ALL)
    if source == "both":
        assert sorted(found) == sorted(ALL)
    needed = {key for key in DATA if source != "raw" or key.startswith(S)}
    if source == "chunked":
        needed -= {key for key in DATA if key.startswith(S) and "surveyAnswers" not in key}
    assert needed - set(found) == set()


def test_what_is_told_of_an_object_is_true(store: Store) -> None:
    for page in walk(store, S, select(source="both")):
        for one in page:
            assert one.size == len(one.object.key)
            assert one.version
            assert one.modified_ms > 1_600_000_000_000


def test_what_is_no_data_is_told_apart(store: Store) -> None:
    found = {one.object.key: one.object for page in walk(store, S, select(source="both")) for one in page}
    assert {key: obj.kind for key, obj in found.items() if not obj.is_data} == OTHERS
    words = Counter(word for obj in found.values() if (word := left_out(obj)) is not None)
    assert words == {"device keys": 2, "problem uploads": 1, "participant markers": 1, "not understood": 3}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (select([ANN]), ["ann answers", "ann gps", "ann gps", "ann identifiers", "ann timings"]),
        (select([ANN], source="raw"), ["ann answers", "ann raw gps", "ann raw identifiers"]),
        (select([BOB]), []),
        (select([BOB], source="raw"), ["bob raw identifiers", "bob raw log"]),
        (select(streams=["gps"]), ["ann gps", "ann gps"]),
        (select(streams=["gps"], source="both"), ["ann gps", "ann gps", "ann raw gps"]),
        (select(streams=["ios_log"], source="both"), ["bob raw log", "cat log"]),
        (select(streams=["identifiers"]), ["ann identifiers"]),
        (select(streams=["identifiers"], source="raw"), ["ann raw identifiers", "bob raw identifiers"]),
        (select([ANN], ["identifiers"], source="both"), ["ann identifiers", "ann raw identifiers"]),
        (select(streams=["survey_answers"]), ["ann answers"]),
        (select([ANN, CAT], ["gps", "ios_log", "survey_answers"]), ["ann answers", "ann gps", "ann gps", "cat log"]),
        (select(["nobody"], source="both"), []),
        (select([ANN[:-1]], source="both"), []),
        (select(source="both"), sorted(DATA.values())),
    ],
)
def test_a_selection_finds_its_objects_and_no_others(
    store: Store, selection: StudySelection, expected: list[str]
) -> None:
    assert wanted(store, selection) == expected
    found = keys(store, selection)
    assert len(found) == len(set(found))
    if selection.participants:
        assert all(any(f"/{person}/" in key for person in selection.participants) for key in found)


def no_store() -> Store:
    """A store that cannot be asked: whoever lists it fails."""
    return open_store("file:///nowhere/at/all")


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (select([ANN], ["gps"]), {f"CHUNKED_DATA/{S}/{ANN}/gps/"}),
        (select([ANN], ["gps"], source="raw"), {f"{S}/{ANN}/gps/"}),
        (select([ANN], ["accel"], source="both"), {f"CHUNKED_DATA/{S}/{ANN}/accelerometer/", f"{S}/{ANN}/accel/"}),
        (select([ANN], ["ios_log"], source="raw"), {f"{S}/{ANN}/ios/log/"}),
        (select([ANN, BOB], source="raw"), {f"{S}/{ANN}/", f"{S}/{BOB}/"}),
        (select([ANN], source="both"), {f"CHUNKED_DATA/{S}/{ANN}/", f"{S}/{ANN}/"}),
    ],
)
def test_no_more_is_listed_than_needed(selection: StudySelection, expected: set[str]) -> None:
    found = prefixes(no_store(), S, selection)
    assert len(found) == len(set(found))
    assert set(found) == expected


@pytest.mark.parametrize("streams", [[], ["gps"], ["survey_answers", "identifiers"]])
@pytest.mark.parametrize("source", ["chunked", "raw", "both"])
@pytest.mark.parametrize("people", [[], [ANN], [ANN, BOB]])
def test_prefixes_end_at_a_slash_and_never_overlap(
    in_folder: Store, people: list[str], source: str, streams: list[str]
) -> None:
    found = prefixes(in_folder, S, select(people, streams, source))
    assert all(prefix.endswith("/") for prefix in found)
    assert not any(a is not b and b.startswith(a) for a in found for b in found)


def test_a_narrow_selection_asks_the_server_for_nothing_else(in_bucket: Store, faulty: FaultyProxy) -> None:
    asked = open_store(dataclasses.replace(in_bucket.spec, profile=s3_profile(faulty.endpoint)))
    assert wanted(asked, select([ANN], ["gps"])) == ["ann gps", "ann gps"]
    listed = [parse_qs(seen.query)["prefix"] for seen in faulty.seen if seen.method == "GET"]
    assert listed == [[f"CHUNKED_DATA/{S}/{ANN}/gps/"]]


def test_one_prefix_at_a_time_comes_in_the_order_asked_for(store: Store) -> None:
    chosen = select([CAT, ANN], ["survey_timings", "ios_log", "gps"])
    objects = [one.object for page in walk(store, S, chosen, concurrency=1) for one in page]
    assert [obj.stream for obj in objects] == ["ios_log", "survey_timings", "gps", "gps"]


def test_a_study_of_many_pages_is_walked_whole(tmp_path: Path) -> None:
    stems = [f"CHUNKED_DATA/{S}/{ANN}/gps/2018-{m:02d}-{d:02d}T{h:02d}:00:00.csv" for m in range(1, 10)
             for d in range(1, 29) for h in range(24)]  # fmt: skip
    (tmp_path / stems[0]).parent.mkdir(parents=True)
    for key in stems:
        (tmp_path / key).touch()
    pages = list(walk(open_store(tmp_path.as_uri()), S, select([ANN])))
    assert len(pages) > 1
    assert sorted(one.object.key for page in pages for one in page) == stems


# Objects that lie there twice: one of each pair is kept, and none is lost, however a listing is cut into pages.

_hours = st.builds(
    "CHUNKED_DATA/5873fe38644ad7557b168e43/1ab2cd3e/{}/2024-01-01T{:02d}:00:00.csv".format,
    st.sampled_from(["gps", "gyro"]),
    st.integers(0, 23),
)
_twin_keys = st.builds(str.__add__, _hours, st.sampled_from(["", ".zst"]))


def listed(key: str, modified_ms: int = 0) -> Listed:
    return Listed(parse_key(S, key), 10, "etag", modified_ms)


@given(st.sets(_twin_keys), st.lists(st.integers(0, 30)), st.booleans())
def test_one_of_each_pair_is_kept_in_a_sorted_listing_of_any_pages(keys, cuts, newer_plain):
    everything = [listed(key, int(newer_plain and not key.endswith(".zst"))) for key in sorted(keys)]
    edges = sorted({0, len(everything), *(cut for cut in cuts if cut < len(everything))})
    pages = [everything[a:b] for a, b in itertools.pairwise(edges)]
    results = list(sort_twins(pages))
    kept = [one.object.key for page in results for one in page.kept]
    superseded = [one.object.key for page in results for one in page.superseded]
    assert sorted(kept + superseded) == sorted(keys)
    stems = [key.removesuffix(".zst") for key in kept]
    assert len(stems) == len(set(stems))
    loser = "" if not newer_plain else ".zst"
    assert all(key.endswith(".csv" + loser) for key in superseded)


@given(st.lists(_twin_keys, unique=True), st.integers(1, 7))
def test_nothing_is_lost_of_a_listing_without_order(keys, size):
    pages = [[listed(key) for key in keys[at : at + size]] for at in range(0, len(keys), size)]
    results = list(sort_twins(pages))
    out = [one.object.key for page in results for one in (*page.kept, *page.superseded)]
    assert sorted(out) == sorted(keys)
