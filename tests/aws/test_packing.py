"""Zips from wheels made here: the same bytes twice, within the limits, nothing but what runs."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bondstore.aws.handlers import HANDLERS, Handler, ModuleHandler
from bondstore.aws.options import PackageOptions
from bondstore.aws.package import LambdaLimits, package, platforms, read_wheel
from bondstore.errors import ConfigurationError, DamagedError, PolicyError, UsageError
from tests.aws.conftest import Cloud
from tests.aws.samples import s3_event
from tests.ocean_files import argo_nc, moana_csv

MADE_UP = ("alpha", "beta", "gamma")


def wheel(
    folder: Path, name: str, *, weight: int = 0, requires: str = "", extra: dict[str, bytes] | None = None
) -> Path:
    """A small wheel as pip takes it, by hand; `weight` random bytes make it heavy."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": b"from . import lib\n",
        f"{name}/lib.so": random.Random(name).randbytes(weight) or b"x",
        f"{name}/tests/test_it.py": b"raise SystemExit\n",
        f"{name}/__init__.pyi": b"VALUE: int\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/licenses/LICENSE.md": b"Do as you like.\n",
        f"{name}-1.0.data/scripts/run": b"#!python\n",
        f"{name}-1.0.data/purelib/{name}_more.py": b"",
        **(extra or {}),
    }
    record = "".join(f"{place},,\n" for place in [*files, f"{info}/RECORD"])
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        for place, data in {**files, f"{info}/RECORD": record.encode()}.items():
            made.writestr(place, data)
    return path


MADE: dict[str, Handler] = {
    "participants": ModuleHandler("participants", HANDLERS["participants"].module, ("alpha",)),
    "profile": ModuleHandler("profile", HANDLERS["profile"].module, ("alpha", "gamma")),
}


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder of wheels that stands for pip's index; `participants` needs alpha, which needs beta."""
    folder = tmp_path / "wheels"
    wheel(folder, "alpha", weight=30_000, requires="Requires-Dist: beta\n")
    wheel(folder, "beta", weight=20_000)
    wheel(folder, "gamma", weight=10_000)
    return folder


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as made:
        return made.namelist()


@pytest.mark.parametrize("target", ["lambda", "layer"])
def test_the_same_bytes_twice(wheels: Path, tmp_path: Path, target: str) -> None:
    one = package(PackageOptions(target, "profile", wheels=wheels), tmp_path / "one", handlers=MADE)
    for path in wheels.iterdir():
        os.utime(path, (1e9, 1e9))
    two = package(PackageOptions(target, "profile", wheels=wheels), tmp_path / "two", handlers=MADE)
    assert [made.path.name for made in one] == [made.path.name for made in two]
    for first, second in zip(one, two, strict=True):
        assert first.path.read_bytes() == second.path.read_bytes()
        assert hashlib.sha256(first.path.read_bytes()).hexdigest() == first.sha256
        with zipfile.ZipFile(first.path) as made:
            infos = made.infolist()
        assert [info.filename for info in infos] == sorted(info.filename for info in infos)
        assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in infos} <= {0o100644, 0o100755}
        assert first.size == sum(info.file_size for info in infos)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(made.path.name for made in one)


def test_what_is_in_it(wheels: Path, tmp_path: Path) -> None:
    [made] = package(PackageOptions("lambda", "participants", wheels=wheels), tmp_path / "out", handlers=MADE)
    found = names(made.path)
    assert {"alpha/__init__.py", "alpha_more.py", "beta/lib.so", "bondstore/aws/handlers.py"} <= set(found)
    assert "alpha-1.0.dist-info/licenses/LICENSE.md" in found
    assert not [name for name in found if name.startswith(("bondstore/cli/", "gamma")) or "tests/" in name]
    assert not [name for name in found if name.endswith((".pyi", ".pyc")) or ".data/" in name]
    with zipfile.ZipFile(made.path) as opened:
        record = opened.read("alpha-1.0.dist-info/RECORD").decode().splitlines()
    assert {line.split(",")[0] for line in record} <= set(found)
    assert made.parts == ("bondstore 0.1.0", "alpha 1.0", "beta 1.0")


def test_layers_are_split_where_one_is_too_large(wheels: Path, tmp_path: Path) -> None:
    limits = LambdaLimits(packed=2_000_000)
    together = package(PackageOptions("layer", "profile", wheels=wheels), tmp_path / "a", handlers=MADE, limits=limits)
    assert len(together) == 2
    for name in ("alpha", "beta", "gamma"):
        wheel(wheels, name, weight=1_500_000)
    apart = package(PackageOptions("layer", "profile", wheels=wheels), tmp_path / "b", handlers=MADE, limits=limits)
    assert [made.path.name[-11:] for made in apart[1:]] == ["layer-1.zip", "layer-2.zip"]
    inside = [name for made in apart[1:] for name in names(made.path)]
    assert len(inside) == len(set(inside))
    assert all(name.startswith("python/") for name in inside)


