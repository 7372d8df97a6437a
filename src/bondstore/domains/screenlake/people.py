"""Who is there: the panelists of a store, counted from its listing alone."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.layout import Other, parse_key
from bondstore.domains.screenlake.selection import Selection
from bondstore.errors import NotFoundError
from bondstore.runs.tally import Count
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.runs.progress import Progress
    from bondstore.stores import Store


@dataclass(frozen=True, slots=True)
class Panelist:
    """One panelist of a store.

    Parameters
    ----------
    name : str
        The hash that names the folder.
    zips : int
        How many there are.
    bytes : int
        Their size as stored.
    first_ms, last_ms : int
        First and last upload, in ms since 1970 UTC.
    """

    name: str
    zips: int
    bytes: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class People:
    """The panelists of a store.

    Parameters
    ----------
    panelists : tuple of Panelist
        By name.
    left_out : mapping
        Objects that are no phone's zip, by kind.
    """

    panelists: tuple[Panelist, ...]
    left_out: Mapping[str, int]

    @property
    def total(self) -> Count:
        """All their zips together."""
        return Count(sum(one.zips for one in self.panelists), sum(one.bytes for one in self.panelists))


def people(store: Store, selection: Selection | None = None, progress: Progress | None = None) -> People:
    """Count the zips of every panelist; nothing is read but the listing.

    Parameters
    ----------
    store : Store
        Where they lie.
    selection : Selection, optional
        Only the zips that it may want; all when not given.
    progress : Progress, optional
        Who watches.
    """
    chosen = selection or Selection()
    prefix = parse_address(store.spec.url).prefix
    found: dict[str, Panelist] = {}
    others: dict[str, int] = {}
    seen = Count()
    for page in store.pages():
        for key, size, modified_ms in zip(page.keys, page.sizes, page.modified_ms, strict=True):
            seen += Count(1, size)
            phone = parse_key(key, prefix)
            if isinstance(phone, Other):
                others[phone.reason] = others.get(phone.reason, 0) + 1
            elif chosen.wants_panelist(phone.panelist) and chosen.wants_upload(modified_ms):
                found[phone.panelist] = _with(found.get(phone.panelist), phone.panelist, size, modified_ms)
        if progress is not None:
            progress.listing(seen)
    return People(tuple(found[name] for name in sorted(found)), others)


def check_any(store: Store, selection: Selection) -> None:
    """Refuse a store without a zip of any panelist, and panelists without one; no window is looked at.

    Raises
    ------
    NotFoundError
        It says which of them matches nothing.
    """
    prefix = parse_address(store.spec.url).prefix
    missing = dict.fromkeys(selection.panelists)
    some = False
    with closing(store.pages()) as pages:
        for page in pages:
            for key in page.keys:
                phone = parse_key(key, prefix)
                if not isinstance(phone, Other):
                    some = True
                    missing.pop(phone.panelist, None)
            if some and not missing:
                return
    if not some:
        raise NotFoundError(
            f"No zip of any panelist lies in {store.url}.", hint="Check the bucket and the prefix: they hold no zips."
        )
    names = ", ".join(missing)
    raise NotFoundError(
        f"There is no zip of {'these panelists' if len(missing) > 1 else 'the panelist'} {names} in {store.url}.",
        hint="bondstore screenlake panelists lists those who have zips.",
    )


def _with(old: Panelist | None, name: str, size: int, modified_ms: int) -> Panelist:
    """Return a panelist with one more zip."""
    if old is None:
        return Panelist(name, 1, size, modified_ms, modified_ms)
    return Panelist(name, old.zips + 1, old.bytes + size, min(old.first_ms, modified_ms), max(old.last_ms, modified_ms))
