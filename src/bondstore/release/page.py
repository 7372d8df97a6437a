"""The landing page of a release: it stands alone, loads nothing but the release's own plots, and runs nothing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

from bondstore.release.chart import chart
from bondstore.release.markup import Content, Markup, element, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.release.latest import Latest
    from bondstore.release.manifest import Entry, Manifest, Plot

MOST_ROWS = 5000
"""Files that a page shows; all are in the index."""
_GRADES = {"good": "good", "probably_good": "probably good", "suspect": "suspect", "bad": "mixed"}
_STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--ink:#1d2329;--soft:#5a646d;--rule:#dcd9d0;--card:#fff;--mark:#0b6e75;
--warn:#fdf0d3}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e5e8ea;--soft:#9aa5ad;--rule:#31373d;--card:#1b2025;
--mark:#58c3c9;--warn:#3a2f14}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:2.5rem 1.25rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{margin:0 0 .5rem;font-size:2rem;line-height:1.2;overflow-wrap:anywhere}h2{margin:2.5rem 0 .75rem;font-size:1.2rem}
p{max-width:46rem;overflow-wrap:anywhere;white-space:pre-line}a{color:var(--mark)}code{font-size:.85em}
.soft,td small{color:var(--soft)}
ul.facts{display:flex;flex-wrap:wrap;gap:.75rem 2rem;margin:1.25rem 0;padding:0;list-style:none}
ul.facts b{display:block;font-size:1.4rem;font-variant-numeric:tabular-nums}
.notice{margin:1rem 0;padding:.75rem 1rem;border-left:4px solid #c58a00;background:var(--warn)}
.notice p{margin:.25rem 0}
.get{display:flex;flex-wrap:wrap;gap:.5rem}
.get a{padding:.4rem .8rem;border:1px solid var(--rule);border-radius:.4rem;background:var(--card);text-decoration:none}
.map,svg.chart{display:block;width:100%;max-width:46rem;height:auto;border:1px solid var(--rule);background:var(--card)}
img.map{background:#fff}
svg.chart line{stroke:var(--rule)}svg.chart text{fill:var(--soft);font-size:11px}svg.chart circle{fill:var(--mark)}
.wide{overflow-x:auto;border:1px solid var(--rule);background:var(--card)}
table{width:100%;border-collapse:collapse;font-size:.9rem}
th,td{padding:.5rem .75rem;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:600;white-space:nowrap}
td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td.t{white-space:nowrap}
td.f{min-width:14rem;overflow-wrap:anywhere}td img{display:block;width:9rem;height:auto;background:#fff}
td small{display:block;overflow-wrap:anywhere}
dt{margin-top:.75rem;color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;white-space:pre-line}
"""


def landing(manifest: Manifest, latest: Latest | None = None, up: str = "") -> bytes:
    """Return the page of a release.

    Parameters
    ----------
    manifest : Manifest
        What it shows.
    latest : Latest, optional
        The state of the store, for the page at its root: says what was taken back.
    up : str
        The way from the page to the root of the store: ``""`` or ``"../../"``.
    """
    return _page(manifest.about.title or "Released data", _body(manifest, latest, up))


def taken_back(title: str, at: str, reason: str, count: int) -> bytes:
    """Return the page that stands where a release was.

    Parameters
    ----------
    title : str
        The release's id.
    at : str
        When it was taken back.
    reason : str
        Why; may be empty.
    count : int
        How many files and plots were taken back.
    """
    why = element("p", "Reason given: ", reason) if reason else None
    said = f"It was taken back on {_day(at)}, with {_counted(count, 'file or plot', 'files and plots')}."
    body = (
        element("h1", "Release ", title, " was taken back"),
        element("div", element("p", said), why, class_="notice"),
        element("p", element("a", "What is released now", href="../../index.html")),
        element("p", element("a", "tombstone.json", href="tombstone.json"), " says which, by SHA-256."),
    )
    return _page(f"Release {title} was taken back", body)


def _page(title: str, body: Content) -> bytes:
    allowed = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; img-src 'self'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(_STYLE)),
    )
    return f"<!doctype html>\n{element('html', head, element('body', body), lang='en')}\n".encode()


def _body(manifest: Manifest, latest: Latest | None, up: str) -> Iterator[Content]:
    about = manifest.about
    if about.institution:
        yield element("p", about.institution, class_="soft")
    yield element("h1", about.title or "Released data")
    if about.description:
        yield element("p", about.description)
    yield from _recalls(latest)
    yield element("ul", list(_facts(manifest)), class_="facts")
    if not manifest.entries:
        yield element("p", "Nothing is released here at present.")
    yield element("p", _downloads(manifest), class_="get")
    yield from _map(manifest, up)
    if manifest.entries:
        yield element("h2", "Files")
        yield _table(manifest, up)
    yield element("h2", "Use")
    yield element("dl", list(_terms(manifest)))


