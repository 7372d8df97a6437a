"""Lambda's limits (AWS Lambda Developer Guide, "Quotas"), and how parts are spread over layers within them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bondstore.errors import PolicyError

if TYPE_CHECKING:
    from bondstore.aws.packing.wheels import Part
    from bondstore.aws.packing.zips import Zip

PACKED = 50 << 20
"""Bytes of one zip that is uploaded directly."""
SIZE = 250 << 20
"""Bytes unpacked, function and all its layers together."""
LAYERS = 5
_ROOM = 0.98
"""Of a zip is planned for: what it will weigh is only known once it is written."""


def spread(parts: Sequence[Part], base: int) -> list[list[Part]]:
    """Put parts into as few layers as will do, the largest first into the first that has room.

    Parameters
    ----------
    parts : sequence of Part
        What goes into layers.
    base : int
        Bytes of the function itself, unpacked.

    Raises
    ------
    PolicyError
        They cannot fit; the message names the largest.
    """
    total = base + sum(one.size for one in parts)
    if total > SIZE:
        raise _too_large(f"{_mb(total)} unpacked, and Lambda takes {_mb(SIZE)} with all layers", parts)
    layers: list[list[Part]] = []
    for one in sorted(parts, key=lambda part: (-part.packed, part.name)):
        if one.packed > PACKED * _ROOM:
            raise _too_large(f"one part alone has {_mb(one.packed)} packed, and Lambda takes {_mb(PACKED)}", parts)
        room = (layer for layer in layers if sum(part.packed for part in layer) + one.packed <= PACKED * _ROOM)
        into = next(room, None)
        if into is None:
            layers.append([one])
        else:
            into.append(one)
    if len(layers) > LAYERS:
        raise _too_large(f"{len(layers)} layers would be needed, and a function takes {LAYERS}", parts)
    return layers


def check(made: Sequence[Zip], parts: Sequence[Part]) -> None:
    """Refuse what was written where it is too large after all.

    Raises
    ------
    PolicyError
        A zip cannot be uploaded, or all of them cannot run.
    """
    largest = max((one.packed for one in made), default=0)
    if largest > PACKED:
        raise _too_large(f"a zip has {_mb(largest)}, and Lambda takes {_mb(PACKED)}", parts)
    total = sum(one.size for one in made)
    if total > SIZE:
        raise _too_large(f"{_mb(total)} unpacked, and Lambda takes {_mb(SIZE)} with all layers", parts)


def _too_large(why: str, parts: Sequence[Part]) -> PolicyError:
    biggest = sorted(parts, key=lambda one: -one.size)[:5]
    told = ", ".join(f"{one.name} {_mb(one.size)}" for one in biggest)
    return PolicyError(
        f"It does not fit into Lambda: {why}. The largest: {told}.",
        hint="Leave out --with parts, make layers (--target layer), or run a container image or bondstore watch.",
    )


def _mb(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
