"""Making the zips: wheels in, zips out."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bondstore
from bondstore.aws.packing import limits
from bondstore.aws.packing.parts import ARCHITECTURES, EXTRAS, PYTHONS, REQUIREMENTS, UNUSED
from bondstore.aws.packing.pruning import is_kept
from bondstore.aws.packing.wheels import download, read_wheel
from bondstore.aws.packing.zips import Zip, write_zip
from bondstore.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.aws.packing.wheels import Part

LEFT_OUT = ("cli", "domains/beiwe", "domains/screenlake")
"""Parts of Bondstore that no handler imports."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to make.

    Parameters
    ----------
    target : {"lambda", "layer"}
        One zip with everything; or a small one for the function, and layers with what it stands on.
    handler : {"profile", "participants"}
        Which handler it is for.
    extras : tuple of str
        Of `EXTRAS`.
    python, architecture : str
        See `parts`.
    wheels : Path, optional
        A folder of wheels to take in place of pip's index.
    """

    target: str = "layer"
    handler: str = "profile"
    extras: tuple[str, ...] = ()
    python: str = "3.13"
    architecture: str = "x86_64"
    wheels: Path | None = None

    def checked(self) -> Wish:
        """Return it, or raise `UsageError` for a word that is unknown."""
        for name, value, known in (
            ("target", self.target, ("lambda", "layer")),
            ("handler", self.handler, tuple(REQUIREMENTS)),
            ("Python", self.python, tuple(PYTHONS)),
            ("architecture", self.architecture, tuple(ARCHITECTURES)),
            *(("part", one, tuple(EXTRAS)) for one in self.extras),
        ):
            if value not in known:
                raise UsageError(f"There is no {name} {value!r}.", hint=f"Choose one of: {', '.join(known)}.")
        if self.extras and self.handler != "profile":
            raise UsageError("Only the profile handler takes more parts.", hint="Leave out --with.")
        return self

    @property
    def requirements(self) -> tuple[str, ...]:
        """What pip is asked for."""
        return (*REQUIREMENTS[self.handler], *(need for name in sorted(set(self.extras)) for need in EXTRAS[name]))


def package(wish: Wish, out: Path) -> list[Zip]:
    """Make the zips of a handler. The same wheels and the same Bondstore give the same bytes.

    Parameters
    ----------
    wish : Wish
        What to make.
    out : Path
        The folder they go into; made where it is missing.

    Returns
    -------
    list of Zip
        The function first.

    Raises
    ------
    PolicyError
        They would not fit into Lambda; the largest parts are named, and nothing is written.
    ConfigurationError
        pip finds no wheels, or the folder cannot be written to.
    """
    wish.checked()
    with tempfile.TemporaryDirectory(prefix="bondstore-package-") as folder:
        found = download(
            wish.requirements, Path(folder), python=wish.python, architecture=wish.architecture, wheels=wish.wheels
        )
        parts = [part for part in map(read_wheel, found) if part.name not in UNUSED]
        own = sorted(own_files())
        base = sum(len(data) for _, data in own)
        layers = limits.spread(parts, base)
        try:
            out.mkdir(parents=True, exist_ok=True)
            made = _all_in_one(wish, out, own, parts) if wish.target == "lambda" else _layers(wish, out, own, layers)
        except OSError as error:
            why = error.strerror
            raise ConfigurationError(f"{out} cannot be written to ({why}).", hint="Name another --out.") from None
    try:
        limits.check(made, parts)
    except bondstore.errors.PolicyError:
        for one in made:
            one.path.unlink(missing_ok=True)
        raise
    return made


def own_files() -> Iterator[tuple[str, bytes]]:
    """Yield Bondstore's own files, as far as handlers need them, under the names they are imported by."""
    root = Path(bondstore.__file__).parent
    for path in root.rglob("*"):
        place = path.relative_to(root).as_posix()
        left_out = any(place.startswith(f"{one}/") for one in LEFT_OUT)
        if path.is_file() and not path.is_symlink() and not left_out and is_kept(f"bondstore/{place}"):
            yield f"bondstore/{place}", path.read_bytes()


def _all_in_one(wish: Wish, out: Path, own: Sequence[tuple[str, bytes]], parts: Sequence[Part]) -> list[Zip]:
    files = {**dict(own), **{place: data for part in parts for place, data in part.contents()}}
    return [write_zip(out / f"{_stem(wish)}.zip", sorted(files.items()), _named(parts))]


def _layers(wish: Wish, out: Path, own: Sequence[tuple[str, bytes]], layers: Sequence[Sequence[Part]]) -> list[Zip]:
    made = [write_zip(out / f"{_stem(wish)}.zip", own, (f"bondstore {bondstore.__version__}",))]
    for number, layer in enumerate(layers, 1):
        files = sorted((f"python/{place}", data) for part in layer for place, data in part.contents())
        made.append(write_zip(out / f"{_stem(wish)}-layer-{number}.zip", files, _named(layer)[1:]))
    return made


def _stem(wish: Wish) -> str:
    return f"bondstore-{wish.handler}-py{wish.python}-{wish.architecture}"


def _named(parts: Sequence[Part]) -> tuple[str, ...]:
    return (f"bondstore {bondstore.__version__}", *sorted(f"{one.name} {one.version}" for one in parts))
