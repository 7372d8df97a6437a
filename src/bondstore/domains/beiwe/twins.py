"""Objects that lie there twice, plain and compressed: a server that compresses may stop before the old one is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bondstore.domains.beiwe.arrival import ARRIVAL
from bondstore.domains.beiwe.layout import twin_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bondstore.domains.beiwe.listing import Listed
    from bondstore.findings import Finding


class Sorted(NamedTuple):
    """A page of listed objects, told apart."""

    kept: list[Listed]
    superseded: list[Listed]


def sort_twins(pages: Iterable[Sequence[Listed]]) -> Iterator[Sorted]:
    """Keep one of each pair of twins: the one that was written last, the compressed one where that is a draw.

    Parameters
    ----------
    pages : iterable of sequence of Listed
        In the store's order within a folder, so that twins are close to each other.

    Yields
    ------
    Sorted
        As many objects as came in; the last of a page may come with a later one.
    """
    held: dict[str, Listed] = {}  # the twin of a page's last object may be the first of the next
    for page in pages:
        if not page:
            continue
        before = held.pop(_folder(page[0]), None)
        whole = [before, *page] if before else list(page)
        if not whole[-1].object.compression:
            last = whole.pop()
            whole += [old] if (old := held.get(_folder(last))) else []  # folders of a disk are listed in no order
            held[_folder(last)] = last
        yield _sort(whole)
    yield _sort(list(held.values()))


def superseded_finding(one: Listed) -> Finding:
    """Return the finding about an object whose twin was taken."""
    return ARRIVAL["superseded"].about(one.object.key)


def _sort(page: list[Listed]) -> Sorted:
    plain = {one.object.key: one for one in page if not one.object.compression}
    losers: dict[str, Listed] = {}
    for one in page:
        if one.object.compression and (twin := plain.get(twin_keys(one.object.key)[0])) is not None:
            loser = one if twin.modified_ms > one.modified_ms else twin
            losers[loser.object.key] = loser
    return Sorted([one for one in page if one.object.key not in losers], list(losers.values()))


def _folder(one: Listed) -> str:
    return one.object.key.rpartition("/")[0]
