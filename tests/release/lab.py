"""A private store with files to release, and a reader of the public one that knows nothing of our code."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, Protocol
from urllib.parse import unquote

import pyarrow.parquet as pq


class Read(Protocol):
    """Reads a public object; None where there is none."""

    def __call__(self, path: str) -> bytes | None: ...


def png(colour: int = 0, size: int = 3) -> bytes:
    """A small PNG, put together by hand."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes([colour, 90, 120] * size) for _ in range(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0L9 9"/></svg>'


def content(name: str, data: bytes, **changes: Any) -> dict[str, Any]:
    """A release record as the plan of its JSON says, written without our code."""
    made: dict[str, Any] = {
        "kind": "bondstore.release-record",
        "version": 1,
        "file": name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "source": {"store": "s3://hidden-store/raw", "key": f"raw/{name}.csv", "version": '"e1"', "sha256": ""},
        "settings": {"suite": "moana", "digest": "d" * 64, "tool": "bondstore 0.1.0"},
        "grade": "good",
        "levels": {"TEMP": {"good": 98, "missing": 2}, "PRES": {"good": 100}},
        "tests": {"spike/TEMP": {"good": 98, "not_applicable": 2}},
        "not_evaluated": [],
        "title": f"Profile {name}",
        "platform": "MOANA 12",
        "first": "2024-05-01T00:00:00Z",
        "last": "2024-05-01T01:00:00Z",
        "bounds": [173.1, -41.5, 173.2, -41.4],
        "plots": [],
    }
    return made | changes


Files = dict[str, bytes]


def add(files: Files, name: str, data: bytes | None = None, **changes: Any) -> bytes:
    """Add a file with its record; returns its bytes."""
    data = f"the data of {name}".encode() if data is None else data
    files[name] = data
    files[name + ".json"] = json.dumps(content(name, data, **changes)).encode()
    return data


def good_files(count: int = 3) -> Files:
    """Files that may leave, the first with a plot."""
    files: Files = {"plots/0.png": png(5)}
    for number in range(count):
        add(files, f"2024/05/p{number}_qc.nc", plots=["plots/0.png"] if number == 0 else [])
    return files


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("href", "src") and value]


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _rows_hold(rows: list[Mapping[str, Any]], read: Read, where: str) -> set[str]:
    for row in rows:
        data = read(row["path"])
        assert data is not None, f"{where} names {row['path']}, which is not there"
        assert _sha(data) == row["sha256"], f"{where} names {row['path']} with another hash"
        for plot in row["plots"].split():
            assert read(plot) is not None, f"{where} names the plot {plot}, which is not there"
    return {row["sha256"] for row in rows}


def check_index(read: Read, folder: str, up: str) -> set[str]:
    """Hold every index in a folder against the objects; returns the hashes that it names."""
    named: set[str] = set()
    text = read(folder + "index.csv")
    if text is not None:
        named |= _rows_hold(list(csv.DictReader(io.StringIO(text.decode()))), read, folder + "index.csv")
    table = read(folder + "index.parquet")
    if table is not None:
        named |= _rows_hold(pq.read_table(io.BytesIO(table)).to_pylist(), read, folder + "index.parquet")
    manifest = read(folder + "manifest.json")
    if manifest is not None:
        files = json.loads(manifest)["files"]
        for one in files:
            for part in [one, *one["plots"]]:
                data = read(part["path"])
                assert data is not None, f"{folder}manifest.json names {part['path']}, which is not there"
                assert _sha(data) == part["sha256"]
            named.add(one["sha256"])
    page = read(folder + "index.html")
    if page is not None:
        parser = _Links()
        parser.feed(page.decode())
        for link in parser.links:
            if link.startswith(("http:", "https:")):
                continue
            path = unquote(link)
            if path.startswith(up + "data/"):
                assert read(path.removeprefix(up)) is not None, f"{folder}index.html names {path}, which is not there"
    return named


def check_public(read: Read, keys: list[str]) -> tuple[str | None, set[str]]:
    """Check all that a reader can find; returns the release that holds and the hashes that any index names."""
    named = check_index(read, "", "")
    pointer = read("latest.json")
    holds = None
    if pointer is not None:
        holds = json.loads(pointer)["release"]
        if holds is not None:
            manifest = read(f"releases/{holds}/manifest.json")
            assert manifest is not None, "the pointer names a release that is not there"
            assert json.loads(manifest)["id"] == holds
            assert read(f"releases/{holds}/index.csv") is not None
    for folder in {"/".join(key.split("/")[:2]) + "/" for key in keys if key.startswith("releases/")}:
        named |= check_index(read, folder, "../../")
    return holds, named
