"""Opening Beiwe objects: decrypted, decompressed, and every damage named.

The seal has no check sum, so a wrong key and damage are told apart by what comes out: the zstd magic number, the
stream's known header, text where there must be text, a media file's first bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.codecs import zstd
from bondstore.codecs.cfb8 import Cfb8
from bondstore.codecs.chain import unwrap, unwrap_stream
from bondstore.domains.beiwe.findings import damaged, finding
from bondstore.domains.beiwe.integrity import SAMPLE, Opened, StreamJudge, has_headers, judge
from bondstore.errors import ConfigurationError, DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.findings import Finding

    Buffer: TypeAlias = bytes | bytearray | memoryview

__all__ = ["KEY_SIZE", "Opened", "Opener", "key_verdict"]

KEY_SIZE = 32
"""Characters of a study's decryption key."""


MOST_GROWTH = 250
"""Most bytes that a stored byte of compressed rows may become. Objects of a study grow about fourfold; made-up ones
that repeat sixteen values for hours, with a time in each row, reach 160 at the highest level. A bomb reaches 10,000."""
FREE_GROWTH = 1 << 20
"""So many bytes may come out of any object of rows: too few to do harm, and a short file may well repeat itself."""
MOST_MEDIA_GROWTH, FREE_MEDIA_GROWTH = 1000, 64 << 20
"""The same for all that is no table: ten minutes of silence as WAV are 53 MB, and compress to nearly nothing."""
MOST_ROWS = 4 << 20
"""Most rows of one object: a chunked hour at 400 a second has 1.4 million, and nothing measured holds more."""


class Opener:
    """Opens the objects of one study. Threads may share it.

    `limit` and `stream_limit` are the most bytes that one object may decompress to: in memory, and in `open_stream`.
    """

    def __init__(self, key: bytes, *, limit: int = zstd.ONE_SHOT_LIMIT, stream_limit: int = zstd.STREAM_LIMIT) -> None:
        if len(key) != KEY_SIZE:
            raise ConfigurationError(
                f"A study's decryption key has {KEY_SIZE} characters, this one has {len(key)}.",
                hint="Copy the key of the study anew, without quotes or spaces around it.",
            )
        self._cipher = Cfb8(key)
        self._limit = limit
        self._stream_limit = stream_limit

    def open(self, obj: BeiweObject, sealed: Buffer) -> Opened:
        """Open one object.

        Content that is damaged but partly good comes with ERROR findings (``damaged-start``, ``damaged-bytes``,
        ``truncated`` and ``wrong-header`` of a CSV). DamagedError is raised for ``empty``, ``no-iv``,
        ``undecryptable``, ``wrong-header``, ``bad-zstd``, ``truncated``, ``too-large``.
        """
        try:
            decrypted = self._cipher.open(sealed)
        except DamagedError as error:
            raise _named(error, obj) from None
        return self._judge(obj, decrypted)

    def open_many(
        self, items: Sequence[tuple[BeiweObject, Buffer]], *, rows: bool = True
    ) -> list[Opened | DamagedError]:
        """Open a batch, faster than one by one for small objects; an error stands in its object's place.

        `rows` asks for suspect rows: needless where they are parsed next.
        """
        return [
            self._judged(obj, decrypted, rows=rows)
            for (obj, _), decrypted in zip(items, self._cipher.open_many(item[1] for item in items), strict=True)
        ]

    def unsealed(self, sealed: Buffer) -> bytes:
        """Decrypt and decompress what nothing is known of."""
        decrypted = self._cipher.open(sealed)
        return unwrap(decrypted, min(self._limit, max(FREE_MEDIA_GROWTH, MOST_MEDIA_GROWTH * len(decrypted)))).content

    def salvage(self, obj: BeiweObject, sealed: Buffer) -> Opened:
        """Open what can be opened, for tables: as `open`, and damaged zstd up to the last good row before it."""
        try:
            decrypted = self._cipher.open(sealed)
            if not zstd.looks_like_zstd(decrypted):
                return self._judge(obj, decrypted)
            content, damage = zstd.salvage(decrypted, self._most(obj, len(decrypted)))
            if damage is not None and damage.kind == "too-large":
                raise damage  # what a bomb begins with is nobody's data
            _check_rows(obj, content)
        except DamagedError as error:
            raise _named(error, obj) from None
        if damage is None:
            return judge(obj, content, compressed=True)
        content = content[: content.rfind(b"\n") + 1]  # a row that may be cut inside a number is no row
        if not content or not has_headers(obj):
            raise _named(damage, obj)
        findings = judge(obj, content, compressed=True).findings
        return Opened(content, (finding(damage.kind, obj.key, where=f"byte {len(content)}"), *findings))

    def open_stream(
        self, obj: BeiweObject, chunks: Iterable[Buffer], found: list[Finding] | None = None
    ) -> Iterator[bytes]:
        """Open a large object, given in pieces of any size, as bounded pieces of content; `found` takes the findings.

        Whatever `open` raises *or finds* of severity ERROR is raised here: damage to the start before the first piece,
        any other at the end, so that nothing may be taken for whole before the iterator ends.
        """
        try:
            stream = unwrap_stream(self._cipher, chunks, self._stream_limit, lambda taken: _growth(obj, taken))
            watch = StreamJudge(obj, compressed=stream.compressed)
            pieces = _counted(obj, stream.pieces)
            start = b""
            for piece in pieces:  # hold back as much as is needed to judge the start
                start += piece
                if len(start) >= SAMPLE:
                    break
            watch.start(start)
            yield start
            for piece in pieces:
                watch.next(piece)
                yield piece
        except DamagedError as error:
            raise _named(error, obj) from None
        watch.end()
        if found is not None:
            found += watch.findings

    def _most(self, obj: BeiweObject, stored: int) -> int:
        return min(self._limit, _growth(obj, stored))

    def _judged(self, obj: BeiweObject, decrypted: bytes | DamagedError, *, rows: bool) -> Opened | DamagedError:
        if isinstance(decrypted, DamagedError):
            return _named(decrypted, obj)
        try:
            return self._judge(obj, decrypted, rows=rows)
        except DamagedError as error:
            return error

    def _judge(self, obj: BeiweObject, decrypted: bytes, *, rows: bool = True) -> Opened:
        try:
            inner = unwrap(decrypted, self._most(obj, len(decrypted)))
            _check_rows(obj, inner.content)
        except DamagedError as error:
            raise _named(error, obj) from None
        return judge(obj, inner.content, compressed=inner.compressed, rows=rows)


