"""The kinds of data there are: the folders here, and what other packages bring."""

from __future__ import annotations

import pkgutil
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bondstore.errors import ConfigurationError, NotFoundError, UsageError
from bondstore.runs.domain import Domain, load
from bondstore.vault import VAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.access.grants import Scope

GROUP = "bondstore.domains"


@cache
def own_domains() -> Mapping[str, Domain]:
    """Return the domains of Bondstore itself, by name."""
    modules = (import_module(f"{__name__}.{one.name}") for one in pkgutil.iter_modules(__path__) if one.ispkg)
    # A folder without one yet brings no command: the others are not to fail for it.
    return {one.name: one for one in (getattr(module, "DOMAIN", None) for module in modules) if one is not None}


@cache
def all_domains() -> Mapping[str, Domain]:
    """Return these and those of other packages. One that is broken is there without commands, and says so."""
    found = dict(own_domains())
    if _are_others_installed():
        from importlib.metadata import entry_points

        for point in entry_points(group=GROUP):
            if point.name not in found:
                found[point.name] = _loaded(point)
    return found


def _are_others_installed() -> bool:
    """Whether any package names the entry point: importlib.metadata takes 0.1 s to load, and mostly there is none."""
    for folder in sys.path:
        for file in Path(folder or ".").glob("*.dist-info/entry_points.txt"):
            if GROUP.encode() in file.read_bytes():
                return True
    return False


def find_domain(name: str) -> Domain | None:
    """Return a domain by its name."""
    return own_domains().get(name) or all_domains().get(name)


def domain_of(params: Mapping[str, Any]) -> Domain | None:
    """Return the domain of a recorded run; the vault's are nobody's, and done in the same way."""
    name = str(params.get("job", "")).partition(".")[0]
    return VAULT if name == VAULT.name else find_domain(name)


def inspectors() -> dict[str, Any]:
    """Return what reads the flags in released files, by the end of their names."""
    found: dict[str, Any] = {}
    for domain in all_domains().values():
        if domain.inspectors:
            found |= load(domain.inspectors)
    return found


def is_by_product(path: str) -> bool:
    """Whether a command of any domain wrote this without a release record, as it should be."""
    return any(load(one.by_product)(path) for one in all_domains().values() if one.by_product)


def private_prefixes(opened: Sequence[str]) -> list[str]:
    """Return, of key prefixes that a policy opens, those at or below them that are nobody's data in any domain."""
    return [prefix for one in all_domains().values() if one.private for prefix in load(one.private)(opened)]


def scope_of(kind: str, study: str, participants: Sequence[str], also: Sequence[str]) -> Scope:
    """Return the prefixes of a study, or of some of its participants, as its domain knows them."""
    domain = find_domain(kind)
    if domain is None or not domain.scope:
        raise NotFoundError(f"No policies are made for {kind}.", hint="Write beiwe, or name prefixes with --prefix.")
    found: Scope = load(domain.scope)(study, tuple(dict.fromkeys(participants)), also)
    return found


def scope_of_prefixes(prefixes: Sequence[str]) -> Scope:
    """Return prefixes as they are named; what is nobody's data below them stays closed, unless it is named too."""
    if "" in prefixes:
        raise UsageError("A prefix is empty: it would open the whole bucket.", hint="Write --prefix PREFIX/")
    if urls := [one for one in prefixes if "://" in one]:
        raise UsageError(f"{urls[0]} is a URL, not a prefix.", hint="Write --store s3://BUCKET --prefix PREFIX/")
    from bondstore.access.grants import Scope, Share

    closed = [one for one in private_prefixes(prefixes) if not any(each.startswith(one) for each in prefixes)]
    return Scope([Share(one, (one,)) for one in dict.fromkeys(prefixes)], tuple(closed))


def broken(domain: Domain) -> ConfigurationError:
    """Return the error for a domain of another package that could not be loaded."""
    return ConfigurationError(
        f"The domain {domain.name} cannot be used. {domain.help}",
        hint="Upgrade or remove the package that brings it; see: pip list",
    )


def _loaded(point: Any) -> Domain:
    try:
        domain = point.load()
    except Exception as error:  # noqa: BLE001 - somebody else's code: the others must go on
        return Domain(point.name, f"It could not be loaded ({type(error).__name__}).", {}, "")
    if not isinstance(domain, Domain) or domain.name != point.name:
        return Domain(point.name, f"{point.value} is no domain of this name.", {}, "")
    return domain


def commands(domain: Domain) -> Iterator[tuple[str, str]]:
    """Yield a domain's commands as words."""
    for verb in domain.commands:
        yield domain.name, verb
