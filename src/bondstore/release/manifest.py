"""The manifest of a release: which bytes, from what, judged how. Its id follows from its content alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bondstore.errors import IntegrityError, UsageError
from bondstore.release.records import Counts, Record, is_plain_path, present_word
from bondstore.release.settings import About

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KIND = "bondstore.release"
VERSION = 1


def object_path(sha256: str, name: str) -> str:
    """Return where bytes lie in the public store: below their own hash, so that a path never changes its content."""
    return f"data/{sha256[:16]}/{name.rpartition('/')[2]}"


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot in the public store."""

    path: str
    sha256: str
    size: int
    type: str  # ``image/png`` or ``image/svg+xml``


@dataclass(frozen=True, slots=True)
class Entry:
    """A released file.

    Parameters
    ----------
    path : str
        Where it lies in the public store.
    file : str
        What it is called in the release.
    sha256 : str
        Of its bytes.
    size : int
        Bytes.
    grade : str
        Of its record.
    source : mapping of str to str
        ``key`` (its last part; never its folders), ``version`` and ``sha256`` of what it was made from; never the
        store's address.
    settings : mapping of str to str
        What decided on it.
    levels : mapping
        Of its record.
    title, platform, first, last, bounds
        Of its record.
    plots : tuple of Plot
        What goes with it.
    """

    path: str
    file: str
    sha256: str
    size: int
    grade: str
    source: Mapping[str, str]
    settings: Mapping[str, str]
    levels: Counts
    title: str = ""
    platform: str = ""
    first: str | None = None
    last: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    plots: tuple[Plot, ...] = ()

    @classmethod
    def of(cls, record: Record, plots: tuple[Plot, ...] = ()) -> Entry:
        """Take over what a record says and may be public."""
        name = record.source.key.rstrip("/").rpartition("/")[2]  # folders may be named after vessels: they stay private
        source = {"key": name, "version": record.source.version, "sha256": record.source.sha256}
        return cls(
            path=object_path(record.sha256, record.file),
            file=record.file,
            sha256=record.sha256,
            size=record.size,
            grade=record.grade,
            source=source,
            settings=dict(record.settings),
            levels={name: dict(counts) for name, counts in record.levels.items()},
            title=record.title,
            platform=record.platform,
            first=record.first,
            last=record.last,
            bounds=record.bounds,
            plots=plots,
        )

    def objects(self) -> Iterator[tuple[str, str, int]]:
        """Yield path, SHA-256 and size of everything that it needs in the public store."""
        yield self.path, self.sha256, self.size
        for plot in self.plots:
            yield plot.path, plot.sha256, plot.size


