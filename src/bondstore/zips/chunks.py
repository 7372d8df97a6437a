"""The content of one member on its way out: a failure is told once, and never forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from bondstore.errors import DamagedError, UsageError
from bondstore.findings import Finding
from bondstore.zips.findings import ZipPlace

CHUNK = 256 * 1024
"""The most bytes handed out at a time."""

_FIRST = 4


class Chunks(Iterator[bytes]):
    """Passes chunks on, and remembers how that ended.

    A reader that met an error and reads on meets it again: the rest of a damaged member never looks like its end.
    """

    def __init__(self, chunks: Iterator[bytes], place: ZipPlace, findings: list[Finding]) -> None:
        self._chunks = chunks
        self._place = place
        self._findings = findings
        self._ahead: list[bytes] = []
        self._error: DamagedError | None = None
        self._closed = False
        self.first = b""  # of what has passed, the first four bytes or what there was of them

    @property
    def failed(self) -> bool:
        """Whether the member turned out to be damaged."""
        return self._error is not None

    def __next__(self) -> bytes:
        if self._closed:
            raise UsageError("The members of a zip are read one by one: this one is past.")
        if self._ahead:
            return self._ahead.pop(0)
        return self._pull()

    def peek(self) -> bytes:
        """Return `first`, after reading as far ahead as it needs; nothing is taken."""
        while len(self.first) < _FIRST:
            try:
                self._ahead.append(self._pull())
            except (DamagedError, StopIteration):
                break
        return self.first

    def drain(self) -> None:
        """Read to the end, for its findings only."""
        self._ahead.clear()
        try:
            for _ in self:
                pass
        except DamagedError:
            return  # told already

    def take(self, limit: int) -> bytes:
        """Return all that is still to come, when that is no more than `limit` bytes."""
        pieces: list[bytes] = []
        held = 0
        for chunk in self:
            held += len(chunk)
            if held > limit:
                self._tell(self._place.damaged("member-too-large", f"The member unpacks to more than {limit} bytes."))
            if self._error:
                raise self._error
            pieces.append(chunk)
        return b"".join(pieces)

    def close(self) -> None:
        """Refuse to be read from now on."""
        self._closed = True
        self._ahead.clear()

    def _pull(self) -> bytes:
        if self._error:
            raise self._error
        try:
            chunk = next(self._chunks)
        except DamagedError as error:
            self._tell(error)
            raise
        if len(self.first) < _FIRST:
            self.first += chunk[: _FIRST - len(self.first)]
        return chunk

    def _tell(self, error: DamagedError) -> None:
        self._error = error
        self._findings.append(self._place.finding(error.kind, error.message.removeprefix(f"{self._place}: ")))
