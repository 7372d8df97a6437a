"""Which pictures may leave."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import pytest
from PIL import Image

from bondstore.errors import DamagedError
from bondstore.release.images import look_into, type_of
from tests.release.lab import SVG, png


def svg(inside: str, more: str = "") -> bytes:
    links = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {links} {more}>{inside}</svg>'.encode()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def test_plots_as_others_make_them() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3], [3, 1, 2], label="T")
    axes.scatter([1, 2], [1, 2], c=[1, 2])
    axes.imshow([[1, 2], [3, 4]])
    axes.legend()
    for form, kind in (("png", "image/png"), ("svg", "image/svg+xml")):
        out = io.BytesIO()
        figure.savefig(out, format=form)
        assert type_of(out.getvalue()) == kind
    pyplot.close(figure)
    out = io.BytesIO()
    Image.new("RGB", (20, 20), (1, 2, 3)).save(out, "PNG")
    assert type_of(out.getvalue()) == "image/png"
    assert type_of(SVG) == "image/svg+xml"
    assert type_of(png()) == "image/png"


NO_PNG = {
    "empty": b"",
    "text": b"a,b\n1,2\n",
    "head only": b"\x89PNG\r\n\x1a\n",
    "cut": png()[:-1],
    "something behind": png() + b"a,b",
    "a whole one behind": png() + png(),
    "a changed byte": png()[:50] + bytes([png()[50] ^ 1]) + png()[51:],
    "private chunk": png()[:33] + chunk(b"prVt", b"secret") + png()[33:],
    "compressed text": png()[:33] + chunk(b"zTXt", b"Author\0\0" + zlib.compress(b"Anna")) + png()[33:],
    "compressed text of the world": png()[:33] + chunk(b"iTXt", b"Author\0\1\0\0\0" + zlib.compress(b"A")) + png()[33:],
    "colour profile": png()[:33] + chunk(b"iCCP", b"p\0\0" + zlib.compress(b"secret")) + png()[33:],
    "exif": png()[:33] + chunk(b"eXIf", b"secret") + png()[33:],
    "no picture": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0" * 13) + chunk(b"IEND", b""),
    "jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 40,
    "length beyond the end": b"\x89PNG\r\n\x1a\n" + b"\xff\xff\xff\xffIHDR" + b"\0" * 30,
}


@pytest.mark.parametrize("name", NO_PNG)
def test_what_is_no_png_is_refused(name: str) -> None:
    with pytest.raises(DamagedError):
        type_of(NO_PNG[name])


@pytest.mark.parametrize(
    "data",
    [
        svg("<script>alert(1)</script>"),
        svg("", 'onload="alert(1)"'),
        svg('<path d="M0 0" onClick="x()"/>'),
        svg('<a xlink:href="javascript:alert(1)"><path d=""/></a>'),
        svg('<image href="http://192.0.2.1/x.png"/>'),
        svg('<image xlink:href="//192.0.2.1/x.png"/>'),
        svg('<use xlink:href="other.svg#a"/>'),
        svg('<image href="data:image/jpeg;base64,/9j/4AAQ"/>'),
        svg('<image href="data:image/png;base64,iVBORw0KGgo="/>'),
        svg(f'<image href="data:image/png;base64,{base64.b64encode(png() + b"a,b").decode()}"/>'),
        svg('<path xmlns:i="http://www.inkscape.org/namespaces/inkscape" i:export-filename="/home/anna/x.png"/>'),
        svg('<image href="data:text/html;base64,AAAA"/>'),
        svg('<image href="data:image/svg+xml;base64,AAAA"/>'),
        svg("<foreignObject><p/></foreignObject>"),
        svg('<set attributeName="href" to="javascript:1"/>'),
        svg('<animate attributeName="x"/>'),
        svg("<style>@import 'http://192.0.2.1/x';</style>"),
        svg("<style>path{fill:url(http://192.0.2.1/x)}</style>"),
        svg("<style>@imp<!-- -->ort 'http://192.0.2.1/x';</style>"),
        svg("<style>@imp<![CDATA[ort 'http://192.0.2.1/x']]></style>"),
        svg("<style>@imp<g/>ort 'http://192.0.2.1/x';</style>"),
        svg(f"<style>{' ' * 8188}@import 'http://192.0.2.1/x';</style>"),
        svg("<style>path{fill:\\75rl(http://192.0.2.1)}</style>"),
        svg("<path style=\"fill:url( 'http://192.0.2.1/x')\"/>"),
        svg('<path fill="url(http://192.0.2.1/x)"/>'),
        b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("&a;"),
        b'<?xml-stylesheet href="x.css"?>' + svg(""),
        svg("<html xmlns='http://www.w3.org/1999/xhtml'/>"),
        svg("<script xmlns='http://www.w3.org/1999/xhtml'>1</script>"),
        b"<html><svg xmlns='http://www.w3.org/2000/svg'/></html>",
        b"<svg/>",
        svg("<g>" * 300 + "</g>" * 300),
        svg("<path>"),
        SVG + b"a,b",
        b"\xff\xfe" + SVG.decode().encode("utf-16-le"),
    ],
)
def test_an_svg_that_does_more_than_draw_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedError):
        type_of(data)


@pytest.mark.parametrize(
    "inside",
    [
        '<use xlink:href="#m1"/>',
        '<path clip-path="url(#c)" style="fill: url(#g); stroke: none"/>',
        f'<image xlink:href="data:image/png;base64,{base64.b64encode(png()).decode()}"/>',
        "<style>*{stroke-linejoin: round}</style>",
        "<text>a &lt; b</text>",
    ],
)
def test_drawings_pass(inside: str) -> None:
    assert type_of(svg(inside)) == "image/svg+xml"


@pytest.mark.parametrize(
    "data",
    [
        png()[:33] + chunk(b"tEXt", b"Author\0canary") + png()[33:],
        png()[:33] + chunk(b"iTXt", b"Author\0\0\0\0\0canary") + png()[33:],
        svg("<text>canary</text>"),
        svg("<text>can<!-- -->ary</text>"),
        svg("<title>canary</title>"),
        svg("<!-- canary -->"),
        svg("<text><![CDATA[canary]]></text>"),
        svg('<path id="canary"/>'),
    ],
)
def test_every_text_is_found(data: bytes) -> None:
    assert any("canary" in text for text in look_into(data)[1])
