"""The archives of an old Glacier vault, as its inventory lists them: read piece by piece, and their names made out.

The service keeps a description of up to 1,024 signs with each archive. Every program wrote names in a form of its own.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.errors import DamagedError
from bondstore.modes import in_corner
from bondstore.runs.paths import safe_relpath
from bondstore.vault.glacier.findings import INVENTORY_DAMAGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LIST = '"ArchiveList"'
_LONGEST = 1 << 20  # signs of one archive in an inventory, far more than any has
_HASH = re.compile(r"[0-9a-f]{64}")
_KEYS = ("path", "filename", "file", "name", "key")
_MARKUP = re.compile(r"<m><v>[^<]*</v><p>([^<]*)</p>.*</m>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Archive:
    """One archive of a vault.

    Parameters
    ----------
    id : str
        By which the service knows it.
    description : str
        What was said of it when it was uploaded, as it is.
    name : str
        The name of a file that the description holds; empty where it holds none.
    size : int
        Bytes.
    created : str
        When it was uploaded, as ISO 8601.
    tree_hash : str
        What the service keeps of its content, as hexadecimal digits.
    """

    id: str
    description: str
    name: str
    size: int
    created: str
    tree_hash: str

    @classmethod
    def parse(cls, told: Any) -> Archive:
        """Read an entry of an inventory."""
        try:
            description = told.get("ArchiveDescription") or ""
            found = cls(
                told["ArchiveId"],
                description,
                name_in(description),
                told["Size"],
                told.get("CreationDate") or "",
                told["SHA256TreeHash"],
            )
            texts = (found.id, found.description, found.created, found.tree_hash)
            is_right = all(isinstance(one, str) for one in texts) and type(found.size) is int and found.size >= 0
        except (AttributeError, KeyError, TypeError) as error:
            raise _damaged("An entry of the inventory is not whole.") from error
        if not (is_right and found.id and _HASH.fullmatch(found.tree_hash)):
            raise _damaged("An entry of the inventory cannot be right.")
        return found

    @property
    def path(self) -> str:
        """Where its content belongs: a relative path that leads nowhere else, whatever the description says."""
        text = self.name if "/" in self.name else self.name.replace("\\", "/")
        parts = [one for one in text.split("/") if one not in ("", ".")]
        return "/".join(map(_segment, parts)) or f"unnamed/{safe_relpath(self.id)}"


class InventoryReader:
    """Reads an inventory in JSON, entry by entry, in memory that does not grow with their number."""

    def __init__(self) -> None:
        self._decoder, self._text = json.JSONDecoder(), ""
        self._bytes = codecs.getincrementaldecoder("utf-8")()
        self._head = ""
        self._in_list = self._ended = False

    def read(self, chunks: Iterable[bytes]) -> Iterator[Archive]:
        """Yield all archives; the inventory must end where it says.

        Raises
        ------
        DamagedError
            It is cut, or is no inventory.
        """
        for chunk in chunks:
            yield from self.feed(chunk)
        self.finish()

    def feed(self, chunk: bytes) -> Iterator[Archive]:
        """Yield the archives that are whole with another chunk."""
        self._text += self._decoded(chunk)
        yield from self._entries()

    def finish(self) -> None:
        """Refuse what stops early."""
        self._decoded(b"", final=True)
        if not self._ended:
            raise _damaged("The inventory stops early.")
        self.head()

    def _decoded(self, chunk: bytes, *, final: bool = False) -> str:
        try:
            return self._bytes.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise _damaged("The inventory is not text.") from error

    def head(self) -> dict[str, Any]:
        """Return what the inventory says of itself: ``VaultARN`` and ``InventoryDate``. Known behind the last entry."""
        try:
            said = json.loads(f"{self._head}[]{self._text}")
        except ValueError as error:
            raise _damaged("The inventory stops early.") from error
        return {name: value for name, value in said.items() if name != "ArchiveList"}

    def _entries(self) -> Iterator[Archive]:
        if not self._in_list:
            start = self._text.find("[", self._text.find(_LIST) + 1 or len(self._text))
            if start < 0:
                return self._bound()
            self._head, self._text, self._in_list = self._text[:start], self._text[start + 1 :], True
        at = 0
        while not self._ended:
            while self._text[at : at + 1] in (",", " ", "\n", "\r", "\t") and at < len(self._text):
                at += 1
            if self._text[at : at + 1] == "]":
                self._ended, at = True, at + 1
                break
            try:
                told, at = self._decoder.raw_decode(self._text, at)
            except RecursionError as error:
                raise _damaged("This is not an inventory of a vault.") from error
            except ValueError:  # the rest of it has not come yet
                break
            yield Archive.parse(told)
        self._text = self._text[at:]
        return self._bound()

    def _bound(self) -> None:
        if len(self._text) > 4 * _LONGEST:
            raise _damaged("This is not an inventory of a vault.")


def name_in(description: str) -> str:
    """Return the name of a file that a description holds, whatever program wrote it; empty where there is none.

    Known are FastGlacier's markup, JSON as CloudBerry's, mt-aws-glacier's and plain base64; all else is a name itself.
    """
    text = description.strip()
    if found := _MARKUP.fullmatch(text):
        return _base64(found[1]) or text
    if found := re.fullmatch(r"mt[12] (\S+)", text):
        return _json_name(_base64(found[1])) or text
    if text.startswith("{"):
        return _json_name(text) or text
    plain = _base64(text) if len(text) >= 8 else ""
    return plain if "/" in plain or "\\" in plain or "." in plain else text


def _base64(text: str) -> str:
    """Return the text that is in base64 of either alphabet; empty where it is none."""
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
        found = raw.decode()
    except (binascii.Error, ValueError):
        return ""
    return found if found.isprintable() else ""


def _json_name(text: str) -> str:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):  # nothing but brackets
        return ""
    fields = {key.lower(): value for key, value in said.items()} if isinstance(said, dict) else {}
    return next((fields[key] for key in _KEYS if isinstance(fields.get(key), str)), "")


def _segment(part: str) -> str:
    hidden = part.startswith(".") and part != ".." and not in_corner(part.lower())
    return "." + safe_relpath(part[1:]) if hidden else safe_relpath(part)


def _damaged(message: str) -> DamagedError:
    return DamagedError(message, kind=INVENTORY_DAMAGED.word)
