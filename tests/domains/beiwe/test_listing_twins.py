"""Objects that lie there twice: one of each pair is kept, and none is lost, however a listing is cut into pages."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.beiwe.layout import parse_key
from bondstore.domains.beiwe.listing import Listed, sort_twins

STUDY = "5873fe38644ad7557b168e43"
_hours = st.builds(
    "CHUNKED_DATA/5873fe38644ad7557b168e43/1ab2cd3e/{}/2024-01-01T{:02d}:00:00.csv".format,
    st.sampled_from(["gps", "gyro"]),
    st.integers(0, 23),
)
_keys = st.builds(str.__add__, _hours, st.sampled_from(["", ".zst"]))


def listed(key: str, modified_ms: int = 0) -> Listed:
    return Listed(parse_key(STUDY, key), 10, "etag", modified_ms)


@given(st.sets(_keys), st.lists(st.integers(0, 30)), st.booleans())
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


@given(st.lists(_keys, unique=True), st.integers(1, 7))
def test_nothing_is_lost_of_a_listing_without_order(keys, size):
    pages = [[listed(key) for key in keys[at : at + size]] for at in range(0, len(keys), size)]
    results = list(sort_twins(pages))
    out = [one.object.key for page in results for one in (*page.kept, *page.superseded)]
    assert sorted(out) == sorted(keys)