@pytest.mark.parametrize(
    ("target", "limits", "words"),
    [
        ("layer", LambdaLimits(packed=25_000), r"one part alone.*alpha 0\.0 MiB"),
        ("lambda", LambdaLimits(size=100_000), r"unpacked.*alpha"),
        ("layer", LambdaLimits(layers=0), "1 layers would be needed"),
    ],
)
def test_what_cannot_fit_is_refused_with_the_largest_by_name(
    wheels: Path, tmp_path: Path, target: str, limits: LambdaLimits, words: str
) -> None:
    with pytest.raises(PolicyError, match=words):
        package(PackageOptions(target, "participants", wheels=wheels), tmp_path / "out", handlers=MADE, limits=limits)
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_compiled_parts_that_nothing_imports_are_left_out(wheels: Path, tmp_path: Path) -> None:
    files = {
        "delta/__init__.py": b"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from delta import typed\n"
        b"def later():\n    from . import used\nelse_ = __import__('delta.odd')\n",
        "delta/odd.py": b"from delta import _odd\n",
        "delta/used.cpython-313-x86_64-linux-gnu.so": b"\0inner\0libone-12ab.so.1\0",
        "delta/inner.abi3.so": b"x",
        "delta/typed.so": b"libtwo-34cd.so.1",
        "delta/_odd.so": b"x",
        "delta/plugins/filter.so": b"opened by its path",
        "delta.libs/libone-12ab.so.1": b"libthree-56ef.so",
        "delta.libs/libtwo-34cd.so.1": b"x",
        "delta.libs/libthree-56ef.so": b"x",
    }
    wheel(wheels, "delta", extra=files)
    handler = ModuleHandler("participants", HANDLERS["participants"].module, ("delta",))
    options = PackageOptions("lambda", "participants", wheels=wheels)
    [made] = package(options, tmp_path / "out", handlers={"participants": handler})
    found = set(names(made.path))
    left_out = {"delta/typed.so", "delta/_odd.so", "delta.libs/libtwo-34cd.so.1", "delta/lib.so"}
    assert {place for place in files if place not in found} | {"delta/lib.so"} == left_out
    assert not [name for name in found if name.startswith("bondstore/domains/") and name.count("/") > 2]
    assert "bondstore/registry/service.py" in found


def test_hostile_and_missing_wheels(wheels: Path, tmp_path: Path) -> None:
    for place in ("../evil.py", "/etc/evil.py", "a/../../evil.py"):
        bad = wheel(tmp_path / "bad", "evil", extra={place: b""})
        with pytest.raises(DamagedError, match="outside its folder"):
            read_wheel(bad)
    (tmp_path / "bad" / "x-1-py3-none-any.whl").write_bytes(b"no zip")
    with pytest.raises(DamagedError, match="no wheel"):
        read_wheel(tmp_path / "bad" / "x-1-py3-none-any.whl")
    (wheels / "beta-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ConfigurationError, match="beta"):
        package(PackageOptions("lambda", "participants", wheels=wheels), tmp_path / "out", handlers=MADE)


@pytest.mark.parametrize(
    "options",
    [
        PackageOptions("zip"),
        PackageOptions(handler="x"),
        PackageOptions(python="3.9"),
        PackageOptions(architecture="mips"),
        PackageOptions(extras=("x",)),
        PackageOptions(handler="participants", extras=("plots",)),
    ],
    ids=str,
)
def test_unknown_words_are_refused(options: PackageOptions, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        package(options, tmp_path)


def test_wheels_of_other_machines() -> None:
    assert platforms("3.11", "x86_64")[0] == "manylinux_2_26_x86_64", "Amazon Linux 2"
    assert platforms("3.13", "arm64")[0] == "manylinux_2_34_aarch64"
    assert platforms("3.13", "arm64")[-1] == "manylinux2014_aarch64"


RUN = """
import json, os, sys
sys.path.insert(0, "var")
import bondstore
from bondstore.aws import participants
from bondstore.aws.handlers import participants_changed, profile_arrived
if sys.argv[1] == "profile":
    assert profile_arrived(json.loads(sys.argv[2]))["outcomes"] == {"done": 2}
else:
    from bondstore.registry import service
print(bondstore.__file__)
"""


@pytest.mark.slow
@pytest.mark.parametrize("handler", ["participants", "profile"])
def test_the_real_one_runs_from_its_folder_alone(handler: str, cloud: Cloud, tmp_path: Path) -> None:
    """Needs pip's index. The packed handler runs with nothing else on the path, and the sizes hold."""
    here = f"3.{sys.version_info.minor}"
    extras = ("plots", "netcdf") if handler == "profile" else ()
    made = package(PackageOptions("layer", handler, extras, here), tmp_path / "out")
    assert sum(one.size for one in made) <= LambdaLimits().size
    for one in made:
        with zipfile.ZipFile(one.path) as opened:
            opened.extractall(tmp_path / "var")
    shutil.copytree(tmp_path / "var" / "python", tmp_path / "var", dirs_exist_ok=True)
    cloud.put("a.csv", moana_csv())
    cloud.put("b.nc", argo_nc())
    cloud.patch.setenv("BONDSTORE_PLOTS", "yes")
    line = [sys.executable, "-S", "-E", "-c", RUN, handler, json.dumps(s3_event(cloud.raw, "a.csv", "b.nc"))]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(tmp_path, done.stdout.strip()).is_relative_to(tmp_path / "var")
    drawn = {Path(key).suffix for key in cloud.listed(cloud.qc)}
    assert drawn >= {".nc", ".png"} if handler == "profile" else not drawn
