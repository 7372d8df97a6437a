"""Where a study lies, and what opens it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bondstore.config.resolve import resolve_key
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.key import opener
from bondstore.stores import Store

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.domains.beiwe.decode import Opener


@dataclass(frozen=True)
class StudySource:
    """Where a study lies, and what opens it."""

    store: Store
    id: str
    key: SecretRef | None = None
    settings: str | Profile | None = field(default=None, repr=False, compare=False)
    # what a destination is opened with where no profile is named for it: a name, as which settings hold depends on the
    # kind of store, or those that were handed over

    def _needed_key(self) -> SecretRef:
        return self.key or resolve_key(None, self.store.spec.profile)

    def _opener(self) -> Opener:
        return opener(self._needed_key())
