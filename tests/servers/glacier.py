"""Amazon Glacier's vaults on loopback, as far as they are read: jobs that take as long as a test wants, and expire.

Moto speaks the same, without ranges, tree hashes, refusals and expiry. The tree hashes here are botocore's.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.utils import calculate_tree_hash

ARN = "arn:aws:glacier:us-east-1:012345678901:vaults/lab"
_PAGE = 3
_JOB = re.compile(r"/-/vaults/lab/jobs/([^/]+)(/output)?")


@dataclass
class Job:
    """A job that was begun."""

    id: str
    archive: str | None
    tier: str
    status: str = "InProgress"
    message: str | None = None
    range: str | None = None


@dataclass
class Refusal:
    """How some requests are answered."""

    operation: str
    """``initiate`` or ``output``."""
    code: str
    status: int
    times: int = 1 << 30
    archive: str = ""


@dataclass
class Glacier:
    """The server, with one vault called ``lab``, as a context manager."""

    archives: dict[str, bytes] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    listed: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    spoiled: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By archive: the byte that goes wrong, and how often."""
    asked: list[str] = field(default_factory=list)
    """What was asked for: ``POST inventory``, ``POST archive ID``, ``GET JOB RANGE``."""
    cut: int | None = None
    """After how many bytes each output breaks off."""
    tells_ranges: bool = True

    def __enter__(self) -> Glacier:
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.glacier = self  # type: ignore[attr-defined]
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def upload(self, content: bytes, description: str = "") -> str:
        """Put an archive there, and into the next inventory; return its id."""
        digest = hashlib.sha256(f"{len(self.listed)}".encode() + content).digest()
        archive = base64.urlsafe_b64encode(digest * 4).decode().rstrip("=")[:138]
        self.archives[archive], self.descriptions[archive] = content, description
        self.listed.append(
            {
                "ArchiveId": archive,
                "ArchiveDescription": description,
                "CreationDate": f"2014-03-{1 + len(self.listed) % 28:02}T10:00:00Z",
                "Size": len(content),
                "SHA256TreeHash": calculate_tree_hash(io.BytesIO(content)),
            }
        )
        return archive

    def delete(self, archive: str) -> None:
        """Delete an archive, which the inventory still has."""
        del self.archives[archive]

    def finish(self, status: str = "Succeeded", message: str | None = None) -> None:
        """End all jobs that go on."""
        for job in self.jobs.values():
            if job.status == "InProgress":
                job.status, job.message = status, message

    def expire(self) -> None:
        """Let a day go by: what was ready is no more."""
        self.jobs = {name: job for name, job in self.jobs.items() if job.status == "InProgress"}

    def inventory(self) -> bytes:
        """Return the inventory."""
        return json.dumps(
            {"VaultARN": ARN, "InventoryDate": "2026-11-29T02:00:00Z", "ArchiveList": self.listed}
        ).encode()

    def begin(self, archive: str | None, tier: str = "Standard", part: str | None = None) -> str:
        """Begin a job; return its id."""
        with self._lock:
            name = f"job-{len(self.asked)}-{time.monotonic_ns()}"
            self.jobs[name] = Job(name, archive, tier, range=part)
        return name

    def told(self, job: Job) -> dict[str, Any]:
        """Return what is said of a job."""
        size = len(self.archives.get(job.archive or "", b""))
        return {
            "JobId": job.id,
            "Action": "ArchiveRetrieval" if job.archive else "InventoryRetrieval",
            "ArchiveId": job.archive,
            "ArchiveSizeInBytes": size if job.archive else None,
            "RetrievalByteRange": (job.range or f"0-{size - 1}") if job.archive else None,
            "InventoryRetrievalParameters": None if job.archive else {"Format": "JSON"},
            "Completed": job.status != "InProgress",
            "StatusCode": job.status,
            "StatusMessage": job.message,
            "CreationDate": "2026-11-30T08:00:00.000Z",
            "Tier": job.tier,
            "VaultARN": ARN,
        }

    def refused(self, operation: str, archive: str | None) -> Refusal | None:
        """Return how a request is to be refused, and count it."""
        with self._lock:
            for one in self.refusals:
                if one.operation == operation and one.times and one.archive in ("", archive):
                    one.times -= 1
                    return one
        return None

    def content(self, job: Job) -> bytes:
        """Return what a job brought, spoiled where it is to be."""
        if job.archive is None:
            return self.inventory()
        content = self.archives[job.archive]
        at, times = self.spoiled.get(job.archive, (0, 0))
        if times:
            content = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        return content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    @property
    def _glacier(self) -> Glacier:
        return self.server.glacier  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        if target.path == "/-/vaults/lab":
            self._json({"VaultARN": ARN, "VaultName": "lab", "NumberOfArchives": len(self._glacier.archives)})
        elif target.path == "/-/vaults/lab/jobs":
            self._list(parse_qs(target.query))
        elif found := _JOB.fullmatch(target.path):
            job = self._glacier.jobs.get(found[1])
            if job is None or (found[2] and job.status != "Succeeded"):
                self._refuse("ResourceNotFoundException", 404)
            elif found[2]:
                self._output(job)
            else:
                self._json(self._glacier.told(job))
        else:
            self._refuse("ResourceNotFoundException", 404)

    def do_POST(self) -> None:
        words = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        archive = words.get("ArchiveId")
        glacier = self._glacier
        if refusal := glacier.refused("initiate", archive):
            self._refuse(refusal.code, refusal.status)
        elif archive is not None and archive not in glacier.archives:
            self._refuse("ResourceNotFoundException", 404)
        else:
            name = glacier.begin(archive, words.get("Tier", "Standard"))
            glacier.asked.append(f"POST {'archive' if archive else 'inventory'}")
            self._send(202, b"", {"x-amz-job-id": name})

    def _list(self, query: dict[str, list[str]]) -> None:
        jobs = list(self._glacier.jobs.values())
        start = int(query.get("marker", ["0"])[0])
        marker = str(start + _PAGE) if start + _PAGE < len(jobs) else None
        self._json({"JobList": [self._glacier.told(one) for one in jobs[start : start + _PAGE]], "Marker": marker})

    def _output(self, job: Job) -> None:
        glacier = self._glacier
        if refusal := glacier.refused("output", job.archive):
            self._refuse(refusal.code, refusal.status)
            return
        content, asked = glacier.content(job), self.headers.get("Range")
        glacier.asked.append(f"GET {'archive' if job.archive else 'inventory'} {asked}")
        start, end = 0, len(content) - 1
        if asked and glacier.tells_ranges:
            start, end = map(int, asked.removeprefix("bytes=").split("-"))
        right = glacier.archives[job.archive] if job.archive else content
        headers = {}
        if job.archive:
            headers["x-amz-sha256-tree-hash"] = calculate_tree_hash(io.BytesIO(right[start : end + 1]))
            at, times = glacier.spoiled.get(job.archive, (0, 0))
            if times and start <= at <= end:
                glacier.spoiled[job.archive] = (at, times - 1)
        self._send(206 if asked else 200, content[start : end + 1], headers, cut=glacier.cut)

    def _json(self, told: object) -> None:
        self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _refuse(self, code: str, status: int) -> None:
        self._send(
            status, json.dumps({"code": code, "message": "no", "type": "Client"}).encode(), {"x-amzn-ErrorType": code}
        )

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, cut: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        self.close_connection = self.close_connection or cut is not None


@pytest.fixture
def glacier(home: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Glacier]:
    """A vault called lab with three archives."""
    with Glacier() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_GLACIER", server.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        server.upload(b"one" * 1000, "p1/day1.edf")
        server.upload(b"two", "cDEvZGF5Mi5lZGY=")
        server.upload(b"three", "")
        yield server
