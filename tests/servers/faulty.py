"""A loopback proxy in front of an HTTP server that misbehaves on request and writes down what was asked of it.

It forwards every request (method, path and headers as they came, `Host` too, so that signatures hold) and hands the
answer through in pieces. A `Fault` says which requests go wrong, and how.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import unquote, urlsplit

Kind = Literal["cut", "refuse", "delay", "status", "stall", "lose_answer", "rewrite", "slow", "headers", "damage"]
_PIECE = 64 * 1024


@dataclass(frozen=True)
class Seen:
    """One request as it arrived: path without the query, decoded; header names in small letters."""

    method: str
    path: str
    query: str
    range: str | None
    if_match: str | None
    headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass
class Fault:
    """One way in which requests go wrong.

    Parameters
    ----------
    kind : str
        ``cut``: hang up after `after` bytes of the body. ``refuse``: hang up without an answer. ``delay``: answer
        `seconds` late. ``status``: answer `status` without asking the server. ``stall``: stop after `after` body
        bytes, and stay silent for `seconds`. ``lose_answer``: let the server do it, then hang up. ``rewrite``: change
        the body with `rewriter`. ``slow``: wait `seconds` before each 64 KiB of the body. ``headers``: set `headers`
        in the answer, or leave out those that are None. ``damage``: hand on a body with another byte in its middle.
    method : str
        Only requests of this method.
    contains : str
        Only requests whose decoded path and query contain this.
    first, times : int
        From the `first`-th matching request on (1 is the next one), for `times` requests.
    """

    kind: Kind
    method: str = "GET"
    contains: str = ""
    first: int = 1
    times: int = 1
    after: int = 0
    seconds: float = 0.0
    status: int = 503
    body: bytes = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    rewriter: Callable[[bytes], bytes] | None = None
    headers: dict[str, str | None] | None = None
    """For ``headers`` and ``status``."""
    matched: int = field(default=0, init=False)

    def strikes(self, seen: Seen) -> bool:
        """Count the request when it matches, and say whether it goes wrong."""
        if seen.method != self.method or self.contains not in f"{seen.path}?{unquote(seen.query)}":
            return False
        self.matched += 1
        return self.first <= self.matched < self.first + self.times


class FaultyProxy:
    """The proxy, as a context manager.

    Parameters
    ----------
    upstream : str
        Address of the server behind it.

    Attributes
    ----------
    endpoint : str
        Its own address.
    seen : list of Seen
        All requests so far, in order of arrival.
    answers : list of tuple
        Method, path and status of all answers of the server behind it.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.seen: list[Seen] = []
        self.answers: list[tuple[str, str, int]] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> FaultyProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, fault: Fault) -> Fault:
        """Plan a fault; returns it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults and all requests."""
        with self._lock:
            self._faults.clear()
            self.seen.clear()
            self.answers.clear()

    @contextmanager
    def fault(self, fault: Fault) -> Iterator[Fault]:
        """Plan a fault for the length of a with block."""
        self.add(fault)
        try:
            yield fault
        finally:
            with self._lock:
                self._faults.remove(fault)

    def count(self, method: str = "GET", contains: str = "") -> int:
        """Count the requests of a method whose path contains a text."""
        with self._lock:
            return sum(1 for s in self.seen if s.method == method and contains in s.path)

    def gets(self) -> Counter[str]:
        """Count the GETs of each object (listings, which carry a query, are left out)."""
        with self._lock:
            return Counter(s.path for s in self.seen if s.method == "GET" and "list-type" not in s.query)

    def _judge(self, seen: Seen) -> Fault | None:
        with self._lock:
            self.seen.append(seen)
            struck = [fault for fault in self._faults if fault.strikes(seen)]
            return struck[0] if struck else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    proxy: FaultyProxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients that hang up are the point of this server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    _behind: HTTPConnection | None = None

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def finish(self) -> None:
        """Close the connection to the server along with the client's."""
        if self._behind is not None:
            self._behind.close()
        super().finish()

    def _serve(self) -> None:
        target = urlsplit(self.path)
        seen = Seen(
            self.command,
            unquote(target.path),
            target.query,
            self.headers.get("Range"),
            self.headers.get("If-Match"),
            {name.lower(): value for name, value in self.headers.items() if name.lower() != "authorization"},
        )
        fault = self.server.proxy._judge(seen)
        body = self._read_body()
        if len(body) < int(self.headers.get("Content-Length") or 0) or (
            fault is not None and fault.kind == "refuse"
        ):  # its client is gone
            self._hang_up()
        elif fault is not None and fault.kind == "status":
            told = {name: value for name, value in (fault.headers or {}).items() if value is not None}
            self._answer(fault.status, fault.body, None if fault.headers is None else told)
        else:
            if fault is not None and fault.kind == "delay":
                time.sleep(fault.seconds)
            if fault is not None and fault.kind == "damage":
                middle = len(body) // 2
                body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
            self._forward(body, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            raise NotImplementedError("chunked uploads")
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _forward(self, body: bytes, fault: Fault | None) -> None:
        try:
            answer = self._ask(body)
        except OSError:  # the server behind is down: so are we
            self._hang_up()
            return
        self.server.proxy.answers.append((self.command, unquote(urlsplit(self.path).path), answer.status))
        if fault is not None and fault.kind == "lose_answer":
            answer.read()
            self._hang_up()
        elif fault is not None and fault.kind == "rewrite" and fault.rewriter is not None:
            self._answer(answer.status, fault.rewriter(answer.read()), dict(answer.getheaders()))
        else:
            self._hand_through(answer, fault)

    def _ask(self, body: bytes) -> HTTPResponse:
        if self._behind is None:
            self._behind = HTTPConnection(*self.server.proxy.upstream, timeout=60)
        behind = self._behind
        behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {"connection", "expect"}:
                behind.putheader(name, value)
        behind.endheaders(body or None)
        return behind.getresponse()

    def _hand_through(self, answer: HTTPResponse, fault: Fault | None) -> None:
        length = answer.getheader("Content-Length")
        whole = None if length is not None or self.command == "HEAD" else answer.read()
        self.send_response_only(answer.status)
        changed = fault.headers or {} if fault is not None else {}
        for name, value in changed.items():
            if value is not None:
                self.send_header(name, value)
        for name, value in answer.getheaders():
            if name.lower() in changed:
                continue
            if name.lower() not in {"connection", "transfer-encoding", "content-length", "keep-alive"}:
                self.send_header(name, value)
        if length is not None or whole is not None:
            self.send_header("Content-Length", length if length is not None else str(len(whole or b"")))
        self.end_headers()
        pieces = iter([whole]) if whole is not None else iter(lambda: answer.read(_PIECE), b"")
        self._send(pieces, fault)
        answer.read()

    def _send(self, pieces: Iterator[bytes], fault: Fault | None) -> None:
        limit = fault.after if fault is not None and fault.kind in {"cut", "stall"} else None
        sent = 0
        for piece in pieces:
            if fault is not None and fault.kind == "slow":
                time.sleep(fault.seconds)
            if limit is not None and sent + len(piece) >= limit:
                self.wfile.write(piece[: limit - sent])
                self.wfile.flush()
                if fault is not None and fault.kind == "stall":
                    time.sleep(fault.seconds)
                self._hang_up()
                return
            self.wfile.write(piece)
            sent += len(piece)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in ({"Content-Type": "application/xml"} if headers is None else headers).items():
            if name.lower() not in {"connection", "transfer-encoding", "content-length", "keep-alive"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        if self._behind is not None:
            self._behind.close()
            self._behind = None
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
