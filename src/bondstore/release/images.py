"""Plots that may leave: PNG and SVG by their bytes, holding a picture and nothing else."""

from __future__ import annotations

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
_CHUNKS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS pHYs gAMA sRGB cHRM sBIT bKGD hIST tIME iCCP cICP tEXt zTXt iTXt".split()
)
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
_REFERENCE = re.compile(r"#[^\s]*|data:image/(png|jpeg);base64,[A-Za-z0-9+/=\s]*", re.ASCII)
_LOADS = re.compile(r"@import|url\s*\(\s*['\"]?\s*(?!#)[^\s)]|expression\s*\(|javascript:|\\", re.IGNORECASE)
_DEEPEST = 200


def type_of(data: bytes) -> str:
    """Say what kind of picture these bytes are.

    Parameters
    ----------
    data : bytes
        Of a plot.

    Returns
    -------
    {"image/png", "image/svg+xml"}

    Raises
    ------
    DamagedError
        When they are neither; when a PNG is broken, has something behind its end or chunks that no plot needs; when an
        SVG has scripts, event handlers, outside references, declared entities, or elements that are no drawing.
    """
    if len(data) > LARGEST:
        raise _refused("it is too large")
    if data.startswith(_PNG):
        _check_png(data)
        return "image/png"
    _check_svg(data)
    return "image/svg+xml"


def _refused(why: str) -> DamagedError:
    return DamagedError(f"The plot is refused: {why}.", kind="plot-refused", hint="Make the plots anew.")


def _check_png(data: bytes) -> None:
    """Walk the chunks (W3C PNG specification, 3rd edition, 5.3)."""
    place, names = len(_PNG), []
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
        names.append(name)
        place = end + 4
        if name == b"IEND":
            break
    if names[:1] != [b"IHDR"] or names[-1:] != [b"IEND"] or b"IDAT" not in names or place != len(data):
        raise _refused("a PNG that is cut short or has something behind its end")


class _Svg:
    """What a parser hands over, looked through."""

    def __init__(self) -> None:
        self.open: list[str] = []
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
            _check_attribute(key.rpartition(" ")[2].lower(), value)

    def end(self, _: str) -> None:
        self.open.pop()

    def text(self, text: str) -> None:
        if self.open and self.open[-1] == f"{_SVG} style" and _LOADS.search(text):
            raise _refused("an SVG whose style loads something")


def _check_attribute(name: str, value: str) -> None:
    if name.startswith("on"):
        raise _refused("an SVG with event handlers")
    if name in ("href", "src") and not _REFERENCE.fullmatch(value.strip()):
        raise _refused("an SVG that refers to something outside")
    if name not in ("href", "src") and _LOADS.search(value):
        raise _refused("an SVG that loads something")


def _no_entity(*_: object) -> None:
    raise _refused("an SVG that declares entities")


def _no_instruction(*_: object) -> None:
    raise _refused("an SVG with processing instructions")


def _check_svg(data: bytes) -> None:
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
    parser.EntityDeclHandler = _no_entity
    parser.ProcessingInstructionHandler = _no_instruction
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise _refused("it is neither PNG nor SVG") from None
