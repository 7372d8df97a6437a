"""One settings model. Options, TOML files, recorded runs and the documentation come from one frozen dataclass.

::

    @dataclass(frozen=True, slots=True)
    class PlotSettings:
        colours: Annotated[Literal["plain", "cvd"], Setting("Colours of the lines.")] = "plain"
        rate: Annotated[float, Setting("Plots a second at most.", metavar="N", above=0)] = 1.0
        only: Annotated[tuple[str, ...], Setting("Only this platform; may be repeated.", option="--platform")] = ()

    settings = read_settings(PlotSettings, path, option="--settings")  # a TOML file
    settings = from_toml(PlotSettings, text, where="The plot settings")  # TOML text
    settings = from_mapping(PlotSettings, table, where=str(path))  # tables put together, see `read_toml`
    params = to_json(settings)  # what a run records …
    settings = from_json(PlotSettings, params)  # … and the same settings again

Fields are text, numbers, switches, dates, `Path`, `Literal`, enums, `SecretRef`, tuples, mappings, other such
dataclasses, or one of these or None; import their types at run time, not under TYPE_CHECKING. A rule for one field is
its `Setting.check`, one for several goes into ``__post_init__`` and raises `UsageError`. Files are read strictly
(``"5"`` is no number, an unknown name is refused), and errors name the place and the field and never repeat a value.
`bondstore.cli.from_model` makes options of the fields. Pydantic is loaded only where settings are read or recorded: to
define, make or pickle them does without.
"""

from __future__ import annotations

import datetime
import json
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from bondstore.config.fields import REQUIRED, FieldInfo, Setting, fields_of
from bondstore.config.invalid import in_our_words, unknown
from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError, ConfigurationError, NotFoundError, UsageError

__all__ = [
    "REQUIRED",
    "FieldInfo",
    "Setting",
    "fields_of",
    "from_json",
    "from_mapping",
    "from_options",
    "from_toml",
    "json_schema",
    "parse_toml",
    "read_settings",
    "read_toml",
    "to_json",
]

T = TypeVar("T")
_RULES = {"strict": True, "extra": "forbid", "hide_input_in_errors": True, "allow_inf_nan": False}


def to_json(settings: Any) -> dict[str, Any]:
    """Return settings as JSON holds them; `from_json` makes the same settings of them."""
    from pydantic_core import PydanticSerializationError

    cls = type(settings)
    internal = {one.name for one in fields_of(cls) if one.setting.internal}
    try:
        record = _adapter(cls).dump_python(settings, mode="json", exclude=internal, warnings="error")
        json.dumps(record, ensure_ascii=False, allow_nan=False).encode()
    except (PydanticSerializationError, ValueError):
        record = None  # raised below, outside: what pydantic says repeats the value
    if record is None:
        raise UsageError(
            f"{cls.__name__} holds a value that cannot be recorded.", hint="Check the kinds of its values."
        )
    return cast("dict[str, Any]", record)


def from_json(cls: type[T], record: Mapping[str, Any], *, where: str = "The recorded settings") -> T:
    """Return the settings that `to_json` recorded."""
    return from_mapping(cls, record, where=where)


def from_toml(cls: type[T], text: str, *, where: str, base: Path | None = None) -> T:
    """Read settings from TOML text; raises `ConfigurationError`."""
    return from_mapping(cls, parse_toml(text, where), where=where, base=base)


def read_settings(cls: type[T], path: Path, *, option: str) -> T:
    """Read settings from a TOML file that an option names; raises `NotFoundError` and `ConfigurationError`."""
    return from_mapping(cls, read_toml(path, option), where=str(path), base=path.parent)


def from_mapping(cls: type[T], given: Mapping[str, Any], *, where: str, base: Path | None = None) -> T:
    """Check a table as JSON or TOML gives it, and build the settings; raises `ConfigurationError`.

    Relative paths of secrets start at `base`.
    """
    try:
        # by way of JSON, whose strict rules are those of a file: a list becomes a tuple, a text a date or a path,
        # but no text a number; TOML's own dates are written as text first
        document = json.dumps(dict(given), default=_as_text)
    except (TypeError, ValueError):
        document = "?"
    return _built(cls, given, where, lambda adapter: adapter.validate_json(document, context={"base": base}))


def from_options(cls: type[T], given: Mapping[str, Any]) -> T:
    """Check values that a command line has parsed; what is None was not given. Raises `UsageError`."""
    said = {name: value for name, value in given.items() if value is not None}
    try:
        return _built(cls, said, "", lambda adapter: adapter.validate_python(said, strict=False))
    except ConfigurationError as error:
        wrong = UsageError(error.message, hint=error.hint)
    raise wrong


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Read TOML; the error names the line and not what stands there."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        _, _, position = str(error).rpartition("(at ")  # the rest of the parser's message may repeat a value
    place = f" (at {position}" if position.startswith(("line", "end")) else ""
    raise ConfigurationError(f"{where} is not valid TOML{place}.", hint='Every line is [table] or name = "value".')


def read_toml(path: Path, option: str) -> dict[str, Any]:
    """Read a TOML file that an option names, unchecked, to be put together with other settings."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.", hint=f"Check the path behind {option}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not valid TOML.", hint="Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).", hint="Check who may read it.") from None
    return parse_toml(text, str(path))


def json_schema(cls: type) -> dict[str, Any]:
    """Return the JSON schema of a settings class, with the help as descriptions."""
    return cast("dict[str, Any]", _adapter(cls).json_schema())


def _built(cls: type[T], given: Mapping[str, Any], where: str, build: Callable[[Any], T]) -> T:
    from pydantic_core import ValidationError

    known = [one.name for one in fields_of(cls) if not one.setting.internal]
    for name in given:
        if name not in known:
            raise unknown(str(name), known, where)
    try:
        return build(_adapter(cls))
    except ValidationError as error:
        problems: list[Any] = error.errors(include_url=False, include_input=False)
        # a name that nobody knows comes first: it is often why another is missing
        problem = min(problems, key=lambda one: one["type"] != "unexpected_keyword_argument")
        wrong = in_our_words(cls, problem, where)
    except BondstoreError as error:  # from __post_init__
        wrong = ConfigurationError(f"{where}: {error.message}" if where else error.message, hint=error.hint)
    raise wrong  # outside of the handler, so that a traceback does not show what pydantic caught


_adapters: dict[type, Any] = {}


def _adapter(cls: Any) -> Any:
    if cls not in _adapters:
        from pydantic import TypeAdapter

        if "__pydantic_config__" not in vars(cls):
            cls.__pydantic_config__ = _RULES  # dataclasses inside follow it
        with _no_plugins():
            _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


@contextmanager
def _no_plugins() -> Iterator[None]:
    """Keep pydantic from searching every installed package for plugins, and from handing them our values."""
    before = os.environ.get("PYDANTIC_DISABLE_PLUGINS")
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYDANTIC_DISABLE_PLUGINS"]
        else:
            os.environ["PYDANTIC_DISABLE_PLUGINS"] = before


def _as_text(value: object) -> str:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (Path, SecretRef)):
        return str(value)
    raise TypeError
