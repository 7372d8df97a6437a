"""Zips of Lambda functions and layers: wheels in, zips out; the same wheels give the same bytes.

What a function does not need of a wheel is left out by rules, never by a list of files: distributions in `UNUSED`,
folders and endings without a program in them, and compiled parts that nothing imports (`bondstore.aws.reach`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import bondstore
from bondstore.aws.handlers import HANDLERS, Handler
from bondstore.aws.options import ARCHITECTURES, PYTHONS, PackageOptions
from bondstore.aws.reach import reached_modules, room_of, unused_libraries
from bondstore.errors import ConfigurationError, DamagedError, MissingExtraError, PolicyError

UNUSED = frozenset({"fonttools", "pytz", "tzdata", "pip", "setuptools", "certifi"})
"""Distributions that those of a handler name as theirs and that no handler imports, by normalised name."""
_NO_PROGRAM = re.compile(
    r"(?:.*/)?(?:tests?|__pycache__|_pyinstaller|examples|docs|sample_data|include|f2py|afm|pdfcorefonts|web_backend)/.*"
    r"|.*\.(?:py[ciox]|px[di]|[ch]|[ch]pp|a|lib|md|rst|map)"
)
_NO_LICENCE = re.compile(r"[^/]+\.dist-info/(?:direct_url\.json|INSTALLER|REQUESTED|sboms/.*)")
_LIBRARIES = re.compile(r"[^/]+\.data/(?:purelib|platlib)/(.+)")
_OTHER = re.compile(r"[^/]+\.data/(?:scripts|headers|data)/.+")
_RECORD = re.compile(r"[^/]+\.dist-info/RECORD")
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first time a zip can hold."""


@dataclass(frozen=True, slots=True)
class LambdaLimits:
    """What Lambda takes (AWS Lambda Developer Guide, "Quotas"), in bytes."""

    packed: int = 50 << 20
    """One zip that is uploaded directly."""
    size: int = 250 << 20
    """Unpacked, the function and all its layers together."""
    layers: int = 5


