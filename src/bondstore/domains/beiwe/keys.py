"""The study's decryption key: how long it is, and where it is kept."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from bondstore.config.secrets import Secret, SecretRef, remember
from bondstore.errors import ConfigurationError

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec

KEY_SIZE = 32
"""Characters of a study's decryption key."""

_numbers = itertools.count(1)


def key_reference(key: str | SecretRef | Secret | None, spec: StoreSpec) -> SecretRef | None:
    """Return where a key is kept; a literal one is kept in this process alone, under a name of its own.

    Parameters
    ----------
    key : str, SecretRef, Secret or None
        A reference, or the key itself.
    spec : StoreSpec
        Its profile may name one where `key` is None.

    Raises
    ------
    ConfigurationError
        The text is neither a reference nor as long as a key.
    """
    if key is None or isinstance(key, SecretRef):
        return key or spec.profile.decryption_key
    if isinstance(key, str):
        try:
            return SecretRef.parse(key)
        except ConfigurationError:
            if len(key) != KEY_SIZE:
                raise
    reference = SecretRef("prompt", f"Decryption key {next(_numbers)}")
    remember(reference, key)
    return reference