@dataclass(frozen=True, slots=True)
class Manifest:
    """A release."""

    about: About
    requirement: str  # what its files had to meet
    entries: tuple[Entry, ...]  # by name; see `in_order`
    overview: Plot | None = None  # a map of all of it
    stac: bool = False  # whether a STAC item collection belongs to it

    @property
    def id(self) -> str:
        """Sixteen hex digits that follow from its content."""
        return hashlib.sha256(self._canonical()).hexdigest()[:16]

    def objects(self) -> Iterator[tuple[str, str, int]]:
        """Yield path, SHA-256 and size of every object it refers to; one may come more than once."""
        for entry in self.entries:
            yield from entry.objects()
        if self.overview is not None:
            yield self.overview.path, self.overview.sha256, self.overview.size

    def without(self, hashes: frozenset[str]) -> Manifest:
        """Return the release without the files, plots and map that have these hashes."""
        kept = []
        for entry in self.entries:
            if entry.sha256 not in hashes:
                plots = tuple(plot for plot in entry.plots if plot.sha256 not in hashes)
                kept.append(entry if plots == entry.plots else replace(entry, plots=plots))
        overview = self.overview if self.overview is None or self.overview.sha256 not in hashes else None
        return replace(self, entries=tuple(kept), overview=overview)

    def content(self) -> dict[str, Any]:
        """Return it as JSON's own kinds. Settings that many files share stand in it once."""
        settings: dict[str, int] = {}
        files = [_entry(entry, settings) for entry in self.entries]
        return {
            "kind": KIND,
            "version": VERSION,
            "about": self.about.record(),
            "requirement": self.requirement,
            "stac": self.stac,
            "count": len(self.entries),
            "bytes": sum(entry.size for entry in self.entries),
            "settings": [json.loads(one) for one in settings],
            "overview": None if self.overview is None else _plot(self.overview),
            "files": files,
        }

    def to_json(self) -> bytes:
        """Return it as JSON with its id: sorted names, one file a line."""
        content = self.content() | {"id": self.id}
        files = content.pop("files")
        head = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1)
        lines = ",\n".join("  " + _line(one) for one in files)
        return f'{head.removesuffix("}").rstrip()},\n "files": [\n{lines}\n ]\n}}\n'.encode()

    @staticmethod
    def from_json(data: bytes) -> Manifest:
        """Read a manifest back; `IntegrityError` when its content is not what its id says."""
        try:
            content = json.loads(data)
            manifest = _manifest(content)
            whole = content["kind"] == KIND and content["version"] == VERSION and content["id"] == manifest.id
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, UsageError):
            raise _broken() from None
        if not whole:
            raise _broken()
        return manifest

    def _canonical(self) -> bytes:
        return json.dumps(self.content(), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries as a manifest has them: the order in which they were found does not matter."""
    return tuple(sorted(entries, key=lambda one: (one.file, one.sha256)))


def _broken() -> IntegrityError:
    return IntegrityError(
        "The manifest of a release in the public store is damaged.",
        hint="Somebody else writes there. Take the release back, and publish again.",
    )


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _plot(plot: Plot) -> dict[str, Any]:
    return {"path": plot.path, "sha256": plot.sha256, "size": plot.size, "type": plot.type}


def _entry(entry: Entry, settings: dict[str, int]) -> dict[str, Any]:
    return {
        "path": entry.path,
        "file": entry.file,
        "sha256": entry.sha256,
        "size": entry.size,
        "grade": entry.grade,
        "source": dict(entry.source),
        "settings": settings.setdefault(_line(entry.settings), len(settings)),
        "levels": {name: dict(counts) for name, counts in entry.levels.items()},
        "title": entry.title,
        "platform": entry.platform,
        "first": entry.first,
        "last": entry.last,
        "bounds": None if entry.bounds is None else [float(one) for one in entry.bounds],
        "plots": [_plot(plot) for plot in entry.plots],
    }


def _manifest(content: Any) -> Manifest:
    settings = content["settings"]
    entries = tuple(_read_entry(one, settings) for one in content["files"])
    overview = None if content["overview"] is None else _read_plot(content["overview"])
    return Manifest(About(**content["about"]), str(content["requirement"]), entries, overview, bool(content["stac"]))


def _read_entry(one: Any, settings: list[dict[str, str]]) -> Entry:
    bounds = one["bounds"]
    return Entry(
        path=_path(one["path"]),
        file=_path(one["file"]),
        sha256=str(one["sha256"]),
        size=int(one["size"]),
        grade=str(present_word(one["grade"])),
        source=dict(one["source"]),
        settings=dict(settings[one["settings"]]),
        levels={name: dict(counts) for name, counts in one["levels"].items()},
        title=str(one["title"]),
        platform=str(one["platform"]),
        first=one["first"],
        last=one["last"],
        bounds=None if bounds is None else (bounds[0], bounds[1], bounds[2], bounds[3]),
        plots=tuple(_read_plot(plot) for plot in one["plots"]),
    )


def _read_plot(one: Any) -> Plot:
    return Plot(_path(one["path"]), str(one["sha256"]), int(one["size"]), str(one["type"]))


def _path(path: str) -> str:
    if not is_plain_path(path):
        raise ValueError
    return path