@dataclass(frozen=True, slots=True)
class Wheel:
    """One distribution, as far as it goes into a zip: entries in the wheel by their places when installed."""

    name: str
    version: str
    path: Path
    files: dict[str, zipfile.ZipInfo]

    @property
    def size(self) -> int:
        """Bytes of what is kept."""
        return sum(one.file_size for one in self.files.values())

    @property
    def packed(self) -> int:
        """Bytes of what is kept, as compressed in the wheel."""
        return sum(one.compress_size for one in self.files.values())

    def read(self, place: str) -> bytes:
        """Return one file."""
        with zipfile.ZipFile(self.path) as wheel:
            return wheel.read(self.files[place])

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield place and content of each file; the wheel's own list of files names only those that are kept."""
        with zipfile.ZipFile(self.path) as wheel:
            for place, entry in sorted(self.files.items()):
                data = wheel.read(entry)
                yield place, _recorded(data, set(self.files)) if _RECORD.fullmatch(place) else data


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip that was written; `size` is in bytes of what is in it, `parts` say it as ``name version``."""

    path: Path
    packed: int
    size: int
    sha256: str
    parts: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        return {
            "kind": "zip",
            "path": str(self.path),
            "packed": self.packed,
            "size": self.size,
            "sha256": self.sha256,
            "parts": list(self.parts),
        }


def package(
    options: PackageOptions,
    out: Path,
    *,
    handlers: Mapping[str, Handler] = HANDLERS,
    limits: LambdaLimits = LambdaLimits(),
) -> list[Archive]:
    """Make the zips of a handler in a folder, the function first.

    `PolicyError` means that they would not fit into Lambda: the largest parts are named, and nothing is written.
    """
    handler = options.chosen(handlers)
    wanted = (*handler.requirements, *(need for name in sorted(set(options.extras)) for need in handler.extras[name]))
    with tempfile.TemporaryDirectory(prefix="bondstore-package-") as folder:
        found = download(wanted, Path(folder), options)
        wheels = [wheel for wheel in map(read_wheel, found) if wheel.name not in UNUSED]
        own, wheels = _needed(handler, own_files(), wheels)
        layers = _spread(wheels, sum(map(len, own.values())), limits)
        try:
            out.mkdir(parents=True, exist_ok=True)
            made = _write(options, out, own, [wheels] if options.target == "lambda" else layers)
        except OSError as error:
            why = error.strerror
            raise ConfigurationError(f"{out} cannot be written to ({why}).", hint="Name another --out.") from None
    try:
        _check(made, wheels, limits)
    except PolicyError:
        for one in made:
            one.path.unlink(missing_ok=True)
        raise
    return made


def platforms(python: str, architecture: str) -> list[str]:
    """Return the tags of wheels that run on Lambda, the best first."""
    machine = ARCHITECTURES[architecture]
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(PYTHONS[python], 16, -1)]
    return [*tags, f"manylinux2014_{machine}"]


def download(requirements: Sequence[str], into: Path, options: PackageOptions) -> list[Path]:
    """Get wheels with all that they require, for Lambda's machine, whatever this one is."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", "--dest", str(into), "--implementation", "cp"]
    command += ["--python-version", options.python]
    for tag in platforms(options.python, options.architecture):
        command += ["--platform", tag]
    if options.wheels is not None:
        command += ["--no-index", "--find-links", str(options.wheels)]
    done = subprocess.run([*command, "--", *requirements], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode and "No module named pip" in done.stderr:
        raise MissingExtraError("pip is not there.", hint="Run: python -m ensurepip")
    if done.returncode:
        missing = re.findall(r"No matching distribution found for (\S+)", done.stderr)
        what = f" for {', '.join(missing)}" if missing else ""
        raise ConfigurationError(
            f"pip found no wheel{what} for Python {options.python} on {options.architecture}.",
            hint="Check pip's index and the network, choose another --python, or name a folder: --wheels DIR.",
        )
    return sorted(into.glob("*.whl"))


def read_wheel(path: Path) -> Wheel:
    """Look into a wheel; `DamagedError` where it is none, or would write outside its folder."""
    name, version = [*path.name.split("-"), "", ""][:2]
    try:
        with zipfile.ZipFile(path) as wheel:
            entries = [one for one in wheel.infolist() if not one.is_dir()]
    except (zipfile.BadZipFile, OSError):
        raise DamagedError(f"{path.name} is no wheel.", kind="wheel", hint="Get it again.") from None
    kept: dict[str, zipfile.ZipInfo] = {}
    for one in entries:
        found = _LIBRARIES.fullmatch(one.filename)
        place = found.group(1) if found else one.filename
        if PurePosixPath(place).is_absolute() or ".." in PurePosixPath(place).parts or "\\" in place:
            raise DamagedError(f"{path.name} would write outside its folder.", kind="wheel", hint="Do not use it.")
        if not _OTHER.fullmatch(one.filename) and is_program(place):
            kept[place] = one
    return Wheel(re.sub(r"[-_.]+", "-", name).lower(), version, path, kept)


def is_program(place: str) -> bool:
    """Tell whether a file of a distribution, by its place when installed, is one to take along."""
    if ".dist-info/" in place:
        return not _NO_LICENCE.fullmatch(place)  # licences stay, whatever their names end with
    return not _NO_PROGRAM.fullmatch(place)


def own_files() -> dict[str, bytes]:
    """Return Bondstore's own files under the names they are imported by."""
    root = Path(bondstore.__file__).parent
    return {
        place: path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
        if is_program(place := f"bondstore/{path.relative_to(root).as_posix()}")
    }


def _needed(handler: Handler, own: dict[str, bytes], wheels: Sequence[Wheel]) -> tuple[dict[str, bytes], list[Wheel]]:
    """Leave out the rooms of Bondstore, and the compiled parts of wheels, that the handler does not reach."""
    readers = {place: wheel.read for wheel in wheels for place in wheel.files}
    read = {**readers, **dict.fromkeys(own, own.__getitem__)}
    reached = reached_modules(read, ["bondstore.aws.handlers", handler.module])
    rooms = {room_of(module) for module in reached}
    kept = {place: data for place, data in own.items() if room_of(place.rpartition("/")[0].replace("/", ".")) in rooms}
    unused = unused_libraries(read, reached)
    return kept, [
        dataclasses.replace(one, files={place: entry for place, entry in one.files.items() if place not in unused})
        for one in wheels
    ]


def _spread(wheels: Sequence[Wheel], base: int, limits: LambdaLimits) -> list[list[Wheel]]:
    """Put wheels into as few layers as will do, the largest first into the first that has room.

    `base` is what the function itself has in bytes. Of a zip 98 % are planned for: what it will have is only known
    once it is written.
    """
    room = limits.packed * 0.98
    total = base + sum(one.size for one in wheels)
    if total > limits.size:
        raise _too_large(f"{_mb(total)} unpacked, and Lambda takes {_mb(limits.size)} with all layers", wheels)
    layers: list[list[Wheel]] = []
    for one in sorted(wheels, key=lambda wheel: (-wheel.packed, wheel.name)):
        if one.packed > room:
            why = f"one part alone has {_mb(one.packed)} packed, and Lambda takes {_mb(limits.packed)}"
            raise _too_large(why, wheels)
        into = next((layer for layer in layers if sum(part.packed for part in layer) + one.packed <= room), None)
        if into is None:
            layers.append([one])
        else:
            into.append(one)
    if len(layers) > limits.layers:
        raise _too_large(f"{len(layers)} layers would be needed, and a function takes {limits.layers}", wheels)
    return layers


def _check(made: Sequence[Archive], wheels: Sequence[Wheel], limits: LambdaLimits) -> None:
    """Refuse what was written where it is too large after all."""
    largest = max((one.packed for one in made), default=0)
    if largest > limits.packed:
        raise _too_large(f"a zip has {_mb(largest)}, and Lambda takes {_mb(limits.packed)}", wheels)
    total = sum(one.size for one in made)
    if total > limits.size:
        raise _too_large(f"{_mb(total)} unpacked, and Lambda takes {_mb(limits.size)} with all layers", wheels)


def _too_large(why: str, wheels: Sequence[Wheel]) -> PolicyError:
    biggest = sorted(wheels, key=lambda one: -one.size)[:5]
    told = ", ".join(f"{one.name} {_mb(one.size)}" for one in biggest)
    return PolicyError(
        f"It does not fit into Lambda: {why}. The largest: {told}.",
        hint="Leave out --with parts, make layers (--target layer), or run a container image or bondstore watch.",
    )


def _mb(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"


def _write(
    options: PackageOptions, out: Path, own: Mapping[str, bytes], layers: Sequence[Sequence[Wheel]]
) -> list[Archive]:
    mine = (f"bondstore {bondstore.__version__}",)
    if options.target == "lambda":
        files = {**own, **{place: data for wheel in layers[0] for place, data in wheel.contents()}}
        return [write_zip(out / f"{options.stem}.zip", sorted(files.items()), (*mine, *_named(layers[0])))]
    made = [write_zip(out / f"{options.stem}.zip", sorted(own.items()), mine)]
    for number, layer in enumerate(layers, 1):
        inside = sorted((f"python/{place}", data) for wheel in layer for place, data in wheel.contents())
        made.append(write_zip(out / f"{options.stem}-layer-{number}.zip", inside, _named(layer)))
    return made


def _named(wheels: Iterable[Wheel]) -> tuple[str, ...]:
    return tuple(sorted(f"{one.name} {one.version}" for one in wheels))


def write_zip(path: Path, files: Iterable[tuple[str, bytes]], parts: tuple[str, ...]) -> Archive:
    """Write a zip under a temporary name, then rename it. The same files in the same order give the same bytes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    size = 0
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
            for name, data in files:
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.create_system = 3  # Unix: the rights below count
                last = name.rpartition("/")[2]
                library = last.endswith(".so") or ".so." in last
                info.external_attr = (0o100755 if library else 0o100644) << 16
                made.writestr(info, data)
                size += len(data)
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return Archive(path, path.stat().st_size, size, digest, parts)


def _recorded(record: bytes, kept: set[str]) -> bytes:
    lines = record.decode().splitlines()
    return "".join(f"{line}\n" for line in lines if line.split(",")[0].strip('"') in kept).encode()