def _recalls(latest: Latest | None) -> Iterator[Markup]:
    for one in reversed(latest.recalls[-5:] if latest else ()):
        said = f"On {_day(one.at)} {_counted(len(one.hashes), 'file or plot was', 'files and plots were')} taken back. "
        reason = element("p", "Reason given: ", one.reason) if one.reason else None
        more = "Please delete copies of what index.csv no longer lists."
        yield element("div", element("p", said, more), reason, class_="notice")


def _facts(manifest: Manifest) -> Iterator[Markup]:
    entries = manifest.entries
    yield element("li", element("b", f"{len(entries):,}"), "file" if len(entries) == 1 else "files")
    yield element("li", element("b", _size(sum(entry.size for entry in entries))), "in all")
    platforms = {entry.platform for entry in entries if entry.platform}
    if platforms:
        yield element("li", element("b", f"{len(platforms):,}"), "platform" if len(platforms) == 1 else "platforms")
    firsts = [entry.first for entry in entries if entry.first]
    lasts = [entry.last for entry in entries if entry.last]
    if firsts and lasts:
        yield element("li", element("b", f"{_day(min(firsts))} to {_day(max(lasts))}"), "days of UTC")


def _downloads(manifest: Manifest) -> Iterator[Markup]:
    names = ["index.csv", "index.parquet", "manifest.json", *(["stac.json"] if manifest.stac else [])]
    for name in names:
        yield element("a", name, href=name)


def _map(manifest: Manifest, up: str) -> Iterator[Markup]:
    drawn: Markup | None
    if manifest.overview is not None:
        source = _href(up, manifest.overview)
        drawn = element("a", element("img", src=source, alt="Map of all files", class_="map"), href=source)
    else:
        drawn = chart([entry.bounds for entry in manifest.entries if entry.bounds])
    if drawn is not None:
        yield element("h2", "Where")
        yield drawn


def _table(manifest: Manifest, up: str) -> Markup:
    heads = ("File", "Platform", "From (UTC)", "To (UTC)", "Flags", "Size", "Plot")
    shown = manifest.entries[:MOST_ROWS]
    head = element("thead", element("tr", [element("th", one) for one in heads]))
    table = element("table", head, element("tbody", [_row(entry, up) for entry in shown]))
    left = len(manifest.entries) - len(shown)
    more = element("p", f"{left:,} more files are in index.csv.", class_="soft") if left else None
    return joined([element("div", table, class_="wide"), more])


def _row(entry: Entry, up: str) -> Markup:
    link = element("a", entry.file, href=up + quote(entry.path), download=entry.file.rpartition("/")[2])
    title = element("small", entry.title) if entry.title else None
    plots = [
        element(
            "a", element("img", src=_href(up, plot), alt=f"Plot of {entry.file}", loading="lazy"), href=_href(up, plot)
        )
        for plot in entry.plots
    ]
    return element(
        "tr",
        element("td", link, title, element("small", "SHA-256 ", element("code", entry.sha256[:16], "…")), class_="f"),
        element("td", entry.platform),
        element("td", _moment(entry.first), class_="t"),
        element("td", _moment(entry.last), class_="t"),
        element("td", _GRADES.get(entry.grade, entry.grade), class_="t"),
        element("td", _size(entry.size), class_="n"),
        element("td", plots),
    )


def _terms(manifest: Manifest) -> Iterator[Markup]:
    about = manifest.about
    licence = about.licence or about.licence_url or "No licence was stated: ask before you use the data."
    linked = element("a", licence, href=about.licence_url, rel="license") if about.licence_url else licence
    yield joined([element("dt", "Licence"), element("dd", linked)])
    if about.citation:
        yield joined([element("dt", "Citation"), element("dd", about.citation)])
    if about.contact_url:
        contact = element("a", about.contact_url, href=about.contact_url)
        yield joined([element("dt", "Questions"), element("dd", contact)])
    yield joined(
        [element("dt", "Requirement that every file met"), element("dd", element("code", manifest.requirement))]
    )
    yield joined([element("dt", "Release"), element("dd", element("code", manifest.id))])


def _href(up: str, plot: Plot) -> str:
    return up + quote(plot.path)


def _day(text: str) -> str:
    return text[:10]


def _moment(text: str | None) -> str:
    return (text or "")[:16].replace("T", " ")


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
