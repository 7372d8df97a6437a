"""Store addresses such as ``s3://bucket/prefix``, and what a kind of store has to say for itself.

A kind is one module or folder under `bondstore.stores.kinds`, named after its scheme. It registers itself when it is
imported, which is when an address first asks for it. Nothing else in the house names a kind.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from bondstore.config.profiles import StoreSpec, store_schemes
from bondstore.config.resolve import resolve_dest, resolve_source, with_url
from bondstore.errors import UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from bondstore.config.profiles import Profile
    from bondstore.stores.retry import RetryRule

# What a client is for decides how it waits.
#   read:  tries again by itself for a few seconds only; the rest is spent in Python, where Ctrl-C is heard.
#   list:  has all the patience, because only it knows the token of the next page.
#   write: the same, since a stream of parts cannot be played twice; one part may take long over a slow line.
#   once:  never tries again by itself: a conditional put that did go through would then find itself in the way.
#   odd:   reads and lists keys that are `is_odd`, where the kind can have them; never tries again by itself.
#   archive: asks how objects stand (`standing`) and for archived ones (`ask`), where the kind has storage classes.
#   parts: an `uploads.PartsClient`, where the kind has one; never tries again by itself.
Role = Literal["read", "list", "write", "once", "odd", "archive", "parts"]

Client: TypeAlias = Any
"""One of obstore's stores, or what has their methods `get`, `head`, `list`, `list_with_delimiter`, `put`, `copy`,
`rename` and `delete`, as far as its role needs them; they raise obstore's errors, or our own."""

_NAME = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]*", re.ASCII)  # old buckets have capitals and _; $ is Azure's $web
_ODD = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)|[\x00-\x1f\x7f]")
_KINDS = "bondstore.stores.kinds"


@dataclass(frozen=True, slots=True)
class Address:
    """A store's address, taken apart."""

    kind: str
    place: str  # bucket, container, absolute folder or name
    prefix: str = ""  # what all its keys start with; without slashes at its ends

    @property
    def store_kind(self) -> StoreKind:
        """What is special to this kind of store."""
        return kind_of(self.kind)

    @property
    def url(self) -> str:
        """The address written in one way only."""
        return self.store_kind.url(self)

    @property
    def is_remote(self) -> bool:
        """Whether the store is reached over a network."""
        return self.store_kind.is_remote

    @property
    def folder(self) -> Path | None:
        """The folder that holds the objects as files; None where the store is no folder."""
        return self.store_kind.folder(self)

    @property
    def parts(self) -> tuple[str, ...]:
        """Steps from the outermost place inwards: of two stores of a kind one lies in the other by these."""
        return self.store_kind.parts(self)

    def endpoint(self, profile: Profile) -> str:
        """Return the URL that requests go to, without the bucket in the path; empty for a store on this machine."""
        return self.store_kind.endpoint(self, profile)

    def host(self, profile: Profile) -> str:
        """Return the host that requests go to."""
        return urlsplit(self.endpoint(profile)).hostname or ""


@dataclass(frozen=True, slots=True)
class CredentialsFound:
    """Where credentials for a store are, or what is missing."""

    message: str
    setting: str = ""  # the options of `profile add` that bring them; empty where nothing is missing
    in_doubt: bool = False  # they are missing, and the store may be usable all the same


