"""Where everything goes in the destination."""

from __future__ import annotations

import hashlib

from bondstore.runs.destination import PRIVATE
from bondstore.runs.paths import safe_relpath


def panelist_folder(query: str, panelist: str) -> str:
    """Return the folder of a panelist's results; ends in ``/``."""
    return f"{query}/combined/panelists/{segment(panelist)}/"


def images_folder(query: str, panelist: str) -> str:
    """Return the folder of a panelist's images; ends in ``/``."""
    return f"{panelist_folder(query, panelist)}images/"


def parts_folder(query: str, panelist: str = "") -> str:
    """Return the folder of a query's or a panelist's parts; ends in ``/``."""
    return f"{PRIVATE}/parts/{query}/" + (f"{segment(panelist)}/" if panelist else "")


def part_path(query: str, panelist: str, key: str) -> str:
    """Return where what came of one zip is kept."""
    name = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return f"{parts_folder(query, panelist)}{name}.zip"


def staged_folder(query: str, panelist: str) -> str:
    """Return the folder of images that have no name yet; ends in ``/``."""
    return f"{PRIVATE}/staged/{query}/{segment(panelist)}/"


def staged_path(query: str, panelist: str, token: str) -> str:
    """Return where an image waits for its name."""
    return f"{staged_folder(query, panelist)}{token}"


def token_of(base: str, source: str) -> str:
    """Return what tells an image from all others of its panelist.

    Parameters
    ----------
    base : str
        Its own name.
    source : str
        SHA-256 of its bytes as they came, in hex.
    """
    return hashlib.blake2b(f"{base}\0{source}".encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


def decisions_path(query: str) -> str:
    """Return the file of what people decided about images."""
    return f"{query}/decisions.jsonl"


def segment(name: str) -> str:
    """Return a name as one part of a path, whatever it holds."""
    return safe_relpath(name.replace("/", "_"))
