"""What pydantic found wrong with settings, as our errors: they name place and field, and never the value."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from bondstore.config.fields import FieldInfo, fields_of, inner_type, is_kind, without_none
from bondstore.errors import BondstoreError, ConfigurationError

_SHOWN = 24  # signs of a name that an error repeats: a pasted secret may stand where a name belongs
_DESCRIBED = {"access_key": "LAB_KEY_ID", "decryption_key": "STUDY_KEY"}


def unknown(name: str, known: Sequence[str], where: str) -> ConfigurationError:
    """Return the error for an unknown setting; it names the nearest known one."""
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    hint = f"Did you mean {nearest[0]}?" if nearest else "Known: " + ", ".join(sorted(known)) + "."
    return ConfigurationError(f"{where}: there is no setting {name[:_SHOWN]!r}.", hint=hint)


def literal_secret(name: str, where: str) -> ConfigurationError:
    """Return the error for a secret that is given itself, in place of a reference."""
    variable = _DESCRIBED.get(name, f"LAB_{name.upper()}")
    return ConfigurationError(
        _joined(where, f"{name} holds the secret itself; secrets are only given by reference."),
        hint=f'Write {name} = "env:{variable}", or "file:/path" (mode 0600), "keyring:service/name" or "prompt:".',
    )


def in_our_words(cls: type, problem: Mapping[str, Any], where: str) -> ConfigurationError:
    """Return the error for one of pydantic's; without a place, fields go by their options."""
    kind, context = str(problem["type"]), problem.get("ctx", {})
    place = list(problem["loc"])
    last = place.pop() if kind == "unexpected_keyword_argument" else None
    owner, info, path = _located(cls, place, by_option=not where)
    inside = _joined(where, path)
    ours = context.get("error")
    if last is not None:
        told = unknown(str(last), [one.name for one in fields_of(owner)], inside)
    elif isinstance(ours, BondstoreError):  # from __post_init__
        told = ConfigurationError(_joined(inside, ours.message), hint=ours.hint)
    elif kind == "bondstore":
        told = ConfigurationError(_joined(inside, context["message"]), hint=context["hint"])
    elif kind == "literal-secret":
        told = literal_secret(path, where)
    elif info is None:
        told = ConfigurationError(_joined(where, "something in it cannot be."), hint="Check its names and values.")
    else:
        what = "is not set" if kind in ("missing", "missing_argument") else "has a wrong value"
        told = ConfigurationError(f"{inside} {what}.", hint=f"It must be {info.wanted}.")
    return told


def _joined(*parts: str) -> str:
    return ": ".join(filter(None, parts))


def _located(cls: type, place: Sequence[str | int], *, by_option: bool) -> tuple[Any, FieldInfo | None, str]:
    """Return the settings class, the field and its name in words, for pydantic's list of names and numbers."""
    owner, kind, path = cls, without_none(cls), ""
    info: FieldInfo | None = None
    for part in place:
        if dataclasses.is_dataclass(kind):
            info = next((one for one in fields_of(kind) if one.name == part), None)
            if info is None:
                break
            name = info.options[0] if by_option and info.options and not path else info.name
            path += f".{name}" if path else name
            kind = without_none(info.type)
        elif is_kind(typing.get_origin(kind), Mapping):
            path += f".{str(part)[:_SHOWN]}"
            kind = without_none(inner_type(kind, part))
        elif is_kind(typing.get_origin(kind), Sequence) and isinstance(part, int):
            path += f"[{part}]"
            kind = without_none(inner_type(kind, part))
        if dataclasses.is_dataclass(kind):
            owner = kind  # type: ignore[assignment]
    return owner, info, path