class StoreKind:
    """All that is special to one kind of store."""

    schemes: tuple[str, ...]
    """The first is the kind's name and its module's."""
    example: str
    rank: int = 9
    """Where its example stands in a hint that names all kinds."""
    holder: str = "bucket"
    """What its places are called."""
    is_remote: bool = True
    is_lasting: bool = True
    """What is put there is there when the program has ended."""
    speaks_s3: bool = False
    """Has S3's access keys, checksum modes, and buckets in host names; its buckets can be listed."""
    has_odd_keys: bool = False
    """Keys that are `is_odd` are possible, and a client of the role ``odd`` reads them."""
    has_parts: bool = False
    """Uploads in parts can be resumed, by a client of the role ``parts``."""
    copies_parts: bool = False
    """A part of an upload can be taken from an object that is there, within the store."""
    is_exact: bool = False
    """Its listing gives every key as it is: none folded onto another one, none left out."""
    renames: bool = False
    """An object gets another key in one step."""
    ignores_offset: bool = False
    """A listing that should start behind a key may start at the front."""
    may_encrypt: bool = False
    """An ETag that looks like an MD5 may be none, and a client of the role ``odd`` can ask (`is_opaque`)."""
    has_classes: bool = False
    """Its objects have storage classes, and a client of the role ``archive`` knows of those that are archived."""
    hides_objects: bool = False
    """Who has no permission is told that there is no such object."""

    @property
    def name(self) -> str:
        """The scheme of its addresses, as we write them."""
        return self.schemes[0]

    def parse(self, url: str) -> Address:
        """Take an address apart; a prefix is taken as it stands, nothing in it is percent-decoded."""
        scheme, _, rest = url.partition("://")
        place, _, prefix = rest.partition("/")
        prefix = prefix.strip("/")
        if not _NAME.fullmatch(place):
            raise UsageError(f"{scheme.lower()}:// needs a {self.holder} name.", hint=_hint())
        if prefix and is_odd(prefix):
            raise UsageError("A store's prefix has an empty, '.' or '..' part.", hint=_hint())
        return Address(self.name, place, prefix)

    def client(self, address: Address, profile: Profile, rule: RetryRule, role: Role) -> Client:
        """Open a client; raises what is wrong with the profile, and makes no connection."""
        raise NotImplementedError

    def resumes(self, profile: Profile) -> bool:  # noqa: ARG002 - kinds differ
        """Whether uploads in parts can be resumed with a profile's credentials."""
        return self.has_parts

    def url(self, address: Address) -> str:
        """See `Address.url`."""
        return f"{self.name}://{address.place}" + (f"/{address.prefix}" if address.prefix else "")

    def folder(self, address: Address) -> Path | None:  # noqa: ARG002 - kinds differ
        """See `Address.folder`."""
        return None

    def parts(self, address: Address) -> tuple[str, ...]:
        """See `Address.parts`."""
        return (address.place, *(address.prefix.split("/") if address.prefix else ()))

    def endpoint(self, address: Address, profile: Profile) -> str:  # noqa: ARG002 - kinds differ
        """See `Address.endpoint`."""
        return ""

    def front(self, address: Address, profile: Profile) -> str:
        """Return the URL of the place itself, which an unsigned request may ask for."""
        return f"{self.endpoint(address, profile)}/{address.place}"

    def authorities(self, profile: Profile) -> str | None:  # noqa: ARG002 - kinds differ
        """Return the file of authorities to trust besides the system's."""
        return None

    def is_ordered(self, profile: Profile) -> bool:  # noqa: ARG002 - kinds differ
        """Say whether listings follow the bytes of the keys, so that they can be taken up behind any key."""
        return False

    def has_md5(self, address: Address) -> bool:  # noqa: ARG002 - kinds differ
        """Say whether an ETag of 32 hexadecimal digits is the MD5 of the content."""
        return True

    def clear_unfinished(self, address: Address, is_ours: Callable[[str], bool]) -> list[str]:  # noqa: ARG002
        """Remove what killed writers left of objects that `is_ours` names, where others can see it; return their keys.

        Of an upload that is not completed S3 and Azure show nobody anything.
        """
        return []

    def replacing(self, address: Address) -> AbstractContextManager[None] | None:  # noqa: ARG002 - kinds differ
        """Return a lock for who replaces an object unless it changed; None where the store itself sees to that."""
        return None

    def check_way(self, address: Address, key: str) -> None:
        """Refuse to write or remove an object where a symbolic link leads out of the store."""

    def find_credentials(self, profile: Profile) -> CredentialsFound:  # noqa: ARG002 - kinds differ
        """Tell where the credentials for a store of this kind are, without showing any."""
        return CredentialsFound(f"A {self.name}:// store needs none.")


_registered: dict[str, StoreKind] = {}


def register(kind: StoreKind) -> None:
    """Make a kind known by its schemes."""
    _registered.update(dict.fromkeys(kind.schemes, kind))


def kind_of(scheme: str) -> StoreKind:
    """Return the kind with a scheme; raises `UsageError` when there is none."""
    if scheme not in _registered and scheme in store_schemes():
        import_module(f"{_KINDS}.{scheme}")
    if scheme not in _registered:  # perhaps another name of one that is not loaded yet
        all_kinds()
    if scheme not in _registered:
        raise UsageError(f"Stores of kind {scheme}:// are not known.", hint=_hint())
    return _registered[scheme]


def all_kinds() -> list[StoreKind]:
    """Load all kinds and return them, those that people use most first."""
    for scheme in store_schemes():
        import_module(f"{_KINDS}.{scheme}")
    return sorted(set(_registered.values()), key=lambda kind: (kind.rank, kind.name))


def parse_address(url: str) -> Address:
    """Take a store address apart; raises `UsageError` for what is none."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise UsageError(f"{url!r} is no store address.", hint=_hint())
    return kind_of(scheme.lower()).parse(url)


def is_odd(key: str) -> bool:
    """Say whether a key has empty, ``.`` or ``..`` parts or control characters: obstore cannot address it."""
    return _ODD.search(key) is not None


def impossible(key: str) -> UsageError:
    """Return the error for a key that leaves the store, or that some stores fold onto another one."""
    return UsageError(
        f"{key!r} is no possible key.", hint="Keys have no empty, '.' or '..' parts and no control characters."
    )


def _hint() -> str:
    examples = [kind.example for kind in all_kinds() if kind.is_lasting]
    return f"Write {', '.join(examples[:-1])} or {examples[-1]}."


def store_spec(store: str | os.PathLike[str] | StoreSpec | None, profile: str | Profile | None = None) -> StoreSpec:
    """Find a source, a store or a folder by its path; its address is written in one way only, as records hang on it."""
    return _plain(store if isinstance(store, StoreSpec) else resolve_source(store, profile))


def dest_spec(
    dest: str | os.PathLike[str] | StoreSpec,
    profile: str | Profile | None = None,
    *,
    group: str | None = None,
    follow_links: bool = False,
) -> StoreSpec:
    """Find a destination, a store or a folder by its path; its address is written in one way only.

    Of a folder `group` says who may read it besides its owner, in place of what the profile says (an empty text:
    nobody), and `follow_links` whether it may be a symbolic link, or hold some that results go through.
    """
    spec = _plain(dest if isinstance(dest, StoreSpec) else resolve_dest(dest, profile))
    if group is None and not follow_links:
        return spec
    if parse_address(spec.url).folder is None:
        option = "--follow-links" if group is None else "--group"
        raise UsageError(f"{option} is for folders, and {spec.url} is a store.", hint=f"Leave {option} out.")
    group = spec.profile.group if group is None else group
    return replace(spec, profile=replace(spec.profile, group=group or None), follow_links=follow_links)


def _plain(spec: StoreSpec) -> StoreSpec:
    return with_url(spec, parse_address(spec.url).url)
