"""Plots that may leave: PNG and SVG by their bytes, holding a picture and nothing else."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import TYPE_CHECKING
from xml.parsers import expat

from bondstore.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 32 << 20
"""Bytes of one plot."""
TYPES = {"image/png": ".png", "image/svg+xml": ".svg"}

_PNG = b"\x89PNG\r\n\x1a\n"
# without those that hold compressed texts or profiles: what is in them is not looked through
_CHUNKS = frozenset(b"IHDR PLTE IDAT IEND tRNS pHYs gAMA sRGB cHRM sBIT bKGD hIST tIME cICP tEXt iTXt".split())
_SVG = "http://www.w3.org/2000/svg"
_DRAWN = """
svg g defs symbol use path rect circle ellipse line polyline polygon text tspan textPath clipPath mask pattern
marker linearGradient radialGradient stop image style title desc metadata
"""
_ELEMENTS = frozenset(_DRAWN.split())
_METADATA = (
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://creativecommons.org/ns#",
    "http://purl.org/dc/elements/1.1/",
)
_ATTRIBUTES = (
    "",
    _SVG,
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/XML/1998/namespace",
    *_METADATA,
)
_INSIDE = "data:image/png;base64,"
_LOADS = re.compile(r"@import|url\s*\(\s*['\"]?\s*(?!#)[^\s)]|expression\s*\(|javascript:|\\", re.IGNORECASE)
_DEEPEST = 200


def type_of(data: bytes) -> str:
    """Say what kind of picture these bytes are; see `look_into`."""
    return look_into(data)[0]


def look_into(data: bytes) -> tuple[str, list[str]]:
    """Return what kind of picture these bytes are, and every text in it, whether it is drawn or not.

    `DamagedError` when they are neither PNG nor SVG; when a PNG is broken, has something behind its end or chunks that
    no plot needs; when an SVG has scripts, event handlers, outside references, declared entities, or elements that are
    no drawing. What is compressed, or a picture other than PNG inside an SVG, is refused: nobody sees what else is in
    it.
    """
    if len(data) > LARGEST:
        raise _refused("it is too large")
    if data.startswith(_PNG):
        return "image/png", _check_png(data)
    return "image/svg+xml", _check_svg(data)


def _refused(why: str) -> DamagedError:
    return DamagedError(f"The plot is refused: {why}.", kind="plot-refused", hint="Make the plots anew.")


def _check_png(data: bytes) -> list[str]:
    """Walk the chunks (W3C PNG specification, 3rd edition, 5.3); returns the texts."""
    place, names, texts = len(_PNG), [], []
    while place < len(data):
        if place + 12 > len(data):
            raise _refused("a PNG that is cut short or has something behind its end")
        length = int.from_bytes(data[place : place + 4], "big")
        name = data[place + 4 : place + 8]
        end = place + 8 + length
        if name not in _CHUNKS:
            raise _refused("a PNG with chunks that no plot needs")
        if data[end : end + 4] != zlib.crc32(data[place + 4 : end]).to_bytes(4, "big"):
            raise _refused("a broken PNG")
        if name in (b"tEXt", b"iTXt"):
            texts.append(_text(name, data[place + 8 : end]))
        names.append(name)
        place = end + 4
        if name == b"IEND":
            break
    if names[:1] != [b"IHDR"] or names[-1:] != [b"IEND"] or b"IDAT" not in names or place != len(data):
        raise _refused("a PNG that is cut short or has something behind its end")
    return texts


def _text(name: bytes, content: bytes) -> str:
    """Return what a chunk says (11.3.3)."""
    if name == b"iTXt" and content.partition(b"\0")[2][:1] != b"\0":
        raise _refused("a PNG with compressed texts")
    return content.replace(b"\0", b" ").decode("latin-1" if name == b"tEXt" else "utf-8", "replace")


class _Svg:
    """What a parser hands over, looked through."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.texts: list[str] = []
        self.drawn: list[str] = []
        self.style: list[str] = []
        self.started = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if not self.started and (space, local) != (_SVG, "svg"):
            raise _refused("it is neither PNG nor SVG")
        self.started = True
        self.open.append(name)
        if len(self.open) > _DEEPEST:
            raise _refused("an SVG that is nested too deeply")
        described = f"{_SVG} metadata" in self.open
        if not ((space == _SVG and local in _ELEMENTS) or (described and space in _METADATA)):
            raise _refused("an SVG with elements that are no drawing")
        for key, value in attributes.items():
            of, _, word = key.rpartition(" ")
            if of not in _ATTRIBUTES:
                raise _refused("an SVG with attributes that are no drawing")
            self.texts += _check_attribute(word.lower(), value.strip())

    def end(self, _: str) -> None:
        if self.open.pop() == f"{_SVG} style":
            # whole: a comment, or the parser's own buffer, may cut a word in two
            if _LOADS.search("".join(self.style)):
                raise _refused("an SVG whose style loads something")
            self.style.clear()

    def text(self, text: str) -> None:
        self.drawn.append(text)
        if f"{_SVG} style" in self.open:
            self.style.append(text)


def _check_attribute(name: str, value: str) -> list[str]:
    """Return the texts in an attribute: of a picture inside, those that it holds."""
    if name.startswith("on"):
        raise _refused("an SVG with event handlers")
    if name not in ("href", "src"):
        if _LOADS.search(value):
            raise _refused("an SVG that loads something")
        return [value]
    if value.startswith(_INSIDE):
        return _check_inside(value.removeprefix(_INSIDE))
    if not value.startswith("#") or len(value.split()) > 1:
        raise _refused("an SVG that refers to something outside")
    return [value]


def _check_inside(encoded: str) -> list[str]:
    try:
        data = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data.startswith(_PNG):
        raise _refused("an SVG with something in it that is no PNG")
    return _check_png(data)


def _no_entity(*_: object) -> None:
    raise _refused("an SVG that declares entities")


def _no_instruction(*_: object) -> None:
    raise _refused("an SVG with processing instructions")


def _check_svg(data: bytes) -> list[str]:
    """Parse an SVG; returns the texts."""
    try:
        data.decode()
    except UnicodeDecodeError:
        raise _refused("it is neither PNG nor SVG in UTF-8") from None
    found = _Svg()
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.text
    parser.CommentHandler = found.texts.append
    parser.EntityDeclHandler = _no_entity
    parser.ProcessingInstructionHandler = _no_instruction
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise _refused("it is neither PNG nor SVG") from None
    return [*found.texts, "".join(found.drawn)]
