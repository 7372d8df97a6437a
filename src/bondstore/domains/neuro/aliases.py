"""Names for files that say nothing of their own: the keys of recordings often hold their patients' names."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bondstore.domains.neuro.kinds import Kind, kind_of


@dataclass(frozen=True, slots=True)
class Aliases:
    """Gives each key an alias, the same one whenever the secret is the same; without it nobody can try names out."""

    secret: bytes = field(repr=False)

    def of(self, key: str) -> str:
        """Return the alias of a key: 32 hex digits, and the ending where that is a known one."""
        digest = hmac.digest(self.secret, key.encode("utf-8", "surrogateescape"), hashlib.sha256).hex()[:32]
        return f"{digest}{PurePosixPath(key).suffix.lower()}" if kind_of(key) is not Kind.UNKNOWN else digest
