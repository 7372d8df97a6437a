"""Decoding is whole or not at all, upright and flat; encoding carries pixels and nothing else."""

from __future__ import annotations

import contextlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, JpegImagePlugin

from bondstore.deid import images
from bondstore.deid.images import decode, encode
from bondstore.errors import DamagedError
from tests.deid.pictures_of import astronaut, chatty_exif, chatty_png, opened, pixels, saved


def word(data: bytes) -> str:
    """The kind of finding that a picture ends as."""
    with pytest.raises(DamagedError) as caught:
        decode(data)
    return caught.value.kind


def test_lossless_pictures_keep_every_pixel() -> None:
    exif = chatty_exif()
    for form, settings in (("PNG", {}), ("WEBP", {"lossless": True}), ("WEBP", {"lossless": True, "exif": exif})):
        source = decode(saved(astronaut(), form, **settings))
        out = opened(encode(source.pixels, source))
        assert out.format == form
        assert np.array_equal(pixels(out), pixels(astronaut()))


@pytest.mark.parametrize(("quality", "subsampling"), [(50, 2), (50, 1), (92, 0)])
def test_a_jpeg_is_encoded_with_the_tables_and_the_subsampling_of_its_source(quality: int, subsampling: int) -> None:
    data = saved(astronaut(), quality=quality, subsampling=subsampling)
    source = decode(data)
    before, after = opened(data), opened(encode(source.pixels, source))
    assert after.quantization == before.quantization  # type: ignore[attr-defined]
    assert JpegImagePlugin.get_sampling(after) == subsampling
    assert np.abs(pixels(after).astype(int) - pixels(before)).mean() < 2


def test_grey_stays_grey() -> None:
    for form in ("JPEG", "PNG"):
        source = decode(saved(astronaut().convert("L"), form))
        assert source.pixels.shape == (512, 512, 3)
        assert opened(encode(source.pixels, source)).mode == "L"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_is_applied_and_then_gone(orientation: int, form: str) -> None:
    """The oracle turns by hand, in numpy: which edge of the stored pixels is up is what EXIF's table says."""
    stored = np.zeros((64, 96, 3), np.uint8)
    stored[:32, :48] = 255
    expected = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(stored),
    }[orientation]
    settings = {"lossless": True} if form == "WEBP" else {}
    source = decode(saved(Image.fromarray(stored), form, exif=chatty_exif(orientation), **settings))
    assert source.pixels.shape == expected.shape
    assert np.abs(source.pixels.astype(int) - expected).mean() < 8
    out = opened(encode(source.pixels, source))
    assert out.getexif().get(0x0112) is None
    assert out.size == source.pixels.shape[1::-1]


def test_nothing_but_pixels_is_carried_on() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = chatty_exif()
    files = {
        "JPEG": saved(astronaut(), exif=exif, icc_profile=profile, comment=b"SecretComment", dpi=(299, 301))
        + b"SecretTrailer",
        "PNG": saved(astronaut(), "PNG", exif=exif, icc_profile=profile, pnginfo=chatty_png(), dpi=(299, 301)),
        "WEBP": saved(astronaut(), "WEBP", exif=exif, icc_profile=profile, xmp=b"<x>SecretXmp</x>"),
    }
    for form, data in files.items():
        assert b"Secret" in data
        source = decode(data)
        out = encode(source.pixels, source)
        again = opened(out)
        assert again.format == form
        assert b"Secret" not in out
        assert not dict(again.getexif())
        left = set(again.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop", "background"}
        assert not left - {"timestamp", "duration"}, form
        assert again.info.get("jfif_density", (1, 1)) == (1, 1)


def test_what_lies_under_see_through_pixels_is_flattened_away() -> None:
    image = astronaut().convert("RGBA")
    alpha = np.full((512, 512), 255, np.uint8)
    alpha[:256] = 0
    image.putalpha(Image.fromarray(alpha))
    for form, settings in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        source = decode(saved(image, form, **settings))
        out = pixels(opened(encode(source.pixels, source)))
        assert (out[:256] == 255).all()
        assert np.array_equal(out[256:], pixels(astronaut())[256:])


def test_other_modes_are_seen_as_a_viewer_shows_them() -> None:
    image = astronaut()
    wanted = pixels(image)
    palette = decode(saved(image.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"))
    assert np.abs(palette.pixels.astype(int) - wanted).mean() < 8
    inks = decode(saved(image.convert("CMYK"), quality=95))
    assert np.abs(inks.pixels.astype(int) - wanted).mean() < 8
    assert opened(encode(inks.pixels, inks)).mode == "RGB"
    grey = np.asarray(image.convert("L"))
    deep = decode(saved(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"))
    assert np.array_equal(deep.pixels[:, :, 0], grey)
    bits = decode(saved(image.convert("1"), "PNG"))
    assert set(np.unique(bits.pixels)) == {0, 255}


def test_a_see_through_palette_is_flattened_too() -> None:
    image = Image.new("P", (40, 40), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    source = decode(saved(image, "PNG", transparency=1))
    assert (source.pixels == 255).all()


def test_a_picture_that_is_cut_anywhere_is_not_looked_at() -> None:
    for form in ("JPEG", "PNG", "WEBP"):
        data = saved(astronaut(), form)
        for share in (0, 0.01, 0.3, 0.7, 0.98):
            assert word(data[: int(len(data) * share)]) == "image-undecodable", (form, share)


def test_a_cut_picture_is_refused_though_somebody_allowed_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert word(saved(astronaut())[:9000]) == "image-undecodable"


def test_other_formats_and_several_frames_are_refused() -> None:
    image = astronaut().resize((64, 64))
    other = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert word(b"") == word(b"\xff\xd8\xff") == word(b"id,text\n1,2\n") == "image-undecodable"
    for form in ("ICO", "TGA", "PPM"):
        assert word(saved(image, form)) == "image-undecodable"
    for form in ("PNG", "WEBP", "MPO"):
        assert word(saved(image, form, save_all=True, append_images=[other, image.rotate(90)])) == "image-undecodable"


def png_that_says(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that its few bytes do not hold."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [8_001, 9_600, 14_000, 2_000_000_000])
def test_too_many_pixels_are_refused_before_they_are_decoded(side: int) -> None:
    assert word(png_that_says(side, side)) == "image-too-large"


def test_a_promise_that_is_not_kept_is_no_picture() -> None:
    assert word(png_that_says(4000, 4000)) == "image-undecodable"


def test_flipped_bytes_never_end_as_another_error() -> None:
    """Whatever a reader makes of broken bytes: a picture, or the one error."""
    rng = np.random.default_rng(5)
    small = astronaut().resize((48, 48))
    for form in ("JPEG", "PNG", "WEBP"):
        data = np.frombuffer(saved(small, form, exif=chatty_exif(6)), np.uint8)
        for _ in range(150):
            broken = data.copy()
            places = rng.integers(0, len(data), 3)
            broken[places] = rng.integers(0, 256, 3)
            with contextlib.suppress(DamagedError):
                source = decode(broken.tobytes())
                assert opened(encode(source.pixels, source)).size == source.pixels.shape[1::-1]


def test_the_limit_is_the_one_that_is_told() -> None:
    assert images.PIXEL_LIMIT < Image.MAX_IMAGE_PIXELS  # type: ignore[operator]