def _growth(obj: BeiweObject, stored: int) -> int:
    """Return the most bytes that may come out of so many stored ones."""
    most, free = (MOST_GROWTH, FREE_GROWTH) if has_headers(obj) else (MOST_MEDIA_GROWTH, FREE_MEDIA_GROWTH)
    return max(free, most * stored)


def _check_rows(obj: BeiweObject, content: bytes) -> None:
    # counting takes a tenth as long as decrypting, and hardly any object has even as many bytes
    if len(content) > MOST_ROWS and has_headers(obj) and content.count(b"\n") > MOST_ROWS:
        raise _too_many_rows()


def _counted(obj: BeiweObject, pieces: Iterable[bytes]) -> Iterator[bytes]:
    rows = 0
    for piece in pieces:
        rows += piece.count(b"\n")
        if rows > MOST_ROWS and has_headers(obj):
            raise _too_many_rows()
        yield piece


def _too_many_rows() -> DamagedError:
    return DamagedError(f"It has more than {MOST_ROWS} rows.", kind="too-large")


def key_verdict(results: Iterable[Opened | BaseException]) -> bool | None:
    """Say what opened and damaged objects tell of the key; errors that are no DamagedError tell nothing.

    True when any shows the key to be right; False when all that tell anything were undecryptable; None without
    evidence.
    """
    verdict: bool | None = None
    for result in results:
        if isinstance(result, Opened):
            return True
        if isinstance(result, DamagedError) and result.kind not in ("empty", "no-iv"):
            if result.kind != "undecryptable":
                return True
            verdict = False
    return verdict


def _named(error: DamagedError, obj: BeiweObject) -> DamagedError:
    """Name the object in an error of a codec."""
    return error if error.message.startswith(obj.key) else damaged(error.kind, obj.key, error.message)
