"""A small S3 server on loopback that takes any key, such as AWS does and SeaweedFS does not; it only reads."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

Rewriter = Callable[[str], str]


class AnyKeyServer:
    """One bucket, as a context manager.

    Parameters
    ----------
    objects : mapping of str to bytes
        What it holds; may change while it runs.
    page : int
        Keys in one answer to a listing.
    rewrite : callable, optional
        Changes each answer to a listing.
    """

    bucket = "any"

    def __init__(self, objects: Mapping[str, bytes], *, page: int = 1000, rewrite: Rewriter | None = None) -> None:
        self.objects, self.page, self.rewrite = dict(objects), page, rewrite
        self.asked: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.holder = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> AnyKeyServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def listing(self, query: Mapping[str, str]) -> str:
        """Answer a listing (version 2 of the protocol)."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token", query.get("start-after", ""))
        entries: dict[str, str | None] = {}  # what is shown, and the key it stands for
        for key in sorted(self.objects, key=str.encode):
            if key.startswith(prefix):
                head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
                entries.setdefault(prefix + head + found if found else key, None if found else key)
        left = [(shown, key) for shown, key in entries.items() if shown.encode() > after.encode()]
        page, more = left[: self.page], len(left) > self.page
        write = quote_plus if query.get("encoding-type") == "url" else _xml
        parts = [f"<Name>{self.bucket}</Name><Prefix>{write(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"]
        parts += ["<EncodingType>url</EncodingType>"] if write is quote_plus else []
        parts += [f"<IsTruncated>{str(more).lower()}</IsTruncated>"]
        parts += [f"<NextContinuationToken>{_xml(page[-1][0])}</NextContinuationToken>"] if more else []
        for shown, key in page:
            if key is None:
                parts.append(f"<CommonPrefixes><Prefix>{write(shown)}</Prefix></CommonPrefixes>")
            else:
                parts.append(
                    f"<Contents><Key>{write(key)}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified>"
                    f"<ETag>&quot;{etag(self.objects[key])}&quot;</ETag><Size>{len(self.objects[key])}</Size></Contents>"
                )
        head = '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
        return head + "".join(parts) + "</ListBucketResult>"


def etag(content: bytes) -> str:
    """Return the tag of an object's content, without quotes."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _xml(text: str) -> str:
    """Write a text into XML 1.0, which has no way to hold most control characters: servers send them all the same."""
    return escape(text, {chr(code): f"&#{code};" for code in range(1, 32)})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    holder: AnyKeyServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent about clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def _serve(self) -> None:
        holder = self.server.holder
        target = urlsplit(self.path)
        holder.asked.append(self.path)
        bucket, _, key = target.path.removeprefix("/").partition("/")
        query = {name: values[-1] for name, values in parse_qs(target.query, keep_blank_values=True).items()}
        if bucket != holder.bucket:
            self._answer(404, b"<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>")
        elif "list-type" in query:
            text = holder.listing(query)
            self._answer(200, (holder.rewrite(text) if holder.rewrite else text).encode())
        elif (content := holder.objects.get(unquote(key))) is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
        else:
            self._send(content)

    do_GET = do_HEAD = _serve

    def _send(self, content: bytes) -> None:
        headers = {"ETag": f'"{etag(content)}"', "Last-Modified": formatdate(1_704_164_645, usegmt=True)}
        asked = self.headers.get("Range", "").removeprefix("bytes=")
        if not asked:
            self._answer(200, content, headers)
            return
        start, _, last = asked.partition("-")
        end = min(int(last) + 1 if last else len(content), len(content))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        self._answer(206, content[int(start) : end], headers)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {"Content-Type": "application/xml"}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
