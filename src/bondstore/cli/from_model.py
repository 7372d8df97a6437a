"""Options of a command made of a settings class: ``@with_settings`` on a command with a parameter of that class.

::

    @with_settings
    def command(source: Annotated[str, typer.Argument()], *, settings: SyncSettings, json: options.Json = False): ...

The options of `SyncSettings` stand where ``settings`` does, and the command is handed the settings, built and checked.
A parameter ``given: Annotated[dict[str, Any], Partly(Profile)]`` is handed only what was said, checked the same way.
Options that several commands take together are the fields of a `Bundle`, which is a parameter in the same way;
``Annotated[StudyOptions, Without("key")]`` leaves some out.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints, overload

import typer

from bondstore.cli import options
from bondstore.config.fields import REQUIRED, FieldInfo, choices, fields_of, inner_type, is_kind, without_none
from bondstore.config.model import from_options
from bondstore.config.secrets import SecretRef

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Partly:
    """Marks a parameter that takes only those settings of a class that were said, by their names."""

    model: type


@dataclass(frozen=True, slots=True)
class Bundle:
    """The base of frozen dataclasses whose fields are options, as in `bondstore.cli.options`."""


class Without(frozenset[str]):
    """Marks a parameter that is a `Bundle`: its options of these names are left out."""

    def __new__(cls, *names: str) -> Without:
        """Take the names one by one."""
        return super().__new__(cls, names)


@overload
def with_settings(command: Command) -> Command: ...
@overload
def with_settings(*, order: Sequence[str]) -> Callable[[Command], Command]: ...


def with_settings(command: Command | None = None, *, order: Sequence[str] = ()) -> Any:
    """Give a command the options of the settings classes among its parameters.

    `order` names parameters that come first in the help, where their order is another than that of the signature.
    """
    if command is None:
        return functools.partial(_with_settings, order=order)
    return _with_settings(command, order=order)


def _with_settings(command: Command, *, order: Sequence[str]) -> Command:
    models: dict[str, tuple[type, bool]] = {}
    bundles: dict[str, tuple[type, list[str]]] = {}
    found: list[inspect.Parameter] = []
    for one in inspect.signature(command, eval_str=True).parameters.values():
        model, partly, without = _model_of(one.annotation)
        if model is None:
            found.append(one)
        elif issubclass(model, Bundle):
            inside = [option for option in _bundled(model) if option.name not in without]
            bundles[one.name] = (model, [option.name for option in inside])
            found += inside
        else:
            models[one.name] = (model, partly)
            found += settings_options(model, partly=partly)
    place = {name: number for number, name in enumerate(order)}
    free = [one for one in found if one.kind is inspect.Parameter.KEYWORD_ONLY]
    fixed = [one for one in found if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    found = [*fixed, *sorted(free, key=lambda one: place.get(one.name, len(place)))]

    def run(**values: Any) -> Any:
        for name, (model, partly) in models.items():
            names = [one.name for one in fields_of(model) if one.options]
            said = {one: values[one] for one in names if values[one] is not None}
            built: Any = from_options(model, said)
            values = {one: value for one, value in values.items() if one not in names}
            values[name] = {one: getattr(built, one) for one in said} if partly else built
        for name, (bundle, names) in bundles.items():
            values[name] = bundle(**{one: values.pop(one) for one in names})
        return command(**values)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__signature__ = inspect.Signature(found)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in found}
    return run


def settings_options(cls: type, *, partly: bool = False) -> tuple[inspect.Parameter, ...]:
    """Return a parameter for typer for each field that has an option; `partly` makes each one None when not given."""
    return tuple(_parameter(one, partly=partly) for one in fields_of(cls) if one.options)


def _parameter(field: FieldInfo, *, partly: bool) -> inspect.Parameter:
    setting, kind = field.setting, without_none(field.type)
    several = is_kind(get_origin(kind), Sequence)
    kind = without_none(inner_type(kind, 0)) if several else kind
    words = choices(kind)
    default = None if partly or field.default == () else field.default
    shape: dict[str, Any] = {
        "metavar": setting.metavar or "|".join(words) or None,
        "help": setting.help,
        "show_default": setting.show_default,
        "parser": _PARSERS.get(kind),
    }
    if kind in (int, float):
        shape |= {"min": setting.at_least, "max": setting.at_most}
    # a word that is none of the choices is refused with the other values, in our words
    kind = str if words else kind
    kind = list[kind] if several else kind  # type: ignore[valid-type]
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is REQUIRED else _plain(default),
        annotation=Annotated[kind | None if default is None else kind, typer.Option(*field.options, **shape)],
    )


def _day(text: str | datetime.date) -> datetime.date:
    try:
        return text if isinstance(text, datetime.date) else datetime.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("Write a date as 2024-01-31.") from None


_PARSERS: Mapping[Any, Callable[[Any], Any]] = {
    SecretRef: options.secret_reference,
    datetime.datetime: options.moment,
    datetime.date: _day,
}


def _plain(default: Any) -> Any:
    """Return a default as typer can show it."""
    if isinstance(default, enum.Enum):
        return default.value
    return list(default) if isinstance(default, (tuple, list)) else default


def _bundled(cls: type) -> list[inspect.Parameter]:
    hints = get_type_hints(cls, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(one.name, kind, default=one.default, annotation=hints[one.name])
        for one in dataclasses.fields(cls)
    ]


def _model_of(annotation: Any) -> tuple[type | None, bool, frozenset[str]]:
    """Return the class whose fields are options, whether only what was said is wanted, and which are left out."""
    kind, *notes = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    if model := next((one.model for one in notes if isinstance(one, Partly)), None):
        return model, True, frozenset()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return kind, False, next((one for one in notes if isinstance(one, Without)), frozenset())
    return None, False, frozenset()
