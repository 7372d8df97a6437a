"""Wheels: got by pip for another machine than this one, read without installing them."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bondstore.aws.packing.parts import platforms
from bondstore.aws.packing.pruning import is_kept
from bondstore.errors import ConfigurationError, DamagedError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LIBRARIES = re.compile(r"[^/]+\.data/(?:purelib|platlib)/(.+)")
_OTHER = re.compile(r"[^/]+\.data/(?:scripts|headers|data)/.+")
_RECORD = re.compile(r"[^/]+\.dist-info/RECORD")


@dataclass(frozen=True, slots=True)
class Part:
    """One distribution, as it goes into a zip.

    Parameters
    ----------
    name, version : str
        Of it.
    path : Path
        The wheel.
    files : mapping of str to str
        What is kept: the entry in the wheel by its place when installed.
    size, packed : int
        Bytes of what is kept: unpacked, and as compressed in the wheel.
    """

    name: str
    version: str
    path: Path
    files: dict[str, str]
    size: int
    packed: int

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield place and content of each file; the list of files names only those that are kept."""
        with zipfile.ZipFile(self.path) as wheel:
            for place, entry in sorted(self.files.items()):
                data = wheel.read(entry)
                yield place, _recorded(data, set(self.files)) if _RECORD.fullmatch(place) else data


def download(
    requirements: Sequence[str], into: Path, *, python: str, architecture: str, wheels: Path | None = None
) -> list[Path]:
    """Get wheels with all that they require, for Lambda's machine.

    Parameters
    ----------
    requirements : sequence of str
        As pip takes them.
    into : Path
        An empty folder.
    python, architecture : str
        See `parts`.
    wheels : Path, optional
        A folder of wheels: nothing else is asked then.

    Raises
    ------
    ConfigurationError
        pip finds no wheel for that machine.
    MissingExtraError
        There is no pip.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", "--dest", str(into), "--implementation", "cp", "--python-version", python]
    for tag in platforms(python, architecture):
        command += ["--platform", tag]
    if wheels is not None:
        command += ["--no-index", "--find-links", str(wheels)]
    done = subprocess.run([*command, "--", *requirements], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode and "No module named pip" in done.stderr:
        raise MissingExtraError("pip is not there.", hint="Run: python -m ensurepip")
    if done.returncode:
        missing = re.findall(r"No matching distribution found for (\S+)", done.stderr)
        what = f" for {', '.join(missing)}" if missing else ""
        raise ConfigurationError(
            f"pip found no wheel{what} for Python {python} on {architecture}.",
            hint="Check pip's index and the network, choose another --python, or name a folder: --wheels DIR.",
        )
    return sorted(into.glob("*.whl"))


def read_wheel(path: Path) -> Part:
    """Look into a wheel.

    Raises
    ------
    DamagedError
        It is no wheel, or would write outside its folder.
    """
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
        if not _OTHER.fullmatch(one.filename) and is_kept(place):
            kept[place] = one
    return Part(
        normal(name),
        version,
        path,
        {place: one.filename for place, one in kept.items()},
        sum(one.file_size for one in kept.values()),
        sum(one.compress_size for one in kept.values()),
    )


def normal(name: str) -> str:
    """Return a distribution's name in the one form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _recorded(record: bytes, kept: set[str]) -> bytes:
    lines = record.decode().splitlines()
    return "".join(f"{line}\n" for line in lines if line.split(",")[0].strip('"') in kept).encode()
