"""The fields of a settings class: what is true of each besides its type, and what a value must be, in words."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError

REQUIRED = dataclasses.MISSING
"""The default of a setting that must be given."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is true of a field besides its type; it goes into the field's `Annotated`."""

    help: str = ""
    doc: str = ""  # what the documentation says, where a line of help does not say enough
    metavar: str | None = None
    option: str | tuple[str, ...] | None = None  # None: --the-name-of-the-field; "": no option
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    check: Callable[[Any], Any] | None = None  # returns the value to keep; raises BondstoreError
    wanted: str = ""  # "It must be …", where the type does not say enough
    show_default: bool = True
    internal: bool = False  # set by the program: in no file, option or record

    def fit(self, value: Any) -> Any:
        """Return the value to keep; raises ValueError out of range, and what `check` raises."""
        if value is None:
            return None
        low = (self.at_least is not None and value < self.at_least) or (self.above is not None and value <= self.above)
        if low or (self.at_most is not None and value > self.at_most):
            raise ValueError
        return self.check(value) if self.check is not None else value

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(lambda value: _told(self.fit, value), handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], Any]) -> Any:
        limits = {"minimum": self.at_least, "exclusiveMinimum": self.above, "maximum": self.at_most}
        limits = {name: limit for name, limit in limits.items() if limit is not None}
        return {**handler(schema), **({"description": self.help} if self.help else {}), **limits}


_PLAIN = Setting(option="")


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of a settings class."""

    name: str
    type: Any
    setting: Setting
    default: Any = REQUIRED

    @property
    def options(self) -> tuple[str, ...]:
        """Its names on the command line; none where it has no option."""
        option = self.setting.option
        if option is None:
            option = "--" + self.name.replace("_", "-")
        return tuple(filter(None, (option,) if isinstance(option, str) else option))

    @property
    def wanted(self) -> str:
        """What a value must be, in words."""
        return self.setting.wanted or in_words(self.type, self.setting)


def fields_of(cls: Any) -> tuple[FieldInfo, ...]:
    """Return the fields of a settings class in their order."""
    if cls not in _known:
        hints = typing.get_type_hints(cls, include_extras=True)
        _known[cls] = tuple(
            FieldInfo(one.name, *split(hints[one.name]), _default(one)) for one in dataclasses.fields(cls) if one.init
        )
    return _known[cls]


_known: dict[Any, tuple[FieldInfo, ...]] = {}


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def split(hint: Any) -> tuple[Any, Setting]:
    """Return a type without its annotations, and the `Setting` among them."""
    if typing.get_origin(hint) is not Annotated:
        return hint, _PLAIN
    kind, *notes = typing.get_args(hint)
    return kind, next((one for one in notes if isinstance(one, Setting)), _PLAIN)


def without_none(kind: Any) -> Any:
    """Return X for ``X | None``, any other type as it is."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        inner = [one for one in typing.get_args(kind) if one is not type(None)]
        return split(inner[0])[0] if len(inner) == 1 else kind
    return kind


def choices(kind: Any) -> tuple[str, ...]:
    """Return the words that a Literal or an enum allows; none for another type."""
    if typing.get_origin(kind) is Literal:
        return tuple(str(one) for one in typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(str(one.value) for one in kind)
    return ()


def inner_type(kind: Any, part: str | int) -> Any:
    """Return the type of an entry of a list or of a value of a table."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if is_kind(origin, Mapping):
        return split(inner[1])[0]
    fixed = is_kind(origin, tuple) and inner[-1] is not Ellipsis
    return split(inner[part if fixed and isinstance(part, int) else 0])[0]


def is_kind(origin: Any, kind: type) -> bool:
    """Tell whether the origin of a generic type is a class below another."""
    return isinstance(origin, type) and issubclass(origin, kind)


def in_words(kind: Any, setting: Setting | None = None) -> str:
    """Say what a value of this type must be."""
    kind = without_none(kind)
    if words := choices(kind):
        return "one of " + ", ".join(words)
    if kind in _WORDS:
        return _WORDS[kind] + (_range(setting) if setting else "")
    origin = typing.get_origin(kind)
    if is_kind(origin, Mapping):
        return f"a table, each value {in_words(inner_type(kind, ''))}"
    if is_kind(origin, Sequence):
        return f"a list, each entry {in_words(inner_type(kind, 0))}"
    return "a table" if dataclasses.is_dataclass(kind) else "a value of another kind"


_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    datetime.date: "a date, such as 2024-01-31",
    datetime.datetime: "a date and time, such as 2024-01-31T12:00:00Z",
    SecretRef: "a reference: env:NAME, file:/path, keyring:service/name or prompt:",
}


def _range(setting: Setting) -> str:
    low = f" from {setting.at_least:g}" if setting.at_least is not None else ""
    low = f" above {setting.above:g}" if setting.above is not None else low
    return low + (f" up to {setting.at_most:g}" if setting.at_most is not None else "")


def _told(function: Callable[[Any], Any], value: Any) -> Any:
    """Let our own errors through pydantic, which adds the place where they happened."""
    from pydantic_core import PydanticCustomError

    try:
        return function(value)
    except BondstoreError as error:
        # neither text holds a value: that is so of every BondstoreError
        told = PydanticCustomError("bondstore", "refused", {"message": error.message, "hint": error.hint})
    except ValueError:
        told = PydanticCustomError("range", "out of range")
    raise told
